"""The model bundle: everything inference needs, published whole, checked on loading, without pickle."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from feature_pipeline import artefact
from feature_pipeline.config import SplitConfig
from feature_pipeline.features.live import Standing
from feature_pipeline.store import FeatureStore, open_store
from training_pipeline.config import QueryConfig, QuerySection, RankerConfig
from training_pipeline.evaluation.results import MetricRow, write_metrics
from training_pipeline.linear.signals import Signal, read_signals, write_signals
from training_pipeline.prepare import compute_table_standing
from training_pipeline.ranked import FittedRanking
from training_pipeline.ranking.calibration import Calibration
from training_pipeline.ranking.model import Ranker
from training_pipeline.retrieval.dataset import Tables, TowerInputs, read_tables
from training_pipeline.retrieval.model import TwoTowerModel

FORMAT_VERSION = 8
METRICS = "metrics.json"

_FEATURES = "features"
_INPUTS = "inputs.json"
_ITEM_EMBEDDINGS = "item_embeddings.npy"
_RANKER = "ranker.cbm"
_CALIBRATION = "calibration.json"
_SIGNALS = "signals"
_STANDING = "standing"
_QUERY_TOWER = "query_tower"
_CANDIDATE_TOWER = "candidate_tower"
_DEFINING = (_FEATURES, _INPUTS, _ITEM_EMBEDDINGS, _RANKER, _CALIBRATION, _SIGNALS)
_PACKAGES = ("tensorflow", "tensorflow-recommenders", "catboost", "numpy", "pandas")


@dataclass(frozen=True)
class Bundle:
    """A published bundle; its parts are read when they are first asked for.

    Attributes:
        path: its directory.
        manifest: config, metrics, versions and checksums.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        """The id, made of the features, the embeddings, the ranker and the config."""
        return str(self.manifest["id"])

    @cached_property
    def store(self) -> FeatureStore:
        """The feature store the bundle was trained on; it travels inside the bundle."""
        return open_store(self.path / _FEATURES)

    @cached_property
    def tables(self) -> Tables:
        """Users, items and interactions."""
        return read_tables(self.store)

    @cached_property
    def inputs(self) -> TowerInputs:
        """How queries and items are encoded for the towers."""
        return TowerInputs.from_json(json.loads((self.path / _INPUTS).read_text()))

    @cached_property
    def item_embeddings(self) -> np.ndarray:
        """[num_items, embedding_dim] float32 in the order of the items table, memory-mapped."""
        embeddings: np.ndarray = np.load(self.path / _ITEM_EMBEDDINGS, mmap_mode="r", allow_pickle=False)
        return embeddings

    @cached_property
    def ranker(self) -> Ranker | None:
        """The fitted ranker; None where it has not earned its place, and the retrieval order is served."""
        return Ranker.load(self.path / _RANKER) if (self.path / _RANKER).exists() else None

    @cached_property
    def calibration(self) -> Calibration | None:
        """Turns the ranker's scores into chances; None where there is no ranker."""
        place = self.path / _CALIBRATION
        return Calibration(**json.loads(place.read_text())) if place.exists() else None

    @cached_property
    def signals(self) -> list[Signal]:
        """What scores candidates by the history, memory-mapped."""
        return read_signals(self.path / _SIGNALS)

    @cached_property
    def standing(self) -> Standing:
        """All events and the states of users and items, memory-mapped."""
        return Standing.read(self.path / _STANDING)

    @cached_property
    def query_tower(self) -> Callable[[dict[str, Any]], tf.Tensor]:
        """Encoded queries -> embeddings [batch, embedding_dim] float32."""
        return self._load_tower(_QUERY_TOWER)

    @cached_property
    def candidate_tower(self) -> Callable[[dict[str, Any]], tf.Tensor]:
        """Encoded items -> embeddings [batch, embedding_dim] float32; see `embed_items`."""
        return self._load_tower(_CANDIDATE_TOWER)

    @cached_property
    def split(self) -> SplitConfig:
        """The split that the bundle was evaluated under."""
        return SplitConfig.model_validate(self.manifest["config"]["split"])

    @cached_property
    def query(self) -> QueryConfig:
        """The history encoder's settings."""
        return QuerySection.model_validate({"query": self.manifest["config"]["query"]}).query

    @cached_property
    def ranker_config(self) -> RankerConfig:
        """The ranker's settings."""
        return RankerConfig.model_validate(self.manifest["config"]["ranker"])

    def embed_items(self, items: pd.DataFrame, vectors: Mapping[str, np.ndarray]) -> np.ndarray:
        """Embeds items; those that came after training need none, their content speaks for them.

        Args:
            items: columns of the items table.
            vectors: embedding columns [num_items, dim] float32, as `Tables.item_vectors`.

        Returns:
            [num_items, embedding_dim] float32.
        """
        encoded = self.inputs.encode_items(items, vectors)
        embedded: np.ndarray = self.candidate_tower(tf.nest.map_structure(tf.constant, encoded)).numpy()
        return embedded

    def _load_tower(self, name: str) -> Callable[[dict[str, Any]], tf.Tensor]:
        module = tf.saved_model.load(str(self.path / name))
        # There is one for all batches: to choose it anew takes a seventh of a call.
        embed: Callable[[dict[str, Any]], tf.Tensor] = module.embed.concrete_functions[0]
        # The module owns the weights; without this reference they would be freed with it.
        embed.module = module  # type: ignore[attr-defined]
        return embed


