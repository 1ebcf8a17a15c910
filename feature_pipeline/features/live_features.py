"""Features of the moment for serving: what stood is looked up, what happens now counts at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.engine.memory.memory import MemoryEngine
from feature_pipeline.features.build import FeatureBuilder, compile_features, list_described
from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.live import LiveEvents, Standing, build_standing
from feature_pipeline.features.numbered import number_events
from feature_pipeline.features.standing import StandingStep, find_standing
from feature_pipeline.schema import ITEM_ID, USER_ID


@dataclass(frozen=True)
class LiveFeatures:
    """A builder, and the events it reads; neither changes.

    Attributes:
        builder: computes features as of any moment.
        events: what stood, and what happened since.
    """

    builder: FeatureBuilder
    events: LiveEvents

    def add(self, events: pd.DataFrame, of_items: bool = True) -> "LiveFeatures":
        """The same, knowing more events; see `LiveEvents.add`."""
        more = self.events.add(events, of_items)
        return LiveFeatures(self.builder.follow(MemoryEngine(more.states), more), more)


def compute_standing(
    features: Sequence[Feature],
    columns: Columns,
    users: pd.DataFrame,
    items: pd.DataFrame,
    interactions: pd.DataFrame,
) -> Standing:
    """Computes what stands when a model is published.

    Args:
        features: which will be served.
        columns: what the items are described by.
        users: the users table, whose row numbers stand for users.
        items: the items table, whose row numbers stand for items.
        interactions: all events.
    """
    events = number_events(interactions, pd.Index(users[USER_ID]), pd.Index(items[ITEM_ID]))
    steps, reach = _find_steps(features, columns)
    return build_standing(events, steps, list_described(items, columns), reach)


def open_live(
    features: Sequence[Feature],
    columns: Columns,
    users: pd.DataFrame,
    items: pd.DataFrame,
    vectors: Mapping[str, np.ndarray],
    outcomes: Mapping[str, np.ndarray],
    standing: Standing,
) -> LiveFeatures:
    """Opens the features of the moment; see `compute_standing`.

    Args:
        features: which.
        columns: what the items are described by.
        users: the users table.
        items: the items table.
        vectors: item embedding columns [num_items, dim] float32 by name.
        outcomes: embeddings of what each event left behind [num_events, dim] float32 by column.
        standing: what stood when the model was published.
    """
    steps, reach = _find_steps(features, columns)
    described = list_described(items, columns)
    events = LiveEvents(standing, users[USER_ID], steps, described, reach, outcomes)
    builder = FeatureBuilder(MemoryEngine(events.states), features, columns, items, events, vectors)
    return LiveFeatures(builder, events)


def _find_steps(features: Sequence[Feature], columns: Columns) -> tuple[dict[str, StandingStep], int]:
    of_query = tuple(feature for feature in features if feature.is_of_query)
    of_row = tuple(feature for feature in features if not feature.is_of_query)
    computations = [
        compile_features(MemoryEngine, of_query, columns, "query"),
        compile_features(MemoryEngine, of_row, columns, "candidate"),
    ]
    reach = max([feature.get_reach() for feature in features], default=0)
    return find_standing(computations), reach
