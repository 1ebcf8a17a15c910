"""Interactions by month, and which months of an earlier store still hold.

What is known just before an event depends on it and on earlier events alone. Each month therefore carries a
fingerprint of its own rows, of all months before it, and of how features are computed: as long as it is the
same, so are the month's features, byte for byte.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.schema import EVENT_TIME


@dataclass(frozen=True)
class Partition:
    """The events of one month.

    Attributes:
        name: as `2025-06`.
        rows: where they stand in the interactions, which are sorted by time.
        fingerprint: of all that the month's features depend on.
    """

    name: str
    rows: slice
    fingerprint: str


def divide(interactions: pd.DataFrame, foundation: str) -> list[Partition]:
    """Divides interactions by month (UTC), in order of time.

    Args:
        interactions: the contract table, sorted by `event_time`.
        foundation: a digest of how features are computed, and of what they read besides interactions.
    """
    months = interactions[EVENT_TIME].to_numpy().astype("datetime64[M]")
    starts = np.flatnonzero(np.append(True, months[1:] != months[:-1]))
    partitions, fingerprint = [], foundation
    for start, end in zip(starts, [*starts[1:], len(months)], strict=True):
        rows = slice(int(start), int(end))
        fingerprint = _hash(fingerprint, interactions.iloc[rows])
        partitions.append(Partition(str(months[start]), rows, fingerprint))
    return partitions


def count_unchanged(partitions: list[Partition], earlier: Mapping[str, str]) -> int:
    """How many of the first partitions an earlier store holds with the same fingerprint.

    Args:
        partitions: in order of time.
        earlier: fingerprints by name.
    """
    same = [earlier.get(partition.name) == partition.fingerprint for partition in partitions]
    return same.index(False) if False in same else len(same)


def _hash(before: str, rows: pd.DataFrame) -> str:
    digest = hashlib.sha256(f"{before} {list(rows.columns)}".encode())
    for name in rows:
        values = rows[name]
        if values.dtype == object:  # the lists of a category
            values = values.map("\x1f".join).astype("str")
        digest.update(pd.util.hash_pandas_object(values, index=False, categorize=False).to_numpy().tobytes())
    return digest.hexdigest()
