"""Raw tables -> the three contract tables, under the mapping a data set's YAML declares."""

from dataclasses import dataclass, field
from functools import reduce

import numpy as np
import pandas as pd

from feature_pipeline import schema
from feature_pipeline.columns import fill_template, read_categories, read_number, read_text, read_time
from feature_pipeline.dataset_config import (
    DatasetConfig,
    FeatureColumn,
    InteractionsMapping,
    ItemsMapping,
    UsersMapping,
)
from feature_pipeline.schema import (
    DUPLICATE_EVENT,
    EVENT_KEY,
    EVENT_ORDER,
    EVENT_TIME,
    EVENT_TYPE,
    ITEM_ID,
    TITLE,
    USER_ID,
    WEIGHT,
)
from feature_pipeline.sources.raw import RawTable, RawTables

_WHOLE_ROW = "(whole row)"


@dataclass
class Quarantine:
    """Rows and values set aside, each with its reason, so that nothing is lost without a trace."""

    rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, table: str, file: str, column: str, values: pd.Series, reasons: pd.Series | str) -> None:
        """Keeps `values` (indexed by line number) with why each was refused.

        Args:
            table: `users`, `items` or `interactions`.
            file: where the table was read from.
            column: raw name of the column at fault.
            values: what the file holds there.
            reasons: one for all, or a Series aligned with `values`.
        """
        if values.empty:
            return
        lines = pd.DataFrame({"table": table, "file": file, "row": values.index, "column": column})
        texts = values.astype("str").array
        why = reasons if isinstance(reasons, str) else reasons.array
        self.rows.append(lines.assign(value=texts, reason=why))

    def add_refused(self, table: str, raw: RawTable) -> None:
        """Keeps the lines of a raw table that its reader could not read."""
        self.add(table, raw.file, _WHOLE_ROW, raw.refused["value"], raw.refused["reason"])

    def build_table(self) -> pd.DataFrame:
        """All refused values: `table, file, row, column, value, reason`, in the order of their files."""
        texts = dict.fromkeys(schema.QUARANTINE_COLUMNS, "str")
        empty = pd.DataFrame(columns=list(schema.QUARANTINE_COLUMNS))
        lines = pd.concat([empty, *self.rows]).astype(texts | {"row": "int64"})
        return lines.sort_values(["table", "row"], kind="stable", ignore_index=True)


@dataclass(frozen=True)
class ContractTables:
    """The checked tables, and what was set aside on the way.

    Attributes:
        users: key `user_id`, and the declared features; the index is the line in the file.
        items: key `item_id`, `title`, and the declared features; the index is the line in the file.
        interactions: `user_id, item_id, event_time, event_order, weight, event_type`, context features and
            outcome texts, sorted by `event_time, event_order`; `event_order` is the row's place in its file
            and decides ties.
        quarantine: see `Quarantine.build_table`.
        left_out: how many events weigh less than the data set's `min_weight`.
        merged: how many events were added to an earlier one of the same user, item and time.
    """

    users: pd.DataFrame
    items: pd.DataFrame
    interactions: pd.DataFrame
    quarantine: pd.DataFrame
    left_out: int
    merged: int


def map_tables(raw: RawTables, config: DatasetConfig) -> ContractTables:
    """Maps and checks all three tables.

    Args:
        raw: what the reader returned.
        config: the data set's mapping.

    Raises:
        SchemaError: a column is missing or wholly of the wrong type, a key stands twice, a table is empty, or
            more than `max_quarantine_share` of the interactions is bad. Single bad rows go to quarantine.
    """
    quarantine = Quarantine()
    users = _map_entities(raw.users, "users", USER_ID, config.users, quarantine)
    items = _map_entities(raw.items, "items", ITEM_ID, config.items, quarantine)
    events = _map_interactions(raw.interactions, config.interactions, quarantine)
    faults = schema.check_interactions(events, users, items)
    if config.interactions.duplicates == "merge":
        faults = faults[faults["reason"].ne(DUPLICATE_EVENT)]
    _check_share(faults, raw.interactions, config.max_quarantine_share)
    _quarantine_faults(faults, raw.interactions, config.interactions, quarantine)
    good = _merge_duplicates(events.drop(index=faults.index))
    positive = _select_positives(good, config.interactions, raw.interactions.file)
    return ContractTables(
        users=users.sort_values(USER_ID),
        items=items.sort_values(ITEM_ID),
        interactions=positive.sort_values([EVENT_TIME, EVENT_ORDER], ignore_index=True),
        quarantine=quarantine.build_table(),
        left_out=len(good) - len(positive),
        merged=len(events) - len(faults) - len(good),
    )


