"""Tables that expressions of Ibis describe, as steps of a plan."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import ibis.expr.operations as ops

from feature_pipeline.engine.memory.errors import refuse
from feature_pipeline.engine.memory.expressions import Expressions, Frame
from feature_pipeline.engine.memory.groups import count_groups, divide, select_first, sort_rows
from feature_pipeline.engine.memory.joins import get_left, get_right, match_inner, match_left
from feature_pipeline.engine.memory.look_up import LookUp, read_look_up, split_predicate
from feature_pipeline.engine.memory.plan import (
    STATES,
    TABLES,
    Plan,
    Program,
    count_rows,
    read_column,
    read_states,
)
from feature_pipeline.engine.memory.selection import count_selected, select, take
from feature_pipeline.engine.memory.states import find_before, locate, order_states, read_state

_MATCHES = {"inner": match_inner, "left": match_left}


@dataclass(frozen=True)
class Compiled:
    """A program, and what it reads.

    Attributes:
        program: computes the columns of a table, or its states.
        sources: names of the tables whose rows a run must give.
    """

    program: Program
    sources: list[str]


def compile_table(relation: Any, steps: Mapping[str, Any], standing: Collection[str]) -> Compiled:
    """Compiles the columns of a table.

    Args:
        relation: the table.
        steps: tables that it reads by name.
        standing: those of the steps that have states; where they are looked up they are not computed.

    Raises:
        UnsupportedExpressionError: it holds an operation that is not known here.
    """
    compiler = _Compiler(steps, standing)
    frame = compiler.compile(relation)
    results = {name: frame.read(name) for name in relation.schema.names}
    return Compiled(compiler.plan.finish(results), sorted(compiler.sources))


def compile_states(relation: Any, key: tuple[str, ...], instant: str) -> Compiled:
    """Compiles a table of states, as the one result `states`.

    Args:
        relation: the table.
        key: its columns whose state each row is.
        instant: its column that says when.
    """
    compiler = _Compiler({}, ())
    states = compiler.compile_states(relation, key, instant)
    return Compiled(compiler.plan.finish({"states": states}), sorted(compiler.sources))


class _Compiler:
    def __init__(self, steps: Mapping[str, Any], standing: Collection[str]):
        self.plan = Plan()
        self.sources: set[str] = set()
        self._steps = steps
        self._standing = standing
        self._frames: dict[Any, Frame] = {}

    def compile(self, relation: Any) -> Frame:
        """The table in the plan."""
        if relation not in self._frames:
            self._frames[relation] = self._compile(relation)
        return self._frames[relation]

    def compile_states(self, relation: Any, key: tuple[str, ...], instant: str) -> int:
        """The slot of a table's rows as states."""
        frame, plan = self.compile(relation), self.plan
        names = tuple(name for name in relation.schema.names if name not in key)
        by_time = [frame.read(name) for name in (*key, instant)]
        order = plan.add(sort_rows, frame.count(), *by_time)
        instants = plan.add(divide, frame.count(), order, *by_time)
        described = (plan.hold(names), plan.hold(len(key)), instants)
        return plan.add(order_states, *described, *by_time, *[frame.read(name) for name in names])

    def _compile(self, relation: Any) -> Frame:
        if isinstance(relation, ops.UnboundTable):
            return self._find_table(relation)
        if isinstance(relation, ops.JoinChain):
            return self._join(relation)
        if isinstance(relation, ops.Project):
            parent = self.compile(relation.parent)
            return self._compute(relation.values, {relation.parent: parent}, parent.count)
        if isinstance(relation, ops.DropColumns):
            return self.compile(relation.parent)
        if isinstance(relation, ops.Filter):
            return self._filter(relation)
        if isinstance(relation, ops.Distinct):
            return self._distinct(relation)
        if isinstance(relation, ops.Aggregate):
            return self._aggregate(relation)
        return refuse(relation, "this table operation")

    def _find_table(self, relation: Any) -> Frame:
        """A step, or rows that a run is given."""
        name, plan = relation.name, self.plan
        if name in self._steps:
            return self.compile(self._steps[name])

        def read(column: str) -> int:
            self.sources.add(name)
            return plan.add(read_column, TABLES, plan.hold(name), plan.hold(column))

        return Frame(read, lambda: plan.add(count_rows, read(relation.schema.names[0])))

    def _compute(self, values: Mapping[str, Any], frames: Mapping[Any, Frame], count: Any) -> Frame:
        """Columns over those of other tables."""
        expressions = Expressions(self.plan, frames, count)
        return Frame(lambda name: expressions(values[name]), count)

    def _take(self, frame: Frame, selection: int) -> Frame:
        """Some rows of a table."""
        return Frame(
            lambda name: self.plan.add(take, frame.read(name), selection),
            lambda: self.plan.add(count_selected, selection),
        )

    def _filter(self, relation: Any) -> Frame:
        frame = self.compile(relation.parent)
        expressions = Expressions(self.plan, {relation.parent: frame}, frame.count)
        return self._take(frame, self.plan.add(select, *[expressions(p) for p in relation.predicates]))

    def _distinct(self, relation: Any) -> Frame:
        frame, plan = self.compile(relation.parent), self.plan
        columns = [frame.read(name) for name in relation.schema.names]
        order = plan.add(sort_rows, frame.count(), *columns)
        return self._take(frame, plan.add(select_first, plan.add(divide, frame.count(), order, *columns)))

    def _aggregate(self, relation: Any) -> Frame:
        if not relation.groups:
            refuse(relation, "a total without groups")
        frame, plan = self.compile(relation.parent), self.plan
        rows = Expressions(plan, {relation.parent: frame}, frame.count)
        keys = {name: rows.compile_key(key) for name, key in relation.groups.items()}
        order = plan.add(sort_rows, frame.count(), *keys.values())
        groups = plan.add(divide, frame.count(), order, *keys.values())
        first = plan.add(select_first, groups)
        count = cache(lambda: plan.add(count_groups, groups))
        metrics = Expressions(plan, {}, count, lambda reduction: rows.compile_aggregate(reduction, groups))

        def read(name: str) -> int:
            return plan.add(take, keys[name], first) if name in keys else metrics(relation.metrics[name])

        return Frame(read, count)

    def _join(self, chain: Any) -> Frame:
        frames: dict[Any, Frame] = {chain.first: self.compile(chain.first.parent)}
        for link in chain.rest:
            if link.how == "asof":
                frames[link.table] = self._look_up(read_look_up(link), frames)
            elif link.how in _MATCHES:
                frames = self._match(link, frames)
            else:
                refuse(link, f"{link.how} joins")
        return self._compute(chain.values, frames, frames[chain.first].count)

    def _match(self, link: Any, frames: Mapping[Any, Frame]) -> dict[Any, Frame]:
        """Every table with one row for each pair of rows that share the key."""
        plan, other = self.plan, self.compile(link.table.parent)
        pairs = [split_predicate(predicate, link.table, ops.Equals) for predicate in link.predicates]
        left = [frames[one.rel].read(one.name) for one, _ in pairs]
        match = plan.add(_MATCHES[link.how], *left, *[other.read(own.name) for _, own in pairs])
        selected = plan.add(get_left, match)
        taken = {table: self._take(frame, selected) for table, frame in frames.items()}
        return taken | {link.table: self._take(other, plan.add(get_right, match))}

    def _look_up(self, wanted: LookUp, frames: Mapping[Any, Frame]) -> Frame:
        """The latest state of each row's key before its moment."""
        plan, states = self.plan, self._find_states(wanted)
        key = [frames[part.rel].read(part.name) for part in wanted.rows]
        moment = frames[wanted.moment.rel].read(wanted.moment.name)
        found = plan.add(find_before, states, plan.add(locate, states, *key), moment)

        def read(name: str) -> int:
            if wanted.names[name] in wanted.key:
                refuse(wanted.states, "the key of a state that was looked up")
            return plan.add(read_state, found, plan.hold(wanted.names[name]))

        return Frame(read, lambda: plan.add(count_rows, key[0]))

    def _find_states(self, wanted: LookUp) -> int:
        """Those that stand ready, or the rows put in order."""
        if wanted.table in self._standing:
            return self.plan.add(read_states, STATES, self.plan.hold(wanted.table))
        return self.compile_states(wanted.states, wanted.key, wanted.instant)
