"""`python -m inference.form`: asks people what they like, on a page of their browser."""

from omegaconf import DictConfig

from feature_pipeline.entry import run
from feature_pipeline.store import open_current_store
from inference.form.answer_log import AnswerLog
from inference.form.config import hand_over, read_settings
from inference.form.running import become_app, find_port


def main(config: DictConfig) -> None:
    """Checks all that the page needs, and becomes Streamlit's process, which runs until it is stopped."""
    settings = read_settings(config)
    open_current_store(settings.artifacts, settings.dataset)
    log = AnswerLog(settings.form.answers)
    log.register(settings.form.study, settings.form.show)
    log.close()
    port = find_port(settings.form.port)
    hand_over(settings)
    become_app(port)


if __name__ == "__main__":
    run(main, "form")
