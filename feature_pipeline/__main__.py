"""`python -m feature_pipeline`: raw files -> feature store."""

from omegaconf import DictConfig

from feature_pipeline.build import build_features
from feature_pipeline.entry import run


def main(config: DictConfig) -> None:
    """Builds the feature store and prints where it lies."""
    print(build_features(config).path)


if __name__ == "__main__":
    run(main, "features")
