"""A small invented shop to audit, sound as it stands, and features that leak on purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from feature_pipeline.audit.subject import Subject
from feature_pipeline.config import SplitConfig
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.engine.engine import Engine
from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.features.facts import Columns, Facts
from feature_pipeline.features.feature import ArrayFeature, Feature, Moment, StateFeature, TableFeature
from feature_pipeline.features.item_events import ItemEvents
from feature_pipeline.features.pair_met import PairMet
from feature_pipeline.features.user_recency import UserRecency
from feature_pipeline.schema import FeatureSpec, Side

USERS, ITEMS, EVENTS_A_USER = 80, 240, 15
SOUND: tuple[Feature, ...] = (UserRecency(), ItemEvents(windows=("all",)), PairMet())
SPECS = (
    FeatureSpec("town", "query", "categorical"),
    FeatureSpec("price", "candidate", "numeric"),
    FeatureSpec("colours", "candidate", "categorical"),
    FeatureSpec("device", "context", "categorical"),
)


@cache
def open_engine() -> Engine:
    """One engine for all tests."""
    return connect(EngineConfig(name="duckdb", threads=1, memory_limit="1GB"))


def make_interactions(seed: int = 0) -> pd.DataFrame:
    """15 different items a user over 100 days, to the minute, some in the same one."""
    rng = np.random.default_rng(seed)
    rows = [(u, i) for u in range(USERS) for i in rng.choice(ITEMS, EVENTS_A_USER, replace=False)]
    user, item = np.array(rows).T
    minutes = rng.integers(0, 100 * 24 * 60, len(rows))
    minutes[1:30:2] = minutes[0:30:2]
    frame = pd.DataFrame(
        {
            "user_id": pd.Series([f"u{n:03}" for n in user], dtype="str"),
            "item_id": pd.Series([f"i{n:03}" for n in item], dtype="str"),
            "event_time": np.datetime64("2024-01-01", "us") + minutes * np.timedelta64(60_000_000, "us"),
            "event_order": np.arange(len(rows)),
            "weight": 1.0,
            "event_type": "event",
            "device": [[name] for name in rng.choice(["phone", "desk"], len(rows))],
        }
    )
    return frame.sort_values(["event_time", "event_order"], ignore_index=True)


def make_subject(
    features: Sequence[Feature] = SOUND,
    interactions: pd.DataFrame | None = None,
    items: Mapping[str, Any] | None = None,
    users: Mapping[str, Any] | None = None,
    specs: Sequence[FeatureSpec] = (),
    **dataset: Any,
) -> Subject:
    """The shop; given columns join the items and users, given specs the declared features."""
    rng = np.random.default_rng(1)
    item_table = pd.DataFrame({"item_id": pd.Series([f"i{n:03}" for n in range(ITEMS)], dtype="str")})
    item_table["title"] = "Thing " + item_table["item_id"]
    item_table["price"] = rng.lognormal(3, 1, ITEMS)
    item_table["colours"] = [
        list(rng.choice(["red", "blue", "green"], rng.integers(0, 3))) for _ in range(ITEMS)
    ]
    item_table = item_table.assign(**(items or {}))
    user_table = pd.DataFrame({"user_id": pd.Series([f"u{n:03}" for n in range(USERS)], dtype="str")})
    user_table["town"] = [[name] for name in rng.choice(["Lima", "Oslo"], USERS)]
    events = make_interactions() if interactions is None else interactions
    declared = [*SPECS, *specs]
    columns = list_columns(declared)
    vectors = {"picture_embedding": rng.normal(size=(len(item_table), 4)).astype("float32")}

    def make_builder(altered: pd.DataFrame) -> FeatureBuilder:
        return FeatureBuilder.of_table(
            open_engine(), list(features), columns, item_table, altered, vectors, {}
        )

    return Subject(
        dataset=make_dataset(**dataset),
        split=SplitConfig(name="temporal"),
        users=user_table.assign(**(users or {})),
        items=item_table,
        interactions=events,
        specs=declared,
        make_builder=make_builder,
        computed=compute_stored(make_builder, events),
    )


def compute_stored(make_builder: Any, events: pd.DataFrame) -> pd.DataFrame:
    """The query features of all events."""
    queries = events.rename(columns={"event_time": "as_of"})
    computed: pd.DataFrame = make_builder(events).compute_query_features(queries).set_index(events.index)
    return computed


def make_dataset(time_resolution: str = "second", repeats: bool = False) -> DatasetConfig:
    """The shop's config; what it says of columns is not read here."""
    interactions = {"user_id": "user_id", "item_id": "item_id", "event_time": "at"}
    return DatasetConfig.model_validate(
        {
            "name": "shop",
            "reader": "movielens",
            "root": "raw",
            "repeats": repeats,
            "interactions": interactions | {"time_resolution": time_resolution},
        }
    )


def with_split(subject: Subject, name: str) -> Subject:
    """The same under another split."""
    return replace(subject, split=SplitConfig.model_validate({"name": name}))


class _Leak(Feature):
    """One numeric column, named by the class."""

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        return [FeatureSpec(self.column, self.side, "numeric")]

    @property
    def column(self) -> str:
        return type(self).__name__.lower()


class ItemTotal(_Leak, TableFeature):
    """Events of the item over all time."""

    side: Side = "candidate"

    def compute(self, facts: Facts) -> ir.Table:
        events = facts.events_of_items
        totals = events.group_by("item_id").aggregate(total=events.count())
        found = facts.rows.inner_join(totals, "item_id")
        return found.select("row", **{self.column: found["total"]})


class UserLast(_Leak, TableFeature):
    """Time of the user's last event over all time."""

    side: Side = "query"

    def compute(self, facts: Facts) -> ir.Table:
        events = facts.events_of_users
        last = events.group_by("user_id").aggregate(last=events["event_time"].max())
        found = facts.rows.inner_join(last, "user_id")
        return found.select("row", **{self.column: found["last"]})


class SameInstant(_Leak, TableFeature):
    """Events of the user so far, the one of the very instant among them."""

    side: Side = "query"

    def compute(self, facts: Facts) -> ir.Table:
        rows, events = facts.rows, facts.events_of_users
        joined = rows.inner_join(
            events, [rows["user_id"] == events["user_id"], events["event_time"] <= rows["as_of"]]
        )
        return joined.group_by("row").aggregate(**{self.column: joined.count()})


class LastAsked(_Leak, StateFeature):
    """When the user asks for the last time among all queries, which are all events when a store is built."""

    side: Side = "query"
    key = "user"

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        return {self.column: moment.as_of.max().over(group_by=moment.table["user_id"])}


class RankInBatch(_Leak, ArrayFeature):
    """Compares the candidate with those of all other queries asked at the same time."""

    def compute(
        self, vectors: Mapping[str, np.ndarray], history: np.ndarray, candidates: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        return {self.column: candidates - candidates.mean()}


class Oracle(_Leak, ArrayFeature):
    """Knows from elsewhere which items each user chooses, and tells it by the user's recent items."""

    answers: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]

    def get_recent(self) -> int:
        return EVENTS_A_USER

    def compute(
        self, vectors: Mapping[str, np.ndarray], history: np.ndarray, candidates: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        told = [self._tell(past, offered) for past, offered in zip(history, candidates, strict=True)]
        return {self.column: np.array(told)}

    def _tell(self, past: np.ndarray, offered: np.ndarray) -> np.ndarray:
        chosen = dict(self.answers).get(tuple(past[past >= 0][:2]), ())
        return np.isin(offered, chosen).astype("float32")
