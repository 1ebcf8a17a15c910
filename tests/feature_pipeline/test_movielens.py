"""The MovieLens reader on small invented folders, one in each format."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.schema import SchemaError
from feature_pipeline.sources.movielens import read
from feature_pipeline.sources.movielens_items import parse_title, parse_year
from feature_pipeline.sources.raw import RawTables

GENRES = ["unknown", "Action", "Comedy", "Drama"]
COLUMNS = {
    "users": ["user_id", "age", "gender", "occupation"],
    "items": ["item_id", "title", "year", "genres", "plot", "director", "actors", "poster"],
    "interactions": ["user_id", "item_id", "rating", "timestamp"],
}


def write_latin1(path: Path, *lines: str) -> None:
    path.write_bytes(("\n".join(lines) + "\n").encode("latin-1"))


def write_utf8(path: Path, *lines: str) -> None:
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))


def write_posters(root: Path, *names: str) -> None:
    (root / "posters").mkdir()
    for name in names:
        (root / "posters" / name).write_bytes(b"")


@pytest.fixture
def folder_100k(tmp_path: Path) -> Path:
    root = tmp_path / "100k"
    root.mkdir()
    write_latin1(root / "u.genre", *(f"{name}|{place}" for place, name in enumerate(GENRES)), "")
    write_latin1(root / "u.user", "2|41|F|librarian|00001", "1|19|M|none|00002")
    write_latin1(
        root / "u.item",
        "7|Café Zug, The (1994)|01-Jan-1994||http://x/a::b|0|0|1|1",
        '8|unknown "film"||||1|0|0|0',
    )
    write_latin1(root / "u.data", "1\t8\t3\t880000002", "2\t7\t5\t880000001", "1\t7\t4\t880000001")
    return root


@pytest.fixture
def folder_1m(tmp_path: Path) -> Path:
    root = tmp_path / "1m"
    root.mkdir()
    write_latin1(root / "users.dat", "5::F::1::10::00001", "6::M::56::0::00002", "9::M::25::99::00003")
    write_latin1(
        root / "movies.dat",
        "3::Löwe: A Tale, Der (1987)::Drama|War",
        '4::"Tab\tand Quote" (2001)::Comedy',
    )
    write_latin1(root / "ratings.dat", "9::4::2::960000009", "5::3::5::960000001")
    return root


@pytest.fixture
def folder_latest(tmp_path: Path) -> Path:
    root = tmp_path / "latest"
    root.mkdir()
    write_utf8(
        root / "movies.csv",
        "movieId,title,genres",
        '11,"Naïve Fox, A (2003)",Comedy',
        "12,Dust,(no genres listed)",
    )
    write_utf8(
        root / "ratings.csv",
        "userId,movieId,rating,timestamp",
        "4,12,0.5,1500000003",
        "4,11,4.5,1500000001",
        "2,11,3,1500000002",
    )
    return root


@pytest.fixture(params=["100k", "1m", "latest"])
def tables(request: pytest.FixtureRequest) -> RawTables:
    return read(request.getfixturevalue(f"folder_{request.param}"))


def test_every_format_has_the_same_columns_and_types(tables: RawTables) -> None:
    for name, columns in COLUMNS.items():
        frame = getattr(tables, name).frame
        assert list(frame.columns) == columns
        numeric = {"age": "float64", "year": "float64", "rating": "float64", "timestamp": "int64"}
        assert {column: str(frame[column].dtype) for column in columns} == {
            c: numeric.get(c, "str") for c in columns
        }


def test_100k_known_answer(folder_100k: Path) -> None:
    tables = read(folder_100k)
    assert tables.users.frame.to_dict("index") == {
        1: {"user_id": "2", "age": 41.0, "gender": "female", "occupation": "librarian"},
        2: {"user_id": "1", "age": 19.0, "gender": "male", "occupation": "none"},
    }
    items = tables.items.frame
    assert items["item_id"].to_dict() == {1: "7", 2: "8"}
    assert items["title"].tolist() == ["The Café Zug", 'unknown "film"']
    assert items["genres"].tolist() == ["Comedy|Drama", ""]
    np.testing.assert_array_equal(items["year"], [1994, np.nan])
    assert tables.interactions.frame.reset_index().values.tolist() == [
        [1, "1", "8", 3.0, 880000002],
        [2, "2", "7", 5.0, 880000001],
        [3, "1", "7", 4.0, 880000001],
    ]
    assert [tables.users.file, tables.items.file, tables.interactions.file] == [
        str(folder_100k / name) for name in ("u.user", "u.item", "u.data")
    ]


def test_1m_known_answer(folder_1m: Path) -> None:
    tables = read(folder_1m)
    assert tables.users.frame.to_dict("index") == {
        1: {"user_id": "5", "age": 1.0, "gender": "female", "occupation": "K-12 student"},
        2: {"user_id": "6", "age": 56.0, "gender": "male", "occupation": "other"},
        3: {"user_id": "9", "age": 25.0, "gender": "male", "occupation": "99"},
    }
    items = tables.items.frame
    assert items["title"].tolist() == ["Der Löwe: A Tale", '"Tab\tand Quote"']
    assert items["year"].tolist() == [1987, 2001]
    assert items["genres"].tolist() == ["Drama|War", "Comedy"]
    assert tables.interactions.frame.reset_index().values.tolist() == [
        [1, "9", "4", 2.0, 960000009],
        [2, "5", "3", 5.0, 960000001],
    ]


def test_latest_known_answer(folder_latest: Path) -> None:
    tables = read(folder_latest)
    assert tables.users.frame["user_id"].to_dict() == {2: "4", 4: "2"}
    assert tables.users.frame[["age", "gender", "occupation"]].isna().all(axis=None)
    assert tables.users.file == tables.interactions.file == str(folder_latest / "ratings.csv")
    assert tables.items.frame["title"].to_dict() == {2: "A Naïve Fox", 3: "Dust"}
    assert tables.items.frame["genres"].tolist() == ["Comedy", ""]
    assert tables.interactions.frame["rating"].to_dict() == {2: 0.5, 3: 4.5, 4: 3.0}


@pytest.mark.parametrize(
    ("printed", "title", "year"),
    [
        ("Toy Boat (1995)", "Toy Boat", 1995),
        ("Grid, The (1999)", "The Grid", 1999),
        ("Hat, A (La Chapeau) (1982) ", "A Hat (La Chapeau)", 1982),
        ("Rage (Colère, La) (1996)", "Rage (La Colère)", 1996),
        ("Owl, The (Hibou, L')(1982)", "The Owl (L'Hibou)", 1982),
        ("Long, Dark Road, The (1993)", "The Long, Dark Road", 1993),
        ("Wheat, Rye, etc. (1996)", "Wheat, Rye, etc.", 1996),
        ("Two Suns (a.k.a. Sun, The Other) (1996)", "Two Suns (a.k.a. Sun, The Other)", 1996),
        ("Small Rock III (1995) (V)", "Small Rock III", 1995),
        ("Long Show (2006\u20132007)", "Long Show", 2006),
        ("Longer Show (2009- )", "Longer Show", 2009),
        ("2001 Nights (1968)", "2001 Nights", 1968),
        ("Year (1900) of Rain", "Year (1900) of Rain", np.nan),
        ("unknown", "unknown", np.nan),
    ],
)
def test_titles_lose_their_year_and_gain_their_article(printed: str, title: str, year: float) -> None:
    assert parse_title(printed) == title
    np.testing.assert_equal(parse_year(printed), year)


def test_texts_and_posters_join_by_id(folder_1m: Path) -> None:
    write_utf8(
        folder_1m / "movies_text.csv",
        "movie_id,title,year,director,actors,plot",
        '4,x,1900,N/A,"Ann Ash, Bo Böhm"," A cat, named ""Tom"".\nIt sleeps. "',
        "99,not in movies.dat,1990,D,A,P",
        "3,y,,Di Dee,,N/A",
    )
    write_posters(folder_1m, "4.jpg", "3.png")
    items = read(folder_1m).items.frame
    assert items["plot"].fillna("-").tolist() == ["-", 'A cat, named "Tom".\nIt sleeps.']
    assert items["director"].fillna("-").tolist() == ["Di Dee", "-"]
    assert items["actors"].fillna("-").tolist() == ["-", "Ann Ash, Bo Böhm"]
    assert items["poster"].fillna("-").tolist() == ["-", "posters/4.jpg"]
    assert items["year"].tolist() == [1987, 2001]


def test_overview_is_the_plot_and_its_year_fills_in(folder_latest: Path) -> None:
    write_utf8(
        folder_latest / "items_text.csv", "movieId,overview,year", "12,Wind over sand.,1971.0", "11,,1800.0"
    )
    items = read(folder_latest).items.frame
    assert items["plot"].fillna("-").tolist() == ["-", "Wind over sand."]
    assert items["year"].tolist() == [2003, 1971]


def test_a_repeated_text_is_reported_and_the_first_used(
    folder_1m: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_utf8(folder_1m / "movies_text.csv", "movie_id,plot", "3,first", "3,second")
    with caplog.at_level(logging.WARNING):
        items = read(folder_1m).items.frame
    assert items["plot"].fillna("-").tolist() == ["first", "-"]
    assert "movies_text.csv: 1 rows repeat a movie_id" in caplog.text


def test_repeated_movies_are_kept_for_the_checks(folder_1m: Path) -> None:
    write_latin1(folder_1m / "movies.dat", "3::Ash (1990)::Drama", "3::Ash (1990)::Drama")
    write_utf8(folder_1m / "movies_text.csv", "movie_id,plot", "3,Trees burn.")
    items = read(folder_1m).items.frame
    assert items["plot"].to_dict() == {1: "Trees burn.", 2: "Trees burn."}


@pytest.mark.parametrize("name", ["ratings.csv", "ratings_positive.csv"])
def test_1m_takes_ratings_as_csv(folder_1m: Path, name: str) -> None:
    (folder_1m / "ratings.dat").unlink()
    (folder_1m / name).write_bytes(b"\xef\xbb\xbfuser_id,movie_id,rating,timestamp\r\n5,4,4,960000000\r\n")
    interactions = read(folder_1m).interactions
    assert interactions.frame.reset_index().values.tolist() == [[2, "5", "4", 4.0, 960000000]]
    assert interactions.file == str(folder_1m / name)


def test_ratings_dat_comes_before_the_positive_ones(folder_1m: Path) -> None:
    write_utf8(folder_1m / "ratings_positive.csv", "user_id,movie_id,rating,timestamp", "5,4,4,960000000")
    assert read(folder_1m).interactions.file == str(folder_1m / "ratings.dat")


def test_unreadable_values_stay_for_the_quarantine(folder_1m: Path) -> None:
    write_latin1(folder_1m / "ratings.dat", "5::3::five::960000001", "5::::4::soon", "6::4::1::960000002")
    frame = read(folder_1m).interactions.frame
    assert frame["timestamp"].dtype == "float64"
    np.testing.assert_array_equal(frame["timestamp"], [960000001, np.nan, 960000002])
    np.testing.assert_array_equal(frame["rating"], [np.nan, 4, 1])
    assert frame["item_id"].isna().tolist() == [False, True, False]


def test_an_empty_last_field_is_missing(folder_100k: Path) -> None:
    write_latin1(folder_100k / "u.data", "1\t8\t3\t880000000", "1\t7\t3\t")
    np.testing.assert_array_equal(read(folder_100k).interactions.frame["timestamp"], [880000000, np.nan])


def test_the_word_na_is_text_and_an_empty_field_is_missing(folder_100k: Path) -> None:
    write_latin1(folder_100k / "u.user", "NA|nan||None|", "null|30|X||1")
    users = read(folder_100k).users.frame
    assert users["user_id"].tolist() == ["NA", "null"]
    assert users["occupation"].fillna("-").tolist() == ["None", "-"]
    assert users["gender"].isna().all()
    np.testing.assert_array_equal(users["age"], [np.nan, 30])


def test_a_file_with_a_header_alone_gives_an_empty_table(folder_latest: Path) -> None:
    write_utf8(folder_latest / "ratings.csv", "userId,movieId,rating,timestamp")
    write_utf8(folder_latest / "movies.csv", "movieId,title,genres")
    tables = read(folder_latest)
    assert [len(table.frame) for table in (tables.users, tables.items, tables.interactions)] == [0, 0, 0]
    assert list(tables.items.frame.columns) == COLUMNS["items"]


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


def test_ratings_keep_the_order_of_the_file(folder_1m: Path) -> None:
    order = np.random.default_rng(3).permutation(500)
    write_latin1(folder_1m / "ratings.dat", *(f"{user}::{user % 7}::3::960000000" for user in order))
    frame = read(folder_1m).interactions.frame
    assert frame["user_id"].tolist() == [str(user) for user in order]
    pd.testing.assert_index_equal(frame.index, pd.RangeIndex(1, 501))
