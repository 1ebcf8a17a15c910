"""Second opinions for the ranker: what linear models of items make of each candidate."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, FeatureSpec
from training_pipeline.linear.ease import EASE
from training_pipeline.linear.slit import SLIT
from training_pipeline.retrieval.dataset import Tables

# Their weights are squares: 100 MB each for so many items.
MAX_ITEMS = 5_000
# Items of a history at most: those that came before say little more.
LENGTH = 500
_PARTS = ("weights", "places")
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
        return FeatureSpec(self.name, "pair", "numeric", _REASON)

    def score(self, history: np.ndarray, candidates: np.ndarray) -> np.ndarray:
        """Scores candidates [num_queries, num_candidates] float32; NaN where history or candidate is missing.

        Each sum runs over its own history in order, so that a score is the same to the last bit however many
        queries and candidates are asked for.

        Args:
            history: item positions [num_queries, LENGTH] int, oldest first, -1 pads.
            candidates: item positions [num_queries, num_candidates] int, -1 pads.
        """
        scores = np.full(candidates.shape, np.nan, np.float32)
        # Items that came after the model are not among its weights.
        candidates = np.where(candidates < len(self.weights), candidates, -1)
        history = np.where(history < len(self.weights), history, -1)
        for query, past in enumerate(history):
            places = np.flatnonzero((past >= 0) & (self.places > 0))
            if len(places):
                weights = self.weights[past[places][:, None], candidates[query]]
                # Row by row, as NumPy would sum a single column in another order than several.
                scores[query] = (self.places[places][:, None] * weights).cumsum(axis=0)[-1]
        return np.where(candidates >= 0, scores, np.nan)


def fit_signals(events: pd.DataFrame, tables: Tables) -> list[Signal]:
    """Fits EASE on what users chose and SLIT on the order in which they did; none for large catalogues.

    Args:
        events: what is learned: `user_id, item_id, event_time, event_order`.
        tables: users and items.
    """
    if len(tables.items) > MAX_ITEMS:
        print(f"no EASE and SLIT for the ranker: over {MAX_ITEMS:,} items", file=sys.stderr)
        return []
    ease, slit = EASE().fit(tables.count_choices(events)), fit_slit(events, tables)
    return [
        Signal("pair_ease", ease.weights, np.ones(LENGTH, np.float32)),
        Signal("pair_slit", slit.weights, slit.weigh(LENGTH)),
    ]


def fit_slit(events: pd.DataFrame, tables: Tables) -> SLIT:
    """Fits SLIT on events, in the order in which they happened; see `fit_signals`."""
    ordered = events.sort_values([EVENT_TIME, EVENT_ORDER])
    user, item = tables.find_users(ordered), tables.find_items(ordered[ITEM_ID])
    return SLIT().fit(user, item, len(tables.items))


def write_signals(signals: Sequence[Signal], place: Path) -> None:
    """Writes what `read_signals` reads: a folder with two arrays a signal; none without signals."""
    for number, signal in enumerate(signals):
        folder = place / f"{number}-{signal.name}"
        folder.mkdir(parents=True)
        for part in _PARTS:
            np.save(folder / f"{part}.npy", getattr(signal, part), allow_pickle=False)


def read_signals(place: Path) -> list[Signal]:
    """Reads signals in their order, memory-mapped.

    Args:
        place: as given to `write_signals`.
    """
    signals = []
    for folder in sorted(place.iterdir()) if place.exists() else []:
        files = {p: np.load(folder / f"{p}.npy", mmap_mode="r", allow_pickle=False) for p in _PARTS}
        # As plain arrays: each step with one of memmap's own kind takes several times as long.
        parts = {name: np.asarray(mapped) for name, mapped in files.items()}
        signals.append(Signal(folder.name.split("-", 1)[1], **parts))
    return signals
