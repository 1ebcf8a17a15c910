"""Queries and candidates to compute features for, their values, and where two sets of values differ."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER
from feature_pipeline.schema import ITEM_ID, USER_ID

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Questions:
    """Queries with as many candidates each.

    Attributes:
        queries: `user_id, as_of, as_of_order`.
        candidates: item positions [num_queries, num_candidates] int.
        items: the items table.
    """

    queries: pd.DataFrame
    candidates: np.ndarray
    items: pd.DataFrame

    def select(self, rows: np.ndarray) -> "Questions":
        """The queries at some positions [num_rows] int, with their candidates."""
        return Questions(self.queries.iloc[rows], self.candidates[rows], self.items)

    def compute(self, builder: FeatureBuilder) -> "Answers":
        """Everything the builder computes for them."""
        of_queries = builder.compute_query_features(self.queries)
        vectors = builder.compute_query_vectors(self.queries)
        of_queries = of_queries.assign(**{name: _sign(values) for name, values in vectors.items()})
        # Without features of rows there is nothing to ask the engine.
        of_rows = pd.DataFrame(index=range(self.candidates.size))
        if builder.row_specs:
            of_rows = builder.compute_row_features(self.queries, self.candidates)
        return Answers(self, of_queries, of_rows)

    def describe_query(self, query: int) -> str:
        """A query for a person to look up."""
        asked = self.queries.iloc[query]
        return f"user {asked[USER_ID]!r} as of {asked[AS_OF]}"

    def describe_row(self, row: int) -> str:
        """A candidate of a query, counted query by query."""
        query, place = divmod(row, self.candidates.shape[1])
        item_id = self.items[ITEM_ID].iloc[self.candidates[query, place]]
        return f"{self.describe_query(query)}, item {item_id!r}"


@dataclass(frozen=True)
class Answers:
    """The values of features for questions.

    Attributes:
        questions: what was asked.
        of_queries: one row a query; an embedding is represented by one number.
        of_rows: one row a candidate, query by query.
    """

    questions: Questions
    of_queries: pd.DataFrame
    of_rows: pd.DataFrame

    def select(self, rows: np.ndarray) -> "Answers":
        """The answers to the queries at some positions [num_rows] int."""
        width = self.questions.candidates.shape[1]
        of_rows = (rows[:, None] * width + np.arange(width)).ravel()
        return Answers(self.questions.select(rows), self.of_queries.iloc[rows], self.of_rows.iloc[of_rows])

    def compare(self, others: "Answers", here: str, there: str) -> dict[str, str]:
        """Finds the columns whose values are not those of the other answers to the same questions.

        Args:
            others: the answers to compare with.
            here: what these values are, as "with all events".
            there: what the others are.

        Returns:
            Column -> an example.
        """
        differences = {}
        asked = self.questions
        pairs = (
            (self.of_queries, others.of_queries, asked.describe_query),
            (self.of_rows, others.of_rows, asked.describe_row),
        )
        for one, other, describe in pairs:
            for column, row in find_differences(one, other).items():
                values = f"{one[column].iloc[row]} {here}, {other[column].iloc[row]} {there}"
                differences[column] = f"{describe(row)}: {values}"
        return differences


def find_differences(one: pd.DataFrame, other: pd.DataFrame) -> Mapping[str, int]:
    """Finds columns with different values: column -> position of the first row that differs.

    Whole numbers must be equal and others agree to 1e-9; missing equals missing.
    """
    first = {}
    for column in one.columns:
        different = ~_are_equal(one[column], other[column])
        if different.any():
            first[str(column)] = int(different.argmax())
    return first


def _are_equal(one: pd.Series, other: pd.Series) -> np.ndarray:
    left, right = (values.to_numpy("float64", na_value=np.nan) for values in (one, other))
    are_close = np.isclose(left, right, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True)
    are_whole = (np.trunc(left) == left) & (np.trunc(right) == right)
    equal: np.ndarray = np.where(are_whole, left == right, are_close)
    return equal


def _sign(vectors: np.ndarray) -> np.ndarray:
    """One number for each vector [num_queries] float64, which changes when any of its values does."""
    weights = np.random.default_rng(0).normal(size=vectors.shape[1])
    signed: np.ndarray = (vectors.astype("float64") * weights).sum(axis=1)
    return signed


def build_queries_frame(users: pd.Series, as_of: pd.Series, order: int | pd.Series) -> pd.DataFrame:
    """`user_id, as_of, as_of_order`, one row a query."""
    columns = {USER_ID: users.array, AS_OF: as_of.to_numpy(), AS_OF_ORDER: order}
    return pd.DataFrame(columns).astype({AS_OF: "datetime64[us]", AS_OF_ORDER: "int64"})
