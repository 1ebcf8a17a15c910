"""`python -m inference.certify`: does serving give what was evaluated? Prints certificates as JSON.

Some users are served, and replayed by training's own code: they must get the same candidates, and every
retrieval score and ranking score must be the same within `parity.TOLERANCE`. By default the recommender
itself serves them, with `url=` a running service. An approximate index must find what an exact one does.
`make train` runs this on each bundle before it is published, and publishes none that fails.
"""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.entry import run
from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.splits import build_serving_queries
from inference.config import read_engine
from inference.index.recall import Recall, measure_recall
from inference.offline import embed_users
from inference.parity import Parity, choose_users, measure_parity
from inference.recommender import Recommender
from inference.served import build_told_queries, name_bundle, recommend_by
from training_pipeline.bundle import Bundle, open_bundle, open_current_bundle
from training_pipeline.index_config import ExactConfig, IndexConfig, read_index

NUM_QUERIES = 500


def main(config: DictConfig) -> None:
    """Prints parity and recall, or fails."""
    engine, index, bundle = read_engine(config), read_index(config), _open(config)
    print(f"certify {bundle.id}", file=sys.stderr)
    parity = _compare(config, bundle, engine)
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


def _open(config: DictConfig) -> Bundle:
    """The bundle in a folder, the one that a service names, or the current one."""
    if config.path is not None:
        return open_bundle(Path(config.path))
    named = None if config.url is None else name_bundle(config.url)
    return open_current_bundle(Path(config.artifacts), config.dataset.name, named)


def _compare(config: DictConfig, bundle: Bundle, engine: EngineConfig) -> Parity:
    """By a service at moments that it is told, by the recommender itself where it is not told any."""
    users = choose_users(bundle)
    if config.url is not None:
        told = build_told_queries(bundle, users)
        serve = partial(recommend_by, config.url, bundle.id, list(told[AS_OF]))
        return measure_parity(bundle, engine, told, serve)
    asked = build_serving_queries(bundle.tables.interactions, users, bundle.split)
    return measure_parity(bundle, engine, asked, partial(Recommender(bundle).recommend, duplicates=True))


if __name__ == "__main__":
    run(main, "certify")
