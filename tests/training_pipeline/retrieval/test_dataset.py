"""What the towers train on: windows of the past alone, aligned targets, batches drawn anew each epoch."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from scipy.sparse import csr_array

from tests.training_pipeline.invented import HISTORY_LENGTH, MEAN, make_transformer
from training_pipeline.config import QueryConfig
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.dataset import Examples, build_training_data, build_validation_data

Batch = dict[str, Any]


class Windows:
    """Training windows of the tiny store, and its events of each user in the order of time."""

    def __init__(self, prepared: Prepared, query: QueryConfig):
        self.examples, self.target = replace(prepared, query=query).build_training_examples()
        events = prepared.tables.interactions[prepared.parts == "train"]
        events = events.assign(item=prepared.tables.find_items(events["item_id"]))
        names = prepared.tables.users["user_id"]
        ordered = events.sort_values(["event_time", "event_order"])
        self.events = {user: ordered[ordered["user_id"] == name] for user, name in names.items()}

    def list_asked(self) -> list[tuple[int, int, pd.DataFrame, int]]:
        """Of each target: its window, its column of the history, the user's events, and its place in them."""
        asked = []
        for window, place in np.argwhere(self.target >= 0):
            events = self.events[self.examples.user[window]]
            column = self.examples.history.shape[1] - self.target.shape[1] + place
            # Nobody of the tiny store meets an item twice.
            (number,) = np.flatnonzero(events["item"] == self.target[window, place])
            asked.append((window, column, events, number))
        return asked


@pytest.fixture(scope="module", params=[MEAN, make_transformer()], ids=["mean", "transformer"])
def windows(prepared: Prepared, request: pytest.FixtureRequest) -> Windows:
    return Windows(prepared, request.param)


def make_examples(count: int, length: int = 1, targets: int = 1) -> tuple[Examples, np.ndarray]:
    """Examples whose every field tells which one it is; the columns of the targets are numbered in tenths."""
    number = np.arange(count, dtype=np.int32)
    columns = np.arange(targets) / 10
    examples = Examples(
        user=number,
        moment={"numeric": (number[:, None] + columns)[:, :, None]},
        history=np.repeat(number[:, None] * 10, length, axis=1),
        gaps=np.repeat(number[:, None], length, axis=1),
    )
    return examples, np.repeat(number[:, None] + 100, targets, axis=1)


def list_batches(epoch: int = 1, batch_size: int = 4, count: int = 22) -> list[Batch]:
    data = build_training_data(*make_examples(count), batch_size, np.random.default_rng(epoch))
    return list(data.as_numpy_iterator())


class TestWindows:
    def test_every_training_event_is_predicted_once(self, windows: Windows) -> None:
        user = np.repeat(windows.examples.user[:, None], windows.target.shape[1], axis=1)
        is_asked = windows.target >= 0
        predicted = sorted(zip(user[is_asked], windows.target[is_asked], strict=True))
        assert predicted == sorted(
            (user, item) for user, events in windows.events.items() for item in events["item"]
        )

    def test_history_is_what_the_user_met_before_oldest_first(self, windows: Windows) -> None:
        targets = windows.target.shape[1]
        for window, column, events, number in windows.list_asked():
            past = windows.examples.history[window, : column + 1]
            known = past[past >= 0].tolist()
            assert known == list(events["item"].iloc[max(number - len(known), 0) : number])
            assert len(known) >= min(number, HISTORY_LENGTH - targets + 1)
            assert (past[: len(past) - len(known)] == -1).all()

    def test_gaps_are_classes_of_the_time_to_what_came_next(self, windows: Windows) -> None:
        for window, column, events, number in windows.list_asked():
            if number == 0:
                assert windows.examples.gaps[window, column] == 0
                continue
            gap = events["event_time"].iloc[number] - events["event_time"].iloc[number - 1]
            assert windows.examples.gaps[window, column] == int(np.log2(gap.total_seconds() + 1))

    def test_moment_is_that_of_the_event(self, windows: Windows) -> None:
        words = ["", "", "desk", "phone"]
        for window, column, events, number in windows.list_asked():
            place = column - windows.examples.history.shape[1] + windows.target.shape[1]
            device = words[windows.examples.moment["device"][window, place, 0]]
            assert [device] == list(events["device"].iloc[number])

    def test_types_and_shapes_are_those_the_model_reads(self, windows: Windows) -> None:
        for values in (
            windows.target,
            windows.examples.user,
            windows.examples.history,
            windows.examples.gaps,
        ):
            assert values.dtype == np.int32
        num_windows, targets = windows.target.shape
        for values in windows.examples.moment.values():
            assert values.shape[:2] == (num_windows, targets)


def test_last_gap_of_a_held_out_query_reaches_to_its_own_time(
    prepared: Prepared, validation: HeldOut
) -> None:
    examples = prepared.build_held_out_examples(validation)
    assert examples.moment["device"].shape[:2] == (len(validation.frame), 1)
    events = prepared.tables.interactions
    for place, query in enumerate(validation.frame.itertuples()):
        past = events[(events["user_id"] == query.user_id) & (events["event_time"] < query.as_of)]
        seconds = (query.as_of - past["event_time"].max()).total_seconds()
        assert examples.gaps[place, -1] == int(np.log2(seconds + 1))


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
        data = build_training_data(*make_examples(22), 4, np.random.default_rng(1))
        assert int(data.cardinality()) == len(list_batches())

    def test_rows_stay_together(self) -> None:
        for batch in list_batches():
            np.testing.assert_array_equal(batch["target"][:, 0], batch["user"] + 100)
            np.testing.assert_array_equal(batch["moment"]["numeric"][:, 0, 0], batch["user"])
            np.testing.assert_array_equal(batch["history"][:, 0], batch["user"] * 10)
            np.testing.assert_array_equal(batch["gaps"][:, 0], batch["user"])

    def test_fewer_examples_than_a_batch_are_one_batch(self) -> None:
        (batch,) = list_batches(batch_size=1024, count=5)
        assert sorted(batch["user"]) == [0, 1, 2, 3, 4]

    def test_short_windows_lose_their_padding_and_no_target(self) -> None:
        """Half the windows of eight places hold one item, which makes them two events long."""
        examples, target = make_examples(8, length=8, targets=8)
        examples.history[:4, :-1] = -1
        target[:4, :-2] = -1
        batches = list(
            build_training_data(examples, target, 16, np.random.default_rng(0)).as_numpy_iterator()
        )
        widths = {user: batch["history"].shape[1] for batch in batches for user in batch["user"]}
        assert widths == {**dict.fromkeys(range(4), 2), **dict.fromkeys(range(4, 8), 8)}
        for batch in batches:
            width = batch["history"].shape[1]
            assert batch["target"].shape == batch["gaps"].shape == batch["history"].shape
            tenths = batch["moment"]["numeric"][:, :, 0] - batch["user"][:, None]
            np.testing.assert_allclose(tenths, np.tile(np.arange(8 - width, 8) / 10, (len(tenths), 1)))
        assert sum((batch["target"] >= 0).sum() for batch in batches) == (target >= 0).sum()


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
        assert first["gaps"].tolist() == [[0], [0], [1]]
        assert first["moment"]["numeric"].tolist() == [[[0]], [[0]], [[1]]]
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
