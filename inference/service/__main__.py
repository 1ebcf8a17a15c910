"""`python -m inference.service`: answers HTTP requests from the current bundle."""

from omegaconf import DictConfig

from feature_pipeline.artefact import find_current
from feature_pipeline.entry import run
from inference.service.config import hand_over, read_settings
from inference.service.supervisor import serve


def main(config: DictConfig) -> None:
    """Starts the processes that answer, and waits until they are told to stop."""
    settings = read_settings(config)
    find_current(settings.bundles, f"run make train DATASET={settings.dataset} first")
    hand_over(settings)
    serve(settings.serve)


if __name__ == "__main__":
    run(main, "serve")
