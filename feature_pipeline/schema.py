"""The contract: column names, feature specs, and the checks of the three tables.

Every other module takes column names from here; no string literal stands elsewhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pandas as pd
import pandera.pandas as pa
import pyarrow
import pyarrow.compute

from feature_pipeline.config import unknown_key
from feature_pipeline.errors import UserError

USER_ID = "user_id"
ITEM_ID = "item_id"
EVENT_TIME = "event_time"
EVENT_ORDER = "event_order"
WEIGHT = "weight"
EVENT_TYPE = "event_type"
TITLE = "title"
POSITION = "position"

USERS = "users"
ITEMS = "items"
INTERACTIONS = "interactions"
IGNORED = "ignored"
"""What was shown to users and left: `user_id, item_id, event_time, position`."""

CONTRACT_COLUMNS = (USER_ID, ITEM_ID, EVENT_TIME, EVENT_ORDER, WEIGHT, EVENT_TYPE, TITLE)
QUARANTINE_COLUMNS = ("table", "file", "row", "column", "value", "reason")

Side = Literal["query", "candidate", "pair", "context"]
Kind = Literal["id", "categorical", "numeric", "timestamp", "text", "image", "embedding", "history"]

NOT_IN_FUTURE = "lies in the future"
KNOWN_USER = "user_id is not in users"
KNOWN_ITEM = "item_id is not in items"
MISSING_VALUE = "value is missing or not readable"
DUPLICATE_EVENT = "same user, item and time as an earlier row"
UNREADABLE_FEATURE = "value is not readable and counts as missing; the row is kept"

EVENT_KEY = (USER_ID, ITEM_ID, EVENT_TIME)


class SchemaError(UserError):
    """A table does not keep the contract; the message names file, row, column and remedy."""


@dataclass(frozen=True)
class FeatureSpec:
    """One declared feature: towers, ranker and service build their inputs from these.

    Attributes:
        name: column of the feature store.
        side: which part of a request it describes.
        kind: how it is read and embedded.
        reason: words that tell a person why this feature speaks for an item, or None where it says nothing.
    """

    name: str
    side: Side
    kind: Kind
    reason: str | None = None


def complain(file: str, where: str, expected: str, found: str, remedy: str) -> SchemaError:
    """Builds the one form every contract error has."""
    return SchemaError(f"{file}: {where}: expected {expected}, found {found}. Remedy: {remedy}")


def check_columns(file: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    """Checks that the raw table in `file` has each of the wanted columns once.

    Args:
        file: for the message.
        found: names of its columns.
        wanted: names that the data set's YAML gives.

    Raises:
        SchemaError: one is missing or stands twice; the message lists what is there, and the nearest.
    """
    known = sorted(map(str, found))
    for name in wanted:
        if known.count(name) != 1:
            why = "its name stands twice" if name in known else unknown_key(name, known)
            remedy = f"mend the file or the data set's YAML: {why}"
            raise complain(file, "header", f"one column {name!r}", ", ".join(known), remedy)


def check_keys(frame: pd.DataFrame, key: str, table: str, file: str) -> None:
    """Checks that `table` has rows and that `key` names each row once.

    Args:
        frame: the table; its index is the line number in `file`.
        key: the column that must be unique.
        table: `users` or `items`, for the message.
        file: where the table was read from.

    Raises:
        SchemaError: the table is empty, or a key stands twice; the remedy is in the message.
    """
    check_not_empty(frame, table, file)
    column = pa.Column(str, unique=True, nullable=False, report_duplicates="exclude_first")
    try:
        pa.DataFrameSchema({key: column}).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        first = errors.failure_cases.iloc[0]
        raise complain(
            file,
            f"row {first['index']}, column {key!r}",
            f"each {key} once in {table}",
            f"{first['failure_case']!r} again ({len(errors.failure_cases)} such rows)",
            f"keep one row for each {key}",
        ) from None


def check_not_empty(frame: pd.DataFrame, table: str, file: str) -> None:
    """Raises SchemaError when `frame` has no rows."""
    if frame.empty:
        raise complain(file, f"table {table}", "at least one row", "none", "give a file that has rows")


def check_interactions(
    frame: pd.DataFrame, users: pd.DataFrame, items: pd.DataFrame, now: datetime | None = None
) -> pd.DataFrame:
    """Finds the rows of `interactions` that do not keep the contract.

    Args:
        frame: `user_id` str, `item_id` str, `event_time` datetime64[us] UTC, `weight` float64; the index must
            be unique.
        users: the users table, whose `user_id` are the known ones.
        items: the items table.
        now: with time zone; later events are refused. Default: the clock.

    Returns:
        One row for each bad row, indexed like `frame` and in its order: `column`, the one at fault (of a
        duplicate, all of `EVENT_KEY`, joined by commas), and `reason`. A row is a duplicate of an earlier one
        that has no fault. Empty when all is well.
    """
    own = _find_own_faults(frame, users, items, now)
    sound = frame.drop(index=own.index)
    again = sound.index[sound.duplicated(list(EVENT_KEY))]
    duplicates = pd.DataFrame({"column": ", ".join(EVENT_KEY), "reason": DUPLICATE_EVENT}, index=again)
    faults = pd.concat([own, duplicates]).astype("str")
    return faults.loc[frame.index[frame.index.isin(faults.index)]]


def _find_own_faults(
    frame: pd.DataFrame, users: pd.DataFrame, items: pd.DataFrame, now: datetime | None
) -> pd.DataFrame:
    """The first fault of each row that is bad whatever the other rows hold: `column`, `reason`."""
    latest = pd.Timestamp(now or datetime.now(UTC)).tz_convert("UTC").tz_localize(None)
    schema = pa.DataFrameSchema(
        {
            USER_ID: pa.Column(str, pa.Check(_is_among(users[USER_ID]), error=KNOWN_USER), nullable=False),
            ITEM_ID: pa.Column(str, pa.Check(_is_among(items[ITEM_ID]), error=KNOWN_ITEM), nullable=False),
            EVENT_TIME: pa.Column("datetime64[us]", pa.Check.le(latest, error=NOT_IN_FUTURE), nullable=False),
            WEIGHT: pa.Column(float, nullable=False),
        }
    )
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        failures = errors.failure_cases
        reason = failures["check"].replace("not_nullable", MISSING_VALUE)
        rows = failures["index"].astype("int64")
        faults = pd.DataFrame({"row": rows, "column": failures["column"], "reason": reason})
        return faults.drop_duplicates("row").set_index("row")
    return pd.DataFrame({"column": [], "reason": []}, index=frame.index[:0])


def _is_among(known: pd.Series) -> Callable[[pd.Series], pd.Series]:
    """Tests ids for being known; `Series.isin` would take each known one to Python and back."""
    known_ids = pyarrow.array(known)

    def check(ids: pd.Series) -> pd.Series:
        found = pyarrow.compute.is_in(pyarrow.array(ids), value_set=known_ids)
        return pd.Series(found.to_numpy(zero_copy_only=False), index=ids.index)

    return check
