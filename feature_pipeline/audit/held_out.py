"""Validation queries to probe with: the item that a user chose, beside items that other users chose."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.audit.subject import Subject
from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.splits import VALIDATION, Queries, build_queries

_OTHERS = 10


@dataclass(frozen=True)
class HeldOut:
    """Queries with candidates.

    Attributes:
        queries: `user_id, as_of, as_of_order` and the context of the moment.
        candidates: item positions [num_queries, num_candidates] int, the query's first target in front, then
            at least one other item; -1 pads.
    """

    queries: pd.DataFrame
    candidates: np.ndarray


def draw_held_out(subject: Subject, parts: np.ndarray, size: int, rng: np.random.Generator) -> HeldOut:
    """Draws validation queries and, for each, targets of others that its user never chose.

    These are as popular as targets are, so that popularity alone tells nothing of them.

    Args:
        subject: what is audited.
        parts: of each event, see `splits.assign_split`.
        size: how many queries at most.
        rng: draws them.
    """
    users = subject.interactions.loc[parts == VALIDATION, USER_ID].unique()
    drawn = users[rng.permutation(len(users))[:size]]
    is_of_drawn = subject.interactions[USER_ID].isin(drawn).to_numpy()
    events, is_target = subject.interactions[is_of_drawn], parts[is_of_drawn] == VALIDATION
    context = [s.name for s in subject.specs if s.side == "context" and s.name in events]
    queries = build_queries(events, is_target, context, subject.dataset.repeats)
    candidates = _draw_candidates(subject, events, queries, rng)
    has_others = (candidates[:, 1:] >= 0).any(axis=1)
    return HeldOut(
        queries.frame.iloc[np.flatnonzero(has_others)].reset_index(drop=True), candidates[has_others]
    )


def _draw_candidates(
    subject: Subject, events: pd.DataFrame, queries: Queries, rng: np.random.Generator
) -> np.ndarray:
    position = pd.Index(subject.items[ITEM_ID])
    first = np.unique(queries.target_query, return_index=True)[1]
    targets = position.get_indexer(queries.target_item_id[first])
    chosen = pd.Series(position.get_indexer(events[ITEM_ID])).groupby(events[USER_ID].array).unique()
    candidates = np.full((len(targets), 1 + _OTHERS), -1)
    candidates[:, 0] = targets
    for query, user_id in enumerate(queries.frame[USER_ID]):
        others = rng.permutation(targets[~np.isin(targets, chosen[user_id])])[:_OTHERS]
        candidates[query, 1 : 1 + len(others)] = others
    return candidates
