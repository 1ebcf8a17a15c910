"""Feature store -> the arrays that the two towers read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.arrays import Table
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.outcome_history import build_specs, name_history
from feature_pipeline.feedback.record import FeedbackRecord
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, find_untimed, to_microseconds
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, EVENT_TYPE, ITEM_ID, USER_ID, FeatureSpec
from feature_pipeline.store import FeatureStore
from training_pipeline.config import QueryConfig
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.inputs import Arrays, SideInputs, Vocabulary, fit_inputs
from training_pipeline.retrieval.novelty import Novelty, find_first_events, find_novelty
from training_pipeline.retrieval.windows import NONE, cut_windows

_NO_FEEDBACK = FeedbackRecord()

# No id of a user is empty.
_NOBODY = ""


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

    def encode_items(self, items: pd.DataFrame, vectors: Mapping[str, np.ndarray]) -> Arrays:
        """Encodes the items table; see `index_items` and `SideInputs.encode`."""
        return {ITEM_INDEX: self.index_items(items), **self.item.encode(items, vectors)}

    def index_items(self, items: pd.DataFrame) -> np.ndarray:
        """Places in the vocabulary [num_items] int32: the unknown id for items without events in training."""
        return self.item_ids.encode(items[[ITEM_ID]].to_numpy().tolist())[:, 0]

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
        feedback: says how much events teach.
        ignored: what was shown and left, `user_id, item_id, event_time, position`.
    """

    users: pd.DataFrame
    items: pd.DataFrame
    interactions: pd.DataFrame
    user_vectors: dict[str, np.ndarray]
    item_vectors: dict[str, np.ndarray]
    outcomes: dict[str, np.ndarray]
    specs: dict[str, list[FeatureSpec]]
    features: list[Feature]
    feedback: FeedbackRecord = _NO_FEEDBACK
    ignored: pd.DataFrame | None = None

    def find_users(self, frame: pd.DataFrame | Table) -> np.ndarray:
        """Rows of the users table for `frame.user_id`, -1 for others: [num_rows] int32."""
        return self._user_index.get_indexer(pd.Index(frame[USER_ID])).astype(np.int32)

    def find_user(self, user_id: str) -> int:
        """Row of one user, -1 for others."""
        return self._user_rows.get(user_id, -1)

    def find_items(self, item_ids: pd.Series | np.ndarray) -> np.ndarray:
        """Positions of items by id, -1 for others: [num_ids] int32."""
        return self._item_index.get_indexer(pd.Index(item_ids)).astype(np.int32)

    # Kept, as an index hashes all ids when it is first asked.
    @cached_property
    def _user_index(self) -> pd.Index:
        return pd.Index(self.users[USER_ID])

    @cached_property
    def _user_rows(self) -> dict[str, int]:
        return {user_id: row for row, user_id in enumerate(self.users[USER_ID])}

    @cached_property
    def _item_index(self) -> pd.Index:
        return pd.Index(self.items[ITEM_ID])

    def count_choices(self, events: pd.DataFrame) -> csr_array:
        """How often each user met each item in some events [num_users, num_items] float32."""
        places = (self.find_users(events), self.find_items(events[ITEM_ID]))
        matrix = csr_array(
            (np.ones(len(events), np.float32), places), shape=(len(self.users), len(self.items))
        )
        matrix.sum_duplicates()
        return matrix


@dataclass(frozen=True)
class Examples:
    """Queries as the towers read them.

    Attributes:
        user: rows of the users table [num_examples] int32.
        moment: encoded activity and context features, [num_examples, targets, ...] each: one query after each
            of the last `targets` items.
        history: positions of items [num_examples, length] int32, oldest first, -1 pads.
        times: when each was met and, last, when the query asks [num_examples, length + 1] int64 microseconds.
        untimed: whether nobody knows when it is asked, see `forget_moments` [num_examples, targets] bool.
    """

    user: np.ndarray
    moment: Arrays
    history: np.ndarray
    times: np.ndarray
    untimed: np.ndarray

    def take(self, rows: np.ndarray) -> dict[str, Any]:
        """The examples at `rows`, as a nest of arrays."""
        names = ("user", "history", "times", "untimed")
        moment = {name: values[rows] for name, values in self.moment.items()}
        return {"moment": moment, **{name: getattr(self, name)[rows] for name in names}}


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
        feedback=store.feedback,
        ignored=store.read_ignored(),
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
    queries: pd.DataFrame | Table,
    users: np.ndarray,
    inputs: TowerInputs,
    builder: FeatureBuilder,
    length: int,
) -> Examples:
    """Encodes queries, one an example.

    Args:
        queries: `user_id, as_of, as_of_order`, the moment's features, and maybe `untimed`.
        users: row of each query's user, where users are described [num_queries] int.
        inputs: as fitted on the training window.
        builder: finds the histories.
        length: items of history at most.
    """
    history, times = builder.find_timed_history(queries, length)
    moment = inputs.moment.encode(queries, builder.compute_query_vectors(queries))
    return Examples(
        user=users,
        moment={name: values[:, None] for name, values in moment.items()},
        history=history.astype(np.int32),
        times=np.column_stack([times, to_microseconds(queries[AS_OF])]),
        untimed=find_untimed(queries)[:, None],
    )


