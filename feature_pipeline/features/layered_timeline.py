"""A timeline that stands, and over it those of the users to whom something happened since."""

from dataclasses import dataclass

import numpy as np

from feature_pipeline.arrays import Arrays, join_tables
from feature_pipeline.engine.memory.layers import GROWTH, is_among
from feature_pipeline.features.timeline import Timeline, order_events
from feature_pipeline.schema import USER_ID


@dataclass(frozen=True)
class LayeredTimeline:
    """All events in layers; threads may share it, `add` gives another one.

    Attributes:
        layers: the first of all users, each further one all events of some users, which hide those beneath.
    """

    layers: tuple[Timeline, ...]

    def add(self, events: Arrays) -> "LayeredTimeline":
        """The same with more events, columns as the others have."""
        known = self.find("of_user", np.unique(events[USER_ID]), 0)
        layers = [*self.layers, order_events(join_tables([known, events]))]
        while len(layers) > 2 and len(layers[-2]) < GROWTH * len(layers[-1]):
            older, newer = layers[-2:]
            kept = older.take(np.flatnonzero(~is_among(older.columns[USER_ID], newer.users)))
            layers[-2:] = [order_events(join_tables([kept, newer.columns]))]
        return LayeredTimeline(tuple(layers))

    def choose(self, user: int) -> Timeline:
        """Where all events of a user stand."""
        for layer in self.layers[:0:-1]:
            span = layer.find_span(user)
            if span.stop > span.start:
                return layer
        return self.layers[0]

    def find(self, source: str, owners: np.ndarray, reach: int) -> Arrays:
        """All events of some users (`of_user`) or items (`of_item`), or the `steps` from some items.

        Args:
            source: which of these.
            owners: users or items, ascending [num_owners] int64.
            reach: how many events apart the steps stand at most.
        """
        parts, hidden = [], np.empty(0, np.int64)
        for layer in self.layers[::-1]:
            places = layer.find_users(owners) if source == "of_user" else layer.find_items(owners)
            places = places[~is_among(layer.columns[USER_ID][places], hidden)]
            parts.append(layer.find_steps(places, reach) if source == "steps" else layer.take(places))
            hidden = np.union1d(hidden, layer.users)
        return join_tables(parts)
