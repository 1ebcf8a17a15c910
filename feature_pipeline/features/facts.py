"""What features compute from: rows, events and their states, declared once and shared by all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.types as ir

from feature_pipeline.config import ConfigError, unknown_key
from feature_pipeline.engine.engine import Engine, declare_table
from feature_pipeline.features.state import KEY_COLUMNS, StateKey, build_states
from feature_pipeline.point_in_time import AS_OF, ROW
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID, WEIGHT

QUERY = "query"
FROM_ITEM = "from_item"
STEPS_BACK = "steps_back"
VALUE = "value"
LOOK_UP_TIME = "look_up_time"

Level = Literal["query", "candidate"]


@dataclass(frozen=True)
class Columns:
    """What the items of a data set are described by.

    Attributes:
        categories: categorical features.
        numbers: numeric features.
        embeddings: embedding columns.
    """

    categories: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    embeddings: tuple[str, ...] = ()


def choose(wanted: Sequence[str], known: tuple[str, ...], place: str) -> tuple[str, ...]:
    """Those of the columns that a feature's parameter names, or all where it names none.

    Raises:
        ConfigError: one of them is not there; the nearest is suggested.
    """
    for name in wanted:
        if name not in known:
            raise ConfigError(unknown_key(f"{place}.{name}", sorted(known)))
    return tuple(wanted) or known


def join_columns(rows: ir.Table, computed: ir.Table) -> ir.Table:
    """Adds computed columns to rows of the same `row`; a row that has none of them gets nulls."""
    return rows.left_join(computed, ROW).drop(f"{ROW}_right")


@dataclass
class Facts:
    """The tables a feature may read, in whole numbers: ids by position, times in microseconds.

    Attributes:
        engine: finds states, see `Engine.look_up`.
        columns: what the items are described by.
        level: whether a row is a query or one candidate of a query.
        steps: tables that are computed once and read by several features, by name.
    """

    engine: type[Engine]
    columns: Columns
    level: Level
    steps: dict[str, ir.Table] = field(default_factory=dict)

    @property
    def rows(self) -> ir.Table:
        """What is asked: `row` (unique), `query, user_id, as_of`, and `item_id` for candidates."""
        if self.level == "query":
            return declare_table("asked", ROW, QUERY, USER_ID, AS_OF)
        return declare_table("rows", ROW, QUERY, USER_ID, ITEM_ID, AS_OF)

    @property
    def queries(self) -> ir.Table:
        """Each query once: `row` (the same as `query`), `query, user_id, as_of`."""
        return declare_table("asked", ROW, QUERY, USER_ID, AS_OF)

    @property
    def recent(self) -> ir.Table:
        """The last items of each query: `row` (unique), `query, from_item, as_of, steps_back` (1 latest)."""
        return declare_table("recent", ROW, QUERY, FROM_ITEM, AS_OF, STEPS_BACK)

    @property
    def events_of_users(self) -> ir.Table:
        """All events of the users asked for: `user_id, item_id, event_time, event_order, weight`."""
        return _declare_events("of_user")

    @property
    def events_of_items(self) -> ir.Table:
        """All events of the items asked for; columns as in `events_of_users`."""
        return _declare_events("of_item")

    @property
    def steps_between_items(self) -> ir.Table:
        """Steps of users from one item to a later one: `from_item, item_id, event_time, steps_back`.

        `event_time` is that of the arrival, `steps_back` how many events before it the first item stood. All
        steps out of the recent items of the queries are here.
        """
        return declare_table("steps", FROM_ITEM, ITEM_ID, EVENT_TIME, STEPS_BACK)

    def get_values(self, category: str) -> ir.Table:
        """The values of a category: `item_id, value`, one row for each value that an item has."""
        return declare_table(f"values_{category}", ITEM_ID, VALUE)

    def get_numbers(self, name: str) -> ir.Table:
        """A numeric feature of the items: `item_id, value` (int64 millionths), where it is known."""
        return declare_table(f"numbers_{name}", ITEM_ID, VALUE)

    def share(self, name: str, table: ir.Table) -> ir.Table:
        """Has a table computed once under a name of its own, and returns it to read from."""
        self.steps.setdefault(name, table)
        return ibis.table(self.steps[name].schema(), name=name)

    def look_up(self, rows: ir.Table, key: StateKey, width: int, prefix: str) -> ir.Table:
        """Adds the state of a key before each row's moment less `width` microseconds."""
        events = self.events_of_items if key == "item" else self.events_of_users
        states = self.share(f"states_{key}", build_states(events, key))
        return self.look_up_states(rows, states, KEY_COLUMNS[key], width, prefix)

    def look_up_states(
        self, rows: ir.Table, states: ir.Table, key: Sequence[str], width: int, prefix: str
    ) -> ir.Table:
        """The same with any states, see `point_in_time.accumulate`."""
        timed = rows.mutate(**{LOOK_UP_TIME: rows[AS_OF] - width})
        return self.engine.look_up(timed, states, key, LOOK_UP_TIME, prefix).drop(LOOK_UP_TIME)


def _declare_events(name: str) -> ir.Table:
    return declare_table(name, USER_ID, ITEM_ID, EVENT_TIME, EVENT_ORDER, WEIGHT)
