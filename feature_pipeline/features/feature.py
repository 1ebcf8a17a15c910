"""What a feature is: one definition, chosen by name in YAML, for training and serving alike.

A feature's fields are its parameters. To make one of your own, derive from one of the four classes here in a
file of your own, and name the file in YAML: `point_in_time: {night_owl: {file: my_features/night_owl.py}}`.

- `StateFeature`: reads the state of a user, an item, or the two together just before the moment. Features of
  one key share their look-ups, so that one more costs next to nothing.
- `MomentFeature`: reads the moment alone.
- `TableFeature`: any Ibis expression over the facts.
- `ArrayFeature`: any NumPy over the recent items and the candidates; for embeddings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import ibis.expr.types as ir
import numpy as np

from feature_pipeline.config import Strict
from feature_pipeline.features.facts import Columns, Facts
from feature_pipeline.features.state import StateKey
from feature_pipeline.features.window import ALL, MICROSECONDS, Unit, Window, get_width
from feature_pipeline.schema import FeatureSpec, Side


class Feature(Strict):
    """Base of every feature.

    Attributes:
        side: `query` and `context` are computed once a query, `candidate` and `pair` once a row.
    """

    side: ClassVar[Side]

    def list_specs(self, columns: Columns) -> list[FeatureSpec]:
        """The columns that this feature makes.

        Args:
            columns: what the items are described by.
        """
        raise NotImplementedError

    def get_recent(self) -> int:
        """How many of the user's last items it reads."""
        return 0

    def get_reach(self) -> int:
        """How many events apart the steps between items stand that it reads."""
        return 0

    @property
    def is_of_query(self) -> bool:
        """Whether it is computed once a query, whatever the candidate."""
        return self.side in ("query", "context")


@dataclass(frozen=True)
class Moment:
    """A row and the states of one key before it.

    Attributes:
        table: the row with the states that were looked up.
        key: whose states.
        as_of: int64 microseconds.
    """

    table: ir.Table
    key: StateKey
    as_of: ir.IntegerValue

    def get_state(self, name: str, window: Window = ALL) -> ir.Value:
        """One value of the state before the moment, or before the window: null where there was none."""
        return self.table[build_prefix(self.key, window) + name]

    def add_up(self, name: str, window: Window = ALL) -> ir.IntegerValue:
        """A running sum within the window, int64."""
        now = self.get_state(name).fill_null(0)
        return now if window == ALL else now - self.get_state(name, window).fill_null(0)

    def count(self, window: Window = ALL) -> ir.IntegerValue:
        """Events within the window, int64."""
        return self.add_up("events", window)

    def get_time_since(self, moment: ir.IntegerValue, unit: Unit) -> ir.FloatingValue:
        """Time from an earlier moment (microseconds) to this one; null where there is none."""
        return (self.as_of - moment) / MICROSECONDS[unit]


class StateFeature(Feature):
    """Reads the states of one key.

    Attributes:
        key: `user`, `item` or `user_item`.
    """

    key: ClassVar[StateKey]

    def list_windows(self) -> list[Window]:
        """The windows it reads; the state just before the moment is always there."""
        return []

    def read(self, moment: Moment) -> Mapping[str, ir.Value]:
        """The columns by name."""
        raise NotImplementedError


class MomentFeature(Feature):
    """Reads nothing but when the query is asked."""

    side = "context"

    def read(self, as_of: ir.IntegerValue) -> Mapping[str, ir.Value]:
        """The columns by name, from int64 microseconds since 1970, UTC."""
        raise NotImplementedError


class TableFeature(Feature):
    """Any expression over the facts."""

    def compute(self, facts: Facts) -> ir.Table:
        """`row` and the columns; a row that is left out has none of them (null)."""
        raise NotImplementedError


class ArrayFeature(Feature):
    """Compares candidates with the items of the recent history; `side` is `pair`."""

    side = "pair"

    def compute(
        self, vectors: Mapping[str, np.ndarray], history: np.ndarray, candidates: np.ndarray
    ) -> Mapping[str, np.ndarray]:
        """The columns by name, [num_queries, num_candidates] float32 each.

        Args:
            vectors: item embeddings of length 1 [num_items, dim] float32 by column; zero where missing.
            history: positions of recent items [num_queries, length] int, the oldest first, -1 where none.
            candidates: positions [num_queries, num_candidates] int, -1 where none.
        """
        raise NotImplementedError


def build_prefix(key: StateKey, window: Window) -> str:
    """What stands before the names of a state's columns after the look-up."""
    return f"{key}__{window}__"


def look_up_states(facts: Facts, features: list[StateFeature]) -> ir.Table:
    """The rows with every state that the features read, each looked up once."""
    table = facts.rows
    wanted = {(feature.key, window) for feature in features for window in (ALL, *feature.list_windows())}
    for key, window in sorted(wanted):
        table = facts.look_up(table, key, get_width(window), build_prefix(key, window))
    return table
