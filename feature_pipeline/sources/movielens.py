"""Reader of the MovieLens data sets (Harper and Konstan 2015): finds the format and reads its tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_pipeline.schema import complain
from feature_pipeline.sources import movielens_1m, movielens_100k, movielens_latest
from feature_pipeline.sources.raw import RawTables

_LISTED_FILES = 20


@dataclass(frozen=True)
class _Format:
    """A MovieLens format: the files it needs, one of each tuple, and who reads them."""

    name: str
    files: tuple[tuple[str, ...], ...]
    read: Callable[[Path], RawTables]

    def absent(self, found: Sequence[str]) -> list[str]:
        return [" or ".join(names) for names in self.files if not set(names) & set(found)]

    def describe(self) -> str:
        return f"{self.name} with {', '.join(' or '.join(names) for names in self.files)}"


_FORMATS = (
    _Format("MovieLens-100K", (("u.data",), ("u.user",), ("u.item",), ("u.genre",)), movielens_100k.read),
    _Format(
        "MovieLens-1M",
        (movielens_1m.RATING_FILES, ("users.dat",), ("movies.dat",)),
        movielens_1m.read,
    ),
    _Format("MovieLens latest-small", (("ratings.csv",), ("movies.csv",)), movielens_latest.read),
)


def read(root: Path) -> RawTables:
    """Reads the users, films and ratings of a MovieLens folder: 100K, 1M or latest-small.

    Texts come from `items_text.csv` or `movies_text.csv` (movie_id, plot or overview, director, actors)
    and posters from `posters/<id>.jpg`, where the folder has them. Rows keep the order of their file and
    none is dropped; the index is the line in the file.

    Args:
        root: the unpacked folder.

    Returns:
        The same columns for every format; text is `str`, missing where unknown.
        users: user_id, age (float64, years), gender ("female", "male"), occupation.
        items: item_id, title ("The Matrix"), year (float64), genres (joined with `|`, empty where none is
        listed), plot, director, actors, poster (path relative to `root`).
        interactions: user_id, item_id, rating (float64), timestamp (int64, unix seconds; float64 with NaN
        if the file holds something that is not a number).

    Raises:
        SchemaError: if the folder holds no MovieLens format, or a file of its format is absent or
            malformed; the message names file and line, what was expected and found, and the remedy.
    """
    if not root.is_dir():
        raise complain(str(root), "root", "the folder of a MovieLens data set", "no folder", "check the path")
    found = sorted(entry.name for entry in root.iterdir())
    layout = _detect_format(root, found)
    if absent := layout.absent(found):
        missing = f"{' and '.join(absent)} missing"
        remedy = "copy the missing files into the folder"
        raise complain(str(root), missing, layout.describe(), _listing(found), remedy)
    return layout.read(root)


def _detect_format(root: Path, found: Sequence[str]) -> _Format:
    """Takes the format that lacks the fewest files: 1M and latest-small may both have a ratings.csv."""
    begun = [layout for layout in _FORMATS if len(layout.absent(found)) < len(layout.files)]
    if not begun:
        formats = "; ".join(layout.describe() for layout in _FORMATS)
        expected = f"a MovieLens data set ({formats})"
        raise complain(
            str(root), "files", expected, _listing(found), "point root at the folder that holds them"
        )
    return min(begun, key=lambda layout: len(layout.absent(found)))


def _listing(names: Sequence[str]) -> str:
    if not names:
        return "an empty folder"
    more = len(names) - _LISTED_FILES
    return ", ".join(names[:_LISTED_FILES]) + (f" and {more} more" if more > 0 else "")
