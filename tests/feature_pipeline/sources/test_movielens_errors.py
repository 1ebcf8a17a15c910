"""What the MovieLens reader says of folders and files that are not as they must be."""

from pathlib import Path

import pytest

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources.movielens import read
from tests.feature_pipeline.sources.movielens_folders import write_latin1, write_utf8


@pytest.mark.parametrize(
    ("fixture", "file", "lines", "message"),
    [
        ("folder_100k", "u.data", ["1\t8\t3\t1", "1\t8\t3"], "line 2: expected 4 fields, found 3. "),
        ("folder_100k", "u.item", ["7|A (1990)||||0|0|1|1|1"], "line 1: expected 9 fields, found 10. "),
        (
            "folder_1m",
            "movies.dat",
            ["3::A: B::Drama", "", "4::B"],
            "line 2: expected 3 fields, found 1 (and 1 more malformed lines). ",
        ),
        ("folder_1m", "ratings.dat", ["1::2::3::4::5"], "line 1: expected 4 fields, found 5. "),
        (
            "folder_latest",
            "ratings.csv",
            ["userId,movieId,rating,timestamp", "1,2,3"],
            "line 2: expected 4 fields, found 3. ",
        ),
        (
            "folder_latest",
            "movies.csv",
            ["movieId,title,genres", '1,"A\nB",Drama', "2,C, D,Drama"],
            "line 4: expected 3 fields, found 4. ",
        ),
    ],
)
def test_a_malformed_line_is_named(
    request: pytest.FixtureRequest, fixture: str, file: str, lines: list[str], message: str
) -> None:
    root = request.getfixturevalue(fixture)
    write_latin1(root / file, *lines)
    with pytest.raises(SchemaError) as error:
        read(root)
    assert str(error.value) == f"{root / file}: {message}Remedy: repair or delete the line"


def test_an_unclosed_quote_is_named(folder_latest: Path) -> None:
    write_utf8(folder_latest / "movies.csv", "movieId,title,genres", "1,A,Drama", '2,"B,Drama', "3,C,Drama")
    with pytest.raises(SchemaError, match=r"movies\.csv: line 3: expected CSV with balanced double quotes"):
        read(folder_latest)


def test_text_that_is_not_utf8_is_named(folder_1m: Path) -> None:
    write_latin1(folder_1m / "movies_text.csv", "movie_id,plot", "3,fine", "4,Café")
    with pytest.raises(
        SchemaError, match=r"line 3: expected UTF-8 text, found the byte 0xe9. Remedy: save the file"
    ):
        read(folder_1m)


def test_an_empty_file_is_named(folder_1m: Path) -> None:
    (folder_1m / "users.dat").write_bytes(b"\n")
    with pytest.raises(
        SchemaError, match=r"users\.dat: line 1: expected one record a line, found an empty file"
    ):
        read(folder_1m)


def test_a_header_without_a_column_is_named(folder_latest: Path) -> None:
    write_utf8(folder_latest / "ratings.csv", "userId,film,rating,timestamp", "1,2,3,4")
    with pytest.raises(SchemaError) as error:
        read(folder_latest)
    assert str(error.value) == (
        f"{folder_latest / 'ratings.csv'}: line 1: expected the columns user_id, movie_id, rating, "
        "timestamp, found user_id, film, rating, timestamp (without movie_id). "
        "Remedy: rename the columns in the header"
    )


def test_a_file_of_texts_without_text_is_named(folder_1m: Path) -> None:
    write_utf8(folder_1m / "movies_text.csv", "movie_id,story", "3,Trees burn.")
    with pytest.raises(
        SchemaError, match=r"expected a column plot or overview, found movie_id, story\. Remedy: name"
    ):
        read(folder_1m)


@pytest.mark.parametrize(
    ("fixture", "absent"),
    [
        ("folder_100k", "u.user"),
        ("folder_100k", "u.genre"),
        ("folder_1m", "users.dat"),
        ("folder_1m", "movies.dat"),
        ("folder_latest", "movies.csv"),
        ("folder_latest", "ratings.csv"),
    ],
)
def test_an_absent_companion_is_named(request: pytest.FixtureRequest, fixture: str, absent: str) -> None:
    root = request.getfixturevalue(fixture)
    (root / absent).unlink()
    with pytest.raises(
        SchemaError, match=f": {absent} missing: expected MovieLens.* found .*Remedy: copy the missing"
    ):
        read(root)


def test_absent_ratings_list_every_name_they_may_have(folder_1m: Path) -> None:
    (folder_1m / "ratings.dat").unlink()
    with pytest.raises(SchemaError) as error:
        read(folder_1m)
    names = "ratings.dat or ratings.csv or ratings_positive.csv"
    assert str(error.value) == (
        f"{folder_1m}: {names} missing: expected MovieLens-1M with {names}, users.dat, movies.dat, "
        "found movies.dat, users.dat. Remedy: copy the missing files into the folder"
    )


def test_an_unknown_folder_lists_what_each_format_needs(tmp_path: Path) -> None:
    (tmp_path / "ml-1m").mkdir()
    with pytest.raises(SchemaError) as error:
        read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path}: files: expected a MovieLens data set "
        "(MovieLens-100K with u.data, u.user, u.item, u.genre; "
        "MovieLens-1M with ratings.dat or ratings.csv or ratings_positive.csv, users.dat, movies.dat; "
        "MovieLens latest-small with ratings.csv, movies.csv), found ml-1m. "
        "Remedy: point root at the folder that holds them"
    )


def test_a_long_listing_is_cut(tmp_path: Path) -> None:
    for number in range(25):
        (tmp_path / f"{number:02}.txt").touch()
    with pytest.raises(SchemaError, match=r"found 00\.txt, .*, 19\.txt and 5 more\. Remedy"):
        read(tmp_path)


def test_a_root_that_is_no_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        SchemaError, match="nowhere: root: expected the folder of a MovieLens data set, found no folder"
    ):
        read(tmp_path / "nowhere")
