"""Attribute filters: who matches by hand and by an obvious oracle, and what is refused in one line."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.errors import UserError
from feature_pipeline.schema import FeatureSpec
from inference import filters as module
from inference.filters import ItemFilter

SPECS = [
    FeatureSpec("genres", "candidate", "categorical"),
    FeatureSpec("artist", "candidate", "categorical"),
    FeatureSpec("year", "candidate", "numeric"),
    FeatureSpec("released", "candidate", "timestamp"),
    FeatureSpec("about", "candidate", "text"),
    FeatureSpec("about_embedding", "candidate", "embedding"),
]
TIMES = ["1994-05-01T12:00", "2001-01-01", None, "2001-01-01T00:00:00.000001", "2020-02-29"]
ITEMS = pd.DataFrame(
    {
        "item_id": list("abcde"),
        "genres": [["Drama"], np.array(["Comedy", "Drama"], object), [], ["Comedy", "Comedy"], ["7"]],
        "artist": [["Ada"], ["Ada"], ["B. Bo"], [], ["Bo, B."]],
        "year": [1990.0, 1995.0, np.nan, 2000.0, -0.0],
        "released": pd.to_datetime(pd.Series(TIMES), format="ISO8601").astype("datetime64[us]"),
        "about": "x",
    }
)


@pytest.fixture
def item_filter() -> ItemFilter:
    return ItemFilter(ITEMS, SPECS)


def find(item_filter: ItemFilter, filters) -> str:
    """The ids of the items that match, in one string."""
    return "".join(ITEMS["item_id"][item_filter.compute_mask(filters)])


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"genres": "Drama"}, "ab"),
        ({"genres": ["Drama"]}, "ab"),
        ({"genres": ["Drama", "Comedy"]}, "abd"),
        ({"genres": ("Comedy", "Drama", "Drama")}, "abd"),
        ({"genres": 7}, "e"),
        ({"artist": "B. Bo"}, "c"),
        ({"artist": "Ada", "genres": "Comedy"}, "b"),
        ({"artist": "B. Bo", "genres": "Drama"}, ""),
        ({"year": {"min": 1990, "max": 1995}}, "ab"),
        ({"year": {"min": 1995}}, "bd"),
        ({"year": {"max": 1995}}, "abe"),
        ({"year": {"min": 1995, "max": 1995.0}}, "b"),
        ({"year": 2000}, "d"),
        ({"year": 0}, "e"),
        ({"year": 1991}, ""),
        ({"released": "2001-01-01"}, "b"),
        ({"released": {"min": "2001-01-01"}}, "bde"),
        ({"released": {"max": "2001-01-01"}}, "ab"),
        ({"released": {"max": "2001-01-01T02:00:00+02:00"}}, "ab"),
        ({"released": {"min": datetime.date(2001, 1, 2)}}, "e"),
        ({"released": datetime.datetime(2020, 2, 29)}, "e"),
        ({"genres": "Comedy", "year": {"min": 1990, "max": 2000}, "released": {"min": "2001-01-01"}}, "bd"),
    ],
)
def test_who_matches(item_filter, filters, found):
    assert find(item_filter, filters) == found


@pytest.mark.parametrize("filters", [None, {}])
def test_where_nothing_is_asked_there_is_no_mask(item_filter, filters):
    assert item_filter.compute_mask(filters) is None


def test_masks_are_kept_by_what_is_asked_and_cannot_be_written_to(item_filter):
    mask = item_filter.compute_mask({"genres": ["Drama", "Comedy"], "year": {"min": 1990}})
    again = item_filter.compute_mask({"year": {"min": 1990.0}, "genres": ["Comedy", "Drama", "Comedy"]})
    other = item_filter.compute_mask({"year": {"max": 1990}, "genres": ["Comedy", "Drama"]})

    assert mask is again
    assert mask.dtype == bool
    assert mask.tolist() == [True, True, False, True, False]
    assert other.tolist() == [True, False, False, False, False]
    with pytest.raises(ValueError, match="read-only"):
        mask[0] = False


def test_few_masks_are_kept(item_filter):
    first = item_filter.compute_mask({"year": 0})
    for year in range(module.CACHED_MASKS):
        item_filter.compute_mask({"year": 1 + year})

    assert item_filter.compute_mask({"year": 0}) is not first


def test_an_empty_catalogue():
    item_filter = ItemFilter(ITEMS.iloc[:0], SPECS)

    assert item_filter.compute_mask({"year": 3}).shape == (0,)
    with pytest.raises(UserError, match=r"^filters\.artist: 'Ada' is not known\. Nearest: none$"):
        item_filter.compute_mask({"artist": "Ada"})


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        (
            {"genre": "Drama"},
            "unknown key 'filters.genre', did you mean 'filters.genres'? "
            "Choices: artist, genres, released, year",
        ),
        ({"about": "x"}, "unknown key 'filters.about'. Choices: artist, genres, released, year"),
        ({"genres": "Dramma"}, "filters.genres: 'Dramma' is not known. Nearest: Drama, Comedy, 7"),
        ({"genres": ["Drama", ""]}, "filters.genres: '' is not known. Nearest: Drama, Comedy, 7"),
        ({"artist": "B. Boo"}, "filters.artist: 'B. Boo' is not known. Nearest: B. Bo, Bo, B., Ada"),
        (
            {"genres": []},
            "filters.genres: expected at least one value, found none. Remedy: leave filters.genres out",
        ),
        ({"genres": None}, "filters.genres: expected a text or a list of texts, found None"),
        ({"genres": True}, "filters.genres: expected a text or a list of texts, found True"),
        ({"genres": 7.0}, "filters.genres: expected a text or a list of texts, found 7.0"),
        ({"genres": [["Drama"]]}, "filters.genres: expected a text or a list of texts, found [['Drama']]"),
        ({"genres": {"min": 1}}, "filters.genres: expected a text or a list of texts, found {'min': 1}"),
        ({"year": "1990"}, "filters.year: expected a number, found '1990'"),
        ({"year": [1990]}, "filters.year: expected a number, found [1990]"),
        ({"year": False}, "filters.year: expected a number, found False"),
        ({"year": float("nan")}, "filters.year: expected a number, found nan"),
        ({"year": {"min": None}}, "filters.year.min: expected a number, found None"),
        ({"year": {"max": float("inf")}}, "filters.year.max: expected a number, found inf"),
        ({"year": {"max": {"min": 1}}}, "filters.year.max: expected a number, found {'min': 1}"),
        ({"year": {"max": 10**400}}, f"filters.year.max: expected a number, found {'1' + '0' * 79}..."),
        (
            {"year": {"mn": 1}},
            "unknown key 'filters.year.mn', did you mean 'filters.year.min'? Choices: min, max",
        ),
        (
            {"year": {}},
            "filters.year: expected min, max or both, found neither. Remedy: leave filters.year out",
        ),
        (
            {"year": {"min": 2, "max": 1}},
            "filters.year: expected min up to max, found min 2.0 and max 1.0",
        ),
        ({"released": "May 2001"}, "filters.released: expected a time in ISO 8601, found 'May 2001'"),
        ({"released": 2001}, "filters.released: expected a time in ISO 8601, found 2001"),
        (
            {"released": {"max": "0001-01-01T00:00+05:00"}},
            "filters.released.max: expected a time in ISO 8601, found '0001-01-01T00:00+05:00'",
        ),
        (
            {"released": {"min": "2002-01-01", "max": "2001-01-01"}},
            "filters.released: expected min up to max, found min 2002-01-01T00:00:00.000000 and max "
            "2001-01-01T00:00:00.000000",
        ),
        ([], "filters: expected values by column, as {year: 1990}, found []"),
        ("year", "filters: expected values by column, as {year: 1990}, found 'year'"),
    ],
)
def test_what_makes_no_sense_is_refused(item_filter, filters, message):
    with pytest.raises(UserError) as error:
        item_filter.compute_mask(filters)
    assert str(error.value) == message


def test_a_long_value_is_told_in_one_short_line(item_filter):
    with pytest.raises(UserError) as error:
        item_filter.compute_mask({"artist": "Ada\n" * 100_000})
    assert len(str(error.value)) < 200
    assert "\n" not in str(error.value)


COLOURS = ("red", "green", "blue")
ROWS = st.lists(
    st.tuples(
        st.lists(st.sampled_from(COLOURS), max_size=3),
        st.sampled_from([np.nan, 0.0, 1.0, 2.0, 3.0]),
        st.sampled_from([pd.NaT, *pd.to_datetime(["2024-01-01", "2024-01-02", "2024-01-03"])]),
    ),
    min_size=1,
    max_size=12,
)
BOUNDS = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted)
ASKED = st.fixed_dictionaries(
    {},
    optional={
        "colour": st.sets(st.sampled_from(COLOURS), min_size=1).map(sorted),
        "size": BOUNDS,
        "made": st.tuples(st.integers(1, 3), st.integers(1, 3)).map(sorted),
    },
)


@given(rows=ROWS, asked=ASKED)
def test_matches_what_a_loop_over_the_rows_finds(rows, asked):
    # One more item has every colour, so that each is known.
    colours, sizes, times = zip(*rows, (COLOURS, np.nan, pd.NaT), strict=True)
    made = pd.Series(list(times), dtype="datetime64[us]")
    items = pd.DataFrame({"colour": list(colours), "size": sizes, "made": made})
    kinds = {"colour": "categorical", "size": "numeric", "made": "timestamp"}
    specs = [FeatureSpec(name, "candidate", kind) for name, kind in kinds.items()]
    filters = {
        "colour": asked.get("colour"),
        "size": dict(zip(("min", "max"), asked.get("size", ()), strict=False)),
        "made": dict(zip(("min", "max"), (f"2024-01-0{day}" for day in asked.get("made", ())), strict=False)),
    }

    mask = ItemFilter(items, specs).compute_mask({name: filters[name] for name in asked})

    def matches(colour, size, time) -> bool:
        return (
            ("colour" not in asked or bool(set(colour) & set(asked["colour"])))
            and ("size" not in asked or asked["size"][0] <= size <= asked["size"][1])
            and ("made" not in asked or (asked["made"][0] <= time.day <= asked["made"][1]))
        )

    expected = [matches(*row) for row in zip(colours, sizes, times, strict=True)]
    assert (mask is None) == (not asked)
    assert mask is None or mask.tolist() == expected
