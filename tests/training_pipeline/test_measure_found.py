"""What towers retrieve is measured whole, and again with something hidden from them."""

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.point_in_time import forget_moments
from tests.oracles import exact_ranks, exact_top_k
from tests.training_pipeline.invented import make_model, make_ranker
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.measure import Measurement, measure, measure_masked, measure_untimed
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.masked import hide_content, hide_history
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieved import Retrieved, embed, retrieve, to_arrays


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> TwoTowerModel:
    return make_model(prepared)


@pytest.fixture(scope="module")
def found(prepared: Prepared, model: TwoTowerModel) -> Retrieved:
    return retrieve(prepared, model, "test", make_ranker())


@pytest.fixture(scope="module")
def untimed(prepared: Prepared, model: TwoTowerModel) -> Retrieved:
    return retrieve(prepared, model, "test", make_ranker(), untimed=True)


@pytest.fixture(scope="module")
def masked(found: Retrieved, model: TwoTowerModel) -> Measurement:
    return measure_masked(found, model, seed=0)


def rank(queries: np.ndarray, items: np.ndarray, held_out: HeldOut) -> np.ndarray:
    return exact_ranks(queries @ items.T, held_out.relevant.toarray(), held_out.seen.toarray())


class TestRetrieve:
    def test_candidates_are_the_nearest_items_not_seen(self, found: Retrieved) -> None:
        scores = found.query_embeddings @ found.item_embeddings.T
        items, _ = exact_top_k(scores, found.held_out.seen.toarray(), 10)
        np.testing.assert_array_equal(found.candidates.items, items)

    def test_rows_are_those_of_the_candidates(self, found: Retrieved) -> None:
        there = found.candidates.items >= 0
        np.testing.assert_array_equal(found.rows.item, found.candidates.items[there])
        np.testing.assert_array_equal(found.rows.frame["retrieval_score"], found.candidates.scores[there])
        assert {"pair_ease", "pair_slit"} < set(found.rows.frame)
        assert found.rows.vectors == {}

    def test_chosen_are_the_candidates_that_the_user_then_chose(self, found: Retrieved) -> None:
        relevant = found.held_out.relevant.toarray()
        for query, items in enumerate(found.candidates.items):
            expected = [bool(item >= 0 and relevant[query, item]) for item in items]
            assert found.chosen[query].tolist() == expected
        assert 0 < found.chosen.sum() < found.chosen.size

    def test_where_fewer_items_are_left_nothing_padded_is_chosen(
        self, prepared: Prepared, model: TwoTowerModel
    ) -> None:
        every = retrieve(prepared, model, "test", make_ranker(candidates=45))
        assert (every.candidates.items[:, -5:] == -1).all()
        assert not every.chosen[every.candidates.items < 0].any()
        assert every.chosen.sum() == every.held_out.relevant.nnz

    def test_rows_carry_embeddings_where_the_ranker_reads_them(
        self, prepared: Prepared, model: TwoTowerModel, found: Retrieved
    ) -> None:
        reading = retrieve(prepared, model, "test", make_ranker(embeddings=True))
        assert reading.rows.vectors == prepared.tables.item_vectors
        assert found.rows.vectors == {}

    def test_validation_asks_other_queries(self, prepared: Prepared, model: TwoTowerModel) -> None:
        rehearsal = retrieve(prepared, model, "validation", make_ranker())
        assert rehearsal.held_out.split == "validation"
        assert len(rehearsal.query_embeddings) == len(prepared.build_held_out("validation").frame)


class TestRetrieveUntimed:
    def test_the_same_is_wanted_and_seen_in_the_instant_of_the_event_before(
        self, found: Retrieved, untimed: Retrieved
    ) -> None:
        shown, hidden = found.held_out, untimed.held_out
        assert (hidden.relevant != shown.relevant).nnz == (hidden.seen != shown.seen).nnz == 0
        expected = forget_moments(shown.frame, found.prepared.tables.interactions)
        pd.testing.assert_frame_equal(hidden.frame, expected)
        moved = hidden.frame["untimed"].to_numpy()
        assert moved.tolist() == (shown.past > 0).tolist()
        assert (hidden.frame["as_of"] < shown.frame["as_of"]).tolist() == moved.tolist()

    def test_both_models_are_told(self, found: Retrieved, untimed: Retrieved) -> None:
        moved = untimed.held_out.frame["untimed"].to_numpy()
        assert moved.any()
        assert untimed.examples.untimed[:, 0].tolist() == moved.tolist()
        np.testing.assert_array_equal(untimed.examples.history, found.examples.history)
        seconds = untimed.rows.frame["user_seconds_since_item"]
        assert seconds.isna().tolist() == [True] * len(seconds)
        assert not found.rows.frame["user_seconds_since_item"].isna().all()


