"""The batches of an epoch: drawn anew each time, aligned, and some of them without their past."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from scipy.sparse import csr_array

from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.batches import build_training_data, build_validation_data
from training_pipeline.retrieval.dataset import Examples, TrainingExamples
from training_pipeline.retrieval.novelty import Novelty

Batch = dict[str, Any]


def make_training(count: int, length: int = 1, targets: int = 1) -> TrainingExamples:
    """Examples whose every field tells which one it is; the columns of the targets are numbered in tenths."""
    number = np.arange(count, dtype=np.int32)
    columns = np.arange(targets) / 10
    examples = Examples(
        user=number,
        moment={"numeric": (number[:, None] + columns)[:, :, None]},
        history=np.repeat(number[:, None] * 10, length, axis=1),
        times=np.repeat(number[:, None].astype(np.int64), length + 1, axis=1),
        untimed=np.zeros((count, targets), bool),
    )
    return TrainingExamples(
        examples,
        unknown={"numeric": -examples.moment["numeric"]},
        former={"numeric": 1000 + examples.moment["numeric"]},
        target=np.repeat(number[:, None] + 100, targets, axis=1),
        is_new=np.repeat(number[:, None] % 2 == 0, targets, axis=1),
        strength=np.ones((count, targets), np.float32),
        novelty=Novelty.all_known(200),
    )


def list_batches(
    epoch: int = 1,
    batch_size: int = 4,
    count: int = 22,
    history_dropout: float = 0.0,
    moment_dropout: float = 0.0,
) -> list[Batch]:
    rng = np.random.default_rng(epoch)
    data = build_training_data(make_training(count), batch_size, history_dropout, moment_dropout, rng)
    return list(data.as_numpy_iterator())


class TestTrainingData:
    def test_batches_differ_from_epoch_to_epoch(self) -> None:
        first, second = ({frozenset(batch["user"]) for batch in list_batches(epoch)} for epoch in (1, 2))
        assert first != second

    def test_an_epoch_shows_every_example_once(self) -> None:
        batches = list_batches()
        users = np.concatenate([batch["user"] for batch in batches])
        assert sorted(users) == list(range(22))
        # 22 in fours are five and a half: what is over goes to the others.
        assert sorted(len(batch["user"]) for batch in batches) in ([4, 4, 4, 5, 5], [3, 3, 4, 4, 4, 4])

    def test_the_same_epoch_is_the_same_batches(self) -> None:
        tf.nest.map_structure(np.testing.assert_array_equal, list_batches(3), list_batches(3))

    def test_the_number_of_steps_is_known_beforehand(self) -> None:
        data = build_training_data(make_training(22), 4, 0.0, 0.0, np.random.default_rng(1))
        assert int(data.cardinality()) == len(list_batches())

    def test_rows_stay_together(self) -> None:
        for batch in list_batches():
            np.testing.assert_array_equal(batch["target"][:, 0], batch["user"] + 100)
            np.testing.assert_array_equal(batch["moment"]["numeric"][:, 0, 0], batch["user"])
            np.testing.assert_array_equal(batch["history"][:, 0], batch["user"] * 10)
            np.testing.assert_array_equal(batch["times"][:, 0], batch["user"])
            np.testing.assert_array_equal(batch["is_new"][:, 0], batch["user"] % 2 == 0)

    def test_fewer_examples_than_a_batch_are_one_batch(self) -> None:
        (batch,) = list_batches(batch_size=1024, count=5)
        assert sorted(batch["user"]) == [0, 1, 2, 3, 4]

    def test_short_windows_lose_their_padding_and_no_target(self) -> None:
        """Half the windows of eight places hold one item, which makes them two events long."""
        training = make_training(8, length=8, targets=8)
        training.examples.history[:4, :-1] = -1
        training.target[:4, :-2] = -1
        data = build_training_data(training, 16, 0.0, 0.0, np.random.default_rng(0))
        batches = list(data.as_numpy_iterator())
        widths = {user: batch["history"].shape[1] for batch in batches for user in batch["user"]}
        assert widths == {**dict.fromkeys(range(4), 2), **dict.fromkeys(range(4, 8), 8)}
        for batch in batches:
            width = batch["history"].shape[1]
            assert batch["target"].shape == batch["history"].shape
            assert batch["times"].shape == (len(batch["user"]), width + 1)
            tenths = batch["moment"]["numeric"][:, :, 0] - batch["user"][:, None]
            np.testing.assert_allclose(tenths, np.tile(np.arange(8 - width, 8) / 10, (len(tenths), 1)))
        assert sum((batch["target"] >= 0).sum() for batch in batches) == (training.target >= 0).sum()


class TestHistoryDropout:
    def test_hides_the_past_and_what_the_moment_tells_of_it(self) -> None:
        for batch in list_batches(history_dropout=0.5):
            hidden = batch["history"][:, 0] == -1
            user = batch["user"].astype(float)
            np.testing.assert_array_equal(batch["moment"]["numeric"][:, 0, 0], np.where(hidden, -user, user))
            np.testing.assert_array_equal(batch["history"][~hidden, 0], batch["user"][~hidden] * 10)
            np.testing.assert_array_equal(batch["target"][:, 0], batch["user"] + 100)

    def test_hides_its_share_and_others_in_every_epoch(self) -> None:
        hidden = [
            {
                int(user)
                for batch in list_batches(epoch, count=2000, history_dropout=0.3)
                for user in batch["user"][batch["history"][:, 0] == -1]
            }
            for epoch in (1, 2)
        ]
        assert hidden[0] != hidden[1]
        assert [len(users) / 2000 for users in hidden] == pytest.approx([0.3, 0.3], abs=0.04)

    def test_leaves_the_windows_themselves_alone(self) -> None:
        training = make_training(22)
        list(build_training_data(training, 4, 0.9, 0.9, np.random.default_rng(0)).as_numpy_iterator())
        np.testing.assert_array_equal(training.examples.history, make_training(22).examples.history)
        np.testing.assert_array_equal(
            training.examples.moment["numeric"], make_training(22).examples.moment["numeric"]
        )


class TestMomentDropout:
    @staticmethod
    def list_queries(epoch: int = 1) -> list[tuple[int, int, bool, float]]:
        """User, target (0 is the user's first), whether it is untimed, and the number of the moment."""
        training = make_training(1000, length=4, targets=3)
        training.examples.history[:, :2] = -1
        data = build_training_data(training, 60, 0.0, 0.3, np.random.default_rng(epoch))
        return [
            (int(user), place, bool(untimed[place]), float(moment[place, 0]))
            for batch in data.as_numpy_iterator()
            for user, untimed, moment in zip(
                batch["user"], batch["untimed"], batch["moment"]["numeric"], strict=True
            )
            for place in range(3)
        ]

    def test_moves_the_moment_to_the_event_before(self) -> None:
        for user, place, untimed, moment in self.list_queries():
            assert moment == pytest.approx(user + place / 10 + 1000 * untimed)

    def test_hides_its_share_query_by_query_and_others_in_every_epoch(self) -> None:
        hidden = [{q[:2] for q in self.list_queries(epoch) if q[2]} for epoch in (1, 2)]
        assert hidden[0] != hidden[1]
        assert [len(queries) / 2000 for queries in hidden] == pytest.approx([0.3, 0.3], abs=0.04)
        assert {place for _, place in hidden[0]} == {1, 2}

    def test_leaves_first_events_and_hidden_pasts_their_moment(self) -> None:
        data = build_training_data(make_training(400), 4, 0.5, 0.5, np.random.default_rng(0))
        for batch in data.as_numpy_iterator():
            assert not batch["untimed"][batch["history"][:, 0] == -1].any()
        assert not any(untimed for _, place, untimed, _ in self.list_queries() if place == 0)

    def test_draws_nothing_else_anew(self) -> None:
        shown, hidden = (list_batches(history_dropout=0.3, moment_dropout=share) for share in (0.0, 0.5))
        assert sum(batch["untimed"].sum() for batch in shown) == 0
        assert sum(batch["untimed"].sum() for batch in hidden) > 0
        for one, other in zip(shown, hidden, strict=True):
            for name in ("user", "history", "times", "target", "weight"):
                np.testing.assert_array_equal(one[name], other[name])


class TestFirstEvents:
    """Before a user's first event nothing is known, as where the past is hidden, and it weighs no more."""

    @staticmethod
    def read_weights(history_dropout: float) -> dict[int, list[tuple[bool, list[float]]]]:
        """Users' windows of three targets: whether the past was hidden, and the weights."""
        training = make_training(400, length=4, targets=3)
        training.examples.history[::2, :2] = -1  # the first target of every second user is the first event
        data = build_training_data(training, 60, history_dropout, 0.0, np.random.default_rng(0))
        found: dict[int, list[tuple[bool, list[float]]]] = {0: [], 1: []}
        for batch in data.as_numpy_iterator():
            for user, history, weight in zip(batch["user"], batch["history"], batch["weight"], strict=True):
                found[int(user) % 2].append((bool((history == -1).all()), weight.tolist()))
        return found

    def test_weigh_as_much_as_others_do_without_their_past(self) -> None:
        found = self.read_weights(0.25)
        for is_hidden, weights in found[0]:
            assert weights == [1.0 if is_hidden else 0.25, 1.0, 1.0]
        assert all(weights == [1.0, 1.0, 1.0] for _, weights in found[1])
        assert {is_hidden for is_hidden, _ in found[0]} == {True, False}

    def test_and_as_much_as_they_teach(self) -> None:
        training = make_training(400, length=4, targets=3)
        training.examples.history[:, :2] = -1
        training.strength[::2, :2] = 0.5
        data = build_training_data(training, 60, 0.2, 0.0, np.random.default_rng(0))
        found = [
            (user % 2, bool((history == -1).all()), weight.tolist())
            for batch in data.as_numpy_iterator()
            for user, history, weight in zip(batch["user"], batch["history"], batch["weight"], strict=True)
        ]
        for is_odd, is_hidden, weight in found:
            strength, first = 1.0 if is_odd else 0.5, 1.0 if is_hidden else np.float32(0.2)
            np.testing.assert_allclose(weight, [strength * first, strength, 1.0])
        assert (training.strength[::2, :2] == 0.5).all()

    def test_count_in_full_where_no_past_is_hidden(self) -> None:
        found = self.read_weights(0.0)
        assert all(weights == [1.0, 1.0, 1.0] for _, weights in found[0] + found[1])


class TestValidationData:
    def test_one_row_for_each_target_with_what_the_user_has_seen(self) -> None:
        relevant = csr_array(np.array([[0, 1, 0, 1, 0], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]], bool))
        seen = csr_array(np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 0, 1, 0]], bool))
        examples = make_training(3).examples
        first, second = build_validation_data(examples, relevant, seen, batch_size=3).as_numpy_iterator()

        assert first["user"].tolist() == [0, 0, 1]
        assert first["target"].tolist() == [1, 3, 0]
        assert first["seen"].tolist() == [[0], [0], [-1]]
        assert first["history"].tolist() == [[0], [0], [10]]
        assert first["times"].tolist() == [[0, 0], [0, 0], [1, 1]]
        assert first["moment"]["numeric"].tolist() == [[[0]], [[0]], [[1]]]
        assert (second["user"].tolist(), second["seen"].tolist()) == ([2], [[0, 1, 3]])

    def test_nothing_seen_is_no_column(self) -> None:
        examples = make_training(2).examples
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
