"""What feedback teaches the ranker: rows of the tiny store's validation queries, weighed by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.feedback.record import FeedbackRecord
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.ranking.rows import RankingRows
from training_pipeline.ranking.weights import compute_chance_looked_at, weigh_rows

MINUTE = pd.Timedelta(minutes=1)


def list_rows(held_out: HeldOut) -> RankingRows:
    """Every item is a candidate of every query."""
    query, item = (np.ravel(grid) for grid in np.indices(held_out.relevant.shape))
    return RankingRows({}, query, item.astype(np.int32))


def change(prepared: Prepared, **changes: object) -> Prepared:
    return replace(prepared, tables=replace(prepared.tables, **changes))


def weigh(prepared: Prepared, held_out: HeldOut) -> np.ndarray:
    """[num_queries, num_items]."""
    weights = weigh_rows(prepared, held_out, list_rows(held_out))
    assert weights is not None
    assert weights.dtype == np.float32
    return weights.reshape(held_out.relevant.shape)


def show(held_out: HeldOut, query: int, item: int, time: pd.Timestamp, position: int) -> dict[str, object]:
    user_id, item_id = held_out.frame["user_id"].iloc[query], f"item-{item:02}"
    return {"user_id": user_id, "item_id": item_id, "event_time": time, "position": position}


def test_without_feedback_nothing_is_weighed(prepared: Prepared, validation: HeldOut) -> None:
    rows = list_rows(validation)
    assert weigh_rows(prepared, validation, rows) is None
    nothing = pd.DataFrame(columns=["user_id", "item_id", "event_time", "position"])
    assert weigh_rows(change(prepared, ignored=nothing), validation, rows) is None


def test_a_click_teaches_half(prepared: Prepared, validation: HeldOut) -> None:
    events = prepared.tables.interactions
    target = events[(prepared.parts == "validation") & (events["user_id"] == validation.frame["user_id"][0])]
    types = events["event_type"].where(events.index != target.index[0], "feedback:click")
    record = FeedbackRecord(strengths={"like": 1.0, "click": 0.5})
    clicked = change(prepared, interactions=events.assign(event_type=types), feedback=record)
    weights = weigh(clicked, validation)
    item = int(target["item_id"].iloc[0][-2:])
    assert weights[0, item] == 0.5
    assert (np.delete(weights.ravel(), item) == 1).all()


class TestShownAndLeft:
    @pytest.fixture(scope="class")
    def times(self, prepared: Prepared, validation: HeldOut) -> tuple[pd.Timestamp, pd.Timestamp]:
        """When the first query's user did something last before it, and chose last in the window."""
        events = prepared.tables.interactions
        own = events[events["user_id"] == validation.frame["user_id"][0]]
        before = own.loc[own["event_time"] < validation.frame["as_of"][0], "event_time"].max()
        return before, own.loc[prepared.parts[own.index] == "validation", "event_time"].max()

    def weigh(self, prepared: Prepared, held_out: HeldOut, *shown: dict[str, object]) -> np.ndarray:
        ignored = pd.DataFrame(shown).astype({"user_id": "str", "item_id": "str"})
        weights = weigh_rows(change(prepared, ignored=ignored), held_out, list_rows(held_out))
        shape = held_out.relevant.shape
        return np.ones(shape) if weights is None else weights.reshape(shape)

    def test_by_the_chance_that_the_place_was_looked_at(self, prepared, validation, times) -> None:
        left = np.flatnonzero(~validation.relevant[[0]].toarray()[0])[:2]
        shown = [show(validation, 0, left[0], times[1], 3), show(validation, 0, left[1], times[1], 1)]
        again = show(validation, 0, left[0], times[1] - MINUTE, 7)
        weights = self.weigh(prepared, validation, *shown, again)
        np.testing.assert_allclose(weights[0, left], [1.5, 2.0])
        assert (weights != 1).sum() == 2

    def test_only_between_the_last_event_before_and_the_last_choice(self, prepared, validation, times):
        item = np.flatnonzero(~validation.relevant[[0]].toarray()[0])[0]
        before, last = times
        for time, counts in ((before, False), (before + MINUTE, True), (last, True), (last + MINUTE, False)):
            weights = self.weigh(prepared, validation, show(validation, 0, item, time, 1))
            assert (weights[0, item] == 2) == counts
            assert (weights != 1).sum() == counts

    def test_what_was_chosen_in_the_end_was_not_left(self, prepared, validation, times) -> None:
        item = validation.relevant[[0]].indices[0]
        weights = self.weigh(prepared, validation, show(validation, 0, item, times[1], 1))
        assert (weights == 1).all()

    def test_of_users_and_items_that_nobody_asks_about(self, prepared, validation, times) -> None:
        shown = show(validation, 0, 3, times[1], 1)
        stranger, unknown = shown | {"user_id": "stranger"}, shown | {"item_id": "nothing"}
        assert (self.weigh(prepared, validation, stranger, unknown) == 1).all()


def test_chance_falls_with_the_place() -> None:
    np.testing.assert_allclose(compute_chance_looked_at(np.array([1, 3, 7])), [1, 1 / 2, 1 / 3])
