"""The approximate index: how it asks ScaNN, and what it makes of the proposals."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.sparse import csr_array

from inference.index.exact import ExactIndex
from inference.index.recall import compute_recall
from inference.index.scann import ScannIndex
from tests.inference.index.kinds import CONFIG, build, draw_items

ITEMS = draw_items()
QUERIES = ITEMS[:4] + 0.1


@dataclass
class Noting:
    """Proposes the best of the first items, 25 for each leaf, and notes what it was asked."""

    asked: list[tuple[int, int, int]] = field(default_factory=list)

    def propose(self, query, wanted, compared, leaves):
        self.asked.append((wanted, compared, leaves))
        return np.sort(np.argsort(-ITEMS[: 25 * leaves] @ query)[:wanted])


@pytest.fixture
def proposer() -> Noting:
    return Noting()


@pytest.fixture
def proposed(proposer: Noting) -> ScannIndex:
    """An index that asks the proposer; its 24 leaves hold 25 items each."""
    return ScannIndex(ITEMS, CONFIG, proposer)


class TestRounds:
    def test_more_candidates_are_scored_than_are_wanted(self, proposed, proposer):
        assert (proposed.search(QUERIES, 10).items >= 0).all()
        assert proposer.asked == [(60, 100, 8)] * 4

    def test_as_many_more_as_are_excluded(self, proposed, proposer):
        excluded = np.zeros((2, 600), bool)
        excluded[1, :30] = True
        proposed.search(QUERIES[:2], 10, csr_array(excluded))
        assert sorted(proposer.asked) == [(60, 100, 8), (90, 100, 8)]

    def test_more_of_everything_within_a_filter(self, proposed, proposer):
        proposed.search(QUERIES[:1], 10, allowed=np.arange(600) % 2 == 0)
        assert proposer.asked == [(120, 200, 16)]

    def test_only_lists_that_are_not_full_are_asked_for_again(self, proposer):
        index = ScannIndex(ITEMS, CONFIG.model_copy(update={"leaves_to_search": 2}), proposer)
        excluded = np.zeros((2, 600), bool)
        excluded[1, :45] = True
        found = index.search(QUERIES[:2], 10, csr_array(excluded))
        assert (found.items >= 0).all()
        assert sorted(proposer.asked) == [(60, 100, 2), (105, 110, 2), (420, 440, 8)]

    def test_at_last_every_item_is_looked_at(self, proposed, proposer):
        excluded = np.zeros((1, 600), bool)
        excluded[0, :250] = True
        found = proposed.search(QUERIES[:1], 100, csr_array(excluded))
        assert proposer.asked == [(400, 700, 8)]
        expected = ExactIndex(ITEMS).search(QUERIES[:1], 100, csr_array(excluded))
        np.testing.assert_array_equal(found.items, expected.items)

    @pytest.mark.parametrize(
        ("k", "allowed"), [(10, np.arange(600) % 3 == 0), (300, None), (10, np.zeros(600, bool))]
    )
    def test_a_search_of_nearly_all_is_exact_at_once(self, proposed, proposer, k, allowed):
        found = proposed.search(QUERIES, k, allowed=allowed)
        assert proposer.asked == []
        np.testing.assert_array_equal(
            found.items, ExactIndex(ITEMS).search(QUERIES, k, allowed=allowed).items
        )


def test_scores_are_those_of_the_exact_index():
    found = build("scann", ITEMS).search(QUERIES, 50)
    exact = ExactIndex(ITEMS).search(QUERIES, 600)
    for row in range(len(QUERIES)):
        expected = dict(zip(exact.items[row], exact.scores[row], strict=True))
        assert [expected[item] for item in found.items[row]] == found.scores[row].tolist()


def test_finds_nearly_all_of_many():
    items = draw_items(20_000, 32)
    queries = items[::400] + 0.1
    index = build("scann", items)
    assert compute_recall(index, ExactIndex(items), queries, 20) > 0.9


def test_so_few_items_that_all_are_looked_at():
    few = ITEMS[: CONFIG.reorder]
    expected = ExactIndex(few).search(QUERIES, 7)
    np.testing.assert_array_equal(build("scann", few).search(QUERIES, 7).items, expected.items)


def test_what_was_built_is_shared(proposed, proposer):
    proposed.add(QUERIES).search(QUERIES[:1], 10)
    assert proposer.asked == [(60, 100, 8)]
