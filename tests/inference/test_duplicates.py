"""Near-duplicates by content: worked by hand, and against every pair compared one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference import duplicates
from inference.duplicates import LEAST_COSINE, find_duplicate_groups

NONE = (0.0, 0.0)
EAST, NORTH, WEST = (1.0, 0.0), (0.0, 2.0), (-3.0, 0.0)
NEARLY_EAST = (0.995, 0.0998749)  # a cosine of .995
LESS_EAST = (0.98, 0.1989975)  # .98 to east, .995 to nearly east


def group(**spaces: list[tuple[float, ...]]) -> list[list[int]]:
    """The groups of more than one item."""
    found = find_duplicate_groups({name: np.array(space, np.float32) for name, space in spaces.items()})
    assert found.dtype == np.int64
    members = [np.flatnonzero(found == number).tolist() for number in range(found.max() + 1)]
    assert sorted(item for items in members for item in items) == list(range(len(found)))
    return [items for items in members if len(items) > 1]


def test_alike_in_the_only_space():
    assert group(text=[EAST, NORTH, (2.0, 0.0), WEST, NEARLY_EAST, NORTH]) == [[0, 2, 4], [1, 5]]


def test_near_is_not_near_enough():
    assert group(text=[EAST, LESS_EAST]) == []


def test_near_duplicates_of_one_item_are_together():
    assert group(text=[EAST, LESS_EAST, NEARLY_EAST]) == [[0, 1, 2]]


def test_alike_in_every_space_that_both_have():
    text = [EAST, EAST, EAST, NONE, NONE]
    picture = [EAST, NORTH, NONE, NORTH, WEST]
    # The first two differ in their pictures, and so does the last from all; the third has no picture and is
    # like both by its text, which is why all of them are together.
    assert group(text=text, picture=picture) == [[0, 1, 2, 3]]
    assert group(text=text[:2], picture=picture[:2]) == []


def test_what_shares_no_space_is_not_alike():
    assert group(text=[EAST, NONE], picture=[NONE, EAST]) == []


def test_items_without_content_are_alone():
    assert group(text=[NONE, NONE, EAST]) == []


def test_no_space_at_all():
    with pytest.raises(ValueError, match="vectors: expected at least one content space, got none"):
        find_duplicate_groups({})


class TestLargeCatalogue:
    @pytest.fixture(autouse=True)
    def _is_large(self, monkeypatch):
        monkeypatch.setattr(duplicates, "MOST_COMPARED", 3)

    def test_only_the_same_are_together(self):
        assert group(text=[EAST, NEARLY_EAST, (2.0, 0.0), (1.0, 1e-6), NORTH]) == [[0, 2, 3]]

    def test_the_same_in_all_spaces(self):
        text = [EAST, EAST, EAST, EAST, NONE, NONE, NONE]
        picture = [NORTH, NORTH, WEST, NONE, NORTH, NONE, NONE]
        assert group(text=text, picture=picture) == [[0, 1]]


ANGLES = st.lists(st.lists(st.none() | st.integers(0, 40), min_size=2, max_size=2), min_size=1, max_size=9)


@given(angles=ANGLES, block=st.integers(1, 4))
def test_agrees_with_comparing_pair_by_pair(angles, block):
    # Three degrees apart have a cosine of .9986, nine of .9877.
    spaces = [
        np.array([NONE if a is None else (np.cos(np.pi * a / 60), np.sin(np.pi * a / 60)) for a in column])
        for column in zip(*angles, strict=True)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duplicates, "_BLOCK", block)
        found = find_duplicate_groups({str(n): space.astype(np.float32) for n, space in enumerate(spaces)})

    expected = np.arange(len(angles))
    for i in range(len(angles)):
        for j in range(i):
            cosines = [space[i] @ space[j] for space in spaces if space[i].any() and space[j].any()]
            if cosines and min(cosines) >= LEAST_COSINE:
                expected[expected == expected[i]] = expected[j]
    np.testing.assert_array_equal(found[:, None] == found, expected[:, None] == expected)
