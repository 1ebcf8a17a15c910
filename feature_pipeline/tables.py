"""Raw tables -> the three contract tables, under the mapping a data set's YAML declares."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from feature_pipeline import schema
from feature_pipeline.config import DatasetConfig, FeatureColumn, InteractionsMapping, ItemsMapping, UsersMapping, unknown_key
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, EVENT_TYPE, ITEM_ID, TITLE, USER_ID, WEIGHT
from feature_pipeline.sources.raw import RawTable, RawTables


@dataclass
class Quarantine:
    """Rows and values set aside, each with its reason, so that nothing is lost without a trace."""

    rows: list[pd.DataFrame] = field(default_factory=list)

    def add(self, table: str, file: str, column: str, values: pd.Series, reasons: pd.Series | str) -> None:
        """Keeps `values` (indexed by line number) with why each was refused."""
        if values.empty:
            return
        kept = {"table": table, "file": file, "row": values.index.astype("int64"), "column": column}
        why = reasons if isinstance(reasons, str) else reasons.to_numpy()
        self.rows.append(pd.DataFrame({**kept, "value": values.astype("str").to_numpy(), "reason": why}))

    def build_table(self) -> pd.DataFrame:
        """All refused rows: `table, file, row, column, value, reason`."""
        if not self.rows:
            return pd.DataFrame({c: pd.Series(dtype="int64" if c == "row" else "str") for c in schema.QUARANTINE_COLUMNS})
        return pd.concat(self.rows, ignore_index=True)


@dataclass(frozen=True)
class ContractTables:
    """The checked tables, and what was set aside on the way.

    Attributes:
        users: key `user_id`, and the declared features; the index is the line in the file.
        items: key `item_id`, `title`, and the declared features; the index is the line in the file.
        interactions: `user_id, item_id, event_time, event_order, weight, event_type` and context features,
            sorted by `event_time, event_order`; `event_order` is the row's place in its file and decides ties.
        quarantine: see `Quarantine.build_table`.
        left_out: how many events weigh less than the data set's `min_weight`.
    """

    users: pd.DataFrame
    items: pd.DataFrame
    interactions: pd.DataFrame
    quarantine: pd.DataFrame
    left_out: int


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
    good = _set_bad_events_aside(events, users, items, raw.interactions.file, config, quarantine)
    positive = good[good[WEIGHT] >= config.interactions.min_weight] if config.interactions.min_weight else good
    schema.check_not_empty(positive, "interactions", raw.interactions.file)
    return ContractTables(
        users=users.sort_values(USER_ID),
        items=items.sort_values(ITEM_ID),
        interactions=positive.sort_values([EVENT_TIME, EVENT_ORDER], ignore_index=True),
        quarantine=quarantine.build_table(),
        left_out=len(good) - len(positive),
    )


def _map_entities(
    raw: RawTable, table: str, key: str, mapping: UsersMapping | ItemsMapping, quarantine: Quarantine
) -> pd.DataFrame:
    schema.check_not_empty(raw.frame, table, raw.file)
    ids = _column(raw, mapping.key)
    quarantine.add(table, raw.file, mapping.key, ids[ids.isna()], schema.MISSING_VALUE)
    raw = RawTable(raw.frame[ids.notna()], raw.file)
    columns = {key: _as_text(_column(raw, mapping.key))}
    if isinstance(mapping, ItemsMapping):
        columns[TITLE] = _as_text(_column(raw, mapping.title)).fillna("")
    for name, feature in mapping.features.items():
        columns[name] = _map_feature(raw, table, name, feature, quarantine)
    frame = pd.DataFrame(columns)
    schema.check_keys(frame, key, table, raw.file)
    return frame


def _map_interactions(raw: RawTable, mapping: InteractionsMapping, quarantine: Quarantine) -> pd.DataFrame:
    schema.check_not_empty(raw.frame, "interactions", raw.file)
    rows = len(raw.frame)
    columns = {
        USER_ID: _as_text(_column(raw, mapping.user_id)),
        ITEM_ID: _as_text(_column(raw, mapping.item_id)),
        EVENT_TIME: _as_time(_column(raw, mapping.event_time), mapping.time_unit, raw.file),
        EVENT_ORDER: pd.Series(np.arange(rows), index=raw.frame.index),
        WEIGHT: _as_number(_column(raw, mapping.weight), raw.file) if mapping.weight else pd.Series(1.0, raw.frame.index),
        EVENT_TYPE: _as_text(_column(raw, mapping.event_type)) if mapping.event_type else pd.Series("event", raw.frame.index),
    }
    for name, feature in mapping.context.items():
        columns[name] = _map_feature(raw, "interactions", name, feature, quarantine)
    return pd.DataFrame(columns)


def _set_bad_events_aside(
    events: pd.DataFrame,
    users: pd.DataFrame,
    items: pd.DataFrame,
    file: str,
    config: DatasetConfig,
    quarantine: Quarantine,
) -> pd.DataFrame:
    reasons = schema.check_interactions(events, users, items)
    bad = events.loc[reasons.index]
    shown = bad[USER_ID].astype("str") + ", " + bad[ITEM_ID].astype("str") + ", " + bad[EVENT_TIME].astype("str")
    quarantine.add("interactions", file, f"{USER_ID}, {ITEM_ID}, {EVENT_TIME}", shown, reasons)
    if len(bad) > config.max_quarantine_share * len(events):
        raise schema.complain(
            file,
            f"row {reasons.index[0]}",
            f"at most {config.max_quarantine_share:.0%} bad interactions",
            f"{len(bad)} of {len(events)}, mostly: {reasons.mode().iloc[0]} (first: {shown.iloc[0]})",
            "mend the file, or raise dataset.max_quarantine_share",
        )
    return events.drop(index=reasons.index)


def _column(raw: RawTable, name: str) -> pd.Series:
    if name not in raw.frame.columns:
        raise schema.complain(
            raw.file,
            "header",
            f"a column {name!r}",
            ", ".join(map(str, raw.frame.columns)),
            f"mend the file or the data set's YAML: {unknown_key(name, sorted(map(str, raw.frame.columns)))}",
        )
    return raw.frame[name]


def _map_feature(raw: RawTable, table: str, name: str, feature: FeatureColumn, quarantine: Quarantine) -> pd.Series:
    if feature.template is not None:
        return _fill_template(raw, feature.template)
    values = _column(raw, feature.column or name)
    if feature.kind == "numeric":
        numbers = _as_number(values, raw.file)
        refused = values[numbers.isna() & values.notna()]
        quarantine.add(table, raw.file, name, refused, schema.MISSING_VALUE)
        return numbers
    if feature.kind == "timestamp":
        return _as_time(values, "s", raw.file)
    if feature.kind == "categorical":
        return _as_categories(values, feature.separator)
    return _as_text(values)


def _fill_template(raw: RawTable, template: str) -> pd.Series:
    """Fills `{column}` places row by row; a row in which every place is empty has no text at all."""
    from string import Formatter

    names = [name for _, name, _, _ in Formatter().parse(template) if name]
    columns = {name: _as_text(_column(raw, name)).fillna("") for name in names}
    texts = [template.format(**dict(zip(names, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    empty = pd.DataFrame(columns).eq("").all(axis=1)
    return pd.Series(texts, index=raw.frame.index, dtype="str").mask(empty)


def _as_text(values: pd.Series) -> pd.Series:
    """Strings; a whole number read as float because of a gap (`24.0`) is written without the fraction."""
    if pd.api.types.is_float_dtype(values) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    return values.astype("str").where(values.notna())


def _as_number(values: pd.Series, file: str) -> pd.Series:
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
    _check_some_readable(values, numbers, "a number", file)
    return numbers


def _as_time(values: pd.Series, unit: str, file: str) -> pd.Series:
    """UTC without zone, `datetime64[us]`; what cannot be read becomes NaT."""
    if pd.api.types.is_numeric_dtype(values):
        finite = values.where(np.isfinite(values.astype("float64")))
        times = pd.to_datetime(finite, unit=unit, errors="coerce", utc=True)
    else:
        times = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    _check_some_readable(values, times, "a time (ISO 8601, or a number since 1970)", file)
    return times.dt.tz_localize(None).astype("datetime64[us]")


def _check_some_readable(values: pd.Series, read: pd.Series, expected: str, file: str) -> None:
    """A column of which nothing can be read is a wrong mapping, not a few bad rows."""
    present = values.notna()
    if present.any() and not read[present].notna().any():
        first = values[present].index[0]
        raise complain_type(file, first, str(values.name), expected, values[first])


def complain_type(file: str, row: int, column: str, expected: str, found: object) -> schema.SchemaError:
    """The error of a column that holds another type than declared."""
    return schema.complain(
        file, f"row {row}, column {column!r}", expected, repr(found), "mend the column, or declare another in the data set's YAML"
    )


def _as_categories(values: pd.Series, separator: str | None) -> pd.Series:
    """Lists of strings, one for each row; empty where nothing is known."""
    texts = _as_text(values).fillna("")
    parts = texts.str.split(separator, regex=False) if separator else texts.map(lambda text: [text])
    return parts.map(lambda row: [part.strip() for part in row if part.strip()])
