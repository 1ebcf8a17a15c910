"""Neighbours by cosine against exact NumPy, and which items a sheet shows."""

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.profile.neighbours import ITEMS_SHOWN, NEIGHBOURS_SHOWN, build_sheets, find_neighbours
from feature_pipeline.schema import FeatureSpec

SPECS = [
    FeatureSpec("plot", "candidate", "text"),
    FeatureSpec("plot_short", "candidate", "text"),
    FeatureSpec("cover", "candidate", "image"),
]


def make_items(count, covers=True):
    rows = range(count)
    return pd.DataFrame(
        {
            "item_id": [f"i{row}" for row in rows],
            "plot": [f"plot {row}" for row in rows],
            "plot_short": [f"short {row}" for row in rows],
            "cover": [f"{row}.png" if covers else None for row in rows],
        }
    )


def draw_vectors(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def test_known_neighbours():
    vectors = np.array([[1, 0], [2, 0], [0, 0], [3, 4], [0, 5]], np.float32)
    first, missing, fourth = find_neighbours(vectors, np.array([0, 2, 3]), 2)
    assert first == [(1, 1.0), (3, pytest.approx(0.6))]
    assert missing == []
    assert fourth == [(4, pytest.approx(0.8)), (0, pytest.approx(0.6))]  # 1 is as near as 0, and later


def test_agrees_with_every_pair():
    vectors = draw_vectors(50)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    for row, found in enumerate(find_neighbours(vectors, np.arange(50), 5)):
        others = sorted((other for other in range(50) if other != row), key=lambda o: -unit[row] @ unit[o])
        assert [place for place, _ in found] == others[:5]
        np.testing.assert_allclose([c for _, c in found], unit[others[:5]] @ unit[row], rtol=1e-5)


def test_sheets_have_each_encoder_of_their_own_feature():
    columns = ("plot_embedding", "plot_small_embedding", "plot_short_embedding", "cover_clip_embedding")
    vectors = {column: draw_vectors(30, seed) for seed, column in enumerate(columns)}
    sheets = build_sheets(make_items(30), SPECS, vectors)
    assert [(sheet.feature, sheet.kind) for sheet in sheets] == [
        ("cover", "image"),
        ("plot", "text"),
        ("plot_short", "text"),
    ]
    shown = [set.union(*map(set, sheet.neighbours.values())) for sheet in sheets]
    assert shown == [{"cover_clip_embedding"}, set(columns[:2]), {"plot_short_embedding"}]
    for sheet in sheets:
        assert len(sheet.neighbours) == ITEMS_SHOWN
        for row, found in sheet.neighbours.items():
            for column, nearest in found.items():
                alone = find_neighbours(vectors[column], np.array([row]), NEIGHBOURS_SHOWN)[0]
                assert [place for place, _ in nearest] == [place for place, _ in alone]


def test_only_items_with_content_and_an_embedding_are_drawn():
    vectors = np.zeros((6, 3), np.float32)
    vectors[[1, 4]] = 1
    items = make_items(6)
    items.loc[4, "cover"] = None
    (sheet,) = build_sheets(items, SPECS, {"cover_embedding": vectors})
    assert sheet.neighbours == {1: {"cover_embedding": [(4, pytest.approx(1.0))]}}


def test_the_draw_depends_on_the_seed_alone():
    vectors = {"plot_embedding": draw_vectors(100)}
    rows = [list(build_sheets(make_items(100), SPECS, vectors, seed)[0].neighbours) for seed in (0, 0, 1)]
    assert rows[0] == rows[1] != rows[2]


def test_nothing_to_show():
    assert build_sheets(make_items(3), SPECS, {}) == []
    assert build_sheets(make_items(3, covers=False), SPECS, {"cover_embedding": draw_vectors(3)}) == []
    assert build_sheets(make_items(3)[["item_id"]], [], {}) == []
