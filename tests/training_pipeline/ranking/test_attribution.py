"""Shapley values of oblivious trees: by hand, by going through every order of columns, and adding up."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoost, Pool

from training_pipeline.ranking.attribution import _share_out, _weigh_coalitions, build_attribution


def test_one_question_is_worth_what_its_answer_tells():
    """Of four rows one is in leaf 0 (value 1) and three in leaf 1 (value 5): the mean is 4."""
    shares = _share_out(np.array([1.0, 5.0]), np.array([1.0, 3.0]), [1])
    np.testing.assert_allclose(shares, [[-3, 1]])


def test_two_columns_by_hand():
    """Leaves 0 to 3 with values 0, 0, 0, 8 and one row each: both answers are needed, and share alike.

    Of leaf 3 the mean is 2; knowing one column 4, both 8: each adds ((4 - 2) + (8 - 4)) / 2 = 3. Of leaf 1
    knowing the first (it is 1) is worth 4, the second 0, both 0: they add ((4 - 2) + (0 - 0)) / 2 and
    ((0 - 2) + (0 - 4)) / 2.
    """
    shares = _share_out(np.array([0.0, 0, 0, 8]), np.ones(4), [1, 2])
    np.testing.assert_allclose(shares[:, 3], [3, 3])
    np.testing.assert_allclose(shares[:, 1], [1, -3])


def test_two_questions_about_one_column_are_one():
    values, weights = np.array([1.0, 2, 3, 6]), np.array([1.0, 1, 1, 1])
    np.testing.assert_allclose(_share_out(values, weights, [0b11]), [values - 3])


@pytest.mark.parametrize("num_players", [1, 2, 3, 4])
def test_weights_are_those_of_all_orders(num_players: int):
    worth = np.random.default_rng(num_players).normal(size=1 << num_players)
    expected = np.zeros(num_players)
    orders = list(permutations(range(num_players)))
    for order in orders:
        known = 0
        for player in order:
            expected[player] += (worth[known | 1 << player] - worth[known]) / len(orders)
            known |= 1 << player
    np.testing.assert_allclose(_weigh_coalitions(num_players) @ worth, expected)


def make_frame(num_rows: int) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "one": rng.normal(size=num_rows).astype(np.float32),
            "colour": rng.choice([f"shade {n}" for n in range(30)], num_rows),
            "two": np.where(rng.random(num_rows) < 0.2, np.nan, rng.normal(size=num_rows)).astype(np.float32),
            "two_valued": rng.choice(["yes", "no"], num_rows),
            "nothing": np.zeros(num_rows, np.float32),
        }
    )
    told = frame["one"] + frame["two"].fillna(3) * (frame["two_valued"] == "yes")
    return frame, (told + frame["colour"].str.len() > 9).to_numpy().astype(np.float32)


@pytest.mark.parametrize("loss", ["Logloss", "QuerySoftMax", "RMSE"])
def test_explanations_add_up_to_the_score_and_agree_with_catboost(loss: str):
    frame, label = make_frame(400)
    pool = Pool(frame, label, cat_features=["colour", "two_valued"], group_id=np.arange(400) // 10)
    settings = {"iterations": 40, "depth": 4, "max_ctr_complexity": 1, "random_seed": 0, "verbose": False}
    model = CatBoost({"loss_function": loss, "allow_writing_files": False, **settings}).fit(pool)
    attribution = build_attribution(model)
    explained = attribution.explain(model, pool, 5)
    assert explained.shape == (400, 5)
    rest = model.predict(pool) - explained.sum(axis=1)
    np.testing.assert_allclose(rest, rest.mean(), atol=1e-4)
    assert not explained[:, 4].any()
    theirs = model.get_feature_importance(pool, type="ShapValues")[:, :-1]
    assert np.corrcoef(theirs.ravel(), explained.ravel())[0, 1] > 0.9
    alone = attribution.explain(model, Pool(frame.iloc[[7]], cat_features=["colour", "two_valued"]), 5)
    np.testing.assert_array_equal(alone[0], explained[7])


def test_trees_that_differ_in_depth_and_a_tree_without_questions():
    frame, label = make_frame(60)
    pool = Pool(frame[["one"]], label)
    model = CatBoost(
        {"iterations": 3, "depth": 6, "min_data_in_leaf": 60, "verbose": False, "allow_writing_files": False}
    ).fit(pool)
    explained = build_attribution(model).explain(model, pool, 1)
    rest = model.predict(pool) - explained.sum(axis=1)
    np.testing.assert_allclose(rest, rest.mean(), atol=1e-5)
