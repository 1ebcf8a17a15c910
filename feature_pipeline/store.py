"""The feature store: Parquet tables, the interactions by month, and a manifest, published whole."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from feature_pipeline import artefact
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.encoders.load import EncoderIds, Encoders, load_encoders
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.registry import load_features
from feature_pipeline.feedback.record import FeedbackRecord
from feature_pipeline.partitions import Partition
from feature_pipeline.projection import Projection
from feature_pipeline.schema import IGNORED, INTERACTIONS, ITEMS, USERS, FeatureSpec

FORMAT_VERSION = 3
_OUTCOMES = "outcomes.parquet"
_IGNORED = f"{IGNORED}.parquet"
_PROJECTIONS = "projections"
WHOLE_TABLES = (USERS, ITEMS, "quarantine")

_NO_FEEDBACK = FeedbackRecord()

# [num_rows, dim] float32, and which rows have none [num_rows] bool.
Vectors = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class FeatureStore:
    """A published feature store.

    Attributes:
        path: its directory.
        manifest: what it holds and how it was made.
    """

    path: Path
    manifest: dict[str, Any]

    @property
    def id(self) -> str:
        """The id, made of the tables' content and the data set's config."""
        return str(self.manifest["id"])

    @cached_property
    def dataset(self) -> DatasetConfig:
        """The data set the store was built from."""
        return DatasetConfig.model_validate(self.manifest["dataset"])

    @cached_property
    def specs(self) -> list[FeatureSpec]:
        """Every declared and computed feature of the tables."""
        return [FeatureSpec(**spec) for spec in self.manifest["specs"]]

    @cached_property
    def features(self) -> list[Feature]:
        """The computed features, ready to be computed for any query.

        Raises:
            FeatureFileError: a file of the user's own has gone or changed since the store was built.
        """
        return list(load_features(self.manifest["point_in_time"]).values())

    @cached_property
    def encoder_config(self) -> EncoderConfig:
        """The settings of what encoded the content."""
        return EncoderConfig.model_validate(self.manifest["encoders"]["config"])

    @cached_property
    def encoders(self) -> Encoders:
        """What encoded the content, by kind and name; a model is loaded when it first encodes.

        Raises:
            MissingModelError: the package of the default model is not installed.
        """
        return load_encoders(self.encoder_config)

    @property
    def encoder_ids(self) -> EncoderIds:
        """Ids of the encoders when the store was built, by kind and name, of the kinds that it has."""
        ids: EncoderIds = self.manifest["encoders"]["ids"]
        return ids

    @cached_property
    def feedback(self) -> FeedbackRecord:
        """What the store holds of the logs."""
        return FeedbackRecord.read(self.manifest)

    @property
    def partitions(self) -> dict[str, str]:
        """Fingerprints of the interactions' months, by name."""
        return dict(self.manifest["partitions"])

    def get_specs(self, table: str) -> list[FeatureSpec]:
        """The features that are columns of one table."""
        columns = set(pq.read_schema(self._list_files(table)[0]).names)
        return [spec for spec in self.specs if spec.name in columns]

    def read_table(self, table: str) -> pd.DataFrame:
        """Reads a table without its embeddings."""
        embeddings = {spec.name for spec in self.specs if spec.kind == "embedding"}
        files = self._list_files(table)
        plain = [name for name in pq.read_schema(files[0]).names if name not in embeddings]
        frame: pd.DataFrame = _read(files, plain).to_pandas()
        return frame

    def read_vectors(self, table: str) -> dict[str, np.ndarray]:
        """Reads a table's embedding columns: [num_rows, dim] float32 each, zeros where one is missing."""
        return {
            s.name: self._read_column(table, s.name) for s in self.get_specs(table) if s.kind == "embedding"
        }

    def read_outcomes(self) -> dict[str, np.ndarray]:
        """Embeddings of what each event left: [num_events, dim] float32 by column, zeros where none."""
        file = self.path / _OUTCOMES
        if not file.exists():
            return {}
        table = pq.read_table(file)
        return {name: _to_array(table[name]) for name in table.column_names}

    def read_ignored(self) -> pd.DataFrame | None:
        """What was shown to users and left: `user_id, item_id, event_time, position`; None where nothing."""
        file = self.path / _IGNORED
        return pq.read_table(file).to_pandas() if file.exists() else None

    def read_projections(self) -> dict[str, Projection]:
        """What embeddings were projected with, by `table.column`: a new item goes through the same."""
        files = sorted((self.path / _PROJECTIONS).glob("*.npz"))
        return {file.stem: Projection.from_arrays(np.load(file, allow_pickle=False)) for file in files}

    def get_partition(self, name: str) -> Path:
        """The file of one month of interactions, as `2025-06`."""
        return _place_partition(self.path, name)

    def _list_files(self, table: str) -> list[Path]:
        if table == INTERACTIONS:
            return [self.get_partition(name) for name in self.partitions]
        return [self.path / f"{table}.parquet"]

    def _read_column(self, table: str, column: str) -> np.ndarray:
        return _to_array(_read(self._list_files(table), [column])[column])


