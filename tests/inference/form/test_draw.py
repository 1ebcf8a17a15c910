"""Drawing: all is shown about equally often, nothing twice to one, by seed and participant alone."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from inference.form.draw import draw_subject

SUBJECTS = st.integers(1, 9).map(lambda n: [f"s{i}" for i in range(n)])


def go_through(subjects, shown, participant, count, own=frozenset(), seed=0):
    """One participant from beginning to end, or until they leave."""
    seen = set(own)
    for _ in range(count):
        drawn = draw_subject(subjects, shown, seen, participant, seed)
        if drawn is None:
            break
        assert drawn not in seen
        seen.add(drawn)
        shown[drawn] += 1
    return seen - own


def spread(subjects, shown):
    return max(shown[s] for s in subjects) - min(shown[s] for s in subjects)


@given(SUBJECTS, st.lists(st.integers(0, 12), max_size=12), st.integers())
def test_one_after_the_other(subjects, counts, seed):
    """Whoever leaves early, and whoever sees more than others, changes nothing."""
    shown = Counter()
    for number, count in enumerate(counts):
        seen = go_through(subjects, shown, f"p{number}", count, seed=seed)
        assert len(seen) == min(count, len(subjects))
        assert spread(subjects, shown) <= 1


@given(st.data(), SUBJECTS, st.integers(1, 9))
def test_never_themself(data, subjects, count):
    shown = Counter()
    for participant in data.draw(st.permutations(subjects)):
        seen = go_through(subjects, shown, participant, count, own={participant})
        assert len(seen) == min(count, len(subjects) - 1)
        assert spread(subjects, shown) <= 2


def test_many_at_once():
    """Ten at a time, each 10 of 30: 200 participants make 2,000 showings, 66.7 of each subject."""
    subjects, shown = [f"s{i}" for i in range(30)], Counter()
    for group in range(20):
        seen = {f"p{group}-{i}": set() for i in range(10)}
        for _ in range(10):
            for participant, had in seen.items():
                drawn = draw_subject(subjects, shown, had, participant, 0)
                had.add(drawn)
                shown[drawn] += 1
    assert shown.total() == 2000
    assert 65 <= min(shown.values()) <= max(shown.values()) <= 68


def test_by_seed_and_participant():
    subjects = [f"s{i}" for i in range(50)]

    def draw(participant, seed):
        order, seen = [], set()
        for _ in range(10):
            order.append(draw_subject(subjects, {}, seen, participant, seed))
            seen.add(order[-1])
        return order

    assert draw("ann", 1) == draw("ann", 1)
    assert draw("ann", 1) != draw("bob", 1)
    assert draw("ann", 1) != draw("ann", 2)
    # Not a run of neighbours in the table, as one number for all turns would give.
    places = [int(subject[1:]) for subject in draw("ann", 1)]
    assert sum(abs(a - b) == 1 for a, b in pairwise(places)) < 5


def test_the_first_is_drawn_evenly():
    """1,000 draws among ten: 100 each, give or take five standard deviations of 9.5."""
    subjects = [f"s{i}" for i in range(10)]
    first = Counter(draw_subject(subjects, {}, set(), f"p{i}", 3) for i in range(1000))
    assert all(53 <= first[subject] <= 147 for subject in subjects)


def test_the_least_shown_first():
    assert draw_subject(["a", "b", "c"], {"a": 2, "b": 1, "c": 2}, set(), "p", 0) == "b"
    assert draw_subject(["a", "b", "c"], {"a": 2, "b": 1, "c": 2}, {"b", "c"}, "p", 0) == "a"
    assert draw_subject(["a"], {}, {"a"}, "p", 0) is None
