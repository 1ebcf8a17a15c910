"""What the ranker goes by is said of the right columns, and drawn whatever they are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread

from tests.training_pipeline.invented import make_ranker
from tests.training_pipeline.ranking.planted import make_rows, make_rows_with_vectors, to_rows
from training_pipeline.ranking import importance
from training_pipeline.ranking.importance import Importance, draw_importance, measure_importance
from training_pipeline.ranking.model import Ranker, fit_ranker
from training_pipeline.ranking.rows import RankingRows

COLUMNS = ["retrieval_score", "retrieval_rank", "pair_times_met", "age", "shape"]


def fit(rows: RankingRows, chosen: np.ndarray) -> Ranker:
    nothing = np.zeros(rows.query[-1] + 1, bool)
    return fit_ranker(rows, chosen, nothing, make_ranker(iterations=20), seed=0, threads=1)


@pytest.fixture(scope="module")
def rows() -> RankingRows:
    return make_rows(40, seed=0)[0]


@pytest.fixture(scope="module")
def ranker(rows: RankingRows) -> Ranker:
    return fit(rows, make_rows(40, seed=0)[1])


@pytest.fixture(scope="module")
def measured(ranker: Ranker, rows: RankingRows) -> Importance:
    return measure_importance(ranker, rows, seed=0)


class TestMeasure:
    def test_the_planted_column_comes_first(self, measured: Importance) -> None:
        first = measured.table.iloc[0]
        assert first["feature"] == "pair_times_met"
        assert first["importance"] > 80
        assert first["effect"] > 5 * measured.table["effect"][1]

    def test_there_is_one_row_a_column_the_strongest_first(self, measured: Importance) -> None:
        table = measured.table
        assert list(table.columns) == ["feature", "importance", "effect"]
        assert sorted(table["feature"]) == sorted(COLUMNS)
        assert (np.diff(table["effect"]) <= 0).all()
        assert table["importance"].sum() == pytest.approx(100)
        assert table["importance"].min() >= 0

    def test_effects_and_values_stand_in_the_order_of_the_table(
        self, measured: Importance, ranker: Ranker, rows: RankingRows
    ) -> None:
        """There are fewer rows than are drawn, so that all are explained."""
        effects = pd.DataFrame(ranker.explain(rows), columns=COLUMNS)
        for place, (name, _, effect) in enumerate(measured.table.itertuples(index=False)):
            np.testing.assert_array_equal(measured.effects[:, place], effects[name])
            assert effect == pytest.approx(np.abs(effects[name]).mean(), rel=1e-5)
            expected = np.full(400, np.nan) if name == "shape" else rows.frame[name]
            np.testing.assert_array_equal(measured.values[:, place], expected)

    def test_of_many_rows_some_are_drawn_by_the_seed(
        self, ranker: Ranker, rows: RankingRows, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importance, "_ROWS", 50)
        once, again, other = (measure_importance(ranker, rows, seed) for seed in (0, 0, 1))
        assert once.effects.shape == once.values.shape == (50, 5)
        np.testing.assert_array_equal(once.effects, again.effects)
        pd.testing.assert_frame_equal(once.table, again.table)
        assert not np.array_equal(once.effects, other.effects)
        place = list(once.table["feature"]).index("retrieval_rank")
        assert set(once.values[:, place]) == set(range(10))  # from all of a query's places

    def test_embeddings_are_a_column_without_values(self) -> None:
        rows, chosen = make_rows_with_vectors(30, seed=0)
        measured = measure_importance(fit(rows, chosen), rows, seed=0)
        assert list(measured.table["feature"]) == ["item_embedding", "retrieval_rank"]
        assert np.isnan(measured.values[:, 0]).all()
        assert not np.isnan(measured.values[:, 1]).any()


class TestDraw:
    def measure_height(self, drawn: Importance, place: Path) -> int:
        """Pixels of the picture, which must be one."""
        (place / "drawn.png").write_bytes(draw_importance(drawn, seed=0))
        pixels = imread(place / "drawn.png")
        assert np.ptp(pixels[..., :3]) > 0.5
        return int(pixels.shape[0])

    def invent(self, names: list[str], num_rows: int = 30) -> Importance:
        rng = np.random.default_rng(0)
        effects, values = rng.normal(size=(2, num_rows, len(names))).astype(np.float32)
        table = pd.DataFrame({"feature": names, "importance": 1.0, "effect": 1.0})
        return Importance(table, effects, values)

    def test_gives_the_same_picture_again(self, measured: Importance) -> None:
        drawn = draw_importance(measured, seed=0)
        assert drawn.startswith(b"\x89PNG")
        assert drawn == draw_importance(measured, seed=0)

    def test_a_single_column_is_drawn(self, tmp_path: Path) -> None:
        assert self.measure_height(self.invent(["age"]), tmp_path) > 0

    def test_of_many_columns_the_first_twenty_are_drawn(self, tmp_path: Path) -> None:
        few, twenty, many = (
            self.measure_height(self.invent([f"column {i}" for i in range(count)]), tmp_path)
            for count in (5, 20, 60)
        )
        assert few < twenty == many

    @pytest.mark.filterwarnings("error")
    def test_a_ranker_of_categories_alone_is_drawn(self, rows: RankingRows, tmp_path: Path) -> None:
        shape = np.where(make_rows(40, seed=0)[1], "star", rows.frame["shape"])
        frame = pd.DataFrame({"shape": shape, "other": rows.frame["shape"]})
        plain = to_rows(frame, rows.query, rows.item)
        measured = measure_importance(fit(plain, make_rows(40, seed=0)[1]), plain, seed=0)
        assert measured.table["feature"][0] == "shape"
        assert np.isnan(measured.values).all()
        assert self.measure_height(measured, tmp_path) > 0
