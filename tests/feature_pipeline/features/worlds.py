"""Generated worlds: all that features are computed from, and what is asked of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import compress

import numpy as np
import pandas as pd
from hypothesis import Phase, settings
from hypothesis import strategies as st

from feature_pipeline.engine.engine import Engine
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.registry import FEATURES
from tests.event_tables import (
    ITEMS,
    MINUTE,
    STRANGER,
    at,
    build,
    events,
    name,
    open_engine,
    queries,
    repeatable,
    to_interactions,
    to_queries,
)

EVERY_FEATURE: tuple[Feature, ...] = tuple(kind() for kind in FEATURES.values())
COLUMNS = Columns(categories=("genres", "maker"), numbers=("price", "year"), embeddings=("text_embedding",))
# Items of three directions, one twice, and one without content.
TEXT = np.array([[1, 0, 0], [1, 2, 2], [0, 3, 4], [0, 0, 0], [1, 0, 0]], np.float32)


def repeatable_worlds(max_examples: int) -> settings:
    """Rich examples, so few of them; making them small again after a failure would take minutes."""
    return settings(repeatable(max_examples), phases=[Phase.generate])


@dataclass(frozen=True)
class World:
    """Everything that features are computed from, and what is asked: numbered, as in `event_tables`."""

    items: pd.DataFrame
    happened: pd.DataFrame
    asked: pd.DataFrame
    offered: np.ndarray

    @property
    def interactions(self) -> pd.DataFrame:
        return to_interactions(self.happened)

    def build(
        self, features: Sequence[Feature] = EVERY_FEATURE, engine: Engine | None = None
    ) -> FeatureBuilder:
        vectors = {"text_embedding": TEXT}
        return build(features, self.interactions, self.items, COLUMNS, vectors, engine or open_engine())

    def compute_of_query(
        self, features: Sequence[Feature] = EVERY_FEATURE, engine: Engine | None = None
    ) -> pd.DataFrame:
        return self.build(features, engine).compute_query_features(to_queries(self.asked))

    def compute_of_rows(
        self, features: Sequence[Feature] = EVERY_FEATURE, engine: Engine | None = None
    ) -> pd.DataFrame:
        return self.build(features, engine).compute_row_features(to_queries(self.asked), self.offered)

    def compute(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Every column: one row for each query, and one for each candidate."""
        return self.compute_of_query(), self.compute_of_rows()

    def take(self, query: int) -> "World":
        """One query alone, without the places that hold no candidate."""
        offered = self.offered[[query]]
        return replace(self, asked=self.asked.iloc[[query]], offered=offered[:, offered[0] >= 0])

    def list_history(self, query) -> list[str]:
        """The items that the query's user met before its moment and order, the oldest first."""
        own = self.interactions[self.interactions["user_id"] == query.user_id]
        own = own.sort_values(["event_time", "event_order"])
        keys = zip(own["event_time"], own["event_order"], strict=True)
        is_read = [key < (query.as_of, query.as_of_order) for key in keys]
        return list(compress(own["item_id"], is_read))

    def work_out(self, by_hand: Callable[..., list[float]]) -> np.ndarray:
        """What plain Python finds for each query, or each candidate.

        Args:
            by_hand: of the interactions before the moment of a query, the query, and, where it takes three,
                the item's name.
        """
        interactions, asked = self.interactions, to_queries(self.asked)
        takes_item = by_hand.__code__.co_argcount > 2
        found = []
        for query, offered in zip(asked.itertuples(), self.offered, strict=True):
            past = interactions[interactions["event_time"] < query.as_of]
            if takes_item:
                found += [by_hand(past, query, f"i{item}") for item in offered if item >= 0]
            else:
                found.append(by_hand(past, query))
        return np.array(found, np.float64)


def rich_moments() -> st.SearchStrategy[int]:
    """Window edges to the microsecond, month ends, the leap day, and pauses of half an hour."""
    days = st.sampled_from([0, 1, 7, 8, 30, 31, 37, 59, 60, 67])
    return st.builds(at, days, st.sampled_from([-1, 0, 0, 1, 30 * MINUTE, 30 * MINUTE + 1]))


@st.composite
def worlds(
    draw: st.DrawFn, max_queries: int = 6, min_events: int = 12, max_events: int = 40, users: int = STRANGER
) -> World:
    """Few users and items, so that much happens between them; the last of both know nobody."""
    asked = draw(queries(min_size=1, max_size=max_queries, times=rich_moments()))
    numbers = st.sampled_from([np.nan, 0.0, 0.5, 1999.0, -3.25])
    labels = st.lists(st.sampled_from("xyz"), max_size=3)
    items = pd.DataFrame(
        {
            "item_id": name("i", range(ITEMS)),
            "genres": [draw(labels) for _ in range(ITEMS)],
            "maker": [draw(labels)[:1] for _ in range(ITEMS)],
            "price": [draw(numbers) for _ in range(ITEMS)],
            "year": [draw(numbers) for _ in range(ITEMS)],
        }
    )
    happened = draw(events(min_events, max_events, users, times=rich_moments()))
    return World(items, happened, asked, draw(candidates(len(asked))))


@st.composite
def candidates(draw: st.DrawFn, num_queries: int, width: int = 4) -> np.ndarray:
    """Different item positions for each query [num_queries, width] int32, with -1 in any place."""
    lists = [draw(st.permutations(range(ITEMS)))[:width] for _ in range(num_queries)]
    is_there = draw(st.lists(st.booleans(), min_size=num_queries * width, max_size=num_queries * width))
    offered = np.array(lists, np.int32).reshape(num_queries, width)
    return np.where(np.reshape(is_there, offered.shape), offered, np.int32(-1))