@dataclass(frozen=True)
class Interactions:
    """The interactions to write, month by month.

    Attributes:
        partitions: all months, in order of time.
        unchanged: files of an earlier store that hold the first months, in their order.
        rows: the interactions of the months after those, with their features.
    """

    partitions: list[Partition]
    unchanged: list[Path]
    rows: pd.DataFrame

    @property
    def num_events(self) -> int:
        """Events of all months."""
        return int(self.partitions[-1].rows.stop)

    def write(self, place: Path) -> None:
        """Writes one Parquet file a month under `place/interactions`."""
        (place / INTERACTIONS).mkdir()
        for partition, file in zip(self.partitions, self.unchanged, strict=False):
            shutil.copyfile(file, _place_partition(place, partition.name))
        changed = self.partitions[len(self.unchanged) :]
        for partition in changed:
            first = changed[0].rows.start
            rows = self.rows.iloc[partition.rows.start - first : partition.rows.stop - first]
            _write(_to_arrow(rows, {}), _place_partition(place, partition.name))


def write_store(
    parent: Path,
    tables: dict[str, pd.DataFrame],
    interactions: Interactions,
    vectors: dict[str, dict[str, Vectors]],
    outcomes: dict[str, Vectors],
    projections: Mapping[str, Mapping[str, Any]],
    dataset: DatasetConfig,
    specs: list[FeatureSpec],
    features: Mapping[str, Mapping[str, Any]],
    encoders: Mapping[str, Any],
    notes: dict[str, Any],
    feedback: FeedbackRecord = _NO_FEEDBACK,
    ignored: pd.DataFrame | None = None,
) -> FeatureStore:
    """Publishes the tables under an id made of their content and the config.

    Args:
        parent: `artifacts/<dataset>/features`.
        tables: by name, one of `WHOLE_TABLES` each.
        interactions: month by month.
        vectors: table -> column -> ([num_rows, dim] float32, [num_rows] bool missing).
        outcomes: the same for what each event left behind, by column.
        projections: arrays of what embeddings were projected with, by `table.column`.
        dataset: the config the tables were built from.
        specs: every feature column.
        features: the computed features by name, see `registry.pin`.
        encoders: what encoded the content, see `encoders.load.pin_encoders`.
        notes: further entries of the manifest.
        feedback: what the tables hold of the logs.
        ignored: what was shown and left, see `FeatureStore.read_ignored`.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "dataset": dataset.model_dump(),
        "specs": [asdict(spec) for spec in specs],
        "point_in_time": features,
        "encoders": encoders,
        "feedback": feedback.model_dump(),
        "partitions": {partition.name: partition.fingerprint for partition in interactions.partitions},
    }

    def write(place: Path) -> dict[str, Any]:
        for name in WHOLE_TABLES:
            _write(_to_arrow(tables[name], vectors.get(name, {})), place / f"{name}.parquet")
        interactions.write(place)
        if outcomes:
            arrays = {name: _to_list_array(*vectors) for name, vectors in outcomes.items()}
            _write(pa.table(arrays), place / _OUTCOMES)
        if ignored is not None and len(ignored):
            _write(_to_arrow(ignored, {}), place / _IGNORED)
        for column, parts in projections.items():
            (place / _PROJECTIONS).mkdir(exist_ok=True)
            np.savez(place / _PROJECTIONS / f"{column}.npz", **parts)
        return {
            **content,
            "rows": {
                **{name: len(tables[name]) for name in WHOLE_TABLES},
                INTERACTIONS: interactions.num_events,
            },
            **notes,
            "versions": artefact.read_versions("pandas", "pyarrow", "duckdb", "ibis-framework"),
        }

    def identify(checksums: dict[str, str]) -> str:
        return artefact.hash_text(json.dumps([checksums, content], sort_keys=True))

    return open_store(artefact.publish(parent, write, identify))


def open_store(place: Path) -> FeatureStore:
    """Opens and checks a published store.

    Raises:
        ArtefactError: it is missing, damaged or of another version.
    """
    remedy = "run make features for this data set again"
    return FeatureStore(place, artefact.read_manifest(place, FORMAT_VERSION, remedy))


def open_current_store(artifacts: Path, dataset: str) -> FeatureStore:
    """Opens the live store of a data set."""
    parent = artifacts / dataset / "features"
    return open_store(artefact.find_current(parent, f"run make features DATASET={dataset} first"))


def _place_partition(place: Path, name: str) -> Path:
    return place / INTERACTIONS / f"{name}.parquet"


def _write(table: pa.Table, file: Path) -> None:
    pq.write_table(table, file, compression="zstd")


def _read(files: list[Path], columns: list[str]) -> pa.Table:
    return pa.concat_tables([pq.read_table(file, columns=columns) for file in files])


def _to_arrow(frame: pd.DataFrame, vectors: Mapping[str, Vectors]) -> pa.Table:
    """The columns of `frame` and then the vectors; categories are lists of strings, even if all are empty."""
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    for place, column in enumerate(table.schema):
        if pa.types.is_list(column.type):
            values = table[column.name].cast(pa.list_(pa.string()))
            table = table.set_column(place, column.name, values)
    for name, (values, missing) in vectors.items():
        table = table.append_column(name, _to_list_array(values, missing))
    return table


def _to_list_array(values: np.ndarray, missing: np.ndarray) -> pa.Array:
    flat = pa.array(np.ascontiguousarray(values, np.float32).reshape(-1))
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=pa.array(missing))


def _to_array(column: pa.ChunkedArray) -> np.ndarray:
    chunks = column.combine_chunks()
    width = chunks.type.list_size
    vectors = np.zeros((len(chunks), width), np.float32)
    present = chunks.is_valid().to_numpy(zero_copy_only=False)
    vectors[present] = chunks.drop_null().flatten().to_numpy().reshape(-1, width)
    return vectors
