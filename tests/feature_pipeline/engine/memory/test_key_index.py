"""The index of keys, against a plain look-up."""

import numpy as np
import pytest

from feature_pipeline.engine.memory.key_index import NO_PLACE, KeyIndex, index_keys
from feature_pipeline.engine.memory.keys import fit_keys
from tests.feature_pipeline.engine.memory.columns import make


def index(*keys: tuple[int, int]) -> KeyIndex:
    parts = [make(*part) for part in zip(*keys, strict=True)] or [make(), make()]
    space = fit_keys(parts)
    return index_keys(space, np.unique(space.number(parts)))


def find(keys: KeyIndex, *asked: tuple[int | None, int | None]) -> list[int]:
    return keys.find([make(*part) for part in zip(*asked, strict=True)]).tolist()


def test_finds_the_place_of_each_key():
    keys = index((5, 2), (-3, 2), (7, -4), (5, -4))
    assert len(keys) == 4
    assert find(keys, (7, -4), (5, 2), (-3, 2), (5, -4), (5, 2)) == [3, 2, 0, 1, 2]


def test_knows_which_are_not_there():
    keys = index((5, 2), (-3, 2), (7, -4), (5, -4))
    # Between others, below and above all, unknown.
    asked = [(5, 0), (7, 2), (-9, 2), (5, 9), (8, -4), (-(2**40), 2), (2**40, 2), (None, 2), (5, None)]
    assert find(keys, *asked) == [NO_PLACE] * len(asked)


def test_without_keys_or_questions():
    assert find(index(), (0, 0), (1, -1)) == [NO_PLACE] * 2
    assert index((5, 2)).find([make(), make()]).tolist() == []


def test_where_nearly_all_are_there_a_bucket_is_a_key():
    full = index(*((one, other) for one in range(9) for other in range(3) if (one, other) != (4, 1)))
    assert full.shift == 0
    assert find(full, (0, 0), (4, 0), (4, 1), (4, 2), (8, 2)) == [0, 12, NO_PLACE, 13, 25]


@pytest.mark.parametrize(("seed", "width"), [(seed, 10**power) for seed, power in enumerate(range(1, 8))])
def test_equals_a_plain_look_up(seed: int, width: int):
    rng = np.random.default_rng(seed)
    # Many of some, few of others.
    keys = [(int(one), int(rng.integers(width))) for one in rng.zipf(1.5, 400) % 50]
    place = {key: number for number, key in enumerate(sorted(set(keys)))}
    asked = keys + [(int(one), int(other)) for one, other in rng.integers(-3, [60, width + 3], (400, 2))]
    assert find(index(*keys), *asked) == [place.get(key, NO_PLACE) for key in asked]
