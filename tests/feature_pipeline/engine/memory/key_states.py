"""States of keys of two parts, made and looked up, and the plain way to find them."""

import numpy as np

from feature_pipeline.engine.memory.groups import group
from feature_pipeline.engine.memory.states import (
    AnyStates,
    States,
    find_before,
    locate,
    order_states,
    read_state,
)
from tests.feature_pipeline.engine.memory.columns import make, show

NONE = (None, None)


def order(key: list[tuple], times: list, values: list) -> States:
    """States of keys, in any order."""
    parts = [make(*part) for part in zip(*key, strict=True)] or [make(), make()]
    when, value = make(*times), make(*values)
    instants = group(len(times), *parts, when)
    return order_states(("time", "value"), len(parts), instants, *parts, when, when, value)


def find(states: AnyStates, key: list[tuple], moments: list) -> list[tuple]:
    """Time and value of the state of each key before its moment."""
    parts = [make(*part) for part in zip(*key, strict=True)]
    found = find_before(states, locate(states, *parts), make(*moments))
    return list(zip(*(show(read_state(found, name)) for name in ("time", "value")), strict=True))


def draw(rng: np.random.Generator, count: int, owners: list[int] | None = None) -> States:
    key = [(int(rng.choice(owners or 8)) - 2, int(rng.integers(-2, 4))) for _ in range(count)]
    times = rng.integers(0, 40, count)
    values = [
        one * 10_000 + other * 100 + when for (one, other), when in zip(key, times.tolist(), strict=True)
    ]
    return order(key, times.tolist(), values)


def list_all(states: States) -> list[tuple]:
    """Every state as (parts of its key, time, value)."""
    columns = [*states.list_keys(), states.columns["time"], states.columns["value"]]
    return list(zip(*(show(column) for column in columns), strict=True))


def search(rows: list[tuple], key: tuple, moment: int) -> tuple:
    """The plain way."""
    before = [row[2:] for row in rows if row[:2] == key and row[2] < moment]
    return max(before, default=NONE)
