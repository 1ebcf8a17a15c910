"""Variety: by hand, against a plain loop, and what holds whatever the candidates."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array

from feature_pipeline.errors import UserError
from inference.caps import Cap
from inference.variety import diversify

EAST, NORTH, WEST, NONE = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, 0.0)


def make_cap(limit: int, groups: list[list[int]], num_groups: int = 4) -> Cap:
    """A cap from the groups of each item."""
    member = np.zeros((len(groups), num_groups), bool)
    for item, own in enumerate(groups):
        member[item, own] = True
    return Cap(limit, csr_array(member))


def choose(items, scores, k, strength=0.0, vectors=None, caps=()) -> list[int]:
    chosen = diversify(np.array(items), np.array(scores, np.float32), k, strength, vectors, caps)
    assert chosen.dtype == np.int64
    return chosen.tolist()


class TestOrder:
    def test_is_kept_where_nothing_is_asked(self):
        assert choose([7, 3, 5], [9, 5, 1], 2) == [0, 1]

    def test_is_kept_though_scores_disagree(self):
        assert choose([7, 3, 5], [1, 5, 9], 3, caps=[make_cap(9, [[0]] * 8)]) == [0, 1, 2]

    def test_has_no_more_than_there_are(self):
        assert choose([7, 3], [9, 5], 5) == [0, 1]
        assert choose([], [], 5) == []

    def test_padding_is_never_chosen(self):
        scores = [9, 8, -np.inf, -np.inf]
        vectors = {"text": np.array([EAST, EAST], np.float32)}
        assert choose([1, 0, -1, -1], scores, 4) == [0, 1]
        assert choose([1, 0, -1, -1], scores, 4, 0.5, vectors, [make_cap(1, [[0], [1]])]) == [0, 1]
        assert choose([-1, -1], [-np.inf, -np.inf], 3, 0.5, vectors) == []


class TestCaps:
    def test_the_next_of_another_group_moves_up(self):
        cap = make_cap(2, [[0], [0], [0], [1], [0], [1]])
        assert choose([0, 1, 2, 3, 4, 5], [6, 5, 4, 3, 2, 1], 4, caps=[cap]) == [0, 1, 3, 5]

    def test_an_item_counts_for_each_of_its_groups(self):
        cap = make_cap(1, [[0, 1], [1, 2], [2], [0], []])
        assert choose([0, 1, 2, 3, 4], [5, 4, 3, 2, 1], 5, caps=[cap]) == [0, 2, 4]

    def test_what_one_cap_forbids_does_not_count_for_another(self):
        artists = make_cap(1, [[0], [0], [1], [2]])
        styles = make_cap(1, [[0], [1], [1], [2]])
        # The second is left out because of its artist, so that the third may be the first of its style.
        assert choose([0, 1, 2, 3], [4, 3, 2, 1], 4, caps=[artists, styles]) == [0, 2, 3]

    def test_too_few_are_left(self):
        assert choose([0, 1, 2], [3, 2, 1], 3, caps=[make_cap(2, [[0], [0], [0]])]) == [0, 1]

    def test_items_of_no_group_are_free(self):
        assert choose([0, 1, 2], [3, 2, 1], 3, caps=[make_cap(1, [[], [], []])]) == [0, 1, 2]


class TestMarginalRelevance:
    def test_by_hand(self):
        vectors = {"text": np.array([EAST, (3.0, 4.0), NORTH, WEST], np.float32)}
        # Relevance 1, .9, .5, 0; cosines to the first .6, 0, -1. At .5 they are worth .15, .25, .5: the last
        # is second. Of the other two the closest are at .6 and 0 then, and the third is before the second.
        assert choose([0, 1, 2, 3], [10, 9, 5, 0], 4, 0.5, vectors) == [0, 3, 2, 1]
        # At .3: .63 - .18 = .45, .35 - 0, 0 + .3. Then of the second and third: .35 - .3 * .8 and 0 + .18.
        assert choose([0, 1, 2, 3], [10, 9, 5, 0], 4, 0.3, vectors) == [0, 1, 3, 2]

    def test_positions_lead_to_the_content(self):
        vectors = {"text": np.array([NORTH, EAST, EAST], np.float32)}
        assert choose([2, 1, 0], [3, 2.9, 2.8], 2, 0.9, vectors) == [0, 2]

    def test_similarity_is_the_mean_of_the_spaces_that_both_have(self):
        text = np.array([EAST, EAST, (3.0, 4.0)], np.float32)
        picture = np.array([NORTH, WEST, NONE], np.float32)
        # Cosines to the first: (1 + 0) / 2, and .6 by text alone.
        vectors = {"text": text, "picture": picture}
        assert choose([0, 1, 2], [2, 1, 1], 3, 1.0, vectors) == [0, 1, 2]
        assert choose([0, 2, 1], [2, 1, 1], 3, 1.0, vectors) == [0, 2, 1]
        assert choose([0, 1, 2], [2, 1, 1], 3, 1.0, {"text": text}) == [0, 2, 1]

    def test_items_without_content_are_like_nothing(self):
        vectors = {"text": np.array([EAST, (0.6, 0.8), NONE, WEST], np.float32)}
        assert choose([0, 1, 2, 3], [4, 3, 2, 1], 4, 1.0, vectors) == [0, 3, 2, 1]

    def test_equal_scores_leave_the_choice_to_variety(self):
        vectors = {"text": np.array([EAST, EAST, NORTH], np.float32)}
        assert choose([0, 1, 2], [1, 1, 1], 3, 0.1, vectors) == [0, 2, 1]

    def test_under_a_cap(self):
        vectors = {"text": np.array([EAST, WEST, NORTH, EAST], np.float32)}
        cap = make_cap(1, [[0], [0], [1], [2]])
        assert choose([0, 1, 2, 3], [4, 3, 2, 1], 3, 0.9, vectors, [cap]) == [0, 2, 3]


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_out_of_bounds_is_refused(strength):
    with pytest.raises(UserError, match=f"^strength: expected a number from 0 to 1, found {strength}$"):
        choose([0], [1], 1, strength)


@pytest.mark.parametrize("vectors", [None, {}])
def test_nothing_to_compare_is_refused(vectors):
    with pytest.raises(UserError) as error:
        choose([0], [1], 1, 0.5, vectors)
    assert str(error.value) == (
        "strength: expected 0 where items have neither text nor image to compare, found 0.5"
    )


def test_arguments_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="k: expected at least 1, got 0"):
        choose([0], [1], 0)
    with pytest.raises(ValueError, match=r"scores: expected one for each item, \(2,\), got \(1,\)"):
        choose([0, 1], [1], 1)
    with pytest.raises(ValueError, match=r"scores: expected one for each item, \(1, 2\), got \(1, 2\)"):
        choose([[0, 1]], [[2, 1]], 1)


def choose_slowly(items, scores, k, strength, vectors, caps) -> list[int]:
    """MMR under caps as the paper and the docstring say it, one candidate at a time."""

    def compare(i: int, j: int) -> float:
        pairs = [(space[items[i]], space[items[j]]) for space in vectors.values()]
        cosines = [a @ b / (np.linalg.norm(a) * np.linalg.norm(b)) for a, b in pairs if a.any() and b.any()]
        return float(np.mean(cosines)) if cosines else 0.0

    def is_allowed(place: int) -> bool:
        members = [cap.membership.toarray()[items] for cap in caps]
        return all(
            (member[[*chosen, place]].sum(axis=0)[member[place]] <= cap.limit).all()
            for cap, member in zip(caps, members, strict=True)
        )

    span = max(scores) - min(scores)
    chosen: list[int] = []
    for _ in range(k):
        worth = {}
        for place in range(len(items)):
            if place not in chosen and is_allowed(place):
                relevance = (scores[place] - min(scores)) / span if span else 0.0
                similarity = max((compare(place, other) for other in chosen), default=0.0)
                worth[place] = (1 - strength) * relevance - strength * similarity
        if worth:
            chosen.append(max(worth, key=lambda place: worth[place]))
    return chosen


POOLS = st.integers(0, 10_000).flatmap(
    lambda seed: st.tuples(st.just(seed), st.integers(1, 12), st.integers(1, 14), st.integers(1, 3))
)


def make_pool(seed: int, size: int, limit: int):
    """Candidates at random places of a catalogue of 20, two spaces with gaps, and two caps."""
    rng = np.random.default_rng(seed)
    items = rng.choice(20, size, replace=False)
    scores = -np.sort(-rng.normal(size=size))
    vectors = {name: rng.normal(size=(20, 3)) * (rng.random((20, 1)) < 0.8) for name in ("text", "picture")}
    groups = [make_cap(limit, [np.flatnonzero(row).tolist() for row in rng.random((20, 4)) < 0.4])]
    return items, scores, vectors, [*groups, make_cap(1, [[int(g)] for g in rng.integers(0, 9, 20)], 9)]


@given(pool=POOLS, strength=st.sampled_from([0.1, 0.5, 0.9, 1.0]), has_caps=st.booleans())
def test_agrees_with_a_plain_loop(pool, strength, has_caps):
    seed, size, k, limit = pool
    items, scores, vectors, caps = make_pool(seed, size, limit)
    caps = caps if has_caps else []

    chosen = diversify(items, scores, k, strength, vectors, caps).tolist()

    assert chosen == choose_slowly(items, scores, k, strength, vectors, caps)


@given(pool=POOLS, strength=st.floats(0, 1))
def test_what_always_holds(pool, strength):
    seed, size, k, limit = pool
    items, scores, vectors, caps = make_pool(seed, size, limit)

    free = diversify(items, scores, k, strength, vectors).tolist()
    capped = diversify(items, scores, k, strength, vectors, caps).tolist()
    in_order = diversify(items, scores, k, 0.0, vectors, caps).tolist()

    assert len(free) == min(k, size)
    assert free[0] == capped[0] == 0
    assert len(set(free)) == len(free)
    assert len(set(capped)) == len(capped)
    assert set(free) | set(capped) <= set(range(size))
    assert in_order == sorted(in_order)
    for cap in caps:
        member = cap.membership.toarray()[items]
        assert member[capped].sum(axis=0).max() <= cap.limit
        left = set(range(size)) - set(capped)
        if len(capped) < k:  # every other one is one too many for some cap
            counts = [(c.limit, c.membership.toarray()[items]) for c in caps]
            for place in left:
                assert any((m[[*capped, place]].sum(axis=0) > limit).any() for limit, m in counts)


@given(pool=POOLS)
def test_without_strength_and_caps_the_order_stays(pool):
    seed, size, k, limit = pool
    items, scores, vectors, _ = make_pool(seed, size, limit)
    assert diversify(items, scores, k, 0.0, vectors).tolist() == list(range(min(k, size)))
