"""What the towers train on: histories of the past alone, aligned targets, batches drawn anew each epoch."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy.sparse import csr_array

from tests.training_pipeline.invented import HISTORY_LENGTH
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.dataset import Examples, build_training_data, build_validation_data

Batch = dict[str, Any]


@pytest.fixture(scope="module")
def training(prepared: Prepared) -> tuple[Examples, np.ndarray]:
    return prepared.build_training_examples()


def make_examples(count: int) -> tuple[Examples, np.ndarray]:
    """Examples whose every field tells which one it is."""
    number = np.arange(count, dtype=np.int32)
    examples = Examples(user=number, moment={"numeric": number[:, None] + 0.5}, history=number[:, None] * 10)
    return examples, number + 100


def list_epochs(batch_size: int = 4, seed: int = 1, epochs: int = 2, count: int = 22) -> list[list[Batch]]:
    data = build_training_data(*make_examples(count), batch_size, seed)
    return [list(data.as_numpy_iterator()) for _ in range(epochs)]


class TestExamples:
    def test_history_is_what_the_user_met_before_oldest_first(
        self, training: tuple[Examples, np.ndarray], prepared: Prepared
    ) -> None:
        events = prepared.tables.interactions
        item = prepared.tables.find_items(events["item_id"])
        expected = []
        for row in np.flatnonzero(prepared.parts == "train"):
            event = events.iloc[row]
            earlier = (events["user_id"] == event["user_id"]) & (events["event_time"] < event["event_time"])
            past = list(item[earlier])[-HISTORY_LENGTH:]
            expected.append([-1] * (HISTORY_LENGTH - len(past)) + past)
        np.testing.assert_array_equal(training[0].history, expected)

    def test_user_moment_and_target_are_those_of_the_event(
        self, training: tuple[Examples, np.ndarray], prepared: Prepared
    ) -> None:
        examples, target = training
        events = prepared.tables.interactions[prepared.parts == "train"]
        users, items = prepared.tables.users, prepared.tables.items
        assert users["user_id"].iloc[examples.user].tolist() == events["user_id"].tolist()
        assert items["item_id"].iloc[target].tolist() == events["item_id"].tolist()
        device = pd.Series(["", "", "desk", "phone"]).iloc[examples.moment["device"][:, 0]]
        assert device.tolist() == events["device"].map(lambda row: row[0]).tolist()


class TestTrainingData:
    def test_batches_differ_from_epoch_to_epoch(self) -> None:
        first, second = ({frozenset(batch["user"]) for batch in epoch} for epoch in list_epochs())
        assert first != second

    def test_an_epoch_shows_no_example_twice(self) -> None:
        for epoch in list_epochs():
            users = np.concatenate([batch["user"] for batch in epoch])
            # 22 examples in batches of 4: the last short batch is dropped.
            assert len(users) == len(set(users)) == 20

    def test_the_same_seed_gives_the_same_batches(self) -> None:
        one, other, another_seed = list_epochs(seed=1), list_epochs(seed=1), list_epochs(seed=2)
        tf.nest.map_structure(np.testing.assert_array_equal, one, other)
        assert [batch["user"].tolist() for batch in one[0]] != [b["user"].tolist() for b in another_seed[0]]

    def test_rows_stay_together(self) -> None:
        for batch in list_epochs()[0]:
            np.testing.assert_array_equal(batch["target"], batch["user"] + 100)
            np.testing.assert_array_equal(batch["moment"]["numeric"][:, 0], batch["user"] + 0.5)
            np.testing.assert_array_equal(batch["history"][:, 0], batch["user"] * 10)

    def test_fewer_examples_than_a_batch_are_one_batch(self) -> None:
        (epoch,) = list_epochs(batch_size=1024, epochs=1, count=5)
        assert [sorted(batch["user"]) for batch in epoch] == [[0, 1, 2, 3, 4]]


class TestValidationData:
    def test_one_row_for_each_target_with_what_the_user_has_seen(self) -> None:
        relevant = csr_array(np.array([[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]], bool))
        seen = csr_array(np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 0, 1, 0]], bool))
        examples, _ = make_examples(3)
        first, second = build_validation_data(examples, relevant, seen, batch_size=3).as_numpy_iterator()

        assert first["user"].tolist() == [0, 0, 1]
        assert first["target"].tolist() == [1, 3, 0]
        assert first["seen"].tolist() == [[0], [0], [-1]]
        assert first["history"].tolist() == [[0], [0], [10]]
        assert (second["user"].tolist(), second["seen"].tolist()) == ([2], [[0, 1, 3]])

    def test_nothing_seen_is_no_column(self) -> None:
        examples, _ = make_examples(2)
        (batch,) = build_validation_data(
            examples, csr_array(np.eye(2, 4, dtype=bool)), csr_array((2, 4), dtype=bool)
        ).as_numpy_iterator()
        assert batch["seen"].shape == (2, 0)

    def test_holds_every_pair_of_the_tiny_store(self, prepared: Prepared, validation: HeldOut) -> None:
        examples = prepared.build_held_out_examples(validation)
        data = build_validation_data(examples, validation.relevant, validation.seen)
        (batch,) = data.as_numpy_iterator()
        pairs = {
            (prepared.tables.users["user_id"][user], int(target))
            for user, target in zip(batch["user"], batch["target"], strict=True)
        }
        query, item = validation.relevant.nonzero()
        assert pairs == set(zip(validation.frame["user_id"].iloc[query], item.tolist(), strict=True))
