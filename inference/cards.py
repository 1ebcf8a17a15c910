"""What a card shows of an item or a user: the declared values in words, and the picture."""

import mimetypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.html import to_data_uri
from feature_pipeline.schema import FeatureSpec


def describe(row: Any, specs: Sequence[FeatureSpec], kinds: Sequence[str]) -> dict[str, str]:
    """The declared values of these kinds that are known, in words, by column."""
    words = {spec.name: write_value(row[spec.name]) for spec in specs if spec.kind in kinds}
    return {name: word for name, word in words.items() if word}


def write_value(value: Any) -> str:
    """A text, a number, a day, or the values of a category; nothing where it is unknown."""
    if isinstance(value, np.ndarray | list | tuple):
        return ", ".join(map(str, value))
    if value is None or pd.isna(value):
        return ""
    if isinstance(value, pd.Timestamp):
        return f"{value:%d %b %Y}"
    # A price has cents; a year is none that one counts in thousands.
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


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
