"""Reader of the Amazon review data of 2014 and 2018 (McAuley et al. 2015; Ni, Li and McAuley 2019)."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from feature_pipeline.schema import complain
from feature_pipeline.sources.amazon_items import read_items
from feature_pipeline.sources.file_part import join_parts
from feature_pipeline.sources.json_lines import Record, as_text, parse_line, read_json_lines, read_lines
from feature_pipeline.sources.raw import RawTables, take_distinct

_SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
_REVIEW_COLUMNS = (
    *("reviewerID", "asin", "overall", "unixReviewTime"),
    *("summary", "reviewText", "verified", "reviewerName"),
)
# Lines looked at to tell what a file holds; the first may be broken.
_PROBED_LINES = 20


def read(root: Path) -> RawTables:
    """Reads the reviews of one category, and the metadata of its products where the folder has them.

    Reviews and metadata are files of one object a line (`.json` or `.jsonl`, gzipped or not). A file is
    metadata when its name begins with `meta_` or its objects have an `asin` but no `reviewerID`.

    Args:
        root: the folder.

    Returns:
        All columns `str`, missing where unknown.
        users: reviewerID; at the line of the first review.
        items: asin, title, brand, category (joined with `|`), price (dollars; of a range the lower),
            description, main_cat. Of reviewed products without metadata only the asin is known.
        interactions: reviewerID, asin, overall, unixReviewTime (seconds), summary, reviewText, verified and
            reviewerName, in file order. Lines that are no object are refused.

    Raises:
        SchemaError: the folder holds no reviews, or several files of a kind, or a damaged one.
    """
    reviews_path, metadata_path = _find_files(root)
    part = read_json_lines(reviews_path, _REVIEW_COLUMNS, _get_review)
    reviews = join_parts([part], str(reviews_path))
    return RawTables(
        users=take_distinct(reviews, "reviewerID"),
        items=read_items(metadata_path, take_distinct(reviews, "asin")),
        interactions=reviews,
    )


def _get_review(record: Record) -> list[str | None]:
    return [as_text(record.get(name)) for name in _REVIEW_COLUMNS]


def _find_files(root: Path) -> tuple[Path, Path | None]:
    """Reviews and metadata."""
    if not root.is_dir():
        raise complain(str(root), "root", "the folder of an Amazon data set", "no folder", "check the path")
    kinds: dict[str, list[Path]] = {"reviews": [], "metadata": []}
    for path in sorted(root.iterdir()):
        if path.name.lower().endswith(_SUFFIXES) and (kind := _tell_kind(path)):
            kinds[kind].append(path)
    if len(kinds["reviews"]) != 1 or len(kinds["metadata"]) > 1:
        raise complain(
            str(root),
            "files",
            f"one file of reviews and at most one of metadata ({', '.join(_SUFFIXES)})",
            "; ".join(f"{kind}: {_list_names(paths)}" for kind, paths in kinds.items()),
            "point dataset.root at a folder that holds one category",
        )
    return kinds["reviews"][0], next(iter(kinds["metadata"]), None)


def _tell_kind(path: Path) -> str | None:
    """`reviews` or `metadata`; None where no line says."""
    if path.name.startswith("meta_"):
        return "metadata"
    for line in islice(read_lines(path), _PROBED_LINES):
        record = parse_line(line) or {}
        if "reviewerID" in record:
            return "reviews"
        if "asin" in record:
            return "metadata"
    return None


def _list_names(paths: Sequence[Path]) -> str:
    return ", ".join(path.name for path in paths) or "none"
