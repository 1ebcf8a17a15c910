"""Some rows of a table: what filters, joins and look-ups find."""

from dataclasses import dataclass

import numpy as np

from feature_pipeline.engine.memory.column import Column, Mask, both


@dataclass(frozen=True)
class Selection:
    """Rows of a table, in any order and any of them several times.

    Attributes:
        count: how many.
        rows: which [count] int64; None for all, in their order.
        found: which of them are there at all [count] bool; None for all.
    """

    count: int
    rows: np.ndarray | None = None
    found: Mask = None


def take(column: Column, selection: Selection) -> Column:
    """The column's values at the rows of a selection; unknown where a row is not there."""
    rows = selection.rows
    if rows is None:
        return column
    if not len(column.values):
        return Column(np.zeros(len(rows), column.values.dtype), np.zeros(len(rows), bool))
    known = None if column.known is None else column.known[rows]
    return Column(column.values[rows], both(known, selection.found))


def select(*conditions: Column) -> Selection:
    """The rows for which all conditions hold."""
    holds = conditions[0].holds()
    for condition in conditions[1:]:
        holds = holds & condition.holds()
    rows = np.flatnonzero(holds)
    return Selection(len(rows), None if len(rows) == len(holds) else rows)


def count_selected(selection: Selection) -> int:
    """How many rows."""
    return selection.count
