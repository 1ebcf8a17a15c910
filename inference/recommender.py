"""The library's face: a bundle in, recommendations out."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Table
from feature_pipeline.schema import ITEM_ID
from inference.ask import Ask
from inference.choice import Wish
from inference.grown import add_items
from inference.index.build import build_index
from inference.snapshot import Snapshot
from training_pipeline.bundle import Bundle
from training_pipeline.index_config import ExactConfig, IndexConfig

_EXACT = ExactConfig(name="exact")


class Recommender:
    """Recommends items of one bundle. Threads may share it: events and items may come and go meanwhile.

    Each request is answered by one `Snapshot`, and a change makes another one, which counts from then on.

    Args:
        bundle: the model.
        index: how its items are searched; items that are added later are always looked at.

    Attributes:
        bundle: the model as it was published.
    """

    def __init__(self, bundle: Bundle, index: IndexConfig = _EXACT):
        self.bundle = bundle
        self._snapshot = Snapshot(bundle, build_index(bundle.item_embeddings, index))
        self._events: list[pd.DataFrame] = []
        self._changing = Lock()

    def recommend(
        self,
        asks: Sequence[str] | Ask,
        k: int,
        as_of: datetime | None = None,
        context: Mapping[str, str] | None = None,
        filters: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
        diversity: float = 0.0,
        caps: Mapping[str, int] | None = None,
        duplicates: bool = False,
        explain: bool = False,
    ) -> pd.DataFrame:
        """Retrieves, drops what each user has seen, ranks, sees to variety, and explains if asked.

        Args:
            asks: whom to serve: ids of users, of the bundle, added since or known by events; or one who may
                be new, or like items that nothing is known of yet.
            k: how many items for each; fewer where fewer are left.
            as_of: the moment, UTC; None for where the bundle's split puts its queries.
            context: features of the moment; what is left open is taken from the user's latest event before.
            filters: what items must be, see `ItemFilter`.
            exclude: items not to show, by id.
            diversity: from 0, which keeps the ranker's order, to 1, see `diversify`.
            caps: how many of the shown items may share a value, by categorical column.
            duplicates: whether near-duplicates by content may be shown together.
            explain: whether to add `reasons`.

        Returns:
            `user_id, item_id, title, rank, retrieval_score, ranking_score, chance` (and `reasons`, a list of
            str), user by user, best first; somebody new has the user id "". Where the bundle has no ranker,
            its score is the retrieval score and its chance unknown; so is the chance under filters.

        Raises:
            UserError: a user, an item or a context feature is unknown, or a value is of the wrong kind.
        """
        wish = Wish(
            k, as_of, context or {}, filters or {}, exclude, diversity, caps or {}, duplicates, explain
        )
        return pd.DataFrame(self.answer(asks, wish).columns, copy=False)

    def answer(self, asks: Sequence[str] | Ask, wish: Wish) -> Table:
        """What `recommend` gives, as arrays: to build a frame takes longer than to send an answer.

        Args:
            asks: see `recommend`.
            wish: its other arguments.

        Raises:
            UserError: see `recommend`.
        """
        return self._snapshot.recommend(asks, wish)

    def embed(
        self,
        asks: Sequence[str] | Ask,
        as_of: datetime | None = None,
        context: Mapping[str, str] | None = None,
    ) -> np.ndarray:
        """Where the query tower puts those who ask, among the bundle's item embeddings.

        Args:
            asks: see `recommend`.
            as_of: see `recommend`.
            context: see `recommend`.

        Returns:
            [num_asking, embedding_dim] float32.

        Raises:
            UserError: see `recommend`.
        """
        return self._snapshot.embed(asks, as_of, context or {})

    def search(
        self,
        text: str | None = None,
        image: bytes | None = None,
        k: int = 10,
        filters: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Items like a text, a picture, or both together.

        Args:
            text: words to look for.
            image: the bytes of a picture's file.
            k: how many.
            filters: what items must be, see `ItemFilter`.
            exclude: items not to show, by id.

        Returns:
            See `similar`.

        Raises:
            UserError: neither text nor image is given, or one cannot be read; see `ContentSearch`.
        """
        return self._snapshot.search(text, image, k, filters, exclude)

    def similar(
        self,
        item_id: str,
        by: str = "both",
        k: int = 10,
        filters: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Other items like an item.

        Args:
            item_id: the item.
            by: `text`, `image`, `both`, or `tower`.
            k: how many.
            filters: what items must be, see `ItemFilter`.
            exclude: items not to show, by id.

        Returns:
            `item_id, title, rank, score`, most alike first; `attrs["fused"]` says how text and image were put
            together, see `Matches`.

        Raises:
            UserError: the item or `by` is unknown, or the item has no such content.
        """
        return self._snapshot.similar(item_id, by, k, filters, exclude)

    def add_events(self, events: pd.DataFrame) -> None:
        """Has events count from now on: in the users' histories, in what they have seen, in all features.

        Args:
            events: `user_id, item_id, event_time` (datetime64[us], UTC), `weight`.

        Raises:
            UserError: an item is unknown.
        """
        with self._changing:
            self._snapshot = self._snapshot.add_events(events)
            self._events.append(events)

    def replace_events(self, events: pd.DataFrame) -> None:
        """Has these events count, and no others since the bundle was published; see `add_events`."""
        with self._changing:
            now = self._snapshot
            self._snapshot = Snapshot(now.bundle, now.index, now.hidden, now.newcomers).add_events(events)
            self._events = [events]

    def add_users(self, profiles: Mapping[str, Mapping[str, Any]]) -> None:
        """Adds users, who are answered from now on by their profile and by what they have done.

        Args:
            profiles: by user id, columns of the users table; what is left open is unknown. What the bundle
                says of its own users stays.

        Raises:
            UserError: a column is unknown, or a value is of the wrong kind.
        """
        with self._changing:
            self._snapshot = self._snapshot.add_users(profiles)

    def add_items(self, items: pd.DataFrame) -> None:
        """Adds items, which are found from now on by what they are; those that were removed come back.

        Args:
            items: `item_id, title` and the declared features; a column that is left out is unknown. What the
                bundle says of its own items stays.

        Raises:
            UserError: a value is of the wrong kind.
        """
        with self._changing:
            now = self._snapshot
            grown = add_items(now.bundle, items)
            index = now.index.add(grown.item_embeddings[now.index.num_items :])
            after = Snapshot(grown, index, now.hidden, now.newcomers)
            back = frozenset(after.catalogue.find(items[ITEM_ID]).tolist())
            for events in self._events:
                after = after.add_events(events)
            self._snapshot = after.hide(now.hidden - back)

    def remove_items(self, item_ids: Sequence[str]) -> None:
        """Shows items no more; they stay in the histories of those who met them.

        Raises:
            UserError: an item is unknown.
        """
        with self._changing:
            now = self._snapshot
            self._snapshot = now.hide(now.hidden | frozenset(now.catalogue.find(item_ids).tolist()))

    def get_history(self, user_id: str, length: int, as_of: datetime | None = None) -> pd.DataFrame:
        """The user's latest events before the moment, newest first: `item_id, title, event_time`.

        Raises:
            UnknownUserError: nothing is known of the user.
        """
        return self._snapshot.get_history(user_id, length, as_of)
