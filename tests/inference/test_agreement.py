"""Training and serving agree: the same query yields the same ranking rows, to the last column."""

import numpy as np
import pandas as pd
import pytest

from training_pipeline.ranking.rows import RowBuilder


def serve(recommender, query, k=25):
    """What a user is shown at the moment of a test query."""
    moment, context = query["as_of"].to_pydatetime(), {"device": query["device"][0]}
    return recommender.recommend([query["user_id"]], k, as_of=moment, context=context)


@pytest.fixture(scope="module")
def queries(trained):
    """The test queries, of which `trained.offline` tells everything at once."""
    queries = trained.offline.held_out.frame.to_dict("records")
    assert len(queries) >= 20
    return queries


def test_ranking_rows_of_test_queries_are_served_again(trained, recommender, queries, monkeypatch):
    expected = trained.offline.rows
    served = []
    build = RowBuilder.build

    def build_and_note(*arguments):
        served.append(build(*arguments))
        return served[-1]

    monkeypatch.setattr(RowBuilder, "build", build_and_note)
    for place, query in enumerate(queries):
        serve(recommender, query)
        rows = expected.take(np.flatnonzero(expected.query == place))
        assert served[-1].item.tolist() == rows.item.tolist()
        pd.testing.assert_frame_equal(served[-1].frame, rows.frame, rtol=1e-5, atol=1e-5)
    assert sum(len(rows.query) for rows in served) == len(expected.query)
    assert {"pair_ease", "pair_slit"} <= set(expected.frame)


def test_scores_and_chances_are_served_again(trained, recommender, queries):
    """A batch of held-out queries scored and calibrated as training does equals what a user is shown."""
    offline, bundle = trained.offline, trained.bundle
    items = offline.candidates.items
    scores = bundle.ranker.score_candidates(offline.rows, items)
    chances = bundle.calibration.apply(scores)
    item_ids = bundle.tables.items["item_id"].to_numpy()
    for place, query in enumerate(queries[:5]):
        found = serve(recommender, query)
        own = items[place] >= 0
        assert len(found) == own.sum() == 25
        for column, in_training in (("ranking_score", scores), ("chance", chances)):
            expected = pd.Series(in_training[place][own], item_ids[items[place][own]])
            np.testing.assert_allclose(found[column], expected[found["item_id"]], rtol=1e-5, atol=1e-5)
    assert (chances > 0.01).any()
