"""Caps as requests name them."""

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.errors import UserError
from feature_pipeline.schema import FeatureSpec
from inference.caps import Count, ItemGroups

ITEMS = pd.DataFrame(
    {"artist": [["Ada"], ["Bo"], ["Ada", "Bo"], [], ["Bo"]], "year": [1.0, 2.0, 3.0, 4.0, 5.0]}
)
SPECS = [FeatureSpec("artist", "candidate", "categorical"), FeatureSpec("year", "candidate", "numeric")]
TEXT = np.array([[1, 0], [0, 1], [0, 0], [2, 0], [0, 3]], np.float32)


@pytest.fixture
def groups() -> ItemGroups:
    return ItemGroups(ITEMS, SPECS, {"text": TEXT})


def test_items_are_grouped_by_their_values(groups):
    (cap,) = groups.cap_columns({"artist": 2})

    assert cap.limit == 2
    assert cap.membership.toarray().tolist() == [
        [True, False],
        [False, True],
        [True, True],
        [False, False],
        [False, True],
    ]
    assert groups.cap_columns({"artist": 3})[0].membership is cap.membership


def test_one_of_all_duplicates(groups):
    cap = groups.cap_duplicates()

    same = cap.membership.astype(int) @ cap.membership.T
    assert cap.limit == 1
    assert np.argwhere(same.toarray()).tolist() == [
        [0, 0],
        [0, 3],
        [1, 1],
        [1, 4],
        [2, 2],
        [3, 0],
        [3, 3],
        [4, 1],
        [4, 4],
    ]
    assert groups.cap_duplicates().membership is cap.membership


def test_counts_until_a_group_is_full(groups):
    count = Count(groups.cap_columns({"artist": 2})[0], np.array([4, 3, 2, 1]))

    assert count.find_full(1).tolist() == [False] * 4  # of no group
    assert count.find_full(0).tolist() == [False] * 4
    assert count.find_full(2).tolist() == [True, False, True, True]  # the second of Bo, the first of Ada


@pytest.mark.parametrize(
    ("caps", "message"),
    [
        ({"artists": 2}, "unknown key 'caps.artists', did you mean 'caps.artist'? Choices: artist"),
        ({"year": 2}, "unknown key 'caps.year'. Choices: artist"),
        ({"artist": 0}, "caps.artist: expected a whole number of at least 1, found 0"),
        ({"artist": True}, "caps.artist: expected a whole number of at least 1, found True"),
        ({"artist": 1.5}, "caps.artist: expected a whole number of at least 1, found 1.5"),
        ({"artist": "2"}, "caps.artist: expected a whole number of at least 1, found '2'"),
    ],
)
def test_what_makes_no_sense_is_refused(groups, caps, message):
    with pytest.raises(UserError) as error:
        groups.cap_columns(caps)
    assert str(error.value) == message
