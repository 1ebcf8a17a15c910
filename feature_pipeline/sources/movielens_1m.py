"""MovieLens-1M as GroupLens packs it: `users.dat`, `movies.dat`, and the ratings as `.dat` or CSV."""

from pathlib import Path

from feature_pipeline.sources.movielens_files import read_delimited
from feature_pipeline.sources.movielens_items import build_items
from feature_pipeline.sources.movielens_ratings import read_ratings, read_ratings_csv
from feature_pipeline.sources.movielens_users import build_users
from feature_pipeline.sources.raw import RawTable, RawTables

# The fullest file first: where several are present, the first is read.
RATING_FILES = ("ratings.dat", "ratings.csv", "ratings_positive.csv")

# The occupation codes in order, as the data set's README lists them.
_OCCUPATIONS = (
    "other",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)


def read(root: Path) -> RawTables:
    """Reads a folder that holds MovieLens-1M.

    The age of a user is the youngest of the bracket: 18, 25, 35, 45, 50, 56, and 1 for all under 18.

    Returns:
        The three tables with the columns that `movielens.read` documents.

    Raises:
        SchemaError: if a line has the wrong number of fields; repair or delete it.
    """
    return RawTables(
        users=build_users(_read_users(root / "users.dat")),
        items=build_items(root, read_delimited(root / "movies.dat", "::", ("item_id", "title", "genres"))),
        interactions=_read_ratings(root),
    )


def _read_users(path: Path) -> RawTable:
    table = read_delimited(path, "::", ("user_id", "gender", "age", "occupation", "zip_code"))
    codes = table.frame["occupation"]
    names = {str(code): name for code, name in enumerate(_OCCUPATIONS)}
    # A code that the README does not list stays as it is, a category of its own.
    return RawTable(table.frame.assign(occupation=codes.map(names).fillna(codes)), table.file)


def _read_ratings(root: Path) -> RawTable:
    path = next(root / name for name in RATING_FILES if (root / name).is_file())
    return read_ratings(path, "::") if path.suffix == ".dat" else read_ratings_csv(path)
