"""The library's face: a bundle in, recommendations out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.errors import UserError
from feature_pipeline.features.live_features import LiveFeatures
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, TITLE, USER_ID, WEIGHT
from inference.ask import SOMEBODY, Ask, Asking, describe_new, find_known, refuse_user
from inference.catalogue import RANK, Catalogue
from inference.choice import Wish, choose
from inference.content import ContentSearch
from inference.explain import Explainer
from inference.index import ExactIndex
from inference.moment import build_queries
from inference.rank import Ranked, Scored, keep_scores, score, show
from inference.values import to_instant
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import open_live_features
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.rows import RETRIEVAL_SCORE, RowBuilder, build_row_builder
from training_pipeline.retrieval.dataset import build_examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.seen import mark

RANKING_SCORE = "ranking_score"
CHANCE = "chance"
REASONS = "reasons"

_MICRO = 1_000_000
_MINUTE = 60_000_000


class Recommender:
    """Recommends items of one bundle. Threads may share it, and events may come in while it answers.

    Args:
        bundle: the model.

    Attributes:
        bundle: the model.
    """

    def __init__(self, bundle: Bundle):
        self.bundle = bundle
        self._live = open_live_features(bundle.tables, bundle.standing)

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
            asks: whom to serve: ids of users, of the bundle or of events since; or one who may be new, or
                like items that nothing is known of yet.
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
            its score is the retrieval score and its chance unknown.

        Raises:
            UserError: a user, an item or a context feature is unknown, or a value is of the wrong kind.
        """
        live = self._live
        wish = Wish(
            k, as_of, context or {}, filters or {}, exclude, diversity, caps or {}, duplicates, explain
        )
        if not isinstance(asks, Ask):
            return self._recommend(live, self._find_asking(live, asks), wish)
        if asks.user_id is None:
            asking = describe_new(self.bundle, SOMEBODY, asks.profile, self._encode_text)
        else:
            asking = self._find_asking(live, [asks.user_id])
        if asks.likes:
            imagined = self._imagine(live, asking.frame[USER_ID].iloc[0], asks.likes, as_of)
            live = live.add(imagined, of_items=False)
        return self._recommend(live, asking, wish)

    def search(
        self,
        k: int,
        text: str | None = None,
        image: bytes | None = None,
        filters: Mapping[str, Any] | None = None,
        exclude: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Items like a text, a picture, or both together.

        Args:
            k: how many.
            text: words to look for.
            image: the bytes of a picture's file.
            filters: what items must be, see `ItemFilter`.
            exclude: items not to show, by id.

        Returns:
            See `similar`.

        Raises:
            UserError: neither text nor image is given, or one cannot be read; see `ContentSearch`.
        """
        allowed, excluded = self._catalogue.filter.compute_mask(filters), self._catalogue.find(exclude)
        if text is not None and image is not None:
            return self._catalogue.list(self._search.by_text_and_image(text, image, k, allowed, excluded))
        if text is not None:
            return self._catalogue.list(self._search.by_text(text, k, allowed, excluded))
        if image is not None:
            return self._catalogue.list(self._search.by_image(image, k, allowed, excluded))
        raise UserError("search: expected a text, an image, or both, found neither")

    def similar(
        self,
        item_id: str,
        by: str,
        k: int,
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
        allowed, excluded = self._catalogue.filter.compute_mask(filters), self._catalogue.find(exclude)
        return self._catalogue.list(self._search.similar(item_id, by, k, allowed, excluded))

    def add_events(self, events: pd.DataFrame) -> None:
        """Has events count from now on: in the users' histories, in what they have seen, in all features.

        Args:
            events: `user_id, item_id, event_time` (datetime64[us], UTC), `weight`.

        Raises:
            UserError: an item is unknown.
        """
        items = self._catalogue.find(events[ITEM_ID])
        weights = np.round(events[WEIGHT].to_numpy("float64") * _MICRO).astype(np.int64)
        self._live = self._live.add(events.assign(**{ITEM_ID: items, WEIGHT: weights}))

    def get_history(self, user_id: str, length: int, as_of: datetime | None = None) -> pd.DataFrame:
        """The user's latest events before the moment, newest first: `item_id, event_time`."""
        found = self._live.events.list_events(user_id, None if as_of is None else to_instant(as_of))
        ids = self.bundle.tables.items[ITEM_ID].to_numpy()
        times = found[EVENT_TIME].astype("datetime64[us]")
        history = pd.DataFrame({ITEM_ID: ids[found[ITEM_ID]], EVENT_TIME: times})
        return history.iloc[::-1].head(length)

    def _recommend(self, live: LiveFeatures, asking: Asking, wish: Wish) -> pd.DataFrame:
        bundle, tables = self.bundle, self.bundle.tables
        queries = build_queries(bundle, live, list(asking.frame[USER_ID]), wish.as_of, wish.context)
        examples = build_examples(queries, tables, bundle.inputs, live.builder, bundle.query.length)
        examples = replace(examples, user=np.arange(len(queries)))
        embedded = embed_queries(
            bundle.query_tower, examples, asking.arrays, bundle.item_embeddings, self._item_index
        )
        excluded = self._find_excluded(live, queries, wish.exclude)
        num_candidates = max(wish.k, bundle.ranker_config.candidates)
        allowed = self._catalogue.filter.compute_mask(wish.filters)
        candidates = self._index.search(embedded, num_candidates, excluded, allowed)
        scored = self._score(live, asking, queries, candidates)
        ranked = show(scored, choose(scored, wish, self._catalogue.groups, tables.item_vectors))
        frame = self._build_frame(queries, ranked)
        if wish.explain:
            history = live.builder.find_history(queries, live.builder.recent)
            frame[REASONS] = self._explainer.explain(ranked, history)
        return frame

    def _find_asking(self, live: LiveFeatures, user_ids: Sequence[str]) -> Asking:
        """Rows of users of the bundle; one that is only known from events has a row without a profile."""
        if len(user_ids) == 1 and self.bundle.tables.find_user(user_ids[0]) < 0:
            if live.events.number_users(user_ids)[0] < 0:
                raise refuse_user(self.bundle, user_ids[0])
            return describe_new(self.bundle, user_ids[0], {}, self._encode_text)
        return find_known(self.bundle, self._users, user_ids)

    def _imagine(
        self, live: LiveFeatures, user_id: str, likes: Sequence[str], as_of: datetime | None
    ) -> pd.DataFrame:
        """Likes as events a minute apart: up to the moment, or after all that the user has done."""
        end = live.events.last_time if as_of is None else int(to_instant(as_of).astype(np.int64)) - 1
        times = end - _MINUTE * np.arange(len(likes) - 1, -1, -1)
        return pd.DataFrame(
            {
                USER_ID: user_id,
                ITEM_ID: self._catalogue.find(likes),
                EVENT_TIME: times.astype("datetime64[us]"),
                WEIGHT: _MICRO,
            }
        )

    def _find_excluded(self, live: LiveFeatures, queries: pd.DataFrame, exclude: Sequence[str]) -> csr_array:
        """What each user has met before, unless items repeat, and what nobody is to see."""
        shape = (len(queries), len(self.bundle.tables.items))
        every = np.tile(self._catalogue.find(exclude), len(queries))
        query, item = np.repeat(np.arange(len(queries)), len(exclude)), every
        if not self.bundle.store.dataset.repeats:
            met_by, met = live.events.find_met(queries)
            query, item = np.concatenate([query, met_by]), np.concatenate([item, met])
        return mark(query, item, shape)

    def _score(
        self, live: LiveFeatures, asking: Asking, queries: pd.DataFrame, candidates: Candidates
    ) -> Scored:
        """By the ranker, where it has earned its place in the bundle."""
        ranker, calibration = self.bundle.ranker, self.bundle.calibration
        if ranker is None or calibration is None:
            return keep_scores(candidates)
        rows = self._rows.serve(live.builder, asking.frame).build(queries, candidates)
        return score(candidates, rows, ranker, calibration)

    def _build_frame(self, queries: pd.DataFrame, ranked: Ranked) -> pd.DataFrame:
        return pd.DataFrame(
            {
                USER_ID: queries[USER_ID].to_numpy()[ranked.query],
                ITEM_ID: self._catalogue.ids[ranked.item],
                TITLE: self._catalogue.titles[ranked.item],
                RANK: ranked.rank,
                RETRIEVAL_SCORE: ranked.retrieval_score,
                RANKING_SCORE: ranked.ranking_score,
                CHANCE: ranked.chance,
            }
        )

    def _encode_text(self, column: str, text: str) -> np.ndarray:
        return self._search.encode_profile(text, column)

    @cached_property
    def _catalogue(self) -> Catalogue:
        return Catalogue(self.bundle.tables)

    @cached_property
    def _search(self) -> ContentSearch:
        return ContentSearch(self.bundle)

    @cached_property
    def _rows(self) -> RowBuilder:
        bundle = self.bundle
        return build_row_builder(bundle.tables, self._live.builder, bundle.signals, bundle.ranker_config)

    @cached_property
    def _index(self) -> ExactIndex:
        return ExactIndex(self.bundle.item_embeddings)

    @cached_property
    def _users(self) -> dict[str, np.ndarray]:
        return self.bundle.inputs.user.encode(self.bundle.tables.users, self.bundle.tables.user_vectors)

    @cached_property
    def _item_index(self) -> np.ndarray:
        return self.bundle.inputs.index_items(self.bundle.tables.items)

    @cached_property
    def _explainer(self) -> Explainer:
        tables = self.bundle.tables
        return Explainer(
            self._rows.specs,
            self.bundle.ranker,
            self._catalogue.titles,
            self.bundle.item_embeddings,
            tables.item_vectors,
        )
