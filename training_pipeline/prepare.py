"""Feature store -> what training reads: split, fitted inputs, examples and held-out queries."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.config import SplitConfig
from feature_pipeline.engine.connect import EngineConfig, connect
from feature_pipeline.features.build import FeatureBuilder, list_columns
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID
from feature_pipeline.splits import TRAIN, VALIDATION, assign_split
from feature_pipeline.store import FeatureStore
from training_pipeline.evaluation.protocol import HeldOut, build_held_out
from training_pipeline.retrieval.dataset import (
    Examples,
    Tables,
    TowerInputs,
    build_examples,
    fit_tower_inputs,
    read_tables,
)


@dataclass(frozen=True)
class Prepared:
    """A feature store divided into train, validation and test, with everything fitted on what may be learned.

    Attributes:
        tables: the store's tables.
        parts: split of each interaction [num_events] str.
        learned: the parts that train: `train`, or `train` and `validation` once the settings are chosen.
        builder: computes features as of any query.
        inputs: how the towers' inputs are encoded.
        history_length: items of history that a query carries.
        repeats: whether items already met may be recommended.
    """

    tables: Tables
    parts: np.ndarray
    learned: tuple[str, ...]
    builder: FeatureBuilder
    inputs: TowerInputs
    history_length: int
    repeats: bool

    @property
    def learned_events(self) -> pd.DataFrame:
        """The interactions of the parts that train."""
        return self.tables.interactions[np.isin(self.parts, self.learned)]

    def build_training_examples(self) -> tuple[Examples, np.ndarray]:
        """Each learned event as a query, and the position of its item [num_events] int32."""
        events = self.learned_events.reset_index(drop=True)
        queries = events.rename(columns={EVENT_TIME: AS_OF, EVENT_ORDER: AS_OF_ORDER})
        examples = build_examples(queries, self.tables, self.inputs, self.builder, self.history_length)
        return examples, self.tables.find_items(events[ITEM_ID])

    def build_held_out(self, split: str) -> HeldOut:
        """The queries of `validation` or `test`."""
        computed = {spec.name for spec in self.builder.query_specs}
        context = [spec.name for spec in self.tables.specs["interactions"] if spec.name not in computed]
        is_cold = self.count_events() == 0
        return build_held_out(
            split,
            self.tables.interactions,
            self.parts,
            self.tables.items[ITEM_ID],
            self.builder,
            context,
            self.repeats,
            is_cold,
        )

    def build_held_out_examples(self, held_out: HeldOut) -> Examples:
        """Held-out queries as the towers read them."""
        return build_examples(held_out.frame, self.tables, self.inputs, self.builder, self.history_length)

    def count_events(self) -> np.ndarray:
        """Learned events of each item [num_items] int64."""
        items = self.tables.find_items(self.learned_events[ITEM_ID])
        return np.bincount(items, minlength=len(self.tables.items))

    def build_matrix(self) -> csr_array:
        """How often each user met each item in the learned parts [num_users, num_items] float32."""
        events = self.learned_events
        places = (self.tables.find_users(events), self.tables.find_items(events[ITEM_ID]))
        matrix = csr_array(
            (np.ones(len(events), np.float32), places), shape=(len(self.tables.users), len(self.tables.items))
        )
        matrix.sum_duplicates()
        return matrix

    def add_validation(self) -> "Prepared":
        """The same, with the validation window learned too: for the model that is tested and published."""
        learned = (TRAIN, VALIDATION)
        inputs = fit_tower_inputs(self.tables, np.isin(self.parts, learned))
        return replace(self, learned=learned, inputs=inputs)


def prepare(store: FeatureStore, split: SplitConfig, engine: EngineConfig, history_length: int) -> Prepared:
    """Reads a store and fits the towers' inputs on its training window.

    Args:
        store: the feature store.
        split: how events divide.
        engine: runs the feature expressions.
        history_length: items of history that a query carries.

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
        history_length=history_length,
        repeats=store.dataset.repeats,
    )


def build_feature_builder(tables: Tables, engine: EngineConfig) -> FeatureBuilder:
    """The feature builder over all events of the tables, for training and serving alike."""
    columns = list_columns(tables.specs["items"])
    return FeatureBuilder(
        connect(engine),
        tables.features,
        columns,
        tables.items,
        tables.interactions,
        tables.item_vectors,
        tables.outcomes,
    )
