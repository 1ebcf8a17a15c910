"""Ranking rows: the declared columns in their order, and every value that of its own query and candidate."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from tests.tiny_store import LATE_USER, NUM_ITEMS
from tests.training_pipeline.invented import make_ranker
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.linear.signals import LENGTH, Signal, fit_signals
from training_pipeline.prepare import Prepared
from training_pipeline.ranking import rows as ranking_rows
from training_pipeline.ranking.candidates import Candidates, retrieve_candidates
from training_pipeline.ranking.rows import RankingRows, RowBuilder, build_row_builder

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
def signals(prepared: Prepared) -> list[Signal]:
    return fit_signals(prepared.learned_events, prepared.tables)


@pytest.fixture(scope="module")
def builder(prepared: Prepared, signals: list[Signal]) -> RowBuilder:
    return build_row_builder(prepared.tables, prepared.builder, signals, make_ranker())


@pytest.fixture(scope="module")
def rows(queries: pd.DataFrame, builder: RowBuilder) -> RankingRows:
    return builder.build(queries, CANDIDATES)


@pytest.fixture(scope="module")
def few(tested: HeldOut) -> HeldOut:
    """Ten queries, the last of them of a user without a past."""
    is_late = tested.frame["user_id"] == LATE_USER
    return tested.take(np.append(np.flatnonzero(~is_late)[:9], np.flatnonzero(is_late)))


@pytest.fixture(scope="module")
def retrieved(few: HeldOut) -> Candidates:
    draw = np.random.default_rng(1)
    queries, corpus = (draw.normal(size=(rows, 3)).astype(np.float32) for rows in (10, NUM_ITEMS))
    return retrieve_candidates(queries, corpus, few.seen, k=25)


def list_past(prepared: Prepared, queries: pd.DataFrame) -> list[list[int]]:
    """The items that each query's user met before it, oldest first."""
    events = prepared.tables.interactions.sort_values("event_time")
    pasts = []
    for user, moment in zip(queries["user_id"], queries["as_of"], strict=True):
        past = events[(events["user_id"] == user) & (events["event_time"] < moment)]
        pasts.append(past["item_id"].str[-2:].astype(int).tolist())
    return pasts


def test_columns_are_the_declared_ones_in_order(rows: RankingRows, builder: RowBuilder) -> None:
    names = [spec.name for spec in builder.specs]
    assert list(rows.frame.columns) == names
    assert names[:3] == ["retrieval_score", "retrieval_rank", "retrieval_gap"]
    # Numbers first, and behind them categories.
    inner = ("age", "price", "pair_ease", "pair_slit", "pair_after_last1", "country", "device")
    places = [names.index(name) for name in inner]
    assert all(left < right for left, right in pairwise(places))
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


def test_gap_is_how_far_the_score_lies_below_the_best_of_the_query(rows: RankingRows) -> None:
    assert rows.frame["retrieval_gap"].tolist() == pytest.approx([0, 0.5, 0, 0.1, 0.2, 0])


def test_seconds_since_the_last_item_are_those_of_the_query(few: HeldOut, prepared: Prepared) -> None:
    """The last item of the history as it is ordered, and none of a user without a past."""
    builder = build_row_builder(prepared.tables, prepared.builder, [], make_ranker())
    candidates = Candidates(np.zeros((10, 1), np.int32), np.zeros((10, 1), np.float32))
    found = builder.build(few.frame, candidates).frame["user_seconds_since_item"]
    events = prepared.tables.interactions
    for user, moment, seconds in zip(few.frame["user_id"], few.frame["as_of"], found, strict=True):
        past = events[(events["user_id"] == user) & (events["event_time"] < moment)]["event_time"]
        expected = (moment - past.max()).total_seconds() if len(past) else np.nan
        np.testing.assert_allclose(seconds, expected, rtol=1e-6)
    assert found.isna().tolist() == [False] * 9 + [True]
    assert found.nunique() > 3


def test_seconds_are_unknown_where_the_moment_is(few: HeldOut, prepared: Prepared) -> None:
    builder = build_row_builder(prepared.tables, prepared.builder, [], make_ranker())
    candidates = Candidates(np.zeros((10, 1), np.int32), np.zeros((10, 1), np.float32))
    untimed = np.arange(10) < 4
    found = builder.build(few.frame.assign(untimed=untimed), candidates).frame["user_seconds_since_item"]
    assert found.isna().tolist() == [True] * 4 + [False] * 5 + [True]


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


