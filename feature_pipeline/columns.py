"""Raw columns -> typed columns; what cannot be read becomes missing, and the caller sets it aside."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from feature_pipeline.schema import complain

# Whole numbers up to here are exact in float64.
_EXACT_FLOAT = 2**53


def read_text(values: pd.Series) -> pd.Series:
    """Strings as they stand, so that `007` stays `007`; a blank one is missing.

    A whole number that was read as float because of a gap (`24.0`) is written without the fraction.
    """
    if pd.api.types.is_float_dtype(values) and _all_whole(values.dropna()):
        values = values.astype("Int64")
    texts = values.astype("str").where(values.notna())
    return texts.where(texts.str.strip().ne(""))


def read_number(values: pd.Series, file: str) -> pd.Series:
    """Finite numbers, float64.

    Raises:
        SchemaError: the column holds values, and not one of them is a number.
    """
    # pandas would count a date as the microseconds since 1970.
    plain = values.astype("object") if values.dtype.kind in "mM" else values
    numbers = pd.to_numeric(plain, errors="coerce").astype("float64").replace([np.inf, -np.inf], np.nan)
    return _check_some_readable(values, numbers, "a number", file)


def read_time(values: pd.Series, unit: str, file: str) -> pd.Series:
    """UTC without zone, `datetime64[us]`, from ISO 8601 (UTC where no zone stands) or numbers since 1970.

    Args:
        values: the raw column.
        unit: of numbers: `s`, `ms` or `us`.
        file: for the message.

    Raises:
        SchemaError: the column holds values, and not one of them is a time.
    """
    if pd.api.types.is_numeric_dtype(values):
        finite = values.where(np.isfinite(values.astype("float64")))
        times = pd.to_datetime(finite, unit=unit, errors="coerce", utc=True)  # type: ignore[call-overload]
    else:
        times = pd.to_datetime(values, errors="coerce", utc=True, format="ISO8601")
    read = _check_some_readable(values, times, "a time (ISO 8601, or a number since 1970)", file)
    plain: pd.Series = read.dt.tz_localize(None).astype("datetime64[us]")
    return plain


def read_categories(values: pd.Series, separator: str | None) -> pd.Series:
    """Lists of strings, one for each row; empty where nothing is known."""
    texts = read_text(values).fillna("")
    parts = texts.str.split(separator, regex=False) if separator else texts.map(lambda text: [text])
    return parts.map(lambda row: [part.strip() for part in row if part.strip()])


def fill_template(columns: pd.DataFrame, template: str, names: Sequence[str]) -> pd.Series:
    """Fills the `{column}` places of `template` row by row; a row without any value has no text at all.

    Args:
        columns: the raw table.
        template: text with places.
        names: the columns it names, each once.
    """
    texts = pd.DataFrame({name: read_text(columns[name]) for name in names})
    filled = [template.format_map(row) for row in texts.fillna("").to_dict("records")]
    return pd.Series(filled, index=columns.index, dtype="str").where(texts.notna().any(axis=1))


def _all_whole(numbers: pd.Series) -> bool:
    return bool(((numbers % 1 == 0) & (numbers.abs() < _EXACT_FLOAT)).all())


def _check_some_readable(values: pd.Series, read: pd.Series, expected: str, file: str) -> pd.Series:
    """A column of which nothing can be read is a wrong mapping, not a few bad rows."""
    present = values[values.notna()]
    if len(present) and read.isna().all():
        place, found = f"row {present.index[0]}, column {values.name!r}", repr(str(present.iloc[0]))
        remedy = "mend the column, or declare another in the data set's YAML"
        raise complain(file, place, expected, found, remedy)
    return read