class TestMeasureUntimed:
    def test_measures_both_models_as_they_are_without_the_moment(self, untimed: Retrieved) -> None:
        measured = measure_untimed(untimed, untimed.chosen.astype(np.float32), seed=0)
        assert list(measured.ranks) == ["two towers, moment hidden", "catboost, moment hidden"]
        expected = rank(untimed.query_embeddings, untimed.item_embeddings, untimed.held_out)
        np.testing.assert_array_equal(measured.ranks["two towers, moment hidden"], expected)
        # What was chosen comes first, and one of several by chance.
        chosen = untimed.held_out.relevant.astype(int).sum(axis=1)
        query = np.repeat(np.arange(len(chosen)), chosen)
        hit = expected < 10
        assert (measured.ranks["catboost, moment hidden"][hit] < chosen[query[hit]]).all()


class TestMeasure:
    def test_measures_baselines_retrieval_and_ranking(self, found: Retrieved) -> None:
        scores = np.where(found.candidates.items >= 0, found.candidates.scores, -np.inf)
        measured = measure(found, scores, seed=0)
        models = list(dict.fromkeys((row.stage, row.model) for row in measured.rows))
        assert {stage for stage, _ in models[:-2]} == {"baseline"}
        assert models[-2:] == [("retrieval", "two towers"), ("ranking", "catboost")]
        assert list(measured.ranks) == list(measured.headline) == [model for _, model in models]
        assert {row.split for row in measured.rows} == {"test"}
        expected = rank(found.query_embeddings, found.item_embeddings, found.held_out)
        np.testing.assert_array_equal(measured.ranks["two towers"], expected)
        # The retriever's own scores leave its order as it is.
        np.testing.assert_array_equal(measured.ranks["catboost"], expected)
        assert measured.find_gain().value == 0

    def test_a_ranker_that_turns_the_order_around_changes_it(self, found: Retrieved) -> None:
        measured = Measurement(found.prepared, found.held_out, seed=0)
        measured.add_retrieval(found.query_embeddings, found.item_embeddings)
        measured.add_ranking(found.candidates, found.chosen.astype(np.float32))
        chosen = found.held_out.relevant.astype(int).sum(axis=1)
        query = np.repeat(np.arange(len(chosen)), chosen)
        hit = measured.ranks["two towers"] < 10
        assert (measured.ranks["catboost"][hit] < chosen[query[hit]]).all()
        assert measured.find_gain().value > 0


class TestMasked:
    def test_history_and_each_kind_of_content_are_hidden(self, masked: Measurement) -> None:
        assert list(masked.headline) == [
            "two towers, history hidden",
            "two towers, text hidden",
            "two towers, content hidden",
        ]
        assert {row.stage for row in masked.rows} == {"retrieval"}
        ranks = list(masked.ranks.values())
        assert all(not np.array_equal(ranks[0], other) for other in ranks[1:])

    def test_without_history_users_are_as_new_ones(
        self, masked: Measurement, found: Retrieved, model: TwoTowerModel
    ) -> None:
        queries = embed(model, hide_history(found.prepared, found.held_out), found.item_embeddings)
        expected = rank(queries, found.item_embeddings, found.held_out)
        np.testing.assert_array_equal(masked.ranks["two towers, history hidden"], expected)

    def test_content_is_hidden_from_candidates_and_histories_alike(
        self, masked: Measurement, found: Retrieved, model: TwoTowerModel
    ) -> None:
        items = model.embed_items(hide_content(to_arrays(model.items))).numpy()
        queries = embed(model, found.examples, items)
        expected = rank(queries, items, found.held_out)
        np.testing.assert_array_equal(masked.ranks["two towers, content hidden"], expected)
        half_hidden = rank(found.query_embeddings, items, found.held_out)
        assert not np.array_equal(half_hidden, expected)
