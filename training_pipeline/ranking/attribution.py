"""What each column adds to a score, by tables made once: a request is explained in less than a millisecond.

In an oblivious tree all rows of a leaf have the same Shapley values, as each level asks one question of every
row. So they are computed once a leaf (Shapley 1953; Lundberg et al. 2020), and explaining a row is to look up
its leaf in each tree. The worth of knowing some columns is the mean of the leaves that agree with the row on
their questions, each weighed by the rows that it holds.
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
from catboost import CatBoost, Pool

# So that leaves without rows have a mean, too.
_LEAST_WEIGHT = 1e-6


@dataclass(frozen=True)
class Attribution:
    """Shapley values of every leaf.

    Attributes:
        columns: of the questions of each tree [num_trees, most_columns] int64, -1 pads.
        values: what knowing the column adds in each leaf [num_trees, most_leaves, most_columns] float32.
    """

    columns: np.ndarray
    values: np.ndarray

    def explain(self, model: CatBoost, pool: Pool, num_columns: int) -> np.ndarray:
        """What each column adds to each row's score [num_rows, num_columns] float32.

        Together with the mean score of all rows learned from they add up to the score.

        Args:
            model: as the tables were made of.
            pool: the rows.
            num_columns: of the rows.
        """
        leaves = np.asarray(model.calc_leaf_indexes(pool, thread_count=1), np.int64)
        num_rows, num_trees = leaves.shape
        values = self.values[np.arange(num_trees), leaves]
        # What is padded goes into one column more.
        columns = np.where(self.columns >= 0, self.columns, num_columns)
        place = np.arange(num_rows)[:, None, None] * (num_columns + 1) + columns
        added = np.bincount(place.ravel(), values.ravel(), num_rows * (num_columns + 1))
        explained: np.ndarray = added.reshape(num_rows, -1)[:, :num_columns].astype(np.float32)
        return explained


def build_attribution(model: CatBoost) -> Attribution:
    """Computes the Shapley values of every leaf of a model."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model.json"
        model.save_model(str(place), format="json")
        content = json.loads(place.read_text())
    asked = _list_questions(content["features_info"])
    trees = [_read_tree(tree, asked) for tree in content["oblivious_trees"]]
    most_columns = max(len(set(columns)) for columns, _, _ in trees)
    most_leaves = max(len(values) for _, values, _ in trees)
    named = np.full((len(trees), most_columns), -1)
    added = np.zeros((len(trees), most_leaves, most_columns), np.float32)
    scale = content["scale_and_bias"][0]
    for tree, (columns, values, weights) in enumerate(trees):
        distinct = sorted(set(columns))
        named[tree, : len(distinct)] = distinct
        questions = [sum(1 << level for level, c in enumerate(columns) if c == name) for name in distinct]
        added[tree, : len(values), : len(distinct)] = scale * _share_out(values, weights, questions).T
    return Attribution(named, added)


def _list_questions(features: Mapping[str, Any]) -> list[int]:
    """The column that each question of the model is about, in the order in which trees count them."""
    categories = features.get("categorical_features", [])
    columns = []
    for number in features.get("float_features", []):
        columns += [number["flat_feature_index"]] * len(number["borders"])
    for category in categories:
        columns += [category["flat_feature_index"]] * len(category.get("values", []))
    for statistic in features.get("ctrs", []):
        # Of one category alone, as the settings forbid combinations.
        category = categories[statistic["elements"][0]["cat_feature_index"]]
        columns += [category["flat_feature_index"]] * len(statistic["borders"])
    return columns


def _read_tree(tree: Mapping[str, Any], asked: Sequence[int]) -> tuple[list[int], np.ndarray, np.ndarray]:
    """The column of each level's question, and value and weight of each leaf."""
    columns = [asked[split["split_index"]] for split in tree["splits"]]
    return columns, np.array(tree["leaf_values"]), np.array(tree["leaf_weights"], float) + _LEAST_WEIGHT


def _share_out(values: np.ndarray, weights: np.ndarray, questions: Sequence[int]) -> np.ndarray:
    """Shapley values of each column in each leaf [num_columns, num_leaves] float64.

    Args:
        values: of the leaves [num_leaves] float64.
        weights: how many rows each holds [num_leaves] float64.
        questions: which levels ask for each column, as bits of a leaf's number.
    """
    leaves = np.arange(len(values))
    worth = []
    for coalition in range(1 << len(questions)):
        known = sum(bits for place, bits in enumerate(questions) if coalition >> place & 1)
        group = leaves & known
        total = np.bincount(group, weights * values, len(values))
        worth.append((total / np.bincount(group, weights, len(values)).clip(_LEAST_WEIGHT))[group])
    shares: np.ndarray = _weigh_coalitions(len(questions)) @ np.stack(worth)
    return shares


@cache
def _weigh_coalitions(num_players: int) -> np.ndarray:
    """From what coalitions are worth to the players' Shapley values [num_players, 2^num_players]."""
    weights = np.zeros((num_players, 1 << num_players))
    for player in range(num_players):
        others = [other for other in range(num_players) if other != player]
        for size in range(num_players):
            weight = factorial(size) * factorial(num_players - size - 1) / factorial(num_players)
            for coalition in combinations(others, size):
                without = sum(1 << other for other in coalition)
                weights[player, without] -= weight
                weights[player, without | 1 << player] += weight
    return weights
