"""Names that nobody knows: the nearest are told, soon even in a large catalogue."""

import time

from inference.unknown import SHOWN, refuse_unknown


def test_the_nearest_come_first():
    message = refuse_unknown("item", "cap", ["cat", "cup", "dog"])
    assert message in (
        "item: 'cap' is not known. Nearest: cat, cup, dog",
        "item: 'cap' is not known. Nearest: cup, cat, dog",
    )


def test_a_large_catalogue_and_a_long_name_cost_little():
    known = sorted(f"item-{place:07}" for place in range(200_000))
    begun = time.perf_counter()

    message = refuse_unknown("item", "item-01234567", known)
    refuse_unknown("item", "x" * 1_000_000, known)

    assert time.perf_counter() - begun < 1
    nearest = message.removeprefix("item: 'item-01234567' is not known. Nearest: ").split(", ")
    assert "item-0123456" in nearest
    assert len(nearest) == SHOWN


def test_nothing_to_name():
    assert refuse_unknown("artist", "Ada", []) == "artist: 'Ada' is not known. Nearest: none"
