"""The Amazon reader on invented reviews and metadata, in the forms of 2014 and 2018."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources.amazon_reviews import read

REVIEWS: list[dict[str, Any]] = [
    {
        **{"reviewerID": "U2", "asin": "000X", "reviewerName": "Bo", "helpful": [0, 1], "overall": 5.0},
        **{"reviewText": "Loud.\nVery.", "summary": "A kazoo", "unixReviewTime": 1393545600},
    },
    {"reviewerID": "U1", "asin": "111Y", "overall": 2.0, "unixReviewTime": 1393632000, "verified": True},
    {
        "reviewerID": "U2",
        "asin": "111Y",
        "overall": 4.0,
        "unixReviewTime": 1393718400,
        "style": {"Size": "S"},
    },
]
META_2018: list[dict[str, Any]] = [
    {
        **{"asin": "111Y", "title": "Reed", "brand": "Ann", "category": ["Music", "Reeds", "Music"]},
        **{"price": "$1,299.50", "description": ["Two.", "Parts."], "main_cat": "Instruments"},
    },
    {"asin": "222Z", "title": "", "price": "$5.00 - $9.00", "category": [], "description": []},
    {"asin": "111Y", "title": "Reed again"},
    {"asin": "333W", "title": "Drum", "price": ".a-box{}"},
]
META_2014 = [
    "{'asin': '000X', 'title': \"Bo's kazoo\", 'price': 12.99,"
    " 'categories': [['Music', 'Wind'], ['Music', 'Toys']]}",
    "{'asin': '111Y', 'description': 'A reed.', 'brand': None}",
]


def write_lines(path: Path, lines: list[Any]) -> Path:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def as_rows(frame: Any) -> dict[int, list[Any]]:
    return {line: [None if cell != cell else cell for cell in row] for line, *row in frame.itertuples()}


def test_reviews_alone_known_answer(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "Kazoos_5.json", REVIEWS)

    tables = read(tmp_path)

    columns = ["reviewerID", "asin", "overall", "unixReviewTime", "summary", "reviewText", "verified"]
    assert as_rows(tables.interactions.frame[columns]) == {
        1: ["U2", "000X", "5.0", "1393545600", "A kazoo", "Loud.\nVery.", None],
        2: ["U1", "111Y", "2.0", "1393632000", None, None, "True"],
        3: ["U2", "111Y", "4.0", "1393718400", None, None, None],
    }
    assert as_rows(tables.users.frame) == {1: ["U2"], 2: ["U1"]}
    assert as_rows(tables.items.frame[["asin", "title", "price"]]) == {
        1: ["000X", None, None],
        2: ["111Y", None, None],
    }
    assert {tables.users.file, tables.items.file, tables.interactions.file} == {str(path)}


@pytest.mark.parametrize("name", ["k.json", "k.jsonl", "k.json.gz"])
def test_metadata_of_2018_known_answer(tmp_path: Path, name: str) -> None:
    write_lines(tmp_path / name, REVIEWS)
    meta = write_lines(tmp_path / "meta_Kazoos.json.gz", META_2018)

    items = read(tmp_path).items

    assert as_rows(items.frame) == {
        1: ["111Y", "Reed", "Ann", "Music|Reeds", "1299.50", "Two. Parts.", "Instruments"],
        2: ["222Z", None, None, None, "5.00", None, None],
        4: ["333W", "Drum", None, None, ".a-box{}", None, None],
        5: ["000X", None, None, None, None, None, None],  # reviewed, and not described
    }
    assert items.refused.reset_index().to_numpy().tolist() == [[3, "111Y", "same asin as an earlier line"]]
    assert items.file == str(meta)


def test_metadata_of_2014_are_python_literals_and_told_by_their_content(tmp_path: Path) -> None:
    write_lines(tmp_path / "reviews.json", REVIEWS)
    write_lines(tmp_path / "products.json", META_2014)

    assert as_rows(read(tmp_path).items.frame) == {
        1: ["000X", "Bo's kazoo", None, "Music|Wind|Toys", "12.99", None, None],
        2: ["111Y", None, None, None, None, "A reed.", None],
    }


def test_a_broken_line_is_refused_at_its_number(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "k.json", [REVIEWS[0], "", '{"reviewerID": "U1", ', "[1]", REVIEWS[1]])
    path.write_bytes(path.read_bytes() + b'{"asin": "caf\xe9"}\n' + b"[" * 100_000)

    table = read(tmp_path).interactions

    assert table.frame.index.tolist() == [1, 5]
    assert table.refused["value"].str[:20].to_dict() == {
        3: '{"reviewerID": "U1",',
        4: "[1]",
        6: '{"asin": "caf�"}',
        7: "[" * 20,
    }
    assert set(table.refused["reason"]) == {"not one JSON object (or Python dictionary) in UTF-8"}


def test_half_a_character_does_not_cost_the_review(tmp_path: Path) -> None:
    write_lines(tmp_path / "k.json", [REVIEWS[0] | {"summary": "so \ud83d and \U0001f600"}])

    assert read(tmp_path).interactions.frame["summary"].tolist() == ["so ? and \U0001f600"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ([], "reviews: none; metadata: none"),
        (["a.json", "b.json.gz"], "reviews: a.json, b.json.gz; metadata: none"),
        (["a.json", "meta_a.json", "meta_b.json"], "reviews: a.json; metadata: meta_a.json, meta_b.json"),
    ],
)
def test_a_folder_of_several_categories_or_none_is_refused(
    tmp_path: Path, files: list[str], found: str
) -> None:
    for name in files:
        write_lines(tmp_path / name, REVIEWS)
    write_lines(tmp_path / "notes.json", ['{"by": "me"}'])

    with pytest.raises(SchemaError) as error:
        read(tmp_path)

    assert str(error.value) == (
        f"{tmp_path}: files: expected one file of reviews and at most one of metadata (.json, .jsonl, "
        f".json.gz, .jsonl.gz), found {found}. Remedy: point dataset.root at a folder that holds one category"
    )


def test_a_cut_gzip_file_and_an_absent_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"folder of an Amazon data set, found no folder\. Remedy: "):
        read(tmp_path / "none")
    path = write_lines(tmp_path / "k.json.gz", REVIEWS * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SchemaError, match="expected a whole gzip file"):
        read(tmp_path)
