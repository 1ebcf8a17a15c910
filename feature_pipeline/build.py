"""Building a feature store, step by step: read, check, embed, compute, publish."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from feature_pipeline import store
from feature_pipeline.config import ConfigError, EngineConfig, read_section
from feature_pipeline.content import ContentEmbedder, load_encoders
from feature_pipeline.dataset_config import DatasetConfig, FeatureColumn
from feature_pipeline.embeddings import EmbeddingCache, EmbeddingResult
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.engine import connect
from feature_pipeline.features.build import QUERY_SPECS, FeatureBuilder, build_row_specs
from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.progress import report_step
from feature_pipeline.schema import CONTRACT_COLUMNS, EVENT_TIME, FeatureSpec, Side
from feature_pipeline.sources import read_source
from feature_pipeline.sources.raw import RawTables
from feature_pipeline.tables import ContractTables, Quarantine, map_tables

Embedded = dict[str, dict[str, EmbeddingResult]]


def build_features(config: DictConfig) -> store.FeatureStore:
    """Builds and publishes the feature store of `config.dataset`.

    Raises:
        UserError: files, columns or settings are not as they must be.
    """
    dataset = read_section(DatasetConfig, config, "dataset")
    engine = read_section(EngineConfig, config, "engine")
    encoders = load_encoders(read_section(EncoderConfig, config, "encoder"))
    specs = build_specs(dataset)
    artifacts = Path(config.artifacts)
    raw, tables = _read_and_check(dataset)
    quarantine = Quarantine([tables.quarantine])
    cache = EmbeddingCache(artifacts / "cache" / "embeddings.sqlite")
    embedder = ContentEmbedder(Path(dataset.root), encoders, cache, quarantine)
    embedded = {
        "users": embedder.embed("users", raw.users.file, tables.users, dataset.users.features),
        "items": embedder.embed("items", raw.items.file, tables.items, dataset.items.features),
    }
    with report_step("point-in-time features") as step:
        interactions = _add_query_features(tables, engine)
        step.rows = len(interactions)
    checked = replace(tables, interactions=interactions, quarantine=quarantine.build_table())
    with report_step("publish") as step:
        published = store.write_store(
            parent=artifacts / dataset.name / "features",
            tables={name: getattr(checked, name) for name in store.TABLES},
            vectors={table: _get_arrays(columns) for table, columns in embedded.items()},
            dataset=dataset,
            specs=specs,
            notes=_describe(checked, embedded),
        )
        step.note = str(published.path)
    return published


def build_specs(dataset: DatasetConfig) -> list[FeatureSpec]:
    """Specs of every feature column of the store: declared, embedded, and computed as of each event.

    Raises:
        ConfigError: two features share a name, or one has the name of a column of the contract.
    """
    declared = [
        *_declared_specs(dataset.users.features, "query"),
        *_declared_specs(dataset.items.features, "candidate"),
        *_declared_specs(dataset.interactions.context, "context"),
    ]
    _check_names(declared)
    return [*declared, *QUERY_SPECS]


def _check_names(declared: list[FeatureSpec]) -> None:
    """The ranker's rows hold users, items and context side by side, so that no name may stand twice."""
    own = [spec for spec in declared if spec.side == "candidate"]
    computed = build_row_specs(
        [spec.name for spec in own if spec.kind == "categorical"],
        [spec.name for spec in own if spec.kind == "embedding"],
    )
    taken = {*CONTRACT_COLUMNS, *(spec.name for spec in (*QUERY_SPECS, *computed))}
    for spec in declared:
        if spec.name in taken:
            raise ConfigError(
                f"dataset: the feature name {spec.name!r} is taken. Remedy: choose another name and say "
                f"where its values stand with column: {spec.name}"
            )
        taken.add(spec.name)


def _read_and_check(dataset: DatasetConfig) -> tuple[RawTables, ContractTables]:
    with report_step("read") as step:
        raw = read_source(dataset)
        step.rows = len(raw.interactions.frame)
    with report_step("check") as step:
        tables = map_tables(raw, dataset)
        step.rows = len(tables.interactions)
        step.note = f"{len(tables.quarantine)} in quarantine, {tables.left_out} below min_weight"
    return raw, tables


def _declared_specs(features: dict[str, FeatureColumn], side: Side) -> list[FeatureSpec]:
    specs = []
    for name, feature in features.items():
        # Only what is said of an item can speak for it.
        reason = name.replace("_", " ") if side == "candidate" else None
        specs.append(FeatureSpec(name, side, feature.kind, reason))
        if feature.kind in ("text", "image"):
            specs.append(FeatureSpec(f"{name}_embedding", side, "embedding"))
    return specs


def _get_arrays(columns: dict[str, EmbeddingResult]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {name: (result.vectors, result.missing) for name, result in columns.items()}


def _add_query_features(tables: ContractTables, config: EngineConfig) -> pd.DataFrame:
    """Interactions with what was known of user and moment just before each event."""
    builder = FeatureBuilder(connect(config), tables.items, tables.interactions, [], {})
    queries = tables.interactions.rename(columns={EVENT_TIME: AS_OF})
    return pd.concat([tables.interactions, builder.compute_query_features(queries)], axis=1)


def _describe(tables: ContractTables, embedded: Embedded) -> dict[str, Any]:
    """What the manifest says beyond the tables themselves."""
    times = tables.interactions[EVENT_TIME]
    return {
        "event_time": {"first": times.min().isoformat(), "last": times.max().isoformat()},
        "below_min_weight": tables.left_out,
        "quarantine": tables.quarantine["reason"].value_counts().to_dict(),
        "missing_content": {
            f"{t}.{c}": int(r.missing.sum()) for t, cs in embedded.items() for c, r in cs.items()
        },
    }
