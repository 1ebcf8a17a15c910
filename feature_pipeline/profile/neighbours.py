"""A few items and what each encoder holds for their nearest: the quickest look at an embedding."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.schema import FeatureSpec

ITEMS_SHOWN, NEIGHBOURS_SHOWN = 12, 5

# (row of the items table, cosine), nearest first
Neighbours = list[tuple[int, float]]


@dataclass(frozen=True)
class Sheet:
    """Items with their nearest neighbours, by each embedding of one text or image feature.

    Attributes:
        feature: the text or image column.
        kind: `text` or `image`.
        neighbours: row of the items table -> embedding column -> its neighbours; none where the item has no
            such embedding.
    """

    feature: str
    kind: str
    neighbours: dict[int, dict[str, Neighbours]]


def build_sheets(
    items: pd.DataFrame, specs: list[FeatureSpec], vectors: Mapping[str, np.ndarray], seed: int = 0
) -> list[Sheet]:
    """Draws items for each embedded text and image feature, and finds their neighbours.

    Args:
        items: the items table.
        specs: its features.
        vectors: its embeddings, [num_items, dim] float32 each, zeros where one is missing.
        seed: of the draw.

    Returns:
        Images first; features that no item has are left out.
    """
    kinds = {spec.name: spec.kind for spec in specs if spec.kind in ("text", "image")}
    owners = {column: _find_owner(column, list(kinds)) for column in vectors}
    sheets = []
    for feature in sorted(kinds, key=lambda name: kinds[name]):
        own = {column: vectors[column] for column, owner in owners.items() if owner == feature}
        rows = _draw_rows(items[feature].notna().to_numpy(), own, seed)
        found = {column: find_neighbours(array, rows, NEIGHBOURS_SHOWN) for column, array in own.items()}
        if rows.size:
            by_row = {int(row): {column: found[column][i] for column in own} for i, row in enumerate(rows)}
            sheets.append(Sheet(feature, kinds[feature], by_row))
    return sheets


def find_neighbours(vectors: np.ndarray, rows: np.ndarray, count: int) -> list[Neighbours]:
    """Finds the rows of the highest cosine, the first of equal ones.

    Args:
        vectors: [num_rows, dim] float32, zeros where one is missing.
        rows: whose neighbours are wanted [num_wanted] int64.
        count: neighbours of each.

    Returns:
        For each of `rows` at most `count` others, nearest first; none for a missing one.
    """
    lengths = np.linalg.norm(vectors, axis=1)
    present = lengths > 0
    scale = np.where(present, lengths, 1)
    cosines = (vectors[rows] @ vectors.T) / (scale[rows, None] * scale)
    cosines[:, ~present] = -np.inf
    cosines[~present[rows]] = -np.inf
    cosines[np.arange(len(rows)), rows] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    return [
        [(int(i), float(line[i])) for i in nearest if np.isfinite(line[i])]
        for nearest, line in zip(order, cosines, strict=True)
    ]


def _find_owner(column: str, features: list[str]) -> str | None:
    """The feature that an embedding column is named after: the longest of those it begins with."""
    return max((name for name in features if column.startswith(f"{name}_")), key=len, default=None)


def _draw_rows(has_content: np.ndarray, vectors: Mapping[str, np.ndarray], seed: int) -> np.ndarray:
    """At most `ITEMS_SHOWN` rows that have the content and an embedding of it."""
    embedded = [array.any(axis=1) for array in vectors.values()]
    rows = np.flatnonzero(has_content & np.any([np.zeros_like(has_content), *embedded], axis=0))
    return np.random.default_rng(seed).choice(rows, min(ITEMS_SHOWN, len(rows)), replace=False)