def _map_entities(
    raw: RawTable, table: str, key: str, mapping: UsersMapping | ItemsMapping, quarantine: Quarantine
) -> pd.DataFrame:
    quarantine.add_refused(table, raw)
    schema.check_not_empty(raw.frame, table, raw.file)
    ids = read_text(_column(raw, mapping.key))
    quarantine.add(table, raw.file, mapping.key, raw.frame.loc[ids.isna(), mapping.key], schema.MISSING_VALUE)
    raw = RawTable(raw.frame[ids.notna()], raw.file)
    columns = {key: ids.dropna()}
    if isinstance(mapping, ItemsMapping):
        columns[TITLE] = read_text(_column(raw, mapping.title or mapping.key)).fillna(columns[key])
    for name, feature in mapping.features.items():
        columns[name] = _map_feature(raw, table, name, feature, quarantine)
    frame = pd.DataFrame(columns)
    schema.check_keys(frame, key, table, raw.file)
    return frame


def _map_interactions(raw: RawTable, mapping: InteractionsMapping, quarantine: Quarantine) -> pd.DataFrame:
    quarantine.add_refused("interactions", raw)
    schema.check_not_empty(raw.frame, "interactions", raw.file)
    columns = {
        USER_ID: read_text(_column(raw, mapping.user_id)),
        ITEM_ID: read_text(_column(raw, mapping.item_id)),
        EVENT_TIME: read_time(_column(raw, mapping.event_time), mapping.time_unit, raw.file),
        EVENT_ORDER: np.arange(len(raw.frame)),
        WEIGHT: read_number(_column(raw, mapping.weight), raw.file) if mapping.weight else 1.0,
        EVENT_TYPE: read_text(_column(raw, mapping.event_type)) if mapping.event_type else "event",
    }
    for name, feature in (mapping.context | mapping.outcome).items():
        columns[name] = _map_feature(raw, "interactions", name, feature, quarantine)
    return pd.DataFrame(columns, index=raw.frame.index)


def _quarantine_faults(
    faults: pd.DataFrame, raw: RawTable, mapping: InteractionsMapping, quarantine: Quarantine
) -> None:
    raw_names = {
        USER_ID: mapping.user_id,
        ITEM_ID: mapping.item_id,
        EVENT_TIME: mapping.event_time,
        WEIGHT: mapping.weight or WEIGHT,
    }
    for columns, found in faults.groupby("column"):
        names = [raw_names[column] for column in str(columns).split(", ")]
        values = _join_values(raw.frame.loc[found.index, names])
        quarantine.add("interactions", raw.file, ", ".join(names), values, found["reason"])


def _check_share(faults: pd.DataFrame, raw: RawTable, max_share: float) -> None:
    bad = pd.concat([faults["reason"], raw.refused["reason"]])
    num_rows = len(raw.frame) + len(raw.refused)
    if len(bad) > max_share * num_rows:
        worst = bad[bad.eq(bad.mode().iloc[0])]
        raise schema.complain(
            raw.file,
            f"row {worst.index[0]}",
            f"at most {100 * max_share:g} % bad interactions",
            f"{len(bad)} of {num_rows}, of which {len(worst)} because {worst.iloc[0]}",
            "mend the file, or raise dataset.max_quarantine_share",
        )


def _merge_duplicates(events: pd.DataFrame) -> pd.DataFrame:
    """The first event of each user, item and time, with the weights of all added up."""
    again = events.duplicated(list(EVENT_KEY))
    if not again.any():
        return events
    weights = events.groupby(list(EVENT_KEY))[WEIGHT].transform("sum")
    return events.assign(**{WEIGHT: weights})[~again]


def _select_positives(events: pd.DataFrame, mapping: InteractionsMapping, file: str) -> pd.DataFrame:
    least = mapping.min_weight
    positive = events if least is None else events[events[WEIGHT] >= least]
    if positive.empty:
        raise schema.complain(
            file,
            "table interactions",
            "an event that keeps the contract" + ("" if least is None else f" and weighs at least {least:g}"),
            f"none, though {len(events)} keep the contract",
            "mend the file" if least is None else "lower dataset.interactions.min_weight",
        )
    return positive


def _column(raw: RawTable, name: str) -> pd.Series:
    schema.check_columns(raw.file, list(raw.frame.columns), [name])
    return raw.frame[name]


def _map_feature(
    raw: RawTable, table: str, name: str, feature: FeatureColumn, quarantine: Quarantine
) -> pd.Series:
    if feature.template is not None:
        parts = pd.DataFrame({part: _column(raw, part) for part in feature.template_columns})
        return fill_template(parts, feature.template, need_all=feature.kind == "image")
    values = _column(raw, feature.column or name)
    if feature.kind == "categorical":
        return read_categories(values, feature.separator)
    if feature.kind not in ("numeric", "timestamp"):
        return read_text(values)
    read = read_number(values, raw.file) if feature.kind == "numeric" else read_time(values, "s", raw.file)
    refused = values[read.isna() & values.notna()]
    quarantine.add(table, raw.file, str(values.name), refused, schema.UNREADABLE_FEATURE)
    return read


def _join_values(frame: pd.DataFrame) -> pd.Series:
    """The cells of each row in one string, comma between; missing where one cell is."""
    return reduce(lambda left, right: left + ", " + right, (frame[name].astype("str") for name in frame))
