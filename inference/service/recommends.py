"""What the service asks of a recommender."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import pandas as pd

from inference.ask import Ask
from training_pipeline.bundle import Bundle


class Recommends(Protocol):
    """See `Recommender`. Threads share it; a change counts for the calls that begin after it."""

    bundle: Bundle

    def recommend(
        self,
        asks: Sequence[str] | Ask,
        k: int,
        as_of: datetime | None = None,
        context: Mapping[str, str] | None = None,
        exclude: Sequence[str] = (),
        explain: bool = False,
        **wishes: Any,
    ) -> pd.DataFrame:
        """Items for whoever asks; `wishes` are `filters`, `diversity` and `caps`."""

    def similar(
        self, item_id: str, by: str, k: int, filters: Mapping[str, Any] | None = None
    ) -> pd.DataFrame:
        """Items like one: `item_id, title, rank, score`."""

    def search(
        self,
        text: str | None = None,
        image: bytes | None = None,
        k: int = 10,
        filters: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Items that a text, a picture or both describe: `item_id, title, rank, score`."""

    def add_events(self, events: pd.DataFrame) -> None:
        """Has events count: `user_id, item_id, event_time, weight`."""

    def replace_events(self, events: pd.DataFrame) -> None:
        """Has these events count, and no others since the bundle was published."""

    def add_items(self, items: pd.DataFrame) -> None:
        """Adds items, or describes them anew: `item_id, title` and the declared features."""

    def remove_items(self, item_ids: Sequence[str]) -> None:
        """Shows these items no more."""
