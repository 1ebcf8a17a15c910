"""What the towers train on: windows of the past alone, aligned targets, and what is new or unknown there."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.point_in_time import to_microseconds
from tests.training_pipeline.invented import HISTORY_LENGTH, MEAN, make_transformer
from training_pipeline.config import QueryConfig
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared


class Windows:
    """Training windows of the tiny store, and its events of each user in the order of time."""

    def __init__(self, prepared: Prepared, query: QueryConfig):
        self.training = replace(prepared, query=query).build_training_examples()
        self.examples, self.target = self.training.examples, self.training.target
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

    def test_times_are_those_of_the_items_and_of_the_event(self, windows: Windows) -> None:
        for window, column, events, number in windows.list_asked():
            times = to_microseconds(events["event_time"])
            assert windows.examples.times[window, column + 1] == times[number]
            assert windows.examples.times[window, column] == (times[number - 1] if number else 0)

    def test_moment_is_that_of_the_event(self, windows: Windows) -> None:
        words = ["", "", "desk", "phone"]
        for window, column, events, number in windows.list_asked():
            place = column - windows.examples.history.shape[1] + windows.target.shape[1]
            device = words[windows.examples.moment["device"][window, place, 0]]
            assert [device] == list(events["device"].iloc[number])

    def test_unknown_moments_are_as_of_nobody(self, windows: Windows, prepared: Prepared) -> None:
        """What lies in the request stays, and of earlier activity there is none."""
        unknown = windows.training.unknown
        np.testing.assert_array_equal(unknown["device"], windows.examples.moment["device"])
        place = list(prepared.inputs.moment.scales).index("user_events_before")
        none = prepared.inputs.moment.scales["user_events_before"].encode(np.zeros(1))[0, 0]
        is_asked = windows.target >= 0
        np.testing.assert_allclose(unknown["numeric"][is_asked][:, 2 * place], none, rtol=1e-6)
        assert np.ptp(windows.examples.moment["numeric"][is_asked][:, 2 * place]) > 0

    def test_former_moments_are_those_of_the_event_before(self, windows: Windows) -> None:
        words = ["", "", "desk", "phone"]
        for window, column, events, number in windows.list_asked():
            place = column - windows.examples.history.shape[1] + windows.target.shape[1]
            if number:
                device = words[windows.training.former["device"][window, place, 0]]
                assert [device] == list(events["device"].iloc[number - 1])

    def test_items_are_new_to_their_first_event_alone(self, windows: Windows) -> None:
        every = pd.concat(windows.events.values())
        first = every.groupby("item")["event_time"].min()
        for window, column, events, number in windows.list_asked():
            place = column - windows.examples.history.shape[1] + windows.target.shape[1]
            event = events.iloc[number]
            expected = event["event_time"] == first[event["item"]]
            assert windows.training.is_new[window, place] == expected
        assert windows.training.is_new[windows.target >= 0].sum() == len(first)

    def test_types_and_shapes_are_those_the_model_reads(self, windows: Windows) -> None:
        for values in (windows.target, windows.examples.user, windows.examples.history):
            assert values.dtype == np.int32
        num_windows, targets = windows.target.shape
        assert windows.examples.times.dtype == np.int64
        assert windows.examples.times.shape == (num_windows, windows.examples.history.shape[1] + 1)
        for moment in (windows.examples.moment, windows.training.unknown, windows.training.former):
            for values in moment.values():
                assert values.shape[:2] == (num_windows, targets)
        assert windows.training.is_new.shape == windows.examples.untimed.shape == (num_windows, targets)
        assert not windows.examples.untimed.any()


def test_times_of_a_held_out_query_are_those_of_its_items_and_its_own(
    prepared: Prepared, validation: HeldOut
) -> None:
    examples = prepared.build_held_out_examples(validation)
    assert examples.moment["device"].shape[:2] == (len(validation.frame), 1)
    events = prepared.tables.interactions
    for place, query in enumerate(validation.frame.itertuples()):
        past = events[(events["user_id"] == query.user_id) & (events["event_time"] < query.as_of)]
        known = np.sort(to_microseconds(past["event_time"]))[-HISTORY_LENGTH:]
        assert examples.times[place, -1 - len(known) : -1].tolist() == known.tolist()
        assert pd.Timestamp(examples.times[place, -1], unit="us") == query.as_of
