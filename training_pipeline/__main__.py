"""`python -m training_pipeline`: feature store -> evaluated model bundle; with `-m`, a sweep."""

from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from feature_pipeline.entry import run
from training_pipeline.sweep import run_job
from training_pipeline.train import train


def main(config: DictConfig) -> float | None:
    """Trains and publishes; a sweep's job returns the objective, validation NDCG@10."""
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return run_job(config)
    place = Path(HydraConfig.get().runtime.output_dir)
    if bundle := train(config, place):
        print(f"\n{bundle.path / 'report.html'}")
    return None


if __name__ == "__main__":
    run(main, "train")
