"""How much each ranking row teaches: what feedback says of choices, and of what was shown and left."""

import numpy as np
import pandas as pd

from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.schema import EVENT_TIME, EVENT_TYPE, ITEM_ID, POSITION, USER_ID
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.ranking.rows import RankingRows


def weigh_rows(prepared: Prepared, held_out: HeldOut, rows: RankingRows) -> np.ndarray | None:
    """Weighs the candidates of held-out queries.

    A chosen one teaches as much as the strongest of the events that chose it. One that was shown to the user
    and left counts once as every negative does, and once more by the chance that its place was looked at.

    Args:
        prepared: tables, and how their events divide.
        held_out: the queries.
        rows: their candidates.

    Returns:
        [num_rows] float32, or None where feedback says nothing of them.
    """
    num_items = len(prepared.tables.items)
    strengths = _find_strengths(prepared, held_out)
    looked_at = _find_looked_at(prepared, held_out)
    key = rows.query * num_items + rows.item
    chosen = np.asarray(held_out.relevant[rows.query, rows.item]).ravel()
    strength = strengths.reindex(key).fillna(1.0).to_numpy(np.float32)
    left = looked_at.reindex(key).fillna(0.0).to_numpy(np.float32)
    weights = np.where(chosen, strength, 1 + left)
    return None if (weights == 1).all() else weights


def compute_chance_looked_at(position: np.ndarray) -> np.ndarray:
    """The chance that a place of a list was looked at: `1 / log2(1 + position)`, position from 1.

    The discount of DCG (Jarvelin and Kekalainen 2002), read as how far down people look (Carterette 2011).
    """
    chance: np.ndarray = 1 / np.log2(1 + position)
    return chance


def _find_strengths(prepared: Prepared, held_out: HeldOut) -> pd.Series:
    """How much the choices of the window teach, by query and item."""
    tables = prepared.tables
    targets = tables.interactions[prepared.parts == held_out.split]
    key, is_asked = _number(prepared, held_out, targets)
    strengths = tables.feedback.weigh(targets[EVENT_TYPE])
    return pd.Series(strengths[is_asked]).groupby(key).max()


def _find_looked_at(prepared: Prepared, held_out: HeldOut) -> pd.Series:
    """The chance that something was looked at and left, by query and item.

    What counts was shown after the user's last event before the query, and up to the last choice of the
    window: later than that lies what the model is tested on.
    """
    ignored = prepared.tables.ignored
    if ignored is None or ignored.empty:
        return pd.Series(dtype="float64")
    events = prepared.tables.interactions
    as_of = held_out.frame.set_index(USER_ID)[AS_OF]
    earlier = events[events[EVENT_TIME] < events[USER_ID].map(as_of)]
    last_before = earlier.groupby(USER_ID)[EVENT_TIME].max()
    last_choice = events[prepared.parts == held_out.split].groupby(USER_ID)[EVENT_TIME].max()
    since, until = (last.reindex(ignored[USER_ID]).to_numpy() for last in (last_before, last_choice))
    time = ignored[EVENT_TIME].to_numpy()
    # Before the user's first event, everything is since the one before.
    shown = ignored[~(time <= since) & (time <= until)]
    key, is_asked = _number(prepared, held_out, shown)
    chance = compute_chance_looked_at(shown[POSITION].to_numpy()[is_asked])
    return pd.Series(chance).groupby(key).max()


def _number(prepared: Prepared, held_out: HeldOut, events: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Query and item in one number, and which of the events have both [num_events] bool."""
    query = pd.Index(held_out.frame[USER_ID]).get_indexer(pd.Index(events[USER_ID]))
    item = prepared.tables.find_items(events[ITEM_ID])
    is_asked = (query >= 0) & (item >= 0)
    return query[is_asked] * len(prepared.tables.items) + item[is_asked], is_asked
