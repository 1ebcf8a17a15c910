"""`python -m inference.form`: asks people what they like, on a page of their browser."""

from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.entry import run
from feature_pipeline.store import open_current_store
from inference.form.answer_log import AnswerLog
from inference.form.config import hand_over, read_settings
from inference.streamlit_server import serve

HOST = "127.0.0.1"
_APP = Path(__file__).with_name("app.py")
_COLOURS = {
    "theme.primaryColor": "#33566b",
    "theme.textColor": "#20262b",
    "theme.backgroundColor": "#f7f6f3",
    "theme.secondaryBackgroundColor": "#ffffff",
}


def main(config: DictConfig) -> None:
    """Checks all that the page needs, and shows it until it is told to stop."""
    settings = read_settings(config)
    open_current_store(settings.artifacts, settings.dataset)
    log = AnswerLog(settings.form.answers)
    log.register(settings.form.study, settings.form.show)
    log.close()
    hand_over(settings)
    serve(_APP, HOST, settings.form.port, _COLOURS)


if __name__ == "__main__":
    run(main, "form")