class TestSignals:
    def test_score_candidates_by_what_came_before_the_query(
        self,
        few: HeldOut,
        retrieved: Candidates,
        prepared: Prepared,
        builder: RowBuilder,
        signals: list[Signal],
    ) -> None:
        rows, pasts = builder.build(few.frame, retrieved), list_past(prepared, few.frame)
        is_known = rows.query < 9
        for signal in signals:
            expected = [
                signal.places[LENGTH - len(pasts[query]) :] @ signal.weights[pasts[query], item]
                for query, item in zip(rows.query[is_known], rows.item[is_known], strict=True)
            ]
            found = rows.frame[signal.name]
            np.testing.assert_allclose(found[is_known], expected, rtol=1e-4, atol=1e-6)
            assert np.std(expected) > 0.02 * np.abs(expected).max()
            assert found[~is_known].isna().all()  # nothing is known of the last user
        assert (~is_known).sum() == 25

    def test_without_any_there_are_no_such_columns(
        self, rows: RankingRows, queries: pd.DataFrame, prepared: Prepared, signals: list[Signal]
    ) -> None:
        plain = build_row_builder(prepared.tables, prepared.builder, [], make_ranker())
        frame = plain.build(queries, CANDIDATES).frame
        pd.testing.assert_frame_equal(frame, rows.frame.drop(columns=[signal.name for signal in signals]))
        assert [spec.name for spec in plain.specs] == list(frame.columns)


class TestVectors:
    def test_are_carried_where_the_ranker_reads_embeddings(
        self, rows: RankingRows, queries: pd.DataFrame, prepared: Prepared, signals: list[Signal]
    ) -> None:
        config = make_ranker(embeddings=True)
        reading = build_row_builder(prepared.tables, prepared.builder, signals, config)
        built = reading.build(queries, CANDIDATES)
        assert set(built.vectors) == {"text_embedding"}
        np.testing.assert_array_equal(
            built.vectors["text_embedding"], prepared.tables.item_vectors["text_embedding"]
        )
        assert built.take(np.array([1])).vectors is built.vectors
        pd.testing.assert_frame_equal(built.frame, rows.frame)

    def test_are_left_out_where_it_does_not(self, rows: RankingRows) -> None:
        assert rows.vectors == {}


def test_take_keeps_rows_together(rows: RankingRows) -> None:
    taken = rows.take(np.array([1, 4]))
    assert taken.query.tolist() == [0, 1]
    assert taken.item.tolist() == [20, 7]
    pd.testing.assert_frame_equal(taken.frame, rows.frame.iloc[[1, 4]].reset_index(drop=True))


def test_blocks_of_queries_do_not_matter(
    rows: RankingRows, queries: pd.DataFrame, builder: RowBuilder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_rows, "_QUERIES_AT_ONCE", 2)
    pd.testing.assert_frame_equal(builder.build(queries, CANDIDATES).frame, rows.frame, check_exact=True)


def test_rows_of_a_query_alone_are_its_rows_among_many_to_the_last_bit(
    few: HeldOut, retrieved: Candidates, builder: RowBuilder
) -> None:
    together = builder.build(few.frame, retrieved)
    for query in (0, 4, 9):
        one = slice(query, query + 1)
        alone = builder.build(few.frame.iloc[one], Candidates(retrieved.items[one], retrieved.scores[one]))
        among = together.take(np.flatnonzero(together.query == query))
        pd.testing.assert_frame_equal(alone.frame, among.frame, check_exact=True)
        np.testing.assert_array_equal(alone.item, among.item)


def test_no_queries_make_no_rows(rows: RankingRows, queries: pd.DataFrame, builder: RowBuilder) -> None:
    nothing = builder.build(queries.iloc[:0], Candidates(*(part[:0] for part in vars(CANDIDATES).values())))
    assert list(nothing.frame.columns) == list(rows.frame.columns)
    assert len(nothing.frame) == len(nothing.query) == len(nothing.item) == 0
