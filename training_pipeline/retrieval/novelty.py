"""Which items training shows as new: before its first event, nobody can know an item by its id.

Serving meets new items all the time, and knows of them what their content tells. Training sees each item
come: where its first event is predicted its id is hidden, and as a negative it is hidden as often as a query
of training finds it new. So the towers learn what content is worth without an id, and how often what is new
is chosen at all.
"""

from dataclasses import dataclass

import numpy as np

# What the next tenth of the events brings lies in the catalogue already; what comes later does not.
HORIZON = 0.1


@dataclass(frozen=True)
class Novelty:
    """How the items look to the queries of training.

    Attributes:
        presence: share of the queries that find the item in the catalogue [num_items] float32.
        unknown: of these, the share to whom it is new [num_items] float32.
    """

    presence: np.ndarray
    unknown: np.ndarray

    @classmethod
    def all_known(cls, num_items: int) -> "Novelty":
        """Every item is there from the first query on, and new to nobody."""
        return cls(np.ones(num_items, np.float32), np.zeros(num_items, np.float32))


def find_first_events(item: np.ndarray, time: np.ndarray, num_items: int) -> np.ndarray:
    """Whether the event's item had none before it: [num_events] bool.

    Args:
        item: positions of items [num_events] int.
        time: of the events [num_events] int64; of several at an item's first time, all are its first.
        num_items: how many there are.
    """
    first: np.ndarray = time <= _find_arrivals(item, time, num_items)[item]
    return first


def find_novelty(item: np.ndarray, time: np.ndarray, num_items: int) -> Novelty:
    """Finds how often each item is there, and how often it is new; see `find_first_events`.

    Items without events are new to everyone.
    """
    arrived = np.searchsorted(np.sort(time), _find_arrivals(item, time, num_items), side="right")
    missed = arrived / max(len(time), 1)
    unknown = np.minimum(missed, HORIZON)
    presence = 1 - missed + unknown
    return Novelty(presence.astype(np.float32), (unknown / presence).astype(np.float32))


def _find_arrivals(item: np.ndarray, time: np.ndarray, num_items: int) -> np.ndarray:
    """Time of each item's first event [num_items] int64."""
    arrivals = np.full(num_items, np.iinfo(np.int64).max)
    np.minimum.at(arrivals, item, time)
    return arrivals
