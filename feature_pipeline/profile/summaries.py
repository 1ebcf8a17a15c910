"""What the tables of a store hold: missing values, quantiles, and what was set aside."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.schema import TITLE, FeatureSpec

QUANTILES = {"min": 0.0, "1 %": 0.01, "median": 0.5, "99 %": 0.99, "max": 1.0}
GROUPS_SHOWN, EXAMPLES_SHOWN, EXAMPLES_A_GROUP = 50, 50, 3

_FAULT = ["table", "column", "reason"]


@dataclass(frozen=True)
class MissingShare:
    """How much of one column is missing.

    Attributes:
        column: the column's name.
        count: rows without a value.
        share: the same by number of rows, 0 to 1.
    """

    column: str
    count: int
    share: float


@dataclass(frozen=True)
class NumericFeature:
    """How the values of one numeric feature lie.

    Attributes:
        name: the feature's name.
        quantiles: value by the names of `QUANTILES`; empty where every value is missing.
        missing: share of rows without a value, 0 to 1.
    """

    name: str
    quantiles: dict[str, float]
    missing: float


@dataclass(frozen=True)
class TableSummary:
    """One table, column by column.

    Attributes:
        name: the table's name.
        rows: its number of rows.
        missing: of every column, in order.
        numbers: of every numeric feature, in order.
    """

    name: str
    rows: int
    missing: list[MissingShare]
    numbers: list[NumericFeature]


@dataclass(frozen=True)
class SetAside:
    """The quarantine, told in short.

    Attributes:
        total: rows in quarantine.
        groups: the commonest faults, `table, column, reason, count`, descending.
        num_groups: how many different faults there are.
        examples: a few quarantined rows of each fault shown, in the order of `groups`.
    """

    total: int
    groups: pd.DataFrame
    num_groups: int
    examples: pd.DataFrame


def describe_table(
    name: str, frame: pd.DataFrame, specs: list[FeatureSpec], vectors: Mapping[str, np.ndarray]
) -> TableSummary:
    """Counts what is missing, and says how the numeric features lie.

    Args:
        name: the table's name.
        frame: its columns without embeddings; a category is a list, empty where nothing is known.
        specs: the table's features.
        vectors: its embeddings, [num_rows, dim] float32 each, zeros where one is missing.
    """
    kinds = {spec.name: spec.kind for spec in specs}
    gaps = {str(column): _find_gaps(values, kinds.get(str(column))) for column, values in frame.items()}
    gaps |= {column: np.logical_not(rows.any(axis=1)) for column, rows in vectors.items()}
    return TableSummary(
        name,
        len(frame),
        [MissingShare(column, int(rows.sum()), float(rows.mean())) for column, rows in gaps.items()],
        [_describe_number(frame[column]) for column, kind in kinds.items() if kind == "numeric"],
    )


def _find_gaps(values: pd.Series, kind: str | None) -> np.ndarray:
    """Which rows have no value [num_rows] bool."""
    if kind == "categorical":
        values = values.str.len()
        return (values.isna() | values.eq(0)).to_numpy(bool)
    return (values.isna() | values.eq("") if values.name == TITLE else values.isna()).to_numpy(bool)


def _describe_number(values: pd.Series) -> NumericFeature:
    present = values.dropna().to_numpy(float)
    found = np.quantile(present, list(QUANTILES.values())).tolist() if len(present) else []
    quantiles = dict(zip(QUANTILES, found, strict=False))
    return NumericFeature(str(values.name), quantiles, float(values.isna().mean()))


def describe_quarantine(quarantine: pd.DataFrame) -> SetAside:
    """Counts the faults and picks examples.

    Args:
        quarantine: `table, file, row, column, value, reason`.
    """
    counts = quarantine.groupby(_FAULT, as_index=False).size().rename(columns={"size": "count"})
    commonest = counts.sort_values("count", ascending=False, kind="stable", ignore_index=True)
    groups = commonest.head(GROUPS_SHOWN)
    examples = groups[_FAULT].merge(quarantine.groupby(_FAULT).head(EXAMPLES_A_GROUP), on=_FAULT)
    return SetAside(len(quarantine), groups, len(counts), examples.head(EXAMPLES_SHOWN))