def write_bundle(
    parent: Path,
    store: FeatureStore,
    inputs: TowerInputs,
    model: TwoTowerModel,
    query_signature: dict[str, Any],
    signals: Sequence[Signal],
    ranking: FittedRanking | None,
    metrics: list[MetricRow],
    report: Callable[[Path], None],
    description: dict[str, Any],
    check: Callable[[Path], dict[str, Any]] | None = None,
) -> Bundle:
    """Publishes a bundle and makes it the current one.

    Args:
        parent: `artifacts/<dataset>/bundles`.
        store: the feature store that was trained on; copied into the bundle.
        inputs: how the towers' inputs were encoded.
        model: both trained towers.
        query_signature: see `TwoTowerModel.build_query_signature`.
        signals: as fitted on the events that the towers have learned.
        ranking: the ranker and its calibration; None to serve the retrieval order.
        metrics: every figure of the run.
        report: writes the report, and what belongs to it, into a folder.
        description: `config` and whatever else tells how the bundle came about.
        check: see `artefact.publish`.
    """

    def write(place: Path) -> dict[str, Any]:
        shutil.copytree(store.path, place / _FEATURES)
        (place / _INPUTS).write_text(json.dumps(inputs.to_json()) + "\n")
        np.save(place / _ITEM_EMBEDDINGS, model.embed_corpus().numpy(), allow_pickle=False)
        write_signals(signals, place / _SIGNALS)
        compute_table_standing(read_tables(store)).write(place / _STANDING)
        if ranking is not None:
            ranking.fitted.ranker.save(place / _RANKER)
            (place / _CALIBRATION).write_text(json.dumps(ranking.calibration.to_json()) + "\n")
        _save_tower(model.query_tower, query_signature, place / _QUERY_TOWER)
        _save_tower(model.candidate_tower, model.item_signature, place / _CANDIDATE_TOWER)
        write_metrics(metrics, place / METRICS)
        report(place)
        versions = artefact.read_versions(*_PACKAGES)
        return {"format_version": FORMAT_VERSION, **description, "versions": versions}

    def identify(checksums: dict[str, str]) -> str:
        defining = {file: checksum for file, checksum in checksums.items() if file.split("/")[0] in _DEFINING}
        return artefact.hash_text(json.dumps([defining, description["config"]], sort_keys=True))

    return open_bundle(artefact.publish(parent, write, identify, check))


def open_bundle(place: Path) -> Bundle:
    """Opens and checks a bundle.

    Raises:
        ArtefactError: it is missing, damaged or of another version.
    """
    remedy = "run make train for this data set again"
    return Bundle(place, artefact.read_manifest(place, FORMAT_VERSION, remedy))


def open_current_bundle(artifacts: Path, dataset: str, bundle_id: str | None = None) -> Bundle:
    """Opens the live bundle of a data set, or the one named."""
    parent = artifacts / dataset / "bundles"
    return open_bundle(artefact.find_current(parent, f"run make train DATASET={dataset} first", bundle_id))


def _save_tower(tower: tf.keras.Model, signature: dict[str, Any], place: Path) -> None:
    module = tf.Module()
    module.tower = tower
    module.embed = tf.function(lambda features: tower(features, training=False), input_signature=[signature])
    tf.saved_model.save(module, str(place))
