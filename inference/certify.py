"""`python -m inference.certify`: does serving give what was evaluated? Prints the certificate as JSON.

`make train` runs it on each bundle before it is published, and publishes none that fails.
"""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.entry import run
from inference.config import read_engine
from inference.parity import choose_users, measure_parity
from inference.recommender import Recommender
from training_pipeline.bundle import open_bundle, open_current_bundle


def main(config: DictConfig) -> None:
    """Prints the certificate, or fails."""
    if config.path is None:
        bundle = open_current_bundle(Path(config.artifacts), config.dataset.name)
    else:
        bundle = open_bundle(Path(config.path))
    print(f"certify {bundle.id}", file=sys.stderr)
    serve = partial(Recommender(bundle).recommend, duplicates=True)
    parity = measure_parity(bundle, read_engine(config), choose_users(bundle), serve)
    print(json.dumps(asdict(parity)))


if __name__ == "__main__":
    run(main, "certify")
