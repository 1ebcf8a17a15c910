"""Values that come with a request, in the form that the tables have."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.columns import read_categories
from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.errors import UserError


def to_instant(moment: datetime) -> np.datetime64:
    """A moment as the tables hold it: UTC without zone, in microseconds; UTC where it names no zone."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return np.datetime64(aware.replace(tzinfo=None), "us")


def read_value(place: str, feature: FeatureColumn, value: Any) -> object:
    """One given value, in the form that the tables have.

    Args:
        place: for the message.
        feature: how the column is declared.
        value: a number, a text, a list of texts, or None where it is unknown.

    Raises:
        UserError: the value is of another kind.
    """
    if feature.kind == "categorical":
        return _read_categories(place, feature, value)
    if feature.kind in ("text", "image"):
        if value is not None and not isinstance(value, str):
            raise UserError(f"{place}: expected a text, found {value!r}")
        return value
    try:
        if feature.kind == "numeric":
            return _read_number(value)
        return np.datetime64("NaT") if value is None else to_instant(datetime.fromisoformat(str(value)))
    except (TypeError, ValueError):
        expected = "a number" if feature.kind == "numeric" else "a time (ISO 8601)"
        raise UserError(f"{place}: expected {expected}, found {value!r}") from None


def _read_number(value: Any) -> float:
    number = float("nan") if value is None else float(value)
    if value is not None and not np.isfinite(number):
        raise ValueError
    return number


def _read_categories(place: str, feature: FeatureColumn, value: Any) -> object:
    is_list = isinstance(value, list | tuple) and all(isinstance(v, str) for v in value)
    if not (value is None or isinstance(value, str) or is_list):
        raise UserError(f"{place}: expected a text or a list of texts, found {value!r}")
    given = pd.Series([list(value) if is_list else value], dtype="object")
    return np.array(read_categories(given, feature.separator).iloc[0], dtype=object)
