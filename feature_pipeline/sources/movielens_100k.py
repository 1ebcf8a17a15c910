"""MovieLens-100K as GroupLens packs it: `u.data`, `u.user`, `u.item`, `u.genre`."""

from itertools import compress
from pathlib import Path

import pandas as pd

from feature_pipeline.sources.movielens_files import read_delimited
from feature_pipeline.sources.movielens_items import build_items
from feature_pipeline.sources.movielens_ratings import read_ratings
from feature_pipeline.sources.movielens_users import build_users
from feature_pipeline.sources.raw import RawTable, RawTables

_USER_FIELDS = ("user_id", "age", "gender", "occupation", "zip_code")
_ITEM_FIELDS = ("item_id", "title", "release_date", "video_release_date", "imdb_url")


def read(root: Path) -> RawTables:
    """Reads a folder that holds MovieLens-100K.

    Returns:
        The three tables with the columns that `movielens.read` documents.

    Raises:
        SchemaError: if a line has the wrong number of fields; `u.item` has five and one for each genre.
    """
    return RawTables(
        users=build_users(read_delimited(root / "u.user", "|", _USER_FIELDS)),
        items=build_items(root, _read_movies(root)),
        interactions=read_ratings(root / "u.data", "\t"),
    )


def _read_movies(root: Path) -> RawTable:
    genres = read_delimited(root / "u.genre", "|", ("name", "position")).frame["name"].tolist()
    table = read_delimited(root / "u.item", "|", (*_ITEM_FIELDS, *genres))
    flags = (table.frame[genres] == "1").to_numpy()
    joined = ["|".join(compress(genres, row)) for row in flags]
    movies = table.frame[["item_id", "title"]].assign(
        genres=pd.Series(joined, table.frame.index, dtype="str")
    )
    return RawTable(movies, table.file)
