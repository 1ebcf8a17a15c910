"""What a user and an item have to do with each other: worked by hand, and against plain Python."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.features import pair
from tests.event_tables import (
    ITEMS,
    at,
    candidates,
    compute,
    events,
    list_rows,
    queries,
    repeatable,
    whole_numbers,
)

ASKED = ["query", "user_id", "as_of"]
ROWS = ["row", "query", "item_id", "as_of"]
RECENT = ["row", "query", "from_item", "as_of", "steps_back"]


def happen(*rows: tuple[int, int, int]) -> pd.DataFrame:
    """Events of (user, item, time) in the order of their source."""
    user_id, item_id, event_time = zip(*rows, strict=True) if rows else ([], [], [])
    order = list(range(len(rows)))
    return whole_numbers(user_id=user_id, item_id=item_id, event_time=event_time, event_order=order)


def offer(as_of: int, *items: int) -> pd.DataFrame:
    """One query of user 1, and a row for each item."""
    row = list(range(len(items)))
    return whole_numbers(
        row=row, query=[0] * len(row), user_id=[1] * len(row), item_id=items, as_of=[as_of] * len(row)
    )


def list_recent(as_of: int, *latest_first: int) -> pd.DataFrame:
    """The last items of query 0."""
    row = list(range(len(latest_first)))
    steps_back = [step + 1 for step in row]
    return whole_numbers(
        row=row,
        query=[0] * len(row),
        from_item=latest_first,
        as_of=[as_of] * len(row),
        steps_back=steps_back,
    )


def test_names_its_columns_in_order():
    assert [spec.name for spec in pair.SPECS] == [
        "pair_times_met",
        "pair_transitions_last1",
        "pair_transitions_last3",
    ]
    spec = pair.build_share_spec("art_style")
    assert (spec.name, spec.side, spec.kind) == ("pair_share_art_style", "pair", "numeric")
    assert spec.reason == "art style you choose often"


class TestTimesMet:
    def compute(self, rows: pd.DataFrame, happened: pd.DataFrame) -> list[int]:
        rows = rows[["row", "user_id", "item_id", "as_of"]]
        met = compute(pair.compute_times_met, rows, happened[["user_id", "item_id", "event_time"]])
        assert met["row"].tolist() == list(range(len(rows)))
        assert met["pair_times_met"].dtype == "int64"
        return met["pair_times_met"].tolist()

    def test_counts_the_users_own_earlier_events_with_the_item(self):
        # User 1 met item 5 on days 1 and 2; day 3 is the query's own moment, and user 2 is another.
        happened = happen((1, 5, at(1)), (1, 5, at(2)), (1, 5, at(3)), (2, 5, at(0)), (1, 6, at(1)))
        assert self.compute(offer(at(3), 5, 6, 7), happened) == [2, 1, 0]

    def test_an_event_one_microsecond_earlier_is_counted(self):
        assert self.compute(offer(at(3), 5), happen((1, 5, at(3, -1)))) == [1]

    def test_no_events_count_zero(self):
        assert self.compute(offer(at(3), 5), happen()) == [0]

    @repeatable(max_examples=25)
    @given(st.data(), queries(), events())
    def test_equals_plain_python(self, data: st.DataObject, asked: pd.DataFrame, happened: pd.DataFrame):
        rows = list_rows(asked, data.draw(candidates(len(asked))))
        expected = [
            sum(
                (e.user_id, e.item_id) == (row.user_id, row.item_id) and e.event_time < row.as_of
                for e in happened.itertuples()
            )
            for row in rows.itertuples()
        ]
        assert self.compute(rows, happened) == expected


def walk(happened: pd.DataFrame) -> Iterator[tuple[int, int, int]]:
    """Steps as (from item, item, time of arrival), found one user and one event after another."""
    rows = [(e.user_id, e.event_time, e.event_order, e.item_id) for e in happened.itertuples()]
    for user_id in {row[0] for row in rows}:
        own = sorted(row for row in rows if row[0] == user_id)
        for (_, _, _, left), (_, time, _, reached) in pairwise(own):
            yield left, reached, time


class TestFindSteps:
    def test_goes_from_each_event_of_a_user_to_the_next(self):
        # User 1 goes 5 -> 6 -> 5, user 2 only meets 7: no step leads from one user to the other.
        steps = pair.find_steps(happen((1, 6, at(2)), (2, 7, at(0)), (1, 5, at(1)), (1, 5, at(3))))
        assert sorted(steps.itertuples(index=False, name=None)) == [(5, 6, at(2)), (6, 5, at(3))]

    def test_events_of_one_moment_follow_the_order_of_the_source(self):
        steps = pair.find_steps(happen((1, 8, at(1)), (1, 6, at(1)), (1, 7, at(1))))
        assert sorted(steps.itertuples(index=False, name=None)) == [(6, 7, at(1)), (8, 6, at(1))]

    def test_a_return_to_the_same_item_is_a_step(self):
        steps = pair.find_steps(happen((1, 5, at(1)), (1, 5, at(2))))
        assert steps.to_numpy().tolist() == [[5, 5, at(2)]]

    @repeatable(max_examples=30)
    @given(events())
    def test_equals_plain_python(self, happened: pd.DataFrame):
        steps = pair.find_steps(happened)
        assert steps.dtypes.astype(str).tolist() == ["int64"] * 3
        assert sorted(steps.itertuples(index=False, name=None)) == sorted(walk(happened))


class TestTransitions:
    def compute(self, rows: pd.DataFrame, recent: pd.DataFrame, happened: pd.DataFrame) -> pd.DataFrame:
        steps = pair.find_steps(happened)
        return compute(pair.compute_transitions, rows[ROWS], recent[RECENT], steps).set_index("row")

    # Steps out of item 5 arrive at 6 (day 1), 6 (day 2) and 7 (day 3); out of item 6 at 8 (day 2).
    HAPPENED = happen(
        (2, 5, at(0)),
        (2, 6, at(1)),
        (2, 8, at(2)),
        (3, 5, at(1)),
        (3, 6, at(2)),
        (4, 5, at(2)),
        (4, 7, at(3)),
    )

    def test_is_the_share_of_all_steps_out_of_the_last_item(self):
        # As of day 4, 2 of 3 steps out of item 5 went to 6, 1 to 7, none to 8. There is only one last item,
        # so the mean over the last three is the same.
        got = self.compute(offer(at(4), 6, 7, 8), list_recent(at(4), 5), self.HAPPENED)
        assert got["pair_transitions_last1"].tolist() == [2 / 3, 1 / 3, 0.0]
        assert got["pair_transitions_last3"].tolist() == [2 / 3, 1 / 3, 0.0]

    def test_a_step_that_arrives_at_the_moment_of_the_query_is_not_read(self):
        # As of day 3 both steps read went to 6; as of day 2 only the one of day 1 has happened.
        assert self.compute(offer(at(3), 6, 7), list_recent(at(3), 5), self.HAPPENED).to_numpy().tolist() == [
            [1.0, 1.0],
            [0.0, 0.0],
        ]
        assert self.compute(offer(at(2), 6), list_recent(at(2), 5), self.HAPPENED).loc[0].tolist() == [1, 1]
        assert self.compute(offer(at(2, 1), 6), list_recent(at(2, 1), 5), self.HAPPENED).loc[0, :].eq(1).all()

    def test_the_last_three_are_averaged_as_far_as_anyone_has_left_them(self):
        # Last items 6, 9, 5; nobody has left 9. To 8: from 6 1/1, from 5 0/3, mean 1/2. To 6: from 6 0/1,
        # from 5 2/3, mean 1/3.
        got = self.compute(offer(at(4), 8, 6), list_recent(at(4), 6, 9, 5), self.HAPPENED)
        assert got["pair_transitions_last1"].tolist() == [1.0, 0.0]
        assert got["pair_transitions_last3"].tolist() == pytest.approx([1 / 2, 1 / 3], abs=1e-15)

    def test_an_item_met_twice_of_late_counts_twice(self):
        # Last items 5, 6, 5. To 6: from 5 2/3, from 6 0, from 5 2/3: mean 4/9.
        got = self.compute(offer(at(4), 6), list_recent(at(4), 5, 6, 5), self.HAPPENED)
        assert got.loc[0, "pair_transitions_last3"] == pytest.approx(4 / 9, abs=1e-15)

    def test_a_last_item_that_nobody_left_says_nothing(self):
        # Nobody has left item 9, the last one, but 2 of 3 went from 5, the one before, to 6.
        got = self.compute(offer(at(4), 6), list_recent(at(4), 9, 5), self.HAPPENED)
        assert np.isnan(got.loc[0, "pair_transitions_last1"])
        assert got.loc[0, "pair_transitions_last3"] == 2 / 3

    def test_rows_without_any_step_are_absent(self):
        assert self.compute(offer(at(4), 6), list_recent(at(4), 9), self.HAPPENED).empty
        assert self.compute(offer(at(4), 6), list_recent(at(4)), self.HAPPENED).empty
        assert self.compute(offer(at(1), 6), list_recent(at(1), 5), self.HAPPENED).empty
        assert self.compute(offer(at(4), 6), list_recent(at(4), 5), happen()).empty

    @repeatable(max_examples=25)
    @given(st.data(), queries(), events())
    def test_equals_plain_python(self, data: st.DataObject, asked: pd.DataFrame, happened: pd.DataFrame):
        rows = list_rows(asked, data.draw(candidates(len(asked))))
        last = st.lists(st.integers(0, ITEMS - 1), max_size=3)
        latest_first = [data.draw(last) for _ in range(len(asked))]
        recent = [
            (query, from_item, asked.loc[query, "as_of"], back)
            for query, items in enumerate(latest_first)
            for back, from_item in enumerate(items, start=1)
        ]
        query, from_item, as_of, steps_back = zip(*recent, strict=True) if recent else ([], [], [], [])
        listed = whole_numbers(
            row=list(range(len(recent))), query=query, from_item=from_item, as_of=as_of, steps_back=steps_back
        )
        got = self.compute(rows, listed, happened).reindex(rows["row"]).to_numpy()
        expected = [self.compute_by_hand(row, latest_first[row.query], happened) for row in rows.itertuples()]
        np.testing.assert_allclose(got, np.reshape(expected, (len(rows), 2)), rtol=1e-14)

    def compute_by_hand(self, row, latest_first: list[int], happened: pd.DataFrame) -> tuple[float, float]:
        steps = [step[:2] for step in walk(happened) if step[2] < row.as_of]
        outgoing = Counter(left for left, _ in steps)
        taken = Counter(steps)
        shares = [taken[left, row.item_id] / outgoing[left] for left in latest_first if outgoing[left]]
        latest_was_left = bool(latest_first) and outgoing[latest_first[0]] > 0
        return shares[0] if latest_was_left else np.nan, np.mean(shares) if shares else np.nan


class TestCategoryShare:
    # Items 5 and 6 have one value, 7 has two, 8 none.
    VALUES = whole_numbers(item_id=[5, 6, 7, 7], value=[0, 1, 0, 1])

    def compute(
        self, rows: pd.DataFrame, asked: pd.DataFrame, values: pd.DataFrame, happened: pd.DataFrame
    ) -> pd.Series:
        happened = happened[["user_id", "item_id", "event_time"]]
        got = compute(share_of_colour, rows[ROWS[:3]], asked[ASKED], values, happened)
        return got.set_index("row")["pair_share_colour"]

    def ask(self, as_of: int, *items: int, happened: pd.DataFrame) -> dict[int, float]:
        asked = whole_numbers(query=[0], user_id=[1], as_of=[as_of])
        return self.compute(offer(as_of, *items), asked, self.VALUES, happened).to_dict()

    def test_is_the_share_of_earlier_events_with_the_items_value(self):
        # Four earlier events: 5 (value 0), 5 (0), 6 (1), 8 (no value). Value 0: 2/4, value 1: 1/4.
        # Item 7 has both: (2/4 + 1/4) / 2. Item 8 has none, so its row 3 is absent.
        happened = happen((1, 5, at(0)), (1, 5, at(1)), (1, 6, at(2)), (1, 8, at(2)))
        assert self.ask(at(3), 5, 6, 7, 8, happened=happened) == {0: 0.5, 1: 0.25, 2: 0.375}

    def test_an_event_with_two_values_counts_for_both(self):
        # One event, with item 7 of both values.
        assert self.ask(at(3), 5, 6, 7, happened=happen((1, 7, at(0)))) == {0: 1.0, 1: 1.0, 2: 1.0}

    def test_reads_only_the_users_own_events_before_the_query(self):
        # Day 3 is the query's own moment, and user 2's event is not theirs: one event of value 1 is left.
        happened = happen((1, 6, at(3, -1)), (1, 5, at(3)), (2, 5, at(0)))
        assert self.ask(at(3), 5, 6, happened=happened) == {0: 0.0, 1: 1.0}

    def test_a_user_without_earlier_events_has_no_share(self):
        assert self.ask(at(3), 5, 6, happened=happen((2, 5, at(0)), (1, 5, at(3)))) == {}

    def test_no_item_with_values_gives_no_rows(self):
        none = whole_numbers(item_id=[], value=[])
        asked = whole_numbers(query=[0], user_id=[1], as_of=[at(3)])
        assert self.compute(offer(at(3), 5), asked, none, happen((1, 5, at(0)))).empty

    @repeatable(max_examples=25)
    @given(
        st.data(),
        queries(),
        events(),
        st.lists(st.tuples(st.integers(0, ITEMS - 1), st.integers(0, 2)), unique=True),
    )
    def test_equals_plain_python(
        self,
        data: st.DataObject,
        asked: pd.DataFrame,
        happened: pd.DataFrame,
        values: list[tuple[int, int]],
    ):
        rows = list_rows(asked, data.draw(candidates(len(asked))))
        item_id, value = zip(*values, strict=True) if values else ([], [])
        got = self.compute(rows, asked, whole_numbers(item_id=item_id, value=value), happened)
        expected = [self.compute_by_hand(row, values, happened) for row in rows.itertuples()]
        np.testing.assert_allclose(got.reindex(rows["row"]), expected, rtol=1e-14)

    def compute_by_hand(self, row, values: list[tuple[int, int]], happened: pd.DataFrame) -> float:
        met = [
            e.item_id for e in happened.itertuples() if e.user_id == row.user_id and e.event_time < row.as_of
        ]
        of_item = [value for item_id, value in values if item_id == row.item_id]
        if not met or not of_item:
            return np.nan
        return float(
            np.mean([sum((item_id, value) in values for item_id in met) / len(met) for value in of_item])
        )


def share_of_colour(rows, asked, values, happened):
    return pair.compute_category_share(rows, asked, values, happened, "colour")
