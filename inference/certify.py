"""`python -m inference.certify`: does serving give what was evaluated? Prints certificates as JSON.

`make train` runs it on each bundle before it is published, and publishes none that fails.
"""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.entry import run
from inference.config import read_engine
from inference.index.recall import Recall, measure_recall
from inference.offline import embed_users
from inference.parity import choose_users, measure_parity
from inference.recommender import Recommender
from training_pipeline.bundle import Bundle, open_bundle, open_current_bundle
from training_pipeline.index_config import ExactConfig, IndexConfig, read_index

NUM_QUERIES = 500


def main(config: DictConfig) -> None:
    """Prints parity and recall, or fails."""
    engine, index = read_engine(config), read_index(config)
    if config.path is None:
        bundle = open_current_bundle(Path(config.artifacts), config.dataset.name)
    else:
        bundle = open_bundle(Path(config.path))
    print(f"certify {bundle.id}", file=sys.stderr)
    serve = partial(Recommender(bundle).recommend, duplicates=True)
    parity = measure_parity(bundle, engine, choose_users(bundle), serve)
    recall = try_index(bundle, engine, index)
    print(json.dumps({"parity": asdict(parity), "recall": recall and asdict(recall)}))


def try_index(bundle: Bundle, engine: EngineConfig, index: IndexConfig) -> Recall | None:
    """Has an approximate index find what users of the bundle look for; an exact one misses nothing.

    Raises:
        RecallError: it misses too much.
    """
    if isinstance(index, ExactConfig):
        return None
    queries = embed_users(bundle, engine, choose_users(bundle, NUM_QUERIES))
    return measure_recall(bundle.item_embeddings, index, queries)


if __name__ == "__main__":
    run(main, "certify")
