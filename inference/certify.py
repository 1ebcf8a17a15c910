"""`python -m inference.certify`: does serving give what was evaluated? Prints the certificate as JSON.

Some users are served, and replayed by training's own code: they must get the same candidates, and every
retrieval score and ranking score must be the same within `parity.TOLERANCE`. By default the recommender
itself serves them, with `url=` a running service. `make train` runs this on each bundle before it is
published, and publishes none that fails.
"""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.entry import run
from inference.config import read_engine
from inference.parity import Serve, choose_users, measure_parity
from inference.recommender import Recommender
from inference.served import name_bundle, recommend_by
from training_pipeline.bundle import Bundle, open_bundle, open_current_bundle


def main(config: DictConfig) -> None:
    """Prints the certificate, or fails."""
    bundle = _open(config)
    print(f"certify {bundle.id}", file=sys.stderr)
    parity = measure_parity(bundle, read_engine(config), choose_users(bundle), _choose_way(config, bundle))
    print(json.dumps(asdict(parity)))


def _open(config: DictConfig) -> Bundle:
    """The bundle in a folder, the one that a service names, or the current one."""
    if config.path is not None:
        return open_bundle(Path(config.path))
    named = None if config.url is None else name_bundle(config.url)
    return open_current_bundle(Path(config.artifacts), config.dataset.name, named)


def _choose_way(config: DictConfig, bundle: Bundle) -> Serve:
    if config.url is not None:
        return partial(recommend_by, config.url, bundle)
    return partial(Recommender(bundle).recommend, duplicates=True)


if __name__ == "__main__":
    run(main, "certify")
