"""What is shown of the tiny bundle besides answers."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.artefact import ArtefactError
from inference.ui.chart import MOST_POINTS, build_points, name_categories
from inference.ui.gallery import Gallery, open_gallery
from inference.ui.map import ItemMap
from inference.ui.newcomer import choose_picks
from tests.inference.gallery import publish_gallery


def test_items(gallery: Gallery):
    exhibit = gallery.exhibits.get("item-21")
    assert exhibit.title == "Thing 21"
    assert exhibit.facts["shape"] == "square"
    assert exhibit.texts == {"text": "Text about thing 21"}
    assert exhibit.read_picture() is None
    late = gallery.exhibits.get("late", "A late one")
    assert (late.title, late.facts, late.picture) == ("A late one", {}, None)
    assert gallery.exhibits.find(["item-02", "late", "item-00"]) == [2, 0]
    assert gallery.exhibits.shape == 1


def test_pictures(tmp_path: Path):
    exhibits = Gallery(publish_gallery(tmp_path)).exhibits
    first, nothing = exhibits.get("item-0"), exhibits.get("item-6")
    picture = first.read_picture()
    assert picture is not None
    assert picture[:2] == b"\xff\xd8"
    assert nothing.read_picture() is None
    assert exhibits.shape == 1


def test_people(gallery: Gallery):
    people = gallery.people
    assert people.find("USER-1", 3) == ["user-10", "user-11", "user-12"]
    assert people.find("9", 9) == ["user-09", "user-19", "user-29", "user-39"]
    assert people.find("nobody", 3) == []
    assert set(people.describe("user-03")) == {"country"}  # whose age is not known
    assert people.describe("visitor-1") == {}
    lively = people.choose_lively(4)
    assert len(set(lively)) == 4
    assert lively == people.choose_lively(4)
    assert "user-39" not in {people.draw() for _ in range(50)}
    assert people.popularity.is_monotonic_decreasing


def test_picks_are_popular_and_different(gallery: Gallery):
    picks = choose_picks(gallery)
    assert len(set(picks)) == 8
    assert picks[0] == gallery.people.popularity.index[0]


def test_a_bundle_that_is_not_there(tmp_path: Path):
    (tmp_path / "current").write_text("other\n")
    with pytest.raises(ArtefactError, match="give the artifacts that the service answers from"):
        open_gallery(tmp_path, "missing")


def test_the_map_is_the_plane_of_the_largest_differences():
    # Differences of 8 along the first axis, of 2 along the second, hardly any along the third.
    corners = [(x, y, z) for x in (-4.0, 4.0) for y in (-1.0, 1.0) for z in (-0.01, 0.01)]
    found = ItemMap(np.array(corners, np.float32))
    np.testing.assert_allclose(np.abs(found.places), [(4, 1)] * 8, atol=1e-3)
    assert found.explained == pytest.approx(17 / 17.0001, abs=1e-5)
    np.testing.assert_allclose(np.abs(found.place([2.0, -0.5, 9.0])), (2, 0.5), atol=1e-3)


def test_the_most_frequent_categories_have_names():
    values = pd.Series([["a"]] * 3 + [["b", "a"]] * 2 + [[]] + [[f"rare {n}"] for n in range(9)])
    names, legend = name_categories(values)
    assert legend[:2] == ["a", "b"]
    assert legend[-2:] == ["other", "not known"]
    assert len(legend) == 9
    assert list(names[:6]) == ["a", "a", "a", "b", "b", "not known"]


def test_a_large_map_has_some_points_and_those_that_matter():
    count = MOST_POINTS + 500
    places, titles = np.zeros((count, 2)), pd.Series(["x"] * count)
    points = build_points(places, titles, np.array(["a"] * count, object), [0, 7, count - 1])
    assert MOST_POINTS <= len(points) <= MOST_POINTS + 3
    assert {0, 7, count - 1} <= set(points.index)
