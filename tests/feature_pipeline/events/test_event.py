"""What an event takes, what it refuses, and what it says then."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from feature_pipeline.events import Event
from feature_pipeline.events.event import from_microseconds, to_microseconds
from tests.feature_pipeline.events.invented import MOMENT, make_event

NO_TIME = "Value error, expected a time with its zone, as 2024-05-01T12:00:00Z, in the years 1 to 9999"
NO_TEXT = "Input should be a valid string"


def refuse(**changes: Any) -> str:
    """What is said of the one field at fault."""
    with pytest.raises(ValidationError) as error:
        make_event("e1", **changes)
    (detail,) = error.value.errors()
    return str(detail["msg"])


@pytest.mark.parametrize(
    "given",
    [
        MOMENT,
        MOMENT.astimezone(timezone(timedelta(hours=-5, minutes=-30))),
        "2024-05-01T12:00:00.123456Z",
        "2024-05-01T14:00:00.123456+02:00",
        pd.Timestamp("2024-05-01T12:00:00.123456789Z"),
    ],
)
def test_times_become_utc_in_microseconds(given: object) -> None:
    event = make_event("e1", event_time=given)

    assert event.event_time == MOMENT
    assert event.event_time.tzinfo is UTC
    assert type(event.event_time) is datetime


@pytest.mark.parametrize(
    "given",
    [
        datetime(2024, 5, 1, 12),
        "2024-05-01T12:00:00",
        "2024-05-01",
        "yesterday",
        "",
        1714564800,
        float("nan"),
        pd.NaT,
        None,
        "0001-01-01T00:00:00+05:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_a_time_that_says_no_moment_is_refused(given: object) -> None:
    assert refuse(event_time=given) == NO_TIME


def test_microseconds_are_exact_over_all_years() -> None:
    for moment in (datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999999)):
        aware = moment.replace(tzinfo=UTC)
        assert from_microseconds(to_microseconds(aware)) == aware


@pytest.mark.parametrize("field", ["event_id", "user_id", "item_id", "bundle", "session"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "String should have at least 1 character"),
        ("a\x00b", "Value error, expected no control characters, found '\\x00' at place 2"),
        ("line\n", "Value error, expected no control characters, found '\\n' at place 5"),
        ("\x85", "Value error, expected no control characters, found '\\x85' at place 1"),
        ("\ud83d", f"{NO_TEXT}, unable to parse raw data as a unicode string"),
        (7, NO_TEXT),
        (float("nan"), NO_TEXT),
        (b"e1", NO_TEXT),
    ],
)
def test_ids_are_printable_text(field: str, given: object, said: str) -> None:
    assert refuse(**{field: given}) == said


@pytest.mark.parametrize(
    ("field", "longest"), [("event_id", 100), ("user_id", 500), ("item_id", 500), ("session", 100)]
)
def test_ids_have_a_longest(field: str, longest: int) -> None:
    make_event("e1", **{field: "🙂" * longest})
    assert refuse(**{field: "x" * (longest + 1)}) == f"String should have at most {longest} characters"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (0, "Input should be greater than or equal to 1"),
        (2**31, "Input should be less than 2147483648"),
        (1.0, "Input should be a valid integer"),
        (float("nan"), "Input should be a valid integer"),
        (True, "Input should be a valid integer"),
        ("1", "Input should be a valid integer"),
    ],
)
def test_a_position_is_a_whole_number_from_1(given: object, said: str) -> None:
    assert refuse(position=given) == said


def test_types_and_provenance_are_few() -> None:
    assert refuse(event_type="buy") == "Input should be 'impression', 'click', 'like' or 'undo'"
    assert refuse(provenance="bot") == "Input should be 'human', 'simulated' or 'imported'"
    assert refuse(colour="red") == "Extra inputs are not permitted"


def test_undoes_goes_with_undo() -> None:
    assert make_event("e2", event_type="undo", undoes="e1").undoes == "e1"
    together = "Value error, undoes goes with event_type undo, and with no other; give both or neither"
    assert refuse(event_type="undo") == together
    assert refuse(undoes="e0") == together
    assert refuse(event_type="undo", undoes="e1") == (
        "Value error, undoes names another event, not the undo itself"
    )


def test_an_event_is_frozen_and_has_a_json_form() -> None:
    event = make_event("e1", position=3)

    with pytest.raises(ValidationError, match="Instance is frozen"):
        event.user_id = "bob"  # type: ignore[misc]
    assert Event.model_validate_json(event.model_dump_json()) == event
    assert Event(**event.model_dump(mode="json")) == event