@dataclass(frozen=True)
class TrainingExamples:
    """Events as queries for their own items, in windows; see `cut_windows`.

    Attributes:
        examples: the windows.
        unknown: their moments if nothing were known of the users' past; as `Examples.moment`.
        former: their moments if nobody knew when they are asked: those of the users' events before, see
            `forget_moments`; as `Examples.moment`, and meaningless for a first event.
        target: positions of the chosen items [num_windows, targets] int32, -1 for none.
        is_new: whether that is the item's first event [num_windows, targets] bool.
        strength: how much it teaches [num_windows, targets] float32.
        novelty: how the items look to the queries.
    """

    examples: Examples
    unknown: Arrays
    former: Arrays
    target: np.ndarray
    is_new: np.ndarray
    strength: np.ndarray
    novelty: Novelty

    def take(self, rows: np.ndarray) -> dict[str, Any]:
        """The windows at `rows`, as a nest of arrays: what `TwoTowerModel.compute_loss` reads."""
        own = {"target": self.target[rows], "is_new": self.is_new[rows], "weight": self.strength[rows]}
        return {**self.examples.take(rows), **own}


def build_training_examples(
    events: pd.DataFrame, tables: Tables, inputs: TowerInputs, builder: FeatureBuilder, query: QueryConfig
) -> TrainingExamples:
    """Encodes events for training.

    Args:
        events: what is learned, with the moment's features.
        tables: the feature store's tables.
        inputs: as fitted on the training window.
        builder: knows what earlier events left behind.
        query: length of the windows, and how many of their events are predicted.
    """
    user, time = tables.find_users(events), to_microseconds(events[EVENT_TIME])
    item = tables.find_items(events[ITEM_ID])
    windows = cut_windows(user, time, events[EVENT_ORDER].to_numpy(), query.length, query.targets)
    chosen, positions = windows[:, -query.targets :], np.append(item, np.int32(NONE))
    # Each with the one before it: so the moments of both are the same arrays, a place apart.
    joined = windows[:, -query.targets - 1 :]
    queries = events.rename(columns={EVENT_TIME: AS_OF, EVENT_ORDER: AS_OF_ORDER})
    moment, unknown = (
        inputs.moment.encode(asked, builder.compute_query_vectors(asked))
        for asked in (queries, hide_past(queries, builder))
    )
    both = {name: values[joined] for name, values in moment.items()}
    history = positions[windows[:, :-1]]
    return TrainingExamples(
        examples=Examples(
            user=user[windows[:, -1]],
            moment={name: values[:, 1:] for name, values in both.items()},
            history=history,
            times=np.append(time, 0)[windows],
            untimed=np.zeros(chosen.shape, bool),
        ),
        unknown={name: values[chosen] for name, values in unknown.items()},
        former={name: values[:, :-1] for name, values in both.items()},
        target=positions[chosen],
        is_new=find_first_events(item, time, len(tables.items))[chosen],
        strength=tables.feedback.weigh(events[EVENT_TYPE])[chosen],
        novelty=find_novelty(item, time, len(tables.items)),
    )


def hide_past(queries: pd.DataFrame, builder: FeatureBuilder) -> pd.DataFrame:
    """The same queries as if nothing were known of their users' past.

    Args:
        queries: `user_id, as_of, as_of_order`, and the moment's features.
        builder: computes what is left of them.
    """
    unknown = queries.assign(**{USER_ID: _NOBODY})
    return unknown.assign(**builder.compute_query_features(unknown))
