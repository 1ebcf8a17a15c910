"""Lives: worlds whose events come in bit by bit, and builders of features that follow them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from feature_pipeline.engine.memory.memory import MemoryEngine
from feature_pipeline.features.build import FeatureBuilder, compile_features, list_described
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.live import LiveEvents, Standing, build_standing
from feature_pipeline.features.numbered import number_events
from feature_pipeline.features.standing import StandingStep, find_standing
from tests.event_tables import ITEMS, USERS, to_interactions, to_queries
from tests.feature_pipeline.features.worlds import COLUMNS, EVERY_FEATURE, TEXT, World, worlds

HISTORY = 7
_MILLION = 1_000_000


@cache
def list_steps(features: tuple[Feature, ...] = EVERY_FEATURE) -> dict[str, StandingStep]:
    """The standing steps of these features; they are compiled once."""
    of_query = tuple(feature for feature in features if feature.is_of_query)
    of_row = tuple(feature for feature in features if not feature.is_of_query)
    return find_standing(
        [
            compile_features(MemoryEngine, of_query, COLUMNS, "query"),
            compile_features(MemoryEngine, of_row, COLUMNS, "candidate"),
        ]
    )


def stand(
    world: World,
    features: Sequence[Feature] = EVERY_FEATURE,
    outcomes: Mapping[str, np.ndarray] | None = None,
) -> LiveEvents:
    """All that has happened in the world, written to a folder and read back; only who has events is known."""
    interactions = world.interactions
    users = pd.Index(interactions["user_id"].unique(), dtype="str")
    numbered = number_events(interactions, users, pd.Index(world.items["item_id"]))
    steps, values = list_steps(tuple(features)), list_described(world.items, COLUMNS)
    reach = max([feature.get_reach() for feature in features], default=0)
    with TemporaryDirectory() as folder:
        build_standing(numbered, steps, values, reach).write(Path(folder) / "standing")
        # What is mapped into memory stays there, though its file goes.
        standing = Standing.read(Path(folder) / "standing")
    return LiveEvents(standing, users, steps, values, reach, outcomes or {})


def follow(world: World, live: LiveEvents, features: Sequence[Feature] = EVERY_FEATURE) -> FeatureBuilder:
    """Computes the features of live events."""
    vectors = {"text_embedding": TEXT}
    return FeatureBuilder(MemoryEngine(live.states), features, COLUMNS, world.items, live, vectors)


def to_added(happened: pd.DataFrame) -> pd.DataFrame:
    """Numbered events as `LiveEvents.add` takes them."""
    named = to_interactions(happened)
    weights = np.round(named["weight"] * _MILLION).astype("int64")
    return named[["user_id", "event_time"]].assign(item_id=happened["item_id"].to_numpy(), weight=weights)


def compute_all(builder: FeatureBuilder, world: World) -> list[pd.DataFrame]:
    """Whatever can be asked of a builder: query features, row features, histories and their times."""
    asked = to_queries(world.asked)
    items, times = builder.find_timed_history(asked, HISTORY)
    np.testing.assert_array_equal(builder.find_history(asked, HISTORY), items)
    rows = builder.compute_row_features(asked, world.offered)
    return [builder.compute_query_features(asked), rows, pd.DataFrame(items), pd.DataFrame(times)]


def check_same(found: Sequence[pd.DataFrame], expected: Sequence[pd.DataFrame]) -> None:
    """To the last bit."""
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@dataclass(frozen=True)
class Life:
    """What stands, and what comes later.

    Attributes:
        world: what is asked, and of which items.
        stood: the events that stand, numbered.
        batches: events that are added one batch after the other; their orders follow on those that stand.
    """

    world: World
    stood: pd.DataFrame
    batches: list[pd.DataFrame]

    def stand(self) -> LiveEvents:
        return stand(self.at(0))

    def at(self, count: int) -> World:
        """The world after so many batches."""
        happened = pd.concat([self.stood, *self.batches[:count]], ignore_index=True)
        return replace(self.world, happened=happened)


def split_world(world: World, part: np.ndarray, num_batches: int) -> Life:
    """A life of the events of a world, which are ordered anew.

    Args:
        world: all that ever happens.
        part: 0 for the events that stand, the number of their batch for others [num_events] int.
        num_batches: how many batches there are.
    """
    order = np.lexsort((world.happened["event_order"], part))
    happened = world.happened.iloc[order].assign(event_order=np.arange(len(order)))
    stood, *batches = (happened[part[order] == number] for number in range(num_batches + 1))
    return Life(world, stood, batches)


@st.composite
def lives(draw: st.DrawFn, max_batches: int = 3) -> Life:
    """Any events stand and any come later: earlier ones, of the same instant, of users unknown so far."""
    world = draw(worlds(max_queries=5, max_events=30, users=USERS))
    count = len(world.happened)
    part = np.array(draw(st.lists(st.integers(0, max_batches), min_size=count, max_size=count)))
    everything = np.tile(np.arange(ITEMS), (len(world.asked), 1))
    return split_world(replace(world, offered=everything), part, max_batches)
