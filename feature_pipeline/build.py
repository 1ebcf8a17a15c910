"""Building a feature store, step by step: read, check, embed, compute, audit, publish, profile."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from feature_pipeline import store
from feature_pipeline.audit.audit import audit
from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.subject import Fitted, Subject
from feature_pipeline.config import SplitConfig, read_section, read_values
from feature_pipeline.content import ContentEmbedder, EmbeddedColumn
from feature_pipeline.dataset_config import DatasetConfig, FeatureColumn
from feature_pipeline.embedding_cache import EmbeddingCache, find_cache
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.encoders.load import Encoders, load_encoders, pin_encoders
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.engine.engine import Engine
from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.features.registry import SECTION, load_features, pin
from feature_pipeline.feedback.config import FeedbackConfig
from feature_pipeline.feedback.step import fold_feedback
from feature_pipeline.incremental import build_interactions, find_earlier
from feature_pipeline.profile.page import write_profile
from feature_pipeline.progress import report_step
from feature_pipeline.schema import EVENT_TIME, INTERACTIONS, ITEM_ID, ITEMS, USER_ID, USERS
from feature_pipeline.sources import read_source
from feature_pipeline.sources.raw import RawTables
from feature_pipeline.specs import build_specs
from feature_pipeline.splits import TRAIN, SplitError, assign_split
from feature_pipeline.tables import ContractTables, Quarantine, map_tables

PROFILE = "profile.html"

Embedded = dict[str, dict[str, EmbeddedColumn]]


@dataclass(frozen=True)
class Settings:
    """What a build is made from, read and checked before any work begins."""

    dataset: DatasetConfig
    engine: EngineConfig
    encoder: EncoderConfig
    split: SplitConfig
    audit: AuditConfig
    feedback: FeedbackConfig
    features: dict[str, dict[str, Any]]
    artifacts: Path


def build_features(config: DictConfig) -> store.FeatureStore:
    """Builds, audits and publishes the feature store of `config.dataset`, with its profile beside it.

    Raises:
        UserError: files, columns or settings are not as they must be, or something leaks.
    """
    settings = _read_settings(config)
    dataset = settings.dataset
    features = list(load_features(settings.features).values())
    encoders = load_encoders(settings.encoder)
    specs = build_specs(dataset, features, encoders)
    raw, tables = _read_and_check(dataset)
    folded = fold_feedback(tables, settings.feedback, dataset)
    tables = folded.tables
    quarantine = Quarantine([tables.quarantine])
    trains = _find_training_rows(tables, settings.split)
    embedded = _embed(settings, encoders, raw, tables, trains, quarantine)
    contract = tables.interactions.drop(columns=list(dataset.interactions.outcome))
    engine = connect(settings.engine)
    # The audit asks many times about few events, for which a cluster's latency would be all it pays.
    auditing = engine if settings.engine.name == "duckdb" else connect(settings.engine.on_this_machine())

    def make_builder(events: pd.DataFrame, engine: Engine = auditing) -> FeatureBuilder:
        vectors = {name: column.vectors for name, column in embedded[ITEMS].items()}
        outcomes = {name: column.vectors[events.index] for name, column in embedded[INTERACTIONS].items()}
        return FeatureBuilder.of_table(
            engine, features, list_columns(specs), tables.items, events, vectors, outcomes
        )

    parent = settings.artifacts / dataset.name / "features"
    interactions = _compute(contract, make_builder(contract, engine), parent)
    subject = Subject(
        dataset=dataset,
        split=settings.split,
        users=tables.users,
        items=tables.items,
        interactions=contract,
        specs=specs,
        make_builder=make_builder,
        computed=interactions.rows.drop(columns=list(contract)),
        fitted=_list_fitted(tables, embedded, trains),
    )
    warnings = _audit(subject, settings.audit)
    set_aside = quarantine.build_table()
    with report_step("publish") as step:
        published = store.write_store(
            parent=parent,
            tables={USERS: tables.users, ITEMS: tables.items, "quarantine": set_aside},
            interactions=interactions,
            vectors={table: list_vectors(embedded[table]) for table in (USERS, ITEMS)},
            outcomes=list_vectors(embedded[INTERACTIONS]),
            projections=list_projections(embedded),
            dataset=dataset,
            specs=specs,
            features=pin(settings.features),
            encoders=pin_encoders(settings.encoder, encoders, _list_kinds(dataset)),
            feedback=folded.record,
            ignored=folded.ignored,
            notes=_describe(tables, set_aside, embedded, warnings),
        )
        step.note = str(published.path)
    with report_step("profile") as step:
        step.note = str(published.path / PROFILE)
        write_profile(published, Path(dataset.root), settings.split, published.path / PROFILE)
    return published


def _read_settings(config: DictConfig) -> Settings:
    return Settings(
        dataset=read_section(DatasetConfig, config, "dataset"),
        engine=read_section(EngineConfig, config, "engine"),
        encoder=read_section(EncoderConfig, config, "encoder"),
        split=read_section(SplitConfig, config, "split"),
        audit=read_section(AuditConfig, config, "audit"),
        feedback=read_section(FeedbackConfig, config, "feedback"),
        features=read_values(config, SECTION) or {},
        artifacts=Path(config.artifacts),
    )


def _read_and_check(dataset: DatasetConfig) -> tuple[RawTables, ContractTables]:
    with report_step("read") as step:
        raw = read_source(dataset)
        step.rows = len(raw.interactions.frame)
    with report_step("check") as step:
        tables = map_tables(raw, dataset)
        step.rows = len(tables.interactions)
        merged = f", {tables.merged} merged" if tables.merged else ""
        step.note = f"{len(tables.quarantine)} in quarantine, {tables.left_out} below min_weight{merged}"
    return raw, tables


def _find_training_rows(tables: ContractTables, split: SplitConfig) -> dict[str, np.ndarray]:
    """What may be learned from, by table: events of the training window, and whoever has one of them."""
    try:
        is_train = assign_split(tables.interactions, split) == TRAIN
    except SplitError:  # said by the audit, and by whatever needs these rows
        is_train = np.zeros(len(tables.interactions), bool)
    events = tables.interactions[is_train]
    return {
        USERS: tables.users[USER_ID].isin(events[USER_ID].unique()).to_numpy(),
        ITEMS: tables.items[ITEM_ID].isin(events[ITEM_ID].unique()).to_numpy(),
        INTERACTIONS: is_train,
    }


def _embed(
    settings: Settings,
    encoders: Encoders,
    raw: RawTables,
    tables: ContractTables,
    trains: Mapping[str, np.ndarray],
    quarantine: Quarantine,
) -> Embedded:
    """The embeddings of every text and image column, by table and column."""
    dataset = settings.dataset
    cache = EmbeddingCache(find_cache(settings.artifacts))
    embedder = ContentEmbedder(Path(dataset.root), encoders, cache, quarantine)
    return {
        table: embedder.embed(
            table, getattr(raw, table).file, getattr(tables, table), features, trains[table]
        )
        for table, features in _list_declared(dataset).items()
    }


def _list_declared(dataset: DatasetConfig) -> dict[str, dict[str, FeatureColumn]]:
    """The features that may hold content, by table."""
    return {
        USERS: dataset.users.features,
        ITEMS: dataset.items.features,
        INTERACTIONS: dataset.interactions.outcome,
    }


def _list_kinds(dataset: DatasetConfig) -> set[str]:
    return {feature.kind for features in _list_declared(dataset).values() for feature in features.values()}


def _compute(contract: pd.DataFrame, builder: FeatureBuilder, parent: Path) -> store.Interactions:
    with report_step("point-in-time features") as step:
        interactions = build_interactions(contract, builder, find_earlier(parent))
        step.rows = len(interactions.rows)
        step.note = f"{len(interactions.unchanged)} of {len(interactions.partitions)} months unchanged"
    return interactions


def _list_fitted(
    tables: ContractTables, embedded: Embedded, trains: Mapping[str, np.ndarray]
) -> list[Fitted]:
    """The projections, and whom or what each was fitted on."""
    fitted = []
    sides: tuple[tuple[str, str, Literal["query", "candidate"]], ...] = (
        (USERS, USER_ID, "query"),
        (ITEMS, ITEM_ID, "candidate"),
    )
    for table, key, side in sides:
        for name, column in embedded[table].items():
            if column.projection:
                rows = trains[table] & ~column.missing
                fitted.append(Fitted(f"{table}.{name}", side, list(getattr(tables, table)[key][rows])))
    return fitted


def _audit(subject: Subject, config: AuditConfig) -> list[Finding]:
    with report_step("audit") as step:
        warnings = audit(subject, config)
        step.note = f"{len(warnings)} warnings"
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return warnings


def list_vectors(columns: dict[str, EmbeddedColumn]) -> dict[str, store.Vectors]:
    """Embeddings and which are missing, by column, as `write_store` takes them."""
    return {name: (column.vectors, column.missing) for name, column in columns.items()}


def list_projections(embedded: Embedded) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of all projections, by table and column, as `write_store` takes them."""
    return {
        f"{table}.{name}": column.projection.to_arrays()
        for table, columns in embedded.items()
        for name, column in columns.items()
        if column.projection
    }


def _describe(
    tables: ContractTables, set_aside: pd.DataFrame, embedded: Embedded, warnings: list[Finding]
) -> dict[str, Any]:
    """What the manifest says beyond the tables themselves."""
    times = tables.interactions[EVENT_TIME]
    return {
        "event_time": {"first": times.min().isoformat(), "last": times.max().isoformat()},
        "below_min_weight": tables.left_out,
        "merged": tables.merged,
        "quarantine": set_aside["reason"].value_counts().to_dict(),
        "missing_content": {
            f"{table}.{name}": int(column.missing.sum())
            for table, columns in embedded.items()
            for name, column in columns.items()
        },
        "audit": [str(warning) for warning in warnings],
    }
