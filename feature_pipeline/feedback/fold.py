"""Feedback -> contract tables: what people did becomes what the next model learns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline import schema
from feature_pipeline.dataset_config import DatasetConfig, FeatureColumn
from feature_pipeline.errors import UserError
from feature_pipeline.events.event import CLOCKS_DIFFER
from feature_pipeline.feedback.folding import SEQUENCE
from feature_pipeline.feedback.read import Feedback
from feature_pipeline.feedback.record import FOLDED, FeedbackRecord
from feature_pipeline.schema import (
    DUPLICATE_EVENT,
    EVENT_KEY,
    EVENT_ORDER,
    EVENT_TIME,
    EVENT_TYPE,
    ITEM_ID,
    ITEMS,
    TITLE,
    USER_ID,
    USERS,
    WEIGHT,
)
from feature_pipeline.tables import ContractTables, Quarantine
from feature_pipeline.values import read_value

# Behind every row of a file, so that rows which are appended to it leave these orders as they are.
_FIRST_ORDER = 2**40
_TEXT = FeatureColumn(kind="text")
_INSTANT = np.timedelta64(1, "us")


@dataclass(frozen=True)
class Folded:
    """A data set with what came back from people.

    Attributes:
        tables: the contract tables.
        record: what a store of them says of feedback.
        ignored: what was shown and left, see `find_ignored`.
    """

    tables: ContractTables
    record: FeedbackRecord
    ignored: pd.DataFrame


def fold(tables: ContractTables, feedback: Feedback, dataset: DatasetConfig) -> Folded:
    """Adds the users, items and events of the logs; what cannot be read or is unknown goes to quarantine.

    A like or a click is a positive by itself, whatever `min_weight` says of the data set's own weights. As it
    measures nothing on their scale, it has their median as `weight`, and moves no mean of ratings; how much
    it teaches is told by its type, see `FeedbackRecord.weigh`. Context is that of the user's latest event of
    the data set before, which is also what serving takes.

    Args:
        tables: of the data set.
        feedback: of the logs.
        dataset: how users and items are declared.
    """
    record = feedback.record.model_copy(update={"weight": float(tables.interactions[WEIGHT].median())})
    quarantine = Quarantine([tables.quarantine])
    profiles = {user_id: (number, row["profile"]) for user_id, (number, row) in feedback.users.items()}
    if not dataset.users.features:  # then an id is all that there is to a user
        profiles = {user_id: (0, {}) for user_id in feedback.events[USER_ID]} | profiles
    described = {
        item_id: (number, {TITLE: row[TITLE], **row["features"]})
        for item_id, (number, row) in feedback.items.items()
    }
    of_users = _Coming(USERS, USER_ID, str(feedback.config.users), dataset.users.features, quarantine)
    of_items = _Coming(
        ITEMS, ITEM_ID, str(feedback.config.items), {TITLE: _TEXT, **dataset.items.features}, quarantine
    )
    users, items = of_users.add(tables.users, profiles), of_items.add(tables.items, described)
    events = _check_events(feedback, users, items, tables.interactions, quarantine)
    folded = _build_interactions(events, tables.interactions, record.weight)
    grown = pd.concat([tables.interactions, folded])
    after = replace(
        tables,
        users=users,
        items=items,
        interactions=grown.sort_values([EVENT_TIME, EVENT_ORDER], ignore_index=True),
        quarantine=quarantine.build_table(),
    )
    counts = {
        "events": {str(name): int(n) for name, n in sorted(events[EVENT_TYPE].value_counts().items())},
        USERS: len(users) - len(tables.users),
        ITEMS: len(items) - len(tables.items),
    }
    return Folded(after, record.model_copy(update=counts), feedback.ignored)


@dataclass(frozen=True)
class _Coming:
    """Users or items that come by a log.

    Attributes:
        table: `users` or `items`.
        key: of the table.
        file: the log.
        features: columns beside the key.
        quarantine: receives values that cannot be read.
    """

    table: str
    key: str
    file: str
    features: Mapping[str, FeatureColumn]
    quarantine: Quarantine

    def add(self, known: pd.DataFrame, given: Mapping[str, tuple[int, Mapping[str, Any]]]) -> pd.DataFrame:
        """The table with rows that it does not have; what it says of its own stays.

        Args:
            known: the contract table.
            given: number of the change, and values by column, by id.
        """
        known_ids = set(known[self.key])
        new = {entity_id: row for entity_id, row in given.items() if entity_id not in known_ids}
        if not new:
            return known
        columns: dict[str, list[object]] = {self.key: list(new)}
        for name, feature in self.features.items():
            columns[name] = [self._read(name, feature, *row) for row in new.values()]
        lines = pd.RangeIndex(len(new)) + known.index.max() + 1
        rows = pd.DataFrame(columns, index=lines)[list(known)].astype(known.dtypes)
        return pd.concat([known, rows]).sort_values(self.key)

    def _read(self, name: str, feature: FeatureColumn, number: int, values: Mapping[str, Any]) -> object:
        """One value; no pictures, as the text would be the path of any file on this machine."""
        value = values.get(name) if feature.kind != "image" else None
        try:
            read = read_value(name, feature, value)
        except UserError:  # the log outlives what an earlier YAML declared
            given = pd.Series([str(value)], index=[number])
            self.quarantine.add(self.table, self.file, name, given, schema.UNREADABLE_FEATURE)
            read = read_value(name, feature, None)
        return list(read) if isinstance(read, np.ndarray) else read


def _check_events(
    feedback: Feedback,
    users: pd.DataFrame,
    items: pd.DataFrame,
    interactions: pd.DataFrame,
    quarantine: Quarantine,
) -> pd.DataFrame:
    """The events that keep the contract, with a time of their own each."""
    events = feedback.events.set_index(SEQUENCE, drop=False)
    now = datetime.now(UTC) + CLOCKS_DIFFER
    faults = schema.check_interactions(events.assign(**{WEIGHT: 1.0}), users, items, now)
    faults = faults[faults["reason"].ne(DUPLICATE_EVENT)]
    for column, found in faults.groupby("column"):
        values = events.loc[found.index, str(column)]
        quarantine.add(schema.INTERACTIONS, feedback.config.events, str(column), values, found["reason"])
    sound = events.drop(index=faults.index)
    known = pd.MultiIndex.from_frame(interactions[list(EVENT_KEY)])
    again = pd.MultiIndex.from_frame(sound[list(EVENT_KEY)]).isin(known)
    if again.any():  # the data set was exported from the log, as it seems
        name = ", ".join(EVENT_KEY)
        values = sound.loc[again, ITEM_ID]
        quarantine.add(schema.INTERACTIONS, feedback.config.events, name, values, DUPLICATE_EVENT)
    return _set_apart(sound[~again], known)


def _set_apart(events: pd.DataFrame, taken: pd.MultiIndex) -> pd.DataFrame:
    """Moves events of the same user, item and instant a microsecond on each, so that every one counts."""
    while True:
        keys = events[list(EVENT_KEY)]
        again = keys.duplicated().to_numpy() | pd.MultiIndex.from_frame(keys).isin(taken)
        if not again.any():
            return events
        events = events.assign(**{EVENT_TIME: events[EVENT_TIME] + again * _INSTANT})


def _build_interactions(events: pd.DataFrame, interactions: pd.DataFrame, weight: float) -> pd.DataFrame:
    """The events as rows of the contract table."""
    folded = events.copy()
    folded[EVENT_ORDER] = _FIRST_ORDER + events[SEQUENCE]
    folded[WEIGHT] = weight
    folded[EVENT_TYPE] = FOLDED + events[EVENT_TYPE]
    further = [str(name) for name in interactions if name not in folded]
    folded = folded.join(_find_context(folded, interactions, further))
    return folded[list(interactions)].astype(interactions.dtypes)


def _find_context(events: pd.DataFrame, interactions: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """What the user's latest earlier event of the data set has in these columns."""
    places = interactions[[USER_ID, EVENT_TIME]].assign(place=np.arange(len(interactions)))
    asked = events[[USER_ID, EVENT_TIME]].sort_values(EVENT_TIME, kind="stable")
    found = pd.merge_asof(asked, places, on=EVENT_TIME, by=USER_ID, allow_exact_matches=False)
    place = pd.Series(found["place"].to_numpy(), index=asked.index).reindex(events.index)
    context = interactions[columns].reindex(place.fillna(-1).astype("int64")).set_index(events.index)
    for name in columns:
        if interactions[name].dtype == object:  # lists of categories
            context[name] = [value if isinstance(value, list) else [] for value in context[name]]
    return context
