"""MovieLens films: titles taken apart, and the texts and posters a folder may hold beside them."""

import logging
import re
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.schema import complain
from feature_pipeline.sources.movielens_files import check_columns, read_quoted_csv
from feature_pipeline.sources.raw import RawTable

TEXT_FILES = ("items_text.csv", "movies_text.csv")
POSTER_FOLDER = "posters"

_TEXT_COLUMNS = ("plot", "director", "actors", "year")
# OMDb, where many of these texts come from, writes N/A for what it does not know.
_NO_TEXT = ("", "N/A")
_NO_GENRE = ("unknown", "(no genres listed)")

# "(1995)", "(2006-2007)", "(2009- )", with hyphen or en dash, and the "(V)" of films made for video.
_YEAR_SUFFIX = re.compile(r"\s*\((\d{4})\s*(?:[-\u2013]\s*\d{0,4}\s*)?\)\s*(?:\(V\))?\s*$")
_ARTICLES = (
    "The|An|A|Les|Le|La|L'|Une|Un|Das|Der|Die|Eine|Ein|El|Los|Las|Una|"
    "Il|Lo|Gli|I|Os|O|As|Uma|Um|De|Den|Det|Het"
)
# An article after a comma, at the end of the title or of one of its bracketed parts.
_TRAILING_ARTICLE = re.compile(rf"([^()\s][^()]*), ({_ARTICLES})(?=\s*(?:[()]|$))")

_log = logging.getLogger(__name__)


def build_items(root: Path, movies: RawTable) -> RawTable:
    """Builds the item table from the films of any MovieLens format, with texts and posters where they exist.

    Args:
        root: folder of the data set; may hold `items_text.csv` or `movies_text.csv`, and `posters/<id>.jpg`.
        movies: columns `item_id`, `title` as printed ("Matrix, The (1999)") and `genres` joined with `|`.

    Returns:
        The rows of `movies` in their order, columns item_id, title, genres, plot, director, actors and
        poster (path relative to `root`), all `str` and missing where unknown, and year, float64.

    Raises:
        SchemaError: if the file of texts is malformed; the message names the line and the remedy.
    """
    films = movies.frame
    texts = _read_texts(root).reindex(films["item_id"]).set_axis(films.index)
    frame = pd.DataFrame(
        {
            "item_id": films["item_id"],
            "title": films["title"].map(parse_title, na_action="ignore").astype("str"),
            "year": films["title"].map(parse_year, na_action="ignore").astype("float64"),
            "genres": films["genres"].map(_known_genres, na_action="ignore").astype("str").fillna(""),
            **{column: texts[column] for column in ("plot", "director", "actors")},
            "poster": _find_posters(root, films["item_id"]),
        }
    )
    frame["year"] = frame["year"].fillna(pd.to_numeric(texts["year"], errors="coerce"))
    return RawTable(frame, movies.file)


def parse_title(printed: str) -> str:
    """Gives a title as it is spoken: no year, the article in front ("Matrix, The (1999)" -> "The Matrix")."""
    return _TRAILING_ARTICLE.sub(_article_first, _YEAR_SUFFIX.sub("", printed.strip()))


def parse_year(printed: str) -> float:
    """Gives the year at the end of a printed title, the first of a range; NaN where there is none."""
    suffix = _YEAR_SUFFIX.search(printed)
    return float(suffix[1]) if suffix else np.nan


def _article_first(match: re.Match[str]) -> str:
    title, article = match.groups()
    return article + title if article.endswith("'") else f"{article} {title}"


def _known_genres(genres: str) -> str:
    return "|".join(genre for genre in genres.split("|") if genre not in _NO_GENRE)


def _read_texts(root: Path) -> pd.DataFrame:
    """Reads the first file of texts there is: index item_id, unique; columns plot, director, actors, year."""
    path = next((root / name for name in TEXT_FILES if (root / name).is_file()), None)
    if path is None:
        return pd.DataFrame(columns=list(_TEXT_COLUMNS), index=pd.Index([], dtype="str"), dtype="str")
    table = read_quoted_csv(path)
    check_columns(table, ["movie_id"])
    texts = table.frame if "plot" in table.frame else table.frame.rename(columns={"overview": "plot"})
    if "plot" not in texts:
        remedy = "name the column of texts plot, or move the file out of the folder"
        raise complain(str(path), "line 1", "a column plot or overview", ", ".join(texts.columns), remedy)
    texts = texts.set_index("movie_id").reindex(columns=list(_TEXT_COLUMNS)).astype("str")
    texts = texts.apply(lambda column: column.str.strip())
    return _first_of_each(path, texts.mask(texts.isin(_NO_TEXT)))


def _first_of_each(path: Path, texts: pd.DataFrame) -> pd.DataFrame:
    repeated = texts.index.duplicated()
    if repeated.any():
        _log.warning("%s: %d rows repeat a movie_id; the first row of each is used.", path, repeated.sum())
    return texts[~repeated]


def _find_posters(root: Path, item_ids: pd.Series) -> pd.Series:
    folder = root / POSTER_FOLDER
    present = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    files = item_ids + ".jpg"
    return (POSTER_FOLDER + "/" + files).where(files.isin(present))
