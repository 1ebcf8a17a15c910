"""Second opinions for the ranker: what models from items to items make of each candidate."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.compiled import compiled
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, FeatureSpec
from training_pipeline.linear.ease import EASE
from training_pipeline.linear.precedence import fit_precedence
from training_pipeline.linear.slit import SLIT
from training_pipeline.retrieval.dataset import Tables

# Their weights are squares: 100 MB each for so many items.
MAX_ITEMS = 5_000
# Items of a history at most: those that came before say little more.
LENGTH = 500
# The last items that a column reads: what they say together is not what the whole history says.
_EASE_LASTS, _PRECEDENCE_LASTS = (1, 3, 10, 50), (1, 3, 10)
# What comes first says nothing to a person about why.
_PRECEDENCE = "pair_after"
_WEIGHTS, _PLACES = "weights.npy", "places.npy"
_REASON = "taken by people with a past like yours"


@dataclass(frozen=True)
class Signal:
    """A linear model that scores a candidate by the items of the history.

    Attributes:
        name: column of the ranking rows.
        weights: from each item of a history to each candidate [num_items, num_items] float32.
        places: what each place of a history counts [LENGTH] float32, the oldest first.
    """

    name: str
    weights: np.ndarray
    places: np.ndarray

    @property
    def spec(self) -> FeatureSpec:
        """The column."""
        reason = None if self.name.startswith(_PRECEDENCE) else _REASON
        return FeatureSpec(self.name, "pair", "numeric", reason)


def score_signals(signals: Sequence[Signal], history: np.ndarray) -> dict[str, np.ndarray]:
    """Scores all items that the weights know, by each signal: [num_queries, num_items] float32 by name.

    NaN where the history has no item that the signal reads. Each sum runs over its own history in order, so
    that a score is the same to the last bit however many queries are asked for. All items are scored, as a
    sum of whole rows takes less time than to pick some candidates out of each.

    Args:
        signals: which.
        history: item positions [num_queries, LENGTH] int, oldest first, -1 pads.
    """
    scores: dict[str, np.ndarray] = {}
    # To read the weights costs more than to add them up: signals that share them read them together.
    for _, sharing in groupby(signals, lambda signal: id(signal.weights)):
        own = list(sharing)
        scores |= zip((signal.name for signal in own), _score_sharing(own, history), strict=True)
    return scores


def _score_sharing(signals: Sequence[Signal], history: np.ndarray) -> np.ndarray:
    """The scores by signals that share their weights [num_signals, num_queries, num_items]."""
    weights, counts = signals[0].weights, np.stack([signal.places for signal in signals])
    return _add_up(weights, counts, history)


@compiled
def _add_up(weights: np.ndarray, counts: np.ndarray, history: np.ndarray) -> np.ndarray:
    scores = np.zeros((len(counts), len(history), len(weights)), np.float32)
    for query in range(len(history)):
        is_known = np.zeros(len(counts), np.bool_)
        for place in range(history.shape[1]):
            item = history[query, place]
            # Items that came after the model are not among its weights.
            if item < 0 or item >= len(weights):
                continue
            row = weights[item]
            for signal in range(len(counts)):
                count = counts[signal, place]
                if count == 0:
                    continue
                is_known[signal] = True
                own = scores[signal, query]
                for scored in range(len(row)):
                    own[scored] += count * row[scored]
        for signal in range(len(counts)):
            if not is_known[signal]:
                scores[signal, query] = np.nan
    return scores


def pick_scores(scores: np.ndarray, query: np.ndarray, item: np.ndarray) -> np.ndarray:
    """The scores of some candidates [num_rows] float32; NaN for an item that came after the weights.

    Args:
        scores: see `score_signals` [num_queries, num_items] float32.
        query: the row of each candidate's query [num_rows] int.
        item: its position [num_rows] int.
    """
    num_items = scores.shape[1]
    picked: np.ndarray = scores[query, np.minimum(item, num_items - 1)]
    picked[item >= num_items] = np.nan
    return picked


def fit_signals(events: pd.DataFrame, tables: Tables) -> list[Signal]:
    """Fits EASE on what users chose, SLIT and precedence on the order in which they did.

    There are none for large catalogues.

    Args:
        events: what is learned: `user_id, item_id, event_time, event_order`.
        tables: users and items.
    """
    if len(tables.items) > MAX_ITEMS:
        print(f"no EASE, SLIT and precedence for the ranker: over {MAX_ITEMS:,} items", file=sys.stderr)
        return []
    ease, slit = EASE().fit(tables.count_choices(events)), fit_slit(events, tables)
    precedence = fit_precedence(*_number(events, tables), len(tables.items))
    return [
        Signal("pair_ease", ease.weights, np.ones(LENGTH, np.float32)),
        *(Signal(f"pair_ease_last{last}", ease.weights, _average(last)) for last in _EASE_LASTS),
        Signal("pair_slit", slit.weights, slit.weigh(LENGTH)),
        *(Signal(f"{_PRECEDENCE}_last{last}", precedence, _average(last)) for last in _PRECEDENCE_LASTS),
    ]


def fit_slit(events: pd.DataFrame, tables: Tables) -> SLIT:
    """Fits SLIT on events, in the order in which they happened; see `fit_signals`."""
    return SLIT().fit(*_number(events, tables), len(tables.items))


def _number(events: pd.DataFrame, tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """User and item of each event [num_events] int32, in the order in which they happened."""
    ordered = events.sort_values([EVENT_TIME, EVENT_ORDER])
    return tables.find_users(ordered), tables.find_items(ordered[ITEM_ID])


def _average(last: int) -> np.ndarray:
    """Places that make a mean of the last items [LENGTH] float32."""
    return np.where(np.arange(LENGTH) >= LENGTH - last, 1 / last, 0).astype(np.float32)


def write_signals(signals: Sequence[Signal], place: Path) -> None:
    """Writes what `read_signals` reads: a folder a signal; none without signals.

    One that has the weights of the signal before it has no file of its own for them.
    """
    before: np.ndarray | None = None
    for number, signal in enumerate(signals):
        folder = place / f"{number:02}-{signal.name}"
        folder.mkdir(parents=True)
        np.save(folder / _PLACES, signal.places, allow_pickle=False)
        if signal.weights is not before:
            np.save(folder / _WEIGHTS, signal.weights, allow_pickle=False)
        before = signal.weights


def read_signals(place: Path) -> list[Signal]:
    """Reads signals in their order, memory-mapped.

    Args:
        place: as given to `write_signals`.
    """
    signals: list[Signal] = []
    for folder in sorted(place.iterdir()) if place.exists() else []:
        own = (folder / _WEIGHTS).exists()
        weights = _map(folder / _WEIGHTS) if own else signals[-1].weights
        signals.append(Signal(folder.name.split("-", 1)[1], weights, _map(folder / _PLACES)))
    return signals


def _map(file: Path) -> np.ndarray:
    """A plain array: each step with one of memmap's own kind takes several times as long."""
    return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
