"""Training and serving agree: the same query yields the same ranking rows, to the last column."""

import numpy as np
import pandas as pd

from inference import recommender as serving


def test_ranking_rows_of_test_queries_are_served_again(trained, recommender, monkeypatch):
    queries, expected = trained.rows[-1]
    assert len(queries) >= 20
    served = []
    build = serving.build_ranking_rows

    def build_and_note(*arguments):
        served.append(build(*arguments))
        return served[-1]

    monkeypatch.setattr(serving, "build_ranking_rows", build_and_note)
    for place, query in enumerate(queries.to_dict("records")):
        context = {"device": query["device"][0]}
        recommender.recommend([query["user_id"]], 10, as_of=query["as_of"].to_pydatetime(), context=context)
        rows = expected.take(np.flatnonzero(expected.query == place))
        assert served[-1].item.tolist() == rows.item.tolist()
        pd.testing.assert_frame_equal(served[-1].frame, rows.frame, rtol=1e-5, atol=1e-5)
    assert sum(len(rows.query) for rows in served) == len(expected.query)


def test_scores_are_served_again(trained, recommender):
    """A batch of held-out queries scored by the ranker in training equals what a user is shown."""
    queries, expected = trained.rows[-1]
    scores = trained.bundle.ranker.score(expected)
    item_ids = trained.bundle.tables.items["item_id"].to_numpy()
    for place, query in enumerate(queries.to_dict("records")[:5]):
        own = expected.query == place
        found = recommender.recommend(
            [query["user_id"]],
            15,
            as_of=query["as_of"].to_pydatetime(),
            context={"device": query["device"][0]},
        )
        in_training = pd.Series(scores[own], item_ids[expected.item[own]])
        np.testing.assert_allclose(
            found["ranking_score"], in_training[found["item_id"]], rtol=1e-5, atol=1e-5
        )
