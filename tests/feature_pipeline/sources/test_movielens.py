"""The MovieLens reader on small invented folders, one in each format."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.sources.movielens import read
from feature_pipeline.sources.movielens_items import parse_title, parse_year
from feature_pipeline.sources.raw import RawTables
from tests.feature_pipeline.sources.movielens_folders import write_latin1, write_posters, write_utf8

COLUMNS = {
    "users": ["user_id", "age", "gender", "occupation"],
    "items": ["item_id", "title", "year", "genres", "plot", "director", "actors", "poster"],
    "interactions": ["user_id", "item_id", "rating", "timestamp"],
}


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


def test_ratings_keep_the_order_of_the_file(folder_1m: Path) -> None:
    order = np.random.default_rng(3).permutation(500)
    write_latin1(folder_1m / "ratings.dat", *(f"{user}::{user % 7}::3::960000000" for user in order))
    frame = read(folder_1m).interactions.frame
    assert frame["user_id"].tolist() == [str(user) for user in order]
    pd.testing.assert_index_equal(frame.index, pd.RangeIndex(1, 501))
