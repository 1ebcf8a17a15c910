"""Feature store -> the arrays and tf.data sets that the two towers train and validate on."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
import tensorflow as tf

from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.outcome_history import build_specs, name_history
from feature_pipeline.schema import ITEM_ID, USER_ID, FeatureSpec
from feature_pipeline.store import FeatureStore
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.inputs import Arrays, SideInputs, Vocabulary, fit_inputs


@dataclass(frozen=True)
class TowerInputs:
    """How users, moments and items become arrays for the towers.

    Attributes:
        user: columns of the users table.
        moment: activity and context columns, as of an event.
        item: columns of the items table.
        item_ids: the items that have events in the training window.
    """

    user: SideInputs
    moment: SideInputs
    item: SideInputs
    item_ids: Vocabulary

    def encode_items(self, items: pd.DataFrame, vectors: dict[str, np.ndarray]) -> Arrays:
        """Encodes the items table; one without events in training gets the unknown id."""
        index = self.item_ids.encode(items[[ITEM_ID]].to_numpy().tolist())[:, 0]
        return {ITEM_INDEX: index, **self.item.encode(items, vectors)}

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary for the bundle."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "TowerInputs":
        """The inverse of `to_json`."""
        sides = {side: SideInputs.from_json(content[side]) for side in ("user", "moment", "item")}
        return cls(**sides, item_ids=Vocabulary(**content["item_ids"]))


@dataclass(frozen=True)
class Tables:
    """The tables of a feature store, read once.

    Attributes:
        users: key `user_id`.
        items: key `item_id`; its row numbers are the item positions used everywhere in training.
        interactions: with the features as of each event.
        user_vectors: embedding columns of users.
        item_vectors: embedding columns of items.
        outcomes: embeddings of what each event left behind, aligned with `interactions`.
        specs: features of each table.
        features: how the computed ones are computed.
    """

    users: pd.DataFrame
    items: pd.DataFrame
    interactions: pd.DataFrame
    user_vectors: dict[str, np.ndarray]
    item_vectors: dict[str, np.ndarray]
    outcomes: dict[str, np.ndarray]
    specs: dict[str, list[FeatureSpec]]
    features: list[Feature]

    def find_users(self, frame: pd.DataFrame) -> np.ndarray:
        """Rows of the users table for `frame.user_id`: [num_rows] int32."""
        return pd.Index(self.users[USER_ID]).get_indexer(frame[USER_ID]).astype(np.int32)

    def find_items(self, item_ids: pd.Series | np.ndarray) -> np.ndarray:
        """Positions of items by id: [num_ids] int32."""
        return pd.Index(self.items[ITEM_ID]).get_indexer(item_ids).astype(np.int32)


@dataclass(frozen=True)
class Examples:
    """Queries as the towers read them.

    Attributes:
        user: rows of the users table [num_queries] int32.
        moment: encoded activity and context features, [num_queries, ...] each.
        history: positions of the last items [num_queries, length] int32, oldest first, -1 pads.
    """

    user: np.ndarray
    moment: Arrays
    history: np.ndarray

    def take(self, rows: np.ndarray) -> dict[str, Any]:
        """The examples at `rows`, as a nest of arrays."""
        moment = {name: values[rows] for name, values in self.moment.items()}
        return {"user": self.user[rows], "moment": moment, "history": self.history[rows]}


def read_tables(store: FeatureStore) -> Tables:
    """Reads users, items and interactions of a feature store."""
    names = ("users", "items", "interactions")
    return Tables(
        users=store.read_table("users"),
        items=store.read_table("items"),
        interactions=store.read_table("interactions"),
        user_vectors=store.read_vectors("users"),
        item_vectors=store.read_vectors("items"),
        outcomes=store.read_outcomes(),
        specs={name: store.get_specs(name) for name in names},
        features=store.features,
    )


def fit_tower_inputs(tables: Tables, is_train: np.ndarray) -> TowerInputs:
    """Learns vocabularies and scales from the training window.

    Args:
        tables: the feature store's tables.
        is_train: which interactions train [num_events] bool. Users and items that have none of these events
            take no part, so that nothing is known of what appears later.
    """
    events = tables.interactions[is_train]
    histories = {name_history(name): vectors for name, vectors in tables.outcomes.items()}
    users = tables.users[tables.users[USER_ID].isin(events[USER_ID].unique())]
    items = tables.items[tables.items[ITEM_ID].isin(events[ITEM_ID].unique())]
    return TowerInputs(
        user=fit_inputs(users, tables.user_vectors, tables.specs["users"]),
        moment=fit_inputs(events, histories, [*tables.specs["interactions"], *build_specs(tables.outcomes)]),
        item=fit_inputs(items, tables.item_vectors, tables.specs["items"]),
        item_ids=Vocabulary(sorted(items[ITEM_ID]), width=1),
    )


def build_examples(
    queries: pd.DataFrame, tables: Tables, inputs: TowerInputs, builder: FeatureBuilder, length: int
) -> Examples:
    """Encodes queries.

    Args:
        queries: `user_id, as_of, as_of_order`, and the moment's features.
        tables: the feature store's tables.
        inputs: as fitted on the training window.
        builder: finds the histories.
        length: items of history at most.
    """
    history = builder.find_history(queries, length).astype(np.int32)
    moment = inputs.moment.encode(queries, builder.compute_query_vectors(queries))
    return Examples(tables.find_users(queries), moment, history)


def build_training_data(
    examples: Examples, target: np.ndarray, batch_size: int, seed: int
) -> tf.data.Dataset:
    """Shuffled batches for `TwoTowerModel.compute_loss`, drawn anew each epoch; a last short one is dropped.

    Args:
        examples: one for each training event.
        target: position of the chosen item [num_examples] int32.
        batch_size: examples a step; all of them where there are fewer.
        seed: of the shuffle.
    """
    content = tf.nest.map_structure(tf.constant, {**examples.take(np.arange(len(target))), "target": target})
    rows = tf.data.Dataset.range(len(target)).shuffle(len(target), seed=seed)
    batches = rows.batch(min(batch_size, len(target)), drop_remainder=True)
    return batches.map(lambda chosen: _gather(content, chosen)).prefetch(2)


def _gather(content: dict[str, Any], rows: tf.Tensor) -> Any:
    return tf.nest.map_structure(lambda values: tf.gather(values, rows), content)


def build_validation_data(
    examples: Examples, relevant: sp.csr_array, seen: sp.csr_array, batch_size: int = 512
) -> tf.data.Dataset:
    """Batches for `TwoTowerModel.test_step`: one row for each (query, target) pair.

    Args:
        examples: one for each query.
        relevant: chosen items [num_queries, num_items] bool.
        seen: items to exclude [num_queries, num_items] bool.
        batch_size: pairs a step.
    """
    query, target = relevant.nonzero()
    past = seen[query]
    seen_rows = tf.RaggedTensor.from_row_splits(past.indices.astype(np.int32), past.indptr.astype(np.int64))
    content = {**examples.take(query), "target": target.astype(np.int32), "seen": seen_rows}
    pairs = tf.data.Dataset.from_tensor_slices(content).batch(batch_size)
    return pairs.map(lambda batch: {**batch, "seen": batch["seen"].to_tensor(-1)})
