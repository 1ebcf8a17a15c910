"""Whom and what a figure is about: groups of users, and groups of items by how popular they are."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.columns import to_float
from feature_pipeline.schema import FeatureSpec

ALL = "all"
COLD = "item:cold"
# Of a user attribute with more values, these are the most frequent among the queries.
MAX_VALUES = 6


def group_items(popularity: np.ndarray) -> dict[str, np.ndarray]:
    """Divides the items by popularity: each `[num_items] bool`.

    `item:head`, `item:middle` and `item:tail` gather a third of the events each, the most popular items
    first; `item:cold` have none.

    Args:
        popularity: learned events of each item `[num_items] int`.
    """
    order = np.argsort(-popularity, kind="stable")
    gathered = np.empty(len(popularity))
    # Where an item begins, not where it ends: the most popular of all is in the head whatever it gathers.
    gathered[order] = (np.cumsum(popularity[order]) - popularity[order]) / max(popularity.sum(), 1)
    third = np.minimum((gathered * 3).astype(int), 2)
    known = popularity > 0
    names = ("item:head", "item:middle", "item:tail")
    return {name: known & (third == place) for place, name in enumerate(names)} | {COLD: ~known}


def group_users(users: pd.DataFrame, specs: Sequence[FeatureSpec]) -> dict[str, np.ndarray]:
    """Divides the users of queries by each of their attributes: each `[num_queries] bool`.

    Categorical attributes give one group a value, the `MAX_VALUES` most frequent; numeric ones are cut into
    thirds. A query whose user lacks the attribute is in none of its groups.

    Args:
        users: rows of the users table, one a query.
        specs: of its features.
    """
    groups: dict[str, np.ndarray] = {}
    for spec in specs:
        if spec.kind == "categorical":
            groups |= dict(_group_by_value(spec.name, users[spec.name]))
        elif spec.kind == "numeric":
            groups |= dict(_group_by_third(spec.name, to_float(users[spec.name])))
    return groups


def group_histories(past: np.ndarray) -> dict[str, np.ndarray]:
    """Divides the queries by how many items their users had met before: each `[num_queries] bool`."""
    return {
        "user:new": past == 0,
        "user:1-10 items": (past > 0) & (past <= 10),
        "user:over 10 items": past > 10,
    }


def mark_pairs(
    relevant: csr_array, users: Mapping[str, np.ndarray], items: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Says which (query, relevant item) pairs each group holds: `[relevant.nnz] bool`; none is empty.

    Args:
        relevant: `[num_queries, num_items] bool`.
        users: groups of queries `[num_queries] bool`.
        items: groups of items `[num_items] bool`.
    """
    query, item = relevant.nonzero()
    segments = {ALL: np.ones(len(query), bool)}
    segments |= {name: group[query] for name, group in users.items()}
    segments |= {name: group[item] for name, group in items.items()}
    return {name: pairs for name, pairs in segments.items() if pairs.any()}


def _group_by_value(name: str, rows: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    values = rows.explode().dropna()
    for value in values.value_counts().index[:MAX_VALUES]:
        yield f"user:{name}={value}", rows.map(lambda row, value=value: value in row).to_numpy(bool)


def _group_by_third(name: str, values: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    known = values[~np.isnan(values)]
    if not len(known):
        return
    # Where many share a number, fewer borders are left.
    borders = np.unique(np.quantile(known, [1 / 3, 2 / 3], method="lower"))
    borders = borders[borders < known.max()]
    place = np.searchsorted(borders, values)
    for third, border in enumerate(borders):
        yield f"user:{name} up to {_write(border)}", (place == third) & ~np.isnan(values)
    if len(borders):
        yield f"user:{name} over {_write(borders[-1])}", values > borders[-1]
    else:
        yield f"user:{name} {_write(known.max())}", ~np.isnan(values)


def _write(number: float) -> str:
    """The number in full, so that two numbers never read alike."""
    return f"{number:.17g}" if number != round(number) else f"{number:.0f}"
