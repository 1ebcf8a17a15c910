"""Keys that stand on both sides of a split."""

import numpy as np
import pandas as pd

from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.subject import Subject
from feature_pipeline.schema import EVENT_KEY, EVENT_TIME, ITEM_ID, USER_ID
from feature_pipeline.splits import TRAIN

_PAIR = [USER_ID, ITEM_ID]


def find_crossings(subject: Subject, parts: np.ndarray) -> list[Finding]:
    """Checks that no event stands in two parts, and counts held-out pairs that training has already met.

    Args:
        subject: what is audited.
        parts: of each event, see `splits.assign_split`.

    Returns:
        One error at most, and one warning at most for each held-out part.
    """
    findings = _find_events_twice(subject.interactions, parts)
    if not subject.dataset.repeats:
        findings += _find_met_pairs(subject.interactions, parts)
    return findings


def _find_events_twice(interactions: pd.DataFrame, parts: np.ndarray) -> list[Finding]:
    is_twice = interactions.duplicated(list(EVENT_KEY), keep=False)
    twice = interactions.loc[is_twice, list(EVENT_KEY)].assign(part=parts[is_twice])
    found = twice.groupby(list(EVENT_KEY), sort=False)["part"].unique()
    crossing = found[found.map(len) > 1]
    if crossing.empty:
        return []
    user, item, time = crossing.index[0]
    return [
        Finding(
            "error",
            "splits",
            ", ".join(EVENT_KEY),
            f"name {len(crossing)} events that stand in several parts of the split",
            f"user {user!r}, item {item!r}, {time}: {' and '.join(crossing.iloc[0])}",
            "keep one event of each user, item and time",
        )
    ]


def _find_met_pairs(interactions: pd.DataFrame, parts: np.ndarray) -> list[Finding]:
    is_first = ~interactions.duplicated(_PAIR).to_numpy()
    later = interactions[~is_first].assign(part=parts[~is_first])
    held_out = later[later["part"] != TRAIN].drop_duplicates([*_PAIR, "part"])
    training = interactions.loc[parts == TRAIN, _PAIR].drop_duplicates()
    met = held_out.merge(training, on=_PAIR)
    return [_warn_of_met(str(part), pairs) for part, pairs in met.groupby("part")]


def _warn_of_met(part: str, pairs: pd.DataFrame) -> Finding:
    first = pairs.iloc[0]
    return Finding(
        "warning",
        "splits",
        ", ".join(_PAIR),
        f"name {len(pairs)} pairs of {part} that training has met, so that they can be no targets there",
        f"user {first[USER_ID]!r}, item {first[ITEM_ID]!r}, {first[EVENT_TIME]}",
        "set dataset.repeats to true if an item can be chosen again",
    )
