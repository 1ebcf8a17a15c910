"""Feature store -> what training reads: split, fitted inputs, examples and held-out queries."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.config import SplitConfig
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.features.live import Standing
from feature_pipeline.features.live_features import LiveFeatures, compute_standing, open_live
from feature_pipeline.schema import ITEM_ID
from feature_pipeline.splits import TRAIN, assign_split
from feature_pipeline.store import FeatureStore
from training_pipeline.config import QueryConfig
from training_pipeline.evaluation.protocol import HeldOut, build_held_out
from training_pipeline.retrieval.dataset import (
    Examples,
    Tables,
    TowerInputs,
    TrainingExamples,
    build_examples,
    build_training_examples,
    fit_tower_inputs,
    read_tables,
)


@dataclass(frozen=True)
class Prepared:
    """A feature store divided into train, validation and test, with everything fitted on what may be learned.

    Attributes:
        tables: the store's tables.
        parts: split of each interaction [num_events] str.
        learned: the parts that train: `train` at first, see `learn`.
        builder: computes features as of any query.
        inputs: how the towers' inputs are encoded.
        query: how queries carry their history.
        repeats: whether items already met may be recommended.
    """

    tables: Tables
    parts: np.ndarray
    learned: tuple[str, ...]
    builder: FeatureBuilder
    inputs: TowerInputs
    query: QueryConfig
    repeats: bool

    @property
    def learned_events(self) -> pd.DataFrame:
        """The interactions of the parts that train."""
        return self.tables.interactions[np.isin(self.parts, self.learned)]

    def build_training_examples(self) -> TrainingExamples:
        """The learned events in windows."""
        events = self.learned_events.reset_index(drop=True)
        return build_training_examples(events, self.tables, self.inputs, self.builder, self.query)

    def build_held_out(self, split: str) -> HeldOut:
        """The queries of `validation` or `test`."""
        popularity = self.count_events()
        return build_held_out(split, self.tables, self.parts, self.builder, self.repeats, popularity)

    def build_held_out_examples(self, held_out: HeldOut) -> Examples:
        """Held-out queries as the towers read them."""
        users = self.tables.find_users(held_out.frame)
        return build_examples(held_out.frame, users, self.inputs, self.builder, self.query.length)

    def count_events(self) -> np.ndarray:
        """Learned events of each item [num_items] int64."""
        items = self.tables.find_items(self.learned_events[ITEM_ID])
        return np.bincount(items, minlength=len(self.tables.items))

    def build_matrix(self) -> csr_array:
        """How often each user met each item in the learned parts [num_users, num_items] float32."""
        return self.tables.count_choices(self.learned_events)

    def learn(self, *parts: str) -> "Prepared":
        """The same, with other parts learned: validation too for the test, and all for what is published."""
        inputs = fit_tower_inputs(self.tables, np.isin(self.parts, parts))
        return replace(self, learned=parts, inputs=inputs)

    def describe_learned(self) -> str:
        """The learned parts in words."""
        return ", ".join(self.learned)


def prepare(store: FeatureStore, split: SplitConfig, engine: EngineConfig, query: QueryConfig) -> Prepared:
    """Reads a store and fits the towers' inputs on its training window.

    Args:
        store: the feature store.
        split: how events divide.
        engine: runs the feature expressions.
        query: how queries carry their history.

    Raises:
        SplitError: a part has no events.
    """
    tables = read_tables(store)
    parts = assign_split(tables.interactions, split)
    return Prepared(
        tables=tables,
        parts=parts,
        learned=(TRAIN,),
        builder=build_feature_builder(tables, engine),
        inputs=fit_tower_inputs(tables, parts == TRAIN),
        query=query,
        repeats=store.dataset.repeats,
    )


def build_feature_builder(tables: Tables, engine: EngineConfig) -> FeatureBuilder:
    """The feature builder over all events of the tables, for training and serving alike."""
    columns = list_columns(tables.specs["items"])
    return FeatureBuilder.of_table(
        connect(engine),
        tables.features,
        columns,
        tables.items,
        tables.interactions,
        tables.item_vectors,
        tables.outcomes,
    )


def compute_table_standing(tables: Tables) -> Standing:
    """What stands when a model of these tables is published."""
    columns = list_columns(tables.specs["items"])
    return compute_standing(tables.features, columns, tables.users, tables.items, tables.interactions)


def open_live_features(tables: Tables, standing: Standing) -> LiveFeatures:
    """The features of the moment, as serving reads them."""
    columns = list_columns(tables.specs["items"])
    return open_live(
        tables.features, columns, tables.users, tables.items, tables.item_vectors, tables.outcomes, standing
    )
