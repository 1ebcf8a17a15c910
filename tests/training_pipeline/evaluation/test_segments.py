"""Groups of users and items: by hand, and as divisions that neither lose nor repeat anyone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from feature_pipeline.schema import FeatureSpec
from training_pipeline.evaluation.segments import (
    ALL,
    MAX_VALUES,
    group_histories,
    group_items,
    group_users,
    mark_pairs,
)

COUNTRY = FeatureSpec("country", "query", "categorical")
AGE = FeatureSpec("age", "query", "numeric")


def list_members(groups: dict[str, np.ndarray]) -> dict[str, list[int]]:
    return {name: np.flatnonzero(members).tolist() for name, members in groups.items()}


class TestItems:
    def test_gather_a_third_of_the_events_each(self) -> None:
        # The most popular first: 2 begins at 0 of 12 events, 0 at 4, 3 at 7, 4 at 9, 5 at 11; 1 has none.
        assert list_members(group_items(np.array([3, 0, 4, 2, 2, 1]))) == {
            "item:head": [2],
            "item:middle": [0, 3],
            "item:tail": [4, 5],
            "item:cold": [1],
        }

    def test_the_most_popular_is_in_the_head_whatever_it_gathers(self) -> None:
        assert list_members(group_items(np.array([1, 90, 1]))) == {
            "item:head": [1],
            "item:middle": [],
            "item:tail": [0, 2],
            "item:cold": [],
        }

    def test_of_equally_popular_items_the_first_comes_first(self) -> None:
        groups = list_members(group_items(np.array([2, 2, 2])))
        assert [groups[f"item:{name}"] for name in ("head", "middle", "tail")] == [[0], [1], [2]]

    def test_without_events_all_are_cold(self) -> None:
        groups = list_members(group_items(np.zeros(3, int)))
        assert groups["item:cold"] == [0, 1, 2]
        assert groups["item:head"] == groups["item:middle"] == groups["item:tail"] == []

    @given(st.lists(st.integers(0, 9), min_size=1, max_size=12))
    def test_equal_a_walk_from_the_most_popular(self, popularity: list[int]) -> None:
        expected: dict[str, list[int]] = {f"item:{name}": [] for name in ("head", "middle", "tail", "cold")}
        before = 0
        for item in sorted(range(len(popularity)), key=lambda item: -popularity[item]):
            third = ("head", "middle", "tail")[3 * before // sum(popularity)] if popularity[item] else "cold"
            expected[f"item:{third}"].append(item)
            before += popularity[item]
        groups = list_members(group_items(np.array(popularity)))
        assert groups == {name: sorted(members) for name, members in expected.items()}


class TestUsers:
    def test_one_group_for_each_category_and_none_for_who_has_none(self) -> None:
        users = pd.DataFrame({"country": [["Peru"], [], ["Mali", "Peru"], ["Mali"], ["Peru"]]})
        assert list_members(group_users(users, [COUNTRY])) == {
            "user:country=Peru": [0, 2, 4],
            "user:country=Mali": [2, 3],
        }

    def test_of_many_categories_the_most_frequent_are_kept(self) -> None:
        names = "abcdefgh"
        rows = [[name] for count, name in enumerate(names, start=1) for _ in range(count)]
        groups = group_users(pd.DataFrame({"country": rows}), [COUNTRY])
        assert set(groups) == {f"user:country={name}" for name in names[-MAX_VALUES:]}

    def test_numbers_are_cut_into_thirds(self) -> None:
        users = pd.DataFrame({"age": [60.0, 10, np.nan, 30, 20, 50, 40, 70]})
        # Of seven known ages, 10 to 70, a third lies at 30 and two thirds at 50.
        assert list_members(group_users(users, [AGE])) == {
            "user:age up to 30": [1, 3, 4],
            "user:age up to 50": [5, 6],
            "user:age over 50": [0, 7],
        }

    def test_who_shares_one_number_is_one_group(self) -> None:
        # One third and two thirds both lie at 5.
        groups = group_users(pd.DataFrame({"age": [5.0, 5, 5, 9]}), [AGE])
        members = {name: who for name, who in list_members(groups).items() if who}
        assert members == {"user:age up to 5": [0, 1, 2], "user:age over 5": [3]}

    @given(st.lists(st.integers(0, 5) | st.none(), min_size=1, max_size=12))
    def test_everyone_whose_number_is_known_is_in_one_third(self, ages: list[int | None]) -> None:
        groups = group_users(pd.DataFrame({"age": pd.Series(ages, dtype="float64")}), [AGE])
        times = np.sum([np.zeros(len(ages), int), *groups.values()], axis=0)
        assert times.tolist() == [int(age is not None) for age in ages]

    def test_numbers_that_are_alike_in_six_digits_are_told_apart(self) -> None:
        ages = [1_000_000.0, 1_000_001, 1_000_002, 1_000_003, 1_000_004, 1_000_005]
        groups = group_users(pd.DataFrame({"age": ages}), [AGE])
        assert sorted(list_members(groups).values()) == [[0, 1], [2, 3], [4, 5]]

    def test_without_any_number_there_is_no_group(self) -> None:
        assert group_users(pd.DataFrame({"age": [np.nan, np.nan]}), [AGE]) == {}

    @pytest.mark.parametrize("kind", ["text", "embedding", "id", "timestamp"])
    def test_other_attributes_make_no_groups(self, kind: str) -> None:
        spec = FeatureSpec("age", "query", kind)  # type: ignore[arg-type]
        assert group_users(pd.DataFrame({"age": [1.0, 2, 3]}), [spec]) == {}

    def test_attributes_divide_one_after_the_other(self) -> None:
        users = pd.DataFrame({"country": [["Peru"], ["Mali"]], "age": [20.0, 30.0]})
        names = list(group_users(users, [AGE, COUNTRY]))
        assert [name.startswith("user:age") for name in names] == [True] * 2 + [False] * 2


@pytest.mark.parametrize(
    ("past", "group"),
    [
        (0, "user:new"),
        (1, "user:1-10 items"),
        (10, "user:1-10 items"),
        (11, "user:over 10 items"),
        (900, "user:over 10 items"),
    ],
)
def test_histories_divide_by_their_length(past: int, group: str) -> None:
    groups = group_histories(np.array([past]))
    assert [name for name, members in groups.items() if members[0]] == [group]


class TestPairs:
    # Query 0 chose items 1 and 2, query 1 item 0, query 2 item 2.
    RELEVANT = csr_array(np.array([[0, 1, 1], [1, 0, 0], [0, 0, 1]], bool))

    def test_follow_the_groups_of_their_query_and_of_their_item(self) -> None:
        users = {"user:even": np.array([True, False, True])}
        items = {"item:last": np.array([False, False, True]), "item:others": np.array([True, True, False])}
        segments = mark_pairs(self.RELEVANT, users, items)
        assert list_members(segments) == {
            ALL: [0, 1, 2, 3],
            "user:even": [0, 1, 3],
            "item:last": [1, 3],
            "item:others": [0, 2],
        }

    def test_groups_that_hold_none_are_left_out(self) -> None:
        nobody, unchosen = np.zeros(3, bool), np.array([False, True, False])
        only_last = csr_array(np.array([[0, 0, 1]], bool))
        assert list(mark_pairs(self.RELEVANT, {"user:none": nobody}, {})) == [ALL]
        assert list(mark_pairs(only_last, {}, {"item:1": unchosen})) == [ALL]
