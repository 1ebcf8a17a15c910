"""Ranking rows: the declared columns in their order, and every value that of its own query and candidate."""

import numpy as np
import pandas as pd
import pytest

from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.ranking import rows as ranking_rows
from training_pipeline.ranking.candidates import Candidates
from training_pipeline.ranking.rows import RankingRows, build_ranking_rows, list_specs

# Position 5 has no shape, 39 neither events nor text.
CANDIDATES = Candidates(
    items=np.array([[5, 20, -1], [39, 0, 7], [20, -1, -1]], np.int32),
    scores=np.array([[0.9, 0.4, -np.inf], [0.8, 0.7, 0.6], [0.5, -np.inf, -np.inf]], np.float32),
)
QUERY, ITEM = [0, 0, 1, 1, 1, 2], [5, 20, 39, 0, 7, 20]


@pytest.fixture(scope="module")
def queries(validation: HeldOut) -> pd.DataFrame:
    return validation.take(np.array([7, 0, 3])).frame


@pytest.fixture(scope="module")
def rows(queries: pd.DataFrame, prepared: Prepared) -> RankingRows:
    return build_ranking_rows(queries, CANDIDATES, prepared.tables, prepared.builder)


def test_columns_are_the_declared_ones_in_order(rows: RankingRows, prepared: Prepared) -> None:
    names = [spec.name for spec in list_specs(prepared.tables, prepared.builder)]
    assert list(rows.frame.columns) == names
    assert names[:2] == ["retrieval_score", "retrieval_rank"]
    assert {"age", "country", "device", "user_events_before", "shape", "price", "pair_times_met"} < set(names)
    assert not {"text", "text_embedding"} & set(names)


def test_numbers_are_float32_and_categories_text(rows: RankingRows) -> None:
    numbers = rows.frame.select_dtypes("number")
    assert set(numbers.dtypes) == {np.dtype("float32")}
    assert set(rows.frame.columns) - set(numbers.columns) == {"country", "device", "shape"}


def test_padding_makes_no_rows(rows: RankingRows) -> None:
    assert rows.query.tolist() == QUERY
    assert rows.item.tolist() == ITEM
    assert rows.frame["retrieval_score"].tolist() == pytest.approx([0.9, 0.4, 0.8, 0.7, 0.6, 0.5])
    assert rows.frame["retrieval_rank"].tolist() == [0, 1, 0, 1, 2, 0]


def test_values_are_those_of_their_user_moment_and_item(
    rows: RankingRows, queries: pd.DataFrame, prepared: Prepared
) -> None:
    users = prepared.tables.users.set_index("user_id").loc[queries["user_id"].iloc[QUERY]]
    items = prepared.tables.items.iloc[ITEM]
    asked = queries.iloc[QUERY]
    for name in ("age", "price", "user_events_before", "context_hour_sin"):
        source = next(frame for frame in (users, items, asked) if name in frame)
        np.testing.assert_allclose(rows.frame[name], source[name], rtol=1e-6)
    assert rows.frame["shape"].tolist() == ["", "square", "square", "round", "round", "square"]
    assert rows.frame["country"].tolist() == [row[0] for row in users["country"]]
    assert rows.frame["device"].tolist() == [row[0] for row in asked["device"]]


def test_features_of_the_pair_are_computed_as_of_the_query(
    rows: RankingRows, queries: pd.DataFrame, prepared: Prepared
) -> None:
    events = prepared.tables.interactions
    ids = prepared.tables.items["item_id"]
    for row, (query, item) in enumerate(zip(QUERY, ITEM, strict=True)):
        before = events[events["event_time"] < queries["as_of"].iloc[query]]
        assert rows.frame["item_events_before"][row] == (before["item_id"] == ids[item]).sum()


def test_take_keeps_rows_together(rows: RankingRows) -> None:
    taken = rows.take(np.array([1, 4]))
    assert taken.query.tolist() == [0, 1]
    assert taken.item.tolist() == [20, 7]
    pd.testing.assert_frame_equal(taken.frame, rows.frame.iloc[[1, 4]].reset_index(drop=True))


def test_blocks_of_queries_do_not_matter(
    rows: RankingRows, queries: pd.DataFrame, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_rows, "_QUERIES_AT_ONCE", 2)
    in_blocks = build_ranking_rows(queries, CANDIDATES, prepared.tables, prepared.builder)
    pd.testing.assert_frame_equal(in_blocks.frame, rows.frame)
