"""MovieLens latest-small and its larger sisters (20M, 25M, 32M): `ratings.csv` and `movies.csv`."""

from pathlib import Path

from feature_pipeline.sources.movielens_files import check_columns, read_quoted_csv
from feature_pipeline.sources.movielens_items import build_items
from feature_pipeline.sources.movielens_ratings import read_ratings_csv
from feature_pipeline.sources.movielens_users import build_users
from feature_pipeline.sources.raw import RawTable, RawTables


def read(root: Path) -> RawTables:
    """Reads a folder that holds MovieLens latest-small.

    Nothing is published about its users: they are the users of the ratings, each at the line of the
    first rating, and all that is known of them is the id.

    Returns:
        The three tables with the columns that `movielens.read` documents.

    Raises:
        SchemaError: if a header lacks a column or a line has the wrong number of fields.
    """
    interactions = read_ratings_csv(root / "ratings.csv")
    users = RawTable(interactions.frame[["user_id"]].drop_duplicates(), interactions.file)
    return RawTables(
        users=build_users(users),
        items=build_items(root, _read_movies(root / "movies.csv")),
        interactions=interactions,
    )


def _read_movies(path: Path) -> RawTable:
    table = read_quoted_csv(path)
    check_columns(table, ("movie_id", "title", "genres"))
    return RawTable(table.frame.rename(columns={"movie_id": "item_id"}), table.file)
