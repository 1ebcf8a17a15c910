"""Modalities: the content in which two items are nearer than others are, worked by hand."""

import numpy as np
import pytest

from inference.modality import Modalities

# Items 0 and 1 are alike in text, 2 and 3 in the picture; the rest lie all around.
AROUND = np.array([[np.cos(angle), np.sin(angle)] for angle in np.linspace(0.5, 5.8, 12)], np.float32)
TEXT = np.vstack([[1, 0], [1, 0.1], [0, 1], [0, -1], AROUND]).astype(np.float32)
PICTURE = np.vstack([[1, 0], [-1, 0], [0, 1], [0.1, 1], AROUND]).astype(np.float32)
MODALITIES = Modalities({"card_text_embedding": TEXT, "cover_embedding": PICTURE})


@pytest.mark.parametrize(
    ("item", "other", "modality"),
    [(0, 1, "card text"), (1, 0, "card text"), (2, 3, "cover"), (0, 3, None), (1, 2, None)],
)
def test_names_what_is_alike(item: int, other: int, modality: str | None):
    assert MODALITIES.find(item, other) == modality


def test_the_most_remarkable_one_is_named():
    both = np.vstack([[1, 0], [1, 0.9], AROUND]).astype(np.float32)
    nearer = np.vstack([[1, 0], [1, 0], AROUND]).astype(np.float32)
    assert Modalities({"a_embedding": both, "b_embedding": nearer}).find(0, 1) == "b"
    assert Modalities({"a_embedding": nearer, "b_embedding": both}).find(0, 1) == "a"


def test_what_is_missing_is_not_alike():
    missing = TEXT.copy()
    missing[:2] = 0
    assert Modalities({"text_embedding": missing}).find(0, 1) is None


def test_where_all_items_are_one_none_is_remarkable():
    same = np.ones((5, 3), np.float32)
    assert Modalities({"text_embedding": same}).find(0, 1) is None


def test_without_content_there_is_no_modality():
    assert Modalities({}).find(0, 1) is None
    assert Modalities({"text_embedding": np.zeros((4, 3), np.float32)}).find(0, 1) is None
