"""The typed config of feedback, which serving writes and `make features` reads."""

from pathlib import Path

from pydantic import PositiveFloat

from feature_pipeline.config import Strict
from feature_pipeline.events.event import Provenance


class Weights(Strict):
    """How much an event teaches, where one of the data set teaches 1; what is not here does not count.

    Attributes:
        like: somebody liked an item.
        click: somebody opened it.
    """

    like: PositiveFloat
    click: PositiveFloat


class FeedbackConfig(Strict):
    """Where feedback is kept, and what it counts.

    Attributes:
        events: URL of the event log, see `open_log`.
        users: the SQLite file that keeps who registered.
        items: the SQLite file that keeps which items were added and removed.
        weights: how much an event teaches, by type.
        provenance: whose events count.
    """

    events: str
    users: Path
    items: Path
    weights: Weights
    provenance: tuple[Provenance, ...]
