"""The library's face: a bundle in, recommendations out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, TITLE, USER_ID
from inference.explain import Explainer
from inference.index.exact import ExactIndex
from inference.query import build_queries, to_instant
from inference.rerank import Ranked, keep_order, rerank
from training_pipeline.bundle import Bundle
from training_pipeline.prepare import build_feature_builder
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.rows import RETRIEVAL_SCORE, RowBuilder, build_row_builder
from training_pipeline.retrieval.dataset import build_examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.seen import find_seen

RANK = "rank"
RANKING_SCORE = "ranking_score"
CHANCE = "chance"
REASONS = "reasons"


@dataclass
class Recommender:
    """Recommends items of one bundle.

    Attributes:
        bundle: the model.
        engine: runs the feature expressions.
    """

    bundle: Bundle
    engine: EngineConfig

    def recommend(
        self,
        user_ids: Sequence[str],
        k: int,
        as_of: datetime | None = None,
        context: Mapping[str, str] | None = None,
        explain: bool = False,
    ) -> pd.DataFrame:
        """Retrieves, drops what each user has seen, ranks, and explains if asked.

        Args:
            user_ids: whom to serve.
            k: how many items for each; fewer where fewer are left.
            as_of: the moment, UTC; None for where the bundle's split puts its queries.
            context: features of the moment; what is left open is taken from the user's latest event before.
            explain: whether to add `reasons`.

        Returns:
            `user_id, item_id, title, rank, retrieval_score, ranking_score, chance` (and `reasons`, a list of
            str), user by user, best first. Where the bundle has no ranker, its score is the retrieval score
            and its chance unknown.

        Raises:
            UserError: a user or a context feature is unknown, or its value is of the wrong kind.
        """
        tables = self.bundle.tables
        queries = build_queries(self.bundle, self._builder, user_ids, as_of, context or {})
        examples = build_examples(
            queries, tables, self.bundle.inputs, self._builder, self.bundle.query.length
        )
        embedded = embed_queries(
            self.bundle.query_tower, examples, self._users, self.bundle.item_embeddings, self._item_index
        )
        num_candidates = max(k, self.bundle.ranker_config.candidates)
        candidates = self._index.search(embedded, num_candidates, self._find_excluded(queries))
        ranked = self._rank(queries, candidates, k)
        frame = self._build_frame(queries, ranked)
        if explain:
            history = self._builder.find_history(queries, self._builder.recent)
            frame[REASONS] = self._explainer.explain(ranked, history)
        return frame

    def recommend_all(
        self,
        k: int,
        as_of: datetime | None = None,
        context: Mapping[str, str] | None = None,
        block: int = 256,
    ) -> Iterator[pd.DataFrame]:
        """Recommends to every user of the bundle, `block` users at a time; see `recommend`."""
        user_ids = list(self.bundle.tables.users[USER_ID])
        for start in range(0, len(user_ids), block):
            yield self.recommend(user_ids[start : start + block], k, as_of, context)

    def get_history(self, user_id: str, length: int, as_of: datetime | None = None) -> pd.DataFrame:
        """The user's latest events before the moment, newest first: rows of the interactions table."""
        events = self.bundle.tables.interactions
        own = events[events[USER_ID] == user_id]
        if as_of is not None:
            own = own[own[EVENT_TIME] < to_instant(as_of)]
        return own.iloc[::-1].head(length)

    def _rank(self, queries: pd.DataFrame, candidates: Candidates, k: int) -> Ranked:
        """By the ranker, where it has earned its place in the bundle."""
        ranker, calibration = self.bundle.ranker, self.bundle.calibration
        if ranker is None or calibration is None:
            return keep_order(candidates, k)
        return rerank(candidates, self._rows.build(queries, candidates), ranker, calibration, k)

    def _find_excluded(self, queries: pd.DataFrame) -> csr_array:
        num_items = len(self.bundle.tables.items)
        if self.bundle.store.dataset.repeats:
            return csr_array((len(queries), num_items), dtype=bool)
        return find_seen(queries, self.bundle.tables.interactions, self._builder, num_items)

    def _build_frame(self, queries: pd.DataFrame, ranked: Ranked) -> pd.DataFrame:
        items = self.bundle.tables.items
        return pd.DataFrame(
            {
                USER_ID: queries[USER_ID].to_numpy()[ranked.query],
                ITEM_ID: items[ITEM_ID].to_numpy()[ranked.item],
                TITLE: items[TITLE].to_numpy()[ranked.item],
                RANK: ranked.rank,
                RETRIEVAL_SCORE: ranked.retrieval_score,
                RANKING_SCORE: ranked.ranking_score,
                CHANCE: ranked.chance,
            }
        )

    @cached_property
    def _builder(self) -> FeatureBuilder:
        return build_feature_builder(self.bundle.tables, self.engine)

    @cached_property
    def _rows(self) -> RowBuilder:
        bundle = self.bundle
        return build_row_builder(bundle.tables, self._builder, bundle.signals, bundle.ranker_config)

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
            tables.items[TITLE].to_numpy(),
            self.bundle.item_embeddings,
            tables.item_vectors,
        )
