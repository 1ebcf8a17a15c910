"""`python -m inference.rollback`: the bundle that was published before the current one is current again."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from feature_pipeline.artefact import find_current, set_current
from feature_pipeline.config import Strict, read_section
from feature_pipeline.entry import run
from feature_pipeline.errors import UserError
from inference.published import list_published
from training_pipeline.bundle import open_bundle


class RollbackConfig(Strict):
    """Where to roll back to.

    Attributes:
        bundle: an id; by default the newest one published before the current one.
    """

    bundle: str | None


def main(config: DictConfig) -> None:
    """Checks the bundle that is rolled back to, and lets `current` name it."""
    asked = read_section(RollbackConfig, OmegaConf.create({"bundle": config.bundle}), "")
    bundles = Path(config.artifacts) / config.dataset.name / "bundles"
    current = find_current(bundles, f"run make train DATASET={config.dataset.name} first")
    chosen = find_earlier(bundles, current) if asked.bundle is None else bundles / asked.bundle
    open_bundle(chosen)
    set_current(bundles, chosen.name)
    print(f"current: {current.name} -> {chosen.name}")


def find_earlier(bundles: Path, current: Path) -> Path:
    """The newest bundle published before the current one.

    Raises:
        UserError: there is none.
    """
    published = list_published(bundles)
    earlier = published[published.index(current) + 1 :]
    if not earlier:
        known = ", ".join(place.name for place in published)
        raise UserError(
            f"{bundles}: expected a bundle published before {current.name}, found none. There are, newest "
            f"first: {known}. Remedy: name one by bundle=ID"
        )
    return earlier[0]


if __name__ == "__main__":
    run(main, "rollback")
