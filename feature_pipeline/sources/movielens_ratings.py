"""MovieLens ratings, under whichever names and separator a format writes them, as interactions."""

from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.sources.movielens_files import check_columns, read_delimited
from feature_pipeline.sources.raw import RawTable

_FIELDS = ("user_id", "item_id", "rating", "timestamp")
_HEADER = ("user_id", "movie_id", "rating", "timestamp")
_NUMBERS = ("rating", "timestamp")


def read_ratings(path: Path, separator: str) -> RawTable:
    """Reads a file of ratings without header, in the order user, item, rating, unix seconds.

    Returns:
        Columns user_id `str`, item_id `str`, rating float64, timestamp int64 in unix seconds; rows in
        file order. What is not a number is NaN, which makes the column of timestamps float64.

    Raises:
        SchemaError: if a line has not four fields; repair or delete it.
    """
    return _parse_numbers(read_delimited(path, separator, _FIELDS, numeric=_NUMBERS))


def read_ratings_csv(path: Path) -> RawTable:
    """Reads a CSV file of ratings whose header names user_id (or userId), movie_id, rating and timestamp.

    Returns:
        As `read_ratings`.

    Raises:
        SchemaError: if the header lacks a column, or a line has another number of fields than the header.
    """
    table = read_delimited(path, ",", numeric=_NUMBERS)
    check_columns(table, _HEADER)
    return _parse_numbers(RawTable(table.frame.rename(columns={"movie_id": "item_id"}), table.file))


def _parse_numbers(ratings: RawTable) -> RawTable:
    seconds = pd.to_numeric(ratings.frame["timestamp"], errors="coerce")
    frame = ratings.frame[["user_id", "item_id"]].assign(
        rating=pd.to_numeric(ratings.frame["rating"], errors="coerce").astype("float64"),
        timestamp=seconds.astype("int64" if np.isfinite(seconds).all() else "float64"),
    )
    return RawTable(frame, ratings.file)
