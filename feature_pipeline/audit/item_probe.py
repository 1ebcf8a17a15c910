"""How well each declared column of the items tells which of them are chosen in a held-out part."""

import numpy as np
import pandas as pd

from feature_pipeline.audit.auc import Verdict, compute_auc, ignore_direction
from feature_pipeline.audit.subject import Subject
from feature_pipeline.columns import to_float
from feature_pipeline.schema import ITEM_ID, FeatureSpec
from feature_pipeline.splits import TRAIN

_MOST_ITEMS = 20_000
_FEWEST = 50
_FOLDS = 2


def probe_items(
    subject: Subject, parts: np.ndarray, part: str, rng: np.random.Generator
) -> dict[str, Verdict]:
    """Compares items chosen in a part with items that are chosen in no held-out part.

    A number is judged by itself, in either direction; a category by the share of chosen items among other
    items of the same value, so that one item's own answer never speaks for it.

    Args:
        subject: what is audited.
        parts: of each event, see `splits.assign_split`.
        part: `validation` or `test`.
        rng: draws the items, where there are many.

    Returns:
        By column; empty where too few items are of either kind.
    """
    rows, is_chosen = _draw_items(subject, parts, part, rng)
    if min(is_chosen.sum(), (~is_chosen).sum()) < _FEWEST:
        return {}
    items = subject.items.iloc[rows].reset_index(drop=True)
    verdicts = {}
    for spec in list_item_specs(subject, "categorical", "numeric", "timestamp"):
        example = _describe(items, spec.name, is_chosen, part)
        verdicts[spec.name] = Verdict(_judge(spec, items[spec.name], is_chosen), example)
    return verdicts


def list_item_specs(subject: Subject, *kinds: str) -> list[FeatureSpec]:
    """The declared columns of the items that are of some kinds."""
    return [s for s in subject.specs if s.side == "candidate" and s.kind in kinds and s.name in subject.items]


def _draw_items(
    subject: Subject, parts: np.ndarray, part: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of items [num_rows] int, and which are chosen in the part [num_rows] bool."""
    events, items = subject.interactions[ITEM_ID], subject.items[ITEM_ID]
    is_chosen = items.isin(events[parts == part].unique()).to_numpy()
    is_held_out = items.isin(events[parts != TRAIN].unique()).to_numpy()
    rows = rng.permutation(np.flatnonzero(is_chosen | ~is_held_out))[:_MOST_ITEMS]
    return rows, is_chosen[rows]


def _judge(spec: FeatureSpec, values: pd.Series, is_chosen: np.ndarray) -> float:
    if spec.kind == "categorical":
        return compute_auc(_score_categories(values, is_chosen), is_chosen)
    return ignore_direction(compute_auc(to_float(values), is_chosen))


def _score_categories(lists: pd.Series, is_chosen: np.ndarray) -> np.ndarray:
    """Share of chosen items among those of the other fold with the same value; of all, where none has it."""
    fold = np.arange(len(lists)) % _FOLDS
    values = lists.explode().rename("value").to_frame()
    values = values.assign(chosen=is_chosen[values.index].astype("float64"), fold=fold[values.index])
    scores = np.full(len(lists), is_chosen.mean())
    for own in range(_FOLDS):
        shares = values[values["fold"] != own].groupby("value")["chosen"].mean()
        known = values.loc[values["fold"] == own, "value"].map(shares).dropna()
        found = known.groupby(level=0).mean()
        scores[found.index] = found
    return scores


def _describe(items: pd.DataFrame, column: str, is_chosen: np.ndarray, part: str) -> str:
    chosen, other = items.iloc[is_chosen.argmax()], items.iloc[is_chosen.argmin()]
    return (
        f"{chosen[column]} of item {chosen[ITEM_ID]!r}, chosen in {part}, and {other[column]} of item "
        f"{other[ITEM_ID]!r}, not chosen there"
    )
