"""A recommender at one moment: everything that answers a request, and nothing that changes."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.arrays import Table
from feature_pipeline.errors import UserError
from feature_pipeline.features.live_features import LiveFeatures
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, TITLE, USER_ID, WEIGHT
from feature_pipeline.values import to_instant
from inference.ask import SOMEBODY, Ask, Asking, describe_new, find_known, join_asking, refuse_user
from inference.catalogue import Catalogue
from inference.choice import Wish, choose
from inference.columns import CHANCE, RANK, RANKING_SCORE, REASONS
from inference.content import ContentSearch
from inference.explain import Explainer
from inference.index.index import Index
from inference.moment import build_queries
from inference.newcomer import Newcomer
from inference.rank import Ranked, Scored, keep_scores, score, show
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import open_live_features
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.rows import RETRIEVAL_SCORE, RowBuilder, build_row_builder
from training_pipeline.retrieval.dataset import build_examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.seen import mark

_MICRO = 1_000_000
_MINUTE = 60_000_000


class Snapshot:
    """Answers requests; see `Recommender`, whose arguments these are. Threads may share it.

    Args:
        bundle: the model, with the items that there are now.
        index: over these items.
        hidden: positions of items that are not to be found.
        newcomers: by user id, who has registered since.
    """

    def __init__(
        self,
        bundle: Bundle,
        index: Index,
        hidden: frozenset[int] = frozenset(),
        newcomers: Mapping[str, Newcomer] = MappingProxyType({}),
    ):
        self.bundle = bundle
        self.index = index
        self.hidden = hidden
        self.newcomers = newcomers
        self.catalogue = Catalogue(bundle.tables)
        self._live = open_live_features(bundle.tables, bundle.standing)

    def add_events(self, events: pd.DataFrame) -> "Snapshot":
        """The same after more events."""
        items = self.catalogue.find(events[ITEM_ID])
        weights = np.round(events[WEIGHT].to_numpy("float64") * _MICRO).astype(np.int64)
        after = copy(self)
        after._live = self._live.add(events.assign(**{ITEM_ID: items, WEIGHT: weights}))
        return after

    def add_users(self, profiles: Mapping[str, Mapping[str, Any]]) -> "Snapshot":
        """The same with more users; those that the bundle describes are left out."""
        new = {
            user_id: Newcomer(self.bundle, user_id, profile)
            for user_id, profile in profiles.items()
            if self.bundle.tables.find_user(user_id) < 0
        }
        after = copy(self)
        after.newcomers = {**self.newcomers, **new}
        return after

    def hide(self, hidden: frozenset[int]) -> "Snapshot":
        """The same with other items hidden."""
        after = copy(self)
        after.hidden = hidden
        return after

    def recommend(self, asks: Sequence[str] | Ask, wish: Wish) -> Table:
        """See `Recommender.answer`."""
        live, asking = self._hear(asks, wish.as_of)
        return self._answer(live, asking, wish)

    def embed(
        self, asks: Sequence[str] | Ask, as_of: datetime | None, context: Mapping[str, str]
    ) -> np.ndarray:
        """See `Recommender.embed`."""
        live, asking = self._hear(asks, as_of)
        queries = build_queries(self.bundle, live, asking.user_ids, as_of, context)
        return self._embed(live, asking, queries)

    def search(
        self,
        text: str | None,
        image: bytes | None,
        k: int,
        filters: Mapping[str, Any] | None,
        exclude: Sequence[str],
    ) -> pd.DataFrame:
        """See `Recommender.search`."""
        allowed, excluded = self._find_allowed(filters), self.catalogue.find(exclude)
        if text is not None and image is not None:
            return self.catalogue.list(self._search.by_text_and_image(text, image, k, allowed, excluded))
        if text is not None:
            return self.catalogue.list(self._search.by_text(text, k, allowed, excluded))
        if image is not None:
            return self.catalogue.list(self._search.by_image(image, k, allowed, excluded))
        raise UserError("search: expected a text, an image, or both, found neither")

    def similar(
        self, item_id: str, by: str, k: int, filters: Mapping[str, Any] | None, exclude: Sequence[str]
    ) -> pd.DataFrame:
        """See `Recommender.similar`."""
        allowed, excluded = self._find_allowed(filters), self.catalogue.find(exclude)
        return self.catalogue.list(self._search.similar(item_id, by, k, allowed, excluded))

    def get_history(self, user_id: str, length: int, as_of: datetime | None) -> pd.DataFrame:
        """See `Recommender.get_history`."""
        if not self._knows(user_id):
            raise refuse_user(self.bundle, user_id)
        found = self._live.events.list_events(user_id, None if as_of is None else to_instant(as_of))
        times = found[EVENT_TIME].astype("datetime64[us]")
        ids, titles = self.catalogue.ids[found[ITEM_ID]], self.catalogue.titles[found[ITEM_ID]]
        history = pd.DataFrame({ITEM_ID: ids, TITLE: titles, EVENT_TIME: times})
        return history.iloc[::-1].head(length)

    def _knows(self, user_id: str) -> bool:
        """Whether anything is known of a user: a row, a profile, or an event."""
        return user_id in self.newcomers or bool(self._live.events.number_users([user_id])[0] >= 0)

    def _find_allowed(self, filters: Mapping[str, Any] | None) -> np.ndarray | None:
        """The items that may be found [num_items] bool; None for all."""
        allowed = self.catalogue.filter.compute_mask(filters)
        if not self.hidden:
            return allowed
        shown = np.ones(len(self.catalogue.ids), bool) if allowed is None else allowed.copy()
        shown[list(self.hidden)] = False
        return shown

    def _answer(self, live: LiveFeatures, asking: Asking, wish: Wish) -> Table:
        bundle, tables = self.bundle, self.bundle.tables
        queries = build_queries(bundle, live, asking.user_ids, wish.as_of, wish.context)
        embedded = self._embed(live, asking, queries)
        excluded = self._find_excluded(live, queries, wish.exclude)
        num_candidates = max(wish.k, bundle.ranker_config.candidates)
        allowed = self._find_allowed(wish.filters)
        candidates = self.index.search(embedded, num_candidates, excluded, allowed)
        scored = self._score(live, asking, queries, candidates)
        if wish.filters:
            scored = scored.forget_chances()
        ranked = show(scored, choose(scored, wish, self.catalogue.groups, tables.item_vectors))
        found = self._list(queries, ranked)
        if wish.explain:
            history = live.builder.find_history(queries, live.builder.recent)
            found[REASONS] = np.fromiter(self._explainer.explain(ranked, history), object)
        return Table(found)

    def _hear(self, asks: Sequence[str] | Ask, as_of: datetime | None) -> tuple[LiveFeatures, Asking]:
        """Who asks, and what has happened, what they say they like included."""
        live = self._live
        if not isinstance(asks, Ask):
            return live, self._find_asking(live, asks)
        if asks.user_id is None:
            asking = describe_new(self.bundle, SOMEBODY, asks.profile, self._encode_text)
        else:
            asking = self._find_asking(live, [asks.user_id])
        if asks.likes:
            imagined = self._imagine(live, asking.user_ids[0], asks.likes, as_of)
            live = live.add(imagined, of_items=False)
        return live, asking

    def _embed(self, live: LiveFeatures, asking: Asking, queries: Table) -> np.ndarray:
        """What the query tower makes of them [num_queries, embedding_dim] float32."""
        bundle, users = self.bundle, np.arange(len(queries))
        examples = build_examples(queries, users, bundle.inputs, live.builder, bundle.query.length)
        return embed_queries(
            bundle.query_tower, examples, asking.of_tower, bundle.item_embeddings, self._item_index
        )

    def _find_asking(self, live: LiveFeatures, user_ids: Sequence[str]) -> Asking:
        """Rows of users of the bundle, and of others; one that only events know has no profile."""
        if all(self.bundle.tables.find_user(user_id) >= 0 for user_id in user_ids):
            return find_known(self.bundle, self._users, user_ids)
        return join_asking([self._find_one(live, user_id) for user_id in user_ids])

    def _find_one(self, live: LiveFeatures, user_id: str) -> Asking:
        if self.bundle.tables.find_user(user_id) >= 0:
            return find_known(self.bundle, self._users, [user_id])
        if user_id in self.newcomers:
            return self.newcomers[user_id].describe(self.bundle, self._encode_text)
        if live.events.number_users([user_id])[0] >= 0:
            return describe_new(self.bundle, user_id, {}, self._encode_text)
        raise refuse_user(self.bundle, user_id)

    def _imagine(
        self, live: LiveFeatures, user_id: str, likes: Sequence[str], as_of: datetime | None
    ) -> pd.DataFrame:
        """Likes as events a minute apart: up to the moment, or after all that the user has done."""
        end = live.events.last_time if as_of is None else int(to_instant(as_of).astype(np.int64)) - 1
        times = end - _MINUTE * np.arange(len(likes) - 1, -1, -1)
        return pd.DataFrame(
            {
                USER_ID: user_id,
                ITEM_ID: self.catalogue.find(likes),
                EVENT_TIME: times.astype("datetime64[us]"),
                WEIGHT: _MICRO,
            }
        )

    def _find_excluded(self, live: LiveFeatures, queries: Table, exclude: Sequence[str]) -> csr_array:
        """What each user has met before, unless items repeat, and what nobody is to see."""
        shape = (len(queries), len(self.bundle.tables.items))
        every = np.tile(self.catalogue.find(exclude), len(queries))
        query, item = np.repeat(np.arange(len(queries)), len(exclude)), every
        if not self.bundle.store.dataset.repeats:
            met_by, met = live.events.find_met(queries)
            query, item = np.concatenate([query, met_by]), np.concatenate([item, met])
        return mark(query, item, shape)

    def _score(self, live: LiveFeatures, asking: Asking, queries: Table, candidates: Candidates) -> Scored:
        """By the ranker, where it has earned its place in the bundle."""
        ranker, calibration = self.bundle.ranker, self.bundle.calibration
        if ranker is None or calibration is None:
            return keep_scores(candidates)
        builder = replace(self._rows, features=live.builder)
        rows = builder.build(queries, candidates, asking.of_ranker)
        return score(candidates, rows, ranker, calibration)

    def _list(self, queries: Table, ranked: Ranked) -> dict[str, np.ndarray]:
        """The columns of an answer."""
        return {
            USER_ID: queries[USER_ID][ranked.query],
            ITEM_ID: self.catalogue.ids[ranked.item],
            TITLE: self.catalogue.titles[ranked.item],
            RANK: ranked.rank,
            RETRIEVAL_SCORE: ranked.retrieval_score,
            RANKING_SCORE: ranked.ranking_score,
            CHANCE: ranked.chance,
        }

    def _encode_text(self, column: str, text: str) -> np.ndarray:
        return self._search.encode_profile(text, column)

    @cached_property
    def _search(self) -> ContentSearch:
        return ContentSearch(self.bundle)

    @cached_property
    def _rows(self) -> RowBuilder:
        bundle = self.bundle
        return build_row_builder(bundle.tables, self._live.builder, bundle.signals, bundle.ranker_config)

    @cached_property
    def _users(self) -> Asking:
        tables = self.bundle.tables
        encoded = self.bundle.inputs.user.encode(tables.users, tables.user_vectors)
        return Asking(list(tables.users[USER_ID]), encoded, self._rows.of_users)

    @cached_property
    def _item_index(self) -> np.ndarray:
        return self.bundle.inputs.index_items(self.bundle.tables.items)

    @cached_property
    def _explainer(self) -> Explainer:
        tables = self.bundle.tables
        return Explainer(
            self._rows.specs,
            self.bundle.ranker,
            self.catalogue.titles,
            self.bundle.item_embeddings,
            tables.item_vectors,
        )
