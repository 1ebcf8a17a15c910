"""What a card shows of an item or a user: the declared values in words, and the picture."""

import math
import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from feature_pipeline.html import to_data_uri
from feature_pipeline.schema import FeatureSpec


def describe(row: Any, specs: Sequence[FeatureSpec], kinds: Sequence[str]) -> str:
    """The row's declared values of these kinds, in one line."""
    values = [write_value(row[spec.name]) for spec in specs if spec.kind in kinds]
    return " · ".join(value for value in values if value)


def write_value(value: Any) -> str:
    """A text, a number, or the values of a category; nothing where it is missing."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:g}"
    return ", ".join(value)


def read_picture(root: Path, row: Any, specs: Sequence[FeatureSpec]) -> str | None:
    """The row's picture as a data URI; None where it has none, or the raw files are gone.

    Args:
        root: where the data set's raw files lie.
        row: an item or a user.
        specs: the first one that is an image names the column.
    """
    name = next((spec.name for spec in specs if spec.kind == "image"), None)
    if name is None or not isinstance(row[name], str):
        return None
    file = root / row[name]
    if not file.is_file():
        return None
    return to_data_uri(file.read_bytes(), str(mimetypes.guess_type(file.name)[0]))
