"""How events divide, and where queries stand: worked by hand, and by property."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from feature_pipeline.config import SplitConfig
from feature_pipeline.point_in_time import LAST_ORDER, find_recent_events
from feature_pipeline.splits import (
    TEST,
    TRAIN,
    VALIDATION,
    Queries,
    SplitError,
    assign_split,
    build_queries,
    build_serving_queries,
)
from tests.event_tables import at, events, repeatable, to_interactions

TEMPORAL = SplitConfig(name="temporal", validation_share=0.2, test_share=0.2)
LEAVE_LAST_OUT = SplitConfig(name="leave_last_out", min_events=3)


def happen(*rows: tuple[str, str, int]) -> pd.DataFrame:
    """Interactions of (user, item, time) in the order of their source."""
    user_id, item_id, event_time = zip(*rows, strict=True)
    return pd.DataFrame(
        {
            "user_id": pd.Series(user_id, dtype="str"),
            "item_id": pd.Series(item_id, dtype="str"),
            "event_time": np.array(event_time, "datetime64[us]"),
            "event_order": np.arange(len(rows)),
            "device": [f"device of {item}" for item in item_id],
        }
    )


def happen_at(*times: int) -> pd.DataFrame:
    """One event of its own user at each time."""
    return happen(*((f"u{place}", "i", time) for place, time in enumerate(times)))


def time(moment: int) -> pd.Timestamp:
    return pd.Timestamp(moment, unit="us")


class TestColdItems:
    CONFIG = SplitConfig(name="cold_items", validation_share=0.2, test_share=0.3)

    def test_an_item_stands_in_one_part_with_all_its_events(self):
        rows = [(f"u{user}", f"i{item}", user) for user in range(3) for item in range(300)]
        interactions = happen(*rows)
        parts = pd.Series(assign_split(interactions, self.CONFIG))
        by_item = parts.groupby(interactions["item_id"]).agg(["nunique", "first"])
        assert (by_item["nunique"] == 1).all()
        shares = by_item["first"].value_counts(normalize=True)
        # Three standard errors of 300 draws.
        assert shares[TEST] == pytest.approx(0.3, abs=0.08)
        assert shares[VALIDATION] == pytest.approx(0.2, abs=0.07)

    def test_an_item_stays_where_it_is_when_others_come(self):
        few = happen(*((f"u{item}", f"i{item}", item) for item in range(50)))
        more = happen(*((f"u{item}", f"i{item}", item) for item in range(90)))
        assert assign_split(more, self.CONFIG)[:50].tolist() == assign_split(few, self.CONFIG).tolist()


class TestTemporal:
    def test_cuts_where_the_shares_of_events_have_happened(self):
        # Ten events, out of order. 60 % have happened by day 6 and 80 % by day 8: [0, 6), [6, 8), [8, 9].
        days = [9, 0, 8, 1, 7, 2, 6, 3, 5, 4]
        parts = assign_split(happen_at(*(at(day) for day in days)), TEMPORAL)
        assert parts.tolist() == [TEST if day >= 8 else VALIDATION if day >= 6 else TRAIN for day in days]

    def test_a_tie_at_the_cut_falls_on_the_later_side(self):
        # The cuts stand at the 7th and 9th event, days 3 and 5. What ties with them goes with them, the
        # microsecond before does not.
        times = [at(0), at(1), at(2), at(3, -1), at(3), at(3), at(3), at(5, -1), at(5), at(5)]
        parts = assign_split(happen_at(*times), TEMPORAL)
        assert parts.tolist() == [TRAIN] * 4 + [VALIDATION] * 4 + [TEST] * 2

    @pytest.mark.parametrize(
        ("validation_share", "test_share"), [(0.2, 0.1), (0.1, 0.2), (0.3, 0.4), (0.07, 0.29)]
    )
    def test_shares_are_not_thrown_off_by_rounding(self, validation_share: float, test_share: float):
        # 1 - 0.4 - 0.3 is 0.29999999999999993, of which 100 makes 29 when cut off.
        config = SplitConfig(name="temporal", validation_share=validation_share, test_share=test_share)
        parts = assign_split(happen_at(*(at(day) for day in range(100))), config)
        assert (parts == VALIDATION).sum() == round(100 * validation_share)
        assert (parts == TEST).sum() == round(100 * test_share)

    @repeatable(max_examples=30)
    @given(st.lists(st.integers(0, 6), min_size=1, max_size=25))
    def test_every_event_lies_in_the_window_of_its_part(self, days: list[int]):
        # The windows open at the first event by which 3/5 and 4/5 of the others have happened.
        last = len(days) - 1
        validation_start, test_start = (sorted(days)[-(-last * fifths // 5)] for fifths in (3, 4))
        expected = [
            TEST if day >= test_start else VALIDATION if day >= validation_start else TRAIN for day in days
        ]
        interactions = happen_at(*(at(day) for day in days))
        if set(expected) == {TRAIN, VALIDATION, TEST}:
            assert assign_split(interactions, TEMPORAL).tolist() == expected
        else:
            with pytest.raises(SplitError):
                assign_split(interactions, TEMPORAL)


class TestLeaveLastOut:
    def test_takes_the_last_for_test_and_the_one_before_for_validation(self):
        interactions = happen(
            ("a", "i", at(3)),
            ("b", "i", at(9)),
            ("a", "j", at(1)),
            ("a", "k", at(2)),
            ("b", "j", at(8)),
            ("b", "k", at(7)),
        )
        assert assign_split(interactions, LEAVE_LAST_OUT).tolist() == [
            TEST, TEST, TRAIN, VALIDATION, VALIDATION, TRAIN
        ]  # fmt: skip

    def test_ties_are_decided_by_the_order_of_the_source(self):
        interactions = happen(*(("a", item, at(1)) for item in "ijkl")).assign(event_order=[2, 0, 3, 1])
        # In order: j (0), l (1), i (2), k (3).
        assert assign_split(interactions, LEAVE_LAST_OUT).tolist() == [VALIDATION, TRAIN, TEST, TRAIN]

    @pytest.mark.parametrize(("min_events", "expected"), [(3, [TRAIN, VALIDATION, TEST]), (4, [TRAIN] * 3)])
    def test_users_with_fewer_than_min_events_only_train(self, min_events: int, expected: list[str]):
        three = [("a", item, at(day)) for day, item in enumerate("ijk")]
        four = [("b", item, at(day)) for day, item in enumerate("ijkl")]
        config = SplitConfig(name="leave_last_out", min_events=min_events)
        parts = assign_split(happen(*three, *four), config)
        assert parts[:3].tolist() == expected
        assert parts[3:].tolist() == [TRAIN, TRAIN, VALIDATION, TEST]

    def test_any_index_of_the_frame_will_do(self):
        interactions = happen(*(("a", item, at(day)) for day, item in enumerate("ijk")))
        assert assign_split(interactions.set_axis([7, 7, 1]), LEAVE_LAST_OUT).tolist() == [
            TRAIN,
            VALIDATION,
            TEST,
        ]

    @repeatable(max_examples=30)
    @given(events(min_size=3, max_size=20))
    def test_each_user_gives_at_most_one_event_to_each_held_out_part(self, happened: pd.DataFrame):
        interactions = to_interactions(happened)
        assume(interactions["user_id"].value_counts().max() >= 3)
        parts = assign_split(interactions, LEAVE_LAST_OUT)
        ordered = interactions.assign(part=parts).sort_values(["event_time", "event_order"])
        for _, own in ordered.groupby("user_id"):
            held_out = [VALIDATION, TEST] if len(own) >= 3 else []
            assert own["part"].tolist() == [TRAIN] * (len(own) - len(held_out)) + held_out


@pytest.mark.parametrize("config", [TEMPORAL, LEAVE_LAST_OUT])
def test_too_few_events_name_the_part_and_the_remedy(config: SplitConfig):
    part = TRAIN if config.name == "temporal" else VALIDATION
    message = (
        f"split '{config.name}' leaves no {part} events of 2. Remedy: give more events, "
        "or change split.validation_share, split.test_share or split.min_events"
    )
    with pytest.raises(SplitError) as caught:
        assign_split(happen(("a", "i", at(1)), ("a", "j", at(1))), config)
    assert str(caught.value) == message


class TestBuildQueries:
    # User a is held out from day 2, b from day 3, c never. On day 4 a meets again what it met on day 0.
    INTERACTIONS = happen(
        ("a", "old", at(0)),
        ("b", "x", at(3)),
        ("a", "y", at(5)),
        ("c", "x", at(1)),
        ("a", "old", at(4)),
        ("a", "x", at(2)),
        ("a", "y", at(6)),
    )
    IS_TARGET = np.array([False, True, True, False, True, True, True])

    def build(self, repeats: bool) -> Queries:
        return build_queries(self.INTERACTIONS, self.IS_TARGET, ["device"], repeats)

    def test_queries_stand_at_the_users_first_target(self):
        frame = self.build(repeats=False).frame
        assert list(frame) == ["user_id", "as_of", "as_of_order", "device"]
        assert frame.to_numpy().tolist() == [
            ["a", time(at(2)), 5, "device of x"],
            ["b", time(at(3)), 1, "device of x"],
        ]
        assert frame["as_of"].dtype == "datetime64[us]"

    def test_targets_are_chosen_once_and_only_if_they_are_new(self):
        queries = self.build(repeats=False)
        assert queries.target_query.tolist() == [0, 0, 1]
        assert queries.target_item_id.tolist() == ["x", "y", "x"]

    @pytest.mark.parametrize(("repeats", "expected"), [(False, [["a", "old"]]), (True, [])])
    def test_what_was_chosen_again_is_told_apart_unless_items_repeat(
        self, repeats: bool, expected: list[list[str]]
    ):
        # User a chose y twice within the window, but had not met it before.
        repeated = self.build(repeats).repeated
        assert list(repeated) == ["user_id", "item_id"]
        assert repeated.to_numpy().tolist() == expected

    def test_where_items_repeat_those_met_before_stay(self):
        queries = self.build(repeats=True)
        assert queries.target_query.tolist() == [0, 0, 0, 1]
        assert queries.target_item_id.tolist() == ["x", "old", "y", "x"]

    def test_a_user_whose_targets_are_all_old_asks_nothing(self):
        interactions = happen(("a", "i", at(0)), ("a", "i", at(1)), ("b", "i", at(2)))
        queries = build_queries(interactions, np.array([False, True, True]), [], repeats=False)
        assert queries.frame["user_id"].tolist() == ["b"]
        assert (queries.target_query.tolist(), queries.target_item_id.tolist()) == ([0], ["i"])
        assert queries.repeated.to_numpy().tolist() == [["a", "i"]]
        assert build_queries(interactions, np.array([False, True, True]), [], True).frame[
            "user_id"
        ].tolist() == ["a", "b"]

    def test_ties_of_the_first_target_are_decided_by_the_order_of_the_source(self):
        # Three events of one moment in the order i, j, i: i was met just before the query, so j alone is new.
        interactions = happen(("a", "j", at(1)), ("a", "i", at(1)), ("a", "i", at(1))).assign(
            event_order=[1, 0, 2]
        )
        queries = build_queries(interactions, np.array([True, False, True]), [], repeats=False)
        assert queries.frame["as_of_order"].tolist() == [1]
        assert queries.target_item_id.tolist() == ["j"]
        assert queries.repeated.to_numpy().tolist() == [["a", "i"]]

    def test_no_targets_give_no_queries(self):
        queries = build_queries(self.INTERACTIONS, np.zeros(7, bool), [], repeats=False)
        assert (len(queries.frame), len(queries.target_query), len(queries.target_item_id)) == (0, 0, 0)
        assert (list(queries.repeated), len(queries.repeated)) == (["user_id", "item_id"], 0)

    @repeatable(max_examples=30)
    @given(events(min_size=3, max_size=20), st.sampled_from([TEMPORAL, LEAVE_LAST_OUT]), st.booleans())
    def test_a_history_never_holds_a_target(self, happened: pd.DataFrame, config: SplitConfig, repeats: bool):
        interactions = to_interactions(happened)
        try:
            parts = assign_split(interactions, config)
        except SplitError:
            assume(False)
        for part in (VALIDATION, TEST):
            queries = build_queries(interactions, parts == part, [], repeats)
            history = find_recent_events(queries.frame, interactions, len(interactions))
            assert (np.diff(queries.target_query) >= 0).all()
            assert set(queries.target_query) == set(range(len(queries.frame)))
            for query, target in zip(queries.target_query, queries.target_item_id, strict=True):
                user_id = queries.frame.loc[query, "user_id"]
                past = history[query][history[query] >= 0]
                assert (parts[past] != part).all()
                met = set(interactions.loc[past, "item_id"])
                own = interactions[(parts == part) & (interactions["user_id"] == user_id)]
                assert target in set(own["item_id"]) - (set() if repeats else met)


class TestBuildServingQueries:
    INTERACTIONS = happen(("a", "i", at(1)), ("b", "i", at(3)), ("a", "j", at(2)))

    def test_temporal_asks_just_after_the_last_event_of_all(self):
        got = build_serving_queries(self.INTERACTIONS, ["b", "zoe", "a"], TEMPORAL)
        after = time(at(3, 1))
        assert got.to_numpy().tolist() == [[user, after, LAST_ORDER, False] for user in ("b", "zoe", "a")]

    def test_leave_last_out_does_not_know_how_long_after_the_users_own_last_event(self):
        got = build_serving_queries(self.INTERACTIONS, ["b", "zoe", "a", "a"], LEAVE_LAST_OUT)
        assert got["user_id"].tolist() == ["b", "zoe", "a", "a"]
        # Zoe has no events: the last of all is taken.
        assert got["as_of"].tolist() == [time(at(3)), time(at(3, 1)), time(at(2)), time(at(2))]
        assert got["untimed"].tolist() == [True, False, True, True]

    @pytest.mark.parametrize("config", [TEMPORAL, LEAVE_LAST_OUT])
    def test_reads_the_whole_history_and_has_the_contracts_types(self, config: SplitConfig):
        got = build_serving_queries(self.INTERACTIONS, ["a", "b"], config)
        assert got.dtypes.astype(str).tolist() == ["str", "datetime64[us]", "int64", "bool"]
        assert find_recent_events(got, self.INTERACTIONS, 2).tolist() == [[0, 2], [-1, 1]]
        assert len(build_serving_queries(self.INTERACTIONS, [], config)) == 0
