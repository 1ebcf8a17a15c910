"""The feature store: Parquet tables and a manifest, published whole."""

import json
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
from feature_pipeline.schema import FeatureSpec

FORMAT_VERSION = 1
TABLES = ("users", "items", "interactions", "quarantine")


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

    def get_specs(self, table: str) -> list[FeatureSpec]:
        """The features that are columns of one table."""
        columns = set(pq.read_schema(self.path / f"{table}.parquet").names)
        return [spec for spec in self.specs if spec.name in columns]

    def read_table(self, table: str) -> pd.DataFrame:
        """Reads a table without its embeddings."""
        embeddings = {spec.name for spec in self.specs if spec.kind == "embedding"}
        path = self.path / f"{table}.parquet"
        plain = [name for name in pq.read_schema(path).names if name not in embeddings]
        frame: pd.DataFrame = pq.read_table(path, columns=plain).to_pandas()
        return frame

    def read_vectors(self, table: str) -> dict[str, np.ndarray]:
        """Reads a table's embedding columns: [num_rows, dim] float32 each, zeros where one is missing."""
        return {
            s.name: self._read_column(table, s.name) for s in self.get_specs(table) if s.kind == "embedding"
        }

    def _read_column(self, table: str, column: str) -> np.ndarray:
        chunks = pq.read_table(self.path / f"{table}.parquet", columns=[column])[column].combine_chunks()
        width = chunks.type.list_size
        vectors = np.zeros((len(chunks), width), np.float32)
        present = chunks.is_valid().to_numpy(zero_copy_only=False)
        vectors[present] = chunks.drop_null().flatten().to_numpy().reshape(-1, width)
        return vectors


def write_store(
    parent: Path,
    tables: dict[str, pd.DataFrame],
    vectors: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]],
    dataset: DatasetConfig,
    specs: list[FeatureSpec],
    notes: dict[str, Any],
) -> FeatureStore:
    """Publishes the tables under an id made of their content and the config.

    Args:
        parent: `artifacts/<dataset>/features`.
        tables: by name, one of `TABLES` each.
        vectors: table -> column -> ([num_rows, dim] float32, [num_rows] bool missing).
        dataset: the config the tables were built from.
        specs: every feature column.
        notes: further entries of the manifest.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "dataset": dataset.model_dump(),
        "specs": [asdict(spec) for spec in specs],
    }

    def write(place: Path) -> dict[str, Any]:
        for name in TABLES:
            table = _to_arrow(tables[name], vectors.get(name, {}))
            pq.write_table(table, place / f"{name}.parquet", compression="zstd")
        return {
            **content,
            "rows": {name: len(tables[name]) for name in TABLES},
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


def _to_arrow(frame: pd.DataFrame, vectors: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> pa.Table:
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
