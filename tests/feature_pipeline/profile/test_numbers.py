"""Numbers as a person reads them."""

import pytest

from feature_pipeline.profile.numbers import format_count, format_share, format_value


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0 %"),
        (1, "100 %"),
        (0.5, "50.0 %"),
        (0.1234, "12.3 %"),
        (0.0004, "< 0.1 %"),
        (0.99999, "> 99.9 %"),
    ],
)
def test_share(share, text):
    assert format_share(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1995.0, "1995"), (0.123456, "0.1235"), (1234567.8, "1,234,568"), (-12345.0, "-12,345"), (0, "0")],
)
def test_value(value, text):
    assert format_value(value) == text


def test_count():
    assert format_count(1234567) == "1,234,567"
