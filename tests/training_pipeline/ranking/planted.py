"""Ranking rows with a planted rule that the retrieval order does not know."""

import numpy as np
import pandas as pd

from training_pipeline.ranking.rows import RankingRows

NUM_CANDIDATES = 10


def make_rows(num_queries: int, seed: int, right: int = NUM_CANDIDATES - 1) -> tuple[RankingRows, np.ndarray]:
    """Queries whose chosen item is the one met `right` times, whatever place it was retrieved at.

    The candidates of each query were met from never to nine times; the usual rule chooses the one met most
    often. No other column says anything.

    Returns:
        The rows, and whether each was chosen [num_rows] bool.
    """
    rng = np.random.default_rng(seed)
    times_met = np.array([rng.permutation(NUM_CANDIDATES) for _ in range(num_queries)])
    place = np.tile(np.arange(NUM_CANDIDATES), num_queries)
    frame = pd.DataFrame(
        {
            "retrieval_score": (1 - place / NUM_CANDIDATES).astype(np.float32),
            "retrieval_rank": place.astype(np.float32),
            "pair_times_met": times_met.ravel().astype(np.float32),
            "age": np.where(place % 3, np.float32(np.nan), np.float32(40)),
            "shape": rng.choice(["round", "square", ""], len(place)),
        }
    )
    query = np.repeat(np.arange(num_queries), NUM_CANDIDATES)
    return to_rows(frame, query, place.astype(np.int32)), (times_met == right).ravel()


def to_rows(frame: pd.DataFrame, query: np.ndarray, item: np.ndarray) -> RankingRows:
    """A frame as ranking rows: numbers float32, categories objects."""
    columns = {
        name: values.to_numpy(np.float32 if pd.api.types.is_numeric_dtype(values) else object)
        for name, values in frame.items()
    }
    return RankingRows(columns, query, item)


def make_rows_with_vectors(num_queries: int, seed: int) -> tuple[RankingRows, np.ndarray]:
    """Queries that choose the one candidate whose embedding lies apart; its item is of no use to know.

    Of 400 items the first 100 lie apart. Even seeds draw from the first half of either kind, odd seeds from
    the second, so that rows of an odd seed hold no item that rows of an even one do.

    Returns:
        The rows, and whether each was chosen [num_rows] bool.
    """
    vectors = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    vectors[:100, 1] += 4
    rng = np.random.default_rng(seed)
    half = seed % 2
    items = [150 * half + 100 + rng.permutation(150)[:NUM_CANDIDATES] for _ in range(num_queries)]
    place = rng.integers(NUM_CANDIDATES, size=num_queries)
    items_of_query = np.array(items, np.int32)
    items_of_query[np.arange(num_queries), place] = 50 * half + rng.integers(50, size=num_queries)
    rank = np.tile(np.arange(NUM_CANDIDATES), num_queries).astype(np.float32)
    query = np.repeat(np.arange(num_queries), NUM_CANDIDATES)
    rows = RankingRows({"retrieval_rank": rank}, query, items_of_query.ravel(), {"item_embedding": vectors})
    return rows, items_of_query.ravel() < 100


def lay_out(num_queries: int) -> np.ndarray:
    """Candidates of so many queries, of which every one has the same [num_queries, NUM_CANDIDATES] int32."""
    return np.tile(np.arange(NUM_CANDIDATES, dtype=np.int32), (num_queries, 1))
