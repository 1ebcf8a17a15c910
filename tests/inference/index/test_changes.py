"""What comes and goes, by itself."""

import numpy as np
import pytest

from inference.index.changes import Changes

ITEMS = np.eye(3, dtype=np.float32)


def test_a_search_keeps_to_what_it_began_with():
    before = Changes.none(ITEMS)
    after = before.add(ITEMS[:2]).remove(np.array([0, 3]))
    assert before.find_eligible(None) is None
    assert after.find_eligible(None).tolist() == [False, True, True, False, True]
    assert len(before.added.items) == 0


def test_filters_know_what_was_removed():
    allowed = np.array([True, True, False])
    assert Changes.none(ITEMS).find_eligible(allowed) is allowed
    assert Changes.none(ITEMS).remove(np.array([1])).find_eligible(allowed).tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.add(ITEMS[0]), "embeddings: expected shape [num_added, 3], got [3]"),
        (lambda c: c.add(ITEMS[:, :2]), "embeddings: expected shape [num_added, 3], got [3, 2]"),
        (
            lambda c: c.add(ITEMS / 0.0),
            "embeddings: expected finite numbers, got NaN or infinity; encode the items anew",
        ),
        (lambda c: c.remove(np.array([1, 3])), "positions: expected numbers from 0 to 2, got 3"),
        (lambda c: c.remove(np.array([-1])), "positions: expected numbers from 0 to 2, got -1"),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value", "ignore:divide by zero")
def test_impossible_changes_are_refused(change, message):
    with pytest.raises(ValueError, match=r".") as error:
        change(Changes.none(ITEMS))
    assert str(error.value) == message


def test_written_and_read(tmp_path):
    changes = Changes.none(ITEMS).add(ITEMS[:1]).remove(np.array([2]))
    changes.write(tmp_path)
    read = Changes.read(tmp_path)
    np.testing.assert_array_equal(read.added.items, changes.added.items)
    np.testing.assert_array_equal(read.removed, changes.removed)
