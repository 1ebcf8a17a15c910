"""Windows as YAML writes them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from feature_pipeline.features.window import (
    MICROSECONDS,
    BoundedWindow,
    Window,
    describe,
    get_suffix,
    get_width,
)


@pytest.mark.parametrize(
    ("window", "width", "words"),
    [
        ("30d", 30 * 86_400_000_000, "in 30 days"),
        ("12h", 12 * 3_600_000_000, "in 12 hours"),
        ("45m", 45 * 60_000_000, "in 45 minutes"),
    ],
)
def test_widths_are_microseconds(window: str, width: int, words: str):
    assert TypeAdapter(Window).validate_python(window) == window
    assert get_width(window) == width
    assert get_suffix(window) == window
    assert describe(window) == words


def test_everything_before_has_no_width():
    assert get_width("all") == 0
    assert get_suffix("all") == "before"
    assert describe("all") == "ever"


def test_units_agree_with_each_other():
    assert MICROSECONDS["days"] == 24 * MICROSECONDS["hours"] == 24 * 60 * MICROSECONDS["minutes"]


@pytest.mark.parametrize(
    "text", ["30", "d", "0d", "-3d", "1.5d", "30D", "30 d", "5s", "1w", "", "ALL", "30d\n"]
)
def test_other_words_are_refused_with_the_form_expected(text: str):
    with pytest.raises(ValidationError, match="expected a window as 30d, 12h or 45m, or 'all'"):
        TypeAdapter(Window).validate_python(text)


def test_a_bounded_window_has_a_beginning():
    assert TypeAdapter(BoundedWindow).validate_python("30d") == "30d"
    with pytest.raises(ValidationError, match="expected a window with a beginning"):
        TypeAdapter(BoundedWindow).validate_python("all")
    with pytest.raises(ValidationError, match="expected a window as"):
        TypeAdapter(BoundedWindow).validate_python("soon")
