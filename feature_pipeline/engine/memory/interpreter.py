"""Tables that expressions of Ibis describe, computed over arrays."""

from collections.abc import Iterable, Mapping
from typing import Any

import ibis.expr.operations as ops
import numpy as np

from feature_pipeline.engine.memory.aggregates import aggregate
from feature_pipeline.engine.memory.column import Column
from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.evaluator import Evaluator
from feature_pipeline.engine.memory.frames import Found, Frame, Rows, Taken
from feature_pipeline.engine.memory.groups import group
from feature_pipeline.engine.memory.joins import match
from feature_pipeline.engine.memory.states import LayeredStates, States, order_states


class Interpreter:
    """Computes tables, each once, for one run.

    Args:
        tables: rows of declared tables by name; those of further steps may be added as they are computed.
        states: states that stand ready to be looked up, by the name of their table.
    """

    def __init__(self, tables: dict[str, Frame], states: Mapping[str, States | LayeredStates] | None = None):
        self.tables = tables
        self._states = states or {}
        self._frames: dict[Any, Frame] = {}

    def compute(self, relation: Any) -> Frame:
        """The rows of a table."""
        frame = self._frames.get(relation)
        if frame is None:
            frame = self._frames[relation] = self._compute(relation)
        return frame

    def _compute(self, relation: Any) -> Frame:
        kind = type(relation)
        if kind is ops.UnboundTable:
            return self.tables[relation.name]
        if kind is ops.Project:
            return self._select(relation.values, self.compute(relation.parent).num_rows)
        if kind is ops.DropColumns:
            return self.compute(relation.parent)
        if kind is ops.Filter:
            return self._filter(relation)
        if kind is ops.Distinct:
            return self._distinct(relation)
        if kind is ops.Aggregate:
            return self._aggregate(relation)
        if kind is ops.JoinChain:
            return self._join(relation)
        return refuse(relation, "this table operation")

    def _read(self, relation: Any, name: str) -> Column:
        return self.compute(relation).get(name)

    def _select(self, values: Mapping[str, Any], num_rows: int) -> Frame:
        evaluate = Evaluator(num_rows, self._read)
        return Rows({name: evaluate(value) for name, value in values.items()}, num_rows)

    def _filter(self, relation: Any) -> Frame:
        frame = self.compute(relation.parent)
        evaluate = Evaluator(frame.num_rows, self._read)
        holds = [evaluate(predicate).fill(False).astype(bool) for predicate in relation.predicates]
        return Taken(frame, np.flatnonzero(np.logical_and.reduce(holds)))

    def _distinct(self, relation: Any) -> Frame:
        frame = self.compute(relation.parent)
        columns = [frame.get(name) for name in relation.schema.names]
        if any(column.known is not None for column in columns):
            refuse(relation, "distinct rows of unknown values")
        return Taken(frame, group([column.values for column in columns], frame.num_rows).first_rows)

    def _aggregate(self, relation: Any) -> Frame:
        if not relation.groups:
            refuse(relation, "a total without groups")
        num_rows = self.compute(relation.parent).num_rows
        evaluate = Evaluator(num_rows, self._read)
        keys = {name: evaluate(key) for name, key in relation.groups.items()}
        groups = group([key.values for key in keys.values()], num_rows)
        reduced = Evaluator(len(groups.starts), self._read, lambda op: aggregate(op, evaluate, groups))
        columns = {name: key.take(groups.first_rows) for name, key in keys.items()}
        columns |= {name: reduced(metric) for name, metric in relation.metrics.items()}
        return Rows(columns, len(groups.starts))

    def _join(self, chain: Any) -> Frame:
        joined: dict[Any, Frame] = {chain.first: self.compute(chain.first.parent)}
        for link in chain.rest:
            pairs = [_divide(predicate, link.table) for predicate in link.predicates]
            if link.how == "asof":
                joined[link.table] = self._look_up(link, pairs, joined)
            elif link.how in ("inner", "left"):
                joined = self._match(link, pairs, joined)
            else:
                refuse(link, f"a {link.how} join")
        # What the values read of each table are the rows that were joined.
        self._frames |= joined
        return self._select(chain.values, joined[chain.first].num_rows)

    def _match(self, link: Any, pairs: list[tuple[Any, Any]], joined: dict[Any, Frame]) -> dict[Any, Frame]:
        """Every table with one row for each pair of rows that share the key."""
        other = self.compute(link.table.parent)
        left = [joined[one.rel].get(one.name) for one, _ in pairs]
        right = [other.get(field.name) for _, field in pairs]
        rows, matched = match(left, right, keeps_left=link.how == "left")
        found = matched >= 0 if link.how == "left" else None
        return {table: Taken(frame, rows) for table, frame in joined.items()} | {
            link.table: Taken(other, matched, found)
        }

    def _look_up(self, link: Any, pairs: list[tuple[Any, Any]], joined: dict[Any, Frame]) -> Frame:
        """The latest state of each row's key before its moment."""
        *keys, (moment, instant) = _sort_pairs(link, pairs)
        states, names = self._find_states(link.table.parent, [own.name for _, own in keys], instant.name)
        key = [joined[one.rel].get(one.name).values for one, _ in keys]
        rows = states.look_up(key, joined[moment.rel].get(moment.name).values)
        return Found(states, rows, names)

    def _find_states(
        self, relation: Any, key: list[str], instant: str
    ) -> tuple[States | LayeredStates, Mapping[str, str]]:
        """Those that stand ready, or the rows put in order, with their columns' names by those read here."""
        table, names = _strip(relation)
        if type(table) is ops.UnboundTable and table.name in self._states:
            return self._states[table.name], names
        frame = self.compute(relation)
        columns = {name: frame.get(name) for name in relation.schema.names}
        return order_states(columns, key, instant), {name: name for name in columns}


def find_look_ups(relations: Iterable[Any]) -> dict[str, tuple[tuple[str, ...], str]]:
    """The tables that are read by look-ups, by name: columns of the key, and the one that says when."""
    found = {}
    for relation in relations:
        for link in relation.find(ops.JoinLink):
            table, names = _strip(link.table.parent)
            if link.how == "asof" and type(table) is ops.UnboundTable:
                pairs = _sort_pairs(link, [_divide(p, link.table) for p in link.predicates])
                *key, instant = (names[own.name] for _, own in pairs)
                found[table.name] = (tuple(key), instant)
    return found


def _strip(relation: Any) -> tuple[Any, dict[str, str]]:
    """The table under mere renames, and its columns' names by those they were given."""
    names = {name: name for name in relation.schema.names}
    while type(relation) is ops.Project and all(type(v) is ops.Field for v in relation.values.values()):
        names = {shown: relation.values[own].name for shown, own in names.items()}
        relation = relation.parent
    return relation, names


def _sort_pairs(link: Any, pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The columns of the key, and last those that say when."""
    is_moment = [isinstance(predicate, ops.Greater) for predicate in link.predicates]
    if sum(is_moment) != 1:
        refuse(link, "a look-up of anything but the latest state before a moment")
    keys = [pair for pair, is_it in zip(pairs, is_moment, strict=True) if not is_it]
    return [*keys, pairs[is_moment.index(True)]]


def _divide(predicate: Any, table: Any) -> tuple[Any, Any]:
    """The column of the tables joined so far, and that of the new one, which a predicate compares."""
    sides = (predicate.left, predicate.right)
    is_plain = isinstance(predicate, ops.Equals | ops.Greater) and all(type(s) is ops.Field for s in sides)
    if not is_plain or sides[1].rel != table:
        refuse(predicate, "a join by anything but equal columns")
    return sides
