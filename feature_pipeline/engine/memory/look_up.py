"""What a look-up of states reads: the as-of joins among expressions, taken apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ibis.expr.operations as ops

from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.expressions import check_key


@dataclass(frozen=True)
class LookUp:
    """One as-of join.

    Attributes:
        states: the table of states, without renames.
        names: its columns' names, by those that the join gives them.
        rows: columns of the rows that ask: the key's parts.
        key: the same parts as columns of the states.
        moment: column of the rows that says when.
        instant: column of the states that says when.
    """

    states: Any
    names: dict[str, str]
    rows: tuple[Any, ...]
    key: tuple[str, ...]
    moment: Any
    instant: str

    @property
    def table(self) -> str | None:
        """The name of the table of states, where it has one."""
        return self.states.name if isinstance(self.states, ops.UnboundTable) else None


def read_look_up(link: Any) -> LookUp:
    """Takes a link of a join chain apart.

    Raises:
        UnsupportedExpressionError: it looks up anything but the latest state before a moment.
    """
    states, names = _strip(link.table.parent)
    moments = [predicate for predicate in link.predicates if isinstance(predicate, ops.Greater)]
    if len(moments) != 1:
        refuse(link, "a look-up of anything but the latest state before a moment")
    moment, instant = split_predicate(moments[0], link.table, ops.Greater)
    keys = [split_predicate(p, link.table, ops.Equals) for p in link.predicates if p is not moments[0]]
    rows, key = tuple(row for row, _ in keys), tuple(names[own.name] for _, own in keys)
    return LookUp(states, names, rows, key, moment, names[instant.name])


def find_look_ups(relation: Any) -> Iterator[LookUp]:
    """All look-ups of an expression."""
    for link in relation.find(ops.JoinLink):
        if link.how == "asof":
            yield read_look_up(link)


def split_predicate(predicate: Any, table: Any, kind: Any) -> tuple[Any, Any]:
    """The column of the tables joined so far, and that of the new one, which a predicate compares."""
    if isinstance(predicate, kind):
        one, other = predicate.left, predicate.right
        if isinstance(one, ops.Field) and isinstance(other, ops.Field) and other.rel == table:
            check_key(one)
            check_key(other)
            return one, other
    return refuse(predicate, "a join by anything but equal columns")


def _strip(relation: Any) -> tuple[Any, dict[str, str]]:
    """The table under mere renames, and its columns' names by those they were given."""
    names = {name: name for name in relation.schema.names}
    while isinstance(relation, ops.Project) and all(
        isinstance(value, ops.Field) for value in relation.values.values()
    ):
        names = {shown: relation.values[own].name for shown, own in names.items()}
        relation = relation.parent
    return relation, names
