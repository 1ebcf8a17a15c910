"""Windows worked by hand, and what holds of all: each event is a target once, from its own past alone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training_pipeline.retrieval.windows import NONE, cut_windows, plan_batches


def cut(user: list[int], time: list[int], length: int, targets: int, order: list[int] | None = None) -> list:
    order = list(range(len(user))) if order is None else order
    return cut_windows(np.array(user), np.array(time), np.array(order), length, targets).tolist()


class TestWorkedByHand:
    def test_one_target_a_window_reads_what_came_just_before(self) -> None:
        assert cut([0, 0, 0, 0], [1, 2, 3, 4], length=2, targets=1) == [
            [1, 2, 3],
            [0, 1, 2],
            [NONE, 0, 1],
            [NONE, NONE, 0],
        ]

    def test_every_place_a_target_shares_one_event_between_windows(self) -> None:
        """The newest window predicts events 3, 4 and 5, and reads from event 2 on; the other the rest."""
        assert cut([0] * 6, [1, 2, 3, 4, 5, 6], length=3, targets=3) == [[2, 3, 4, 5], [NONE, 0, 1, 2]]

    def test_fewer_targets_than_places_keep_some_history_for_the_first_of_them(self) -> None:
        assert cut([0] * 5, [1, 2, 3, 4, 5], length=3, targets=2) == [
            [1, 2, 3, 4],
            [NONE, 0, 1, 2],
            [NONE, NONE, NONE, 0],
        ]

    def test_a_user_with_one_event_has_no_history(self) -> None:
        assert cut([7], [1], length=2, targets=2) == [[NONE, NONE, 0]]

    def test_users_do_not_mix(self) -> None:
        assert cut([5, 3, 5, 3], [1, 2, 3, 4], length=2, targets=2) == [[NONE, 1, 3], [NONE, 0, 2]]

    def test_events_of_one_time_stand_in_their_order(self) -> None:
        assert cut([0, 0, 0], [5, 5, 4], length=2, targets=1, order=[9, 3, 20])[0] == [2, 1, 0]

    def test_no_events_are_no_windows(self) -> None:
        empty = np.zeros(0, np.int64)
        assert cut_windows(empty, empty, empty, 3, 2).shape == (0, 4)


@st.composite
def events(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """User, time and order of events, and length and targets of windows."""
    pairs = draw(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), min_size=1, max_size=40))
    order = draw(st.permutations(range(len(pairs))))
    length = draw(st.integers(1, 8))
    user, time = np.array(pairs).T
    return user, time, np.array(order), length, draw(st.integers(1, length))


class TestEveryCutting:
    @given(events())
    def test_every_event_is_a_target_exactly_once(self, given_events: tuple) -> None:
        user, time, order, length, targets = given_events
        chosen = cut_windows(user, time, order, length, targets)[:, -targets:]
        assert sorted(chosen[chosen != NONE]) == list(range(len(user)))

    @given(events())
    def test_a_target_reads_the_events_just_before_it_and_no_others(self, given_events: tuple) -> None:
        user, time, order, length, targets = given_events
        when = list(zip(time.tolist(), order.tolist(), strict=True))
        for window in cut_windows(user, time, order, length, targets):
            for place in range(length + 1 - targets, length + 1):
                if (target := window[place]) == NONE:
                    continue
                own = [e for e in range(len(user)) if user[e] == user[target] and when[e] < when[target]]
                latest = sorted(own, key=lambda event: when[event])[-place:]
                assert window[:place].tolist() == [NONE] * (place - len(latest)) + latest


class TestPlanBatches:
    @staticmethod
    def plan(num_events: np.ndarray, targets: int, size: int, seed: int = 0) -> list[tuple[np.ndarray, int]]:
        return plan_batches(num_events, 8, targets, size, np.random.default_rng(seed))

    @given(
        st.lists(st.integers(1, 9), min_size=1, max_size=60), st.integers(1, 40), st.sampled_from([1, 4, 8])
    )
    def test_every_window_stands_in_one_batch_that_holds_all_its_events(
        self, counts: list[int], size: int, targets: int
    ) -> None:
        num_events = np.array(counts)
        batches = self.plan(num_events, targets, size)
        assert sorted(np.concatenate([rows for rows, _ in batches])) == list(range(len(counts)))
        for rows, width in batches:
            # The last event of a window is a target alone; those before it are read.
            assert (np.minimum(num_events[rows], 8) <= width).all()
            assert 1 <= width <= 8

    @pytest.mark.parametrize(("targets", "size", "rows"), [(1, 30, 30), (8, 80, 10)])
    def test_a_batch_holds_about_as_many_targets_as_asked_for(
        self, targets: int, size: int, rows: int
    ) -> None:
        batches = self.plan(np.full(333, 9), targets, size)
        assert len(batches) == round(333 / rows)
        assert {len(part) for part, _ in batches} <= {333 // len(batches), 333 // len(batches) + 1}

    def test_short_windows_are_narrow_and_more_of_them_fill_a_batch(self) -> None:
        """One event each, in batches of 16 targets: 16 windows of one place; full ones come by two."""
        batches = self.plan(np.repeat([1, 9], 32), targets=8, size=16)
        assert sorted((len(rows), width) for rows, width in batches) == [(2, 8)] * 16 + [(16, 1)] * 2

    def test_one_target_a_window_needs_the_whole_width(self) -> None:
        assert {width for _, width in self.plan(np.array([1, 3, 9]), targets=1, size=2)} == {8}

    def test_the_same_seed_gives_the_same_batches(self) -> None:
        num_events = np.arange(200) % 9 + 1
        one, other, another = (self.plan(num_events, 8, 40, seed) for seed in (1, 1, 2))
        assert [(rows.tolist(), width) for rows, width in one] == [(r.tolist(), w) for r, w in other]
        assert [rows.tolist() for rows, _ in one] != [rows.tolist() for rows, _ in another]

    def test_the_order_is_drawn(self) -> None:
        rows = np.concatenate([rows for rows, _ in self.plan(np.full(100, 9), 1, 10)])
        assert rows.tolist() != list(range(100))
