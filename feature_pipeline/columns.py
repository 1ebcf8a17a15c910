"""Raw columns -> typed columns; what cannot be read becomes missing, and the caller sets it aside."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from feature_pipeline.schema import complain

# Whole numbers up to here are exact in float64.
_EXACT_FLOAT = 2**53
_NUMBER = r"^\s*[+-]?[0-9]+(?:\.[0-9]*)?\s*$"
# Of ISO 8601. As seconds since 1970 these would lie before April 1973.
_YEAR_OR_DAY = r"^\s*(?:[0-9]{4}|[0-9]{8})\s*$"
_SHOWN_CHARACTERS = 80


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

    Numbers may stand as text, as they do in CSV; text of four or eight digits is a year or a day (YYYYMMDD).

    Args:
        values: the raw column.
        unit: of numbers: `s`, `ms` or `us`.
        file: for the message.

    Raises:
        SchemaError: the column holds values, and not one of them is a time.
    """
    if pd.api.types.is_numeric_dtype(values):
        times = _read_since_1970(values, unit)
    else:
        texts = values.astype("str").where(values.notna())
        is_number = texts.str.contains(_NUMBER, na=False) & ~texts.str.contains(_YEAR_OR_DAY, na=False)
        dates = pd.to_datetime(values.mask(is_number), errors="coerce", utc=True, format="ISO8601")
        numbers = pd.to_numeric(texts.where(is_number), errors="coerce")
        times = dates.fillna(_read_since_1970(numbers, unit))
    read = _check_some_readable(values, times, "a time (ISO 8601, or a number since 1970)", file)
    plain: pd.Series = read.dt.tz_localize(None).astype("datetime64[us]")
    return plain


def read_categories(values: pd.Series, separator: str | None) -> pd.Series:
    """Lists of strings, one for each row; empty where nothing is known.

    Args:
        values: the raw column; lists, as Parquet may hold them, stay lists.
        separator: what stands between several categories of one text.
    """
    is_list = values.map(lambda value: isinstance(value, list | np.ndarray)).astype("bool")
    texts = read_text(values.mask(is_list)).fillna("")
    parts = texts.str.split(separator, regex=False) if separator else texts.map(lambda text: [text])
    return values.where(is_list, parts).map(_clean_categories)


def to_float(values: pd.Series | np.ndarray) -> np.ndarray:
    """Numbers, and times as days since 1970 [num_rows] float64; NaN where missing."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiub":
        return values.astype(np.float64, copy=False)
    values = pd.Series(values)
    if pd.api.types.is_datetime64_any_dtype(values):
        return ((values - pd.Timestamp(0)) / pd.Timedelta(days=1)).to_numpy("float64")
    return values.to_numpy("float64", na_value=np.nan)


def fill_template(columns: pd.DataFrame, template: str, need_all: bool = False) -> pd.Series:
    """Fills the `{column}` places of `template` row by row; a row without any value has no text at all.

    Args:
        columns: the raw columns that it names, each once.
        template: text with places; `{column:.3}` takes the first 3 characters.
        need_all: whether one missing value is enough for no text, as in a path.
    """
    texts = pd.DataFrame({name: read_text(columns[name]) for name in columns})
    filled = [template.format_map(row) for row in texts.fillna("").to_dict("records")]
    known = texts.notna().all(axis=1) if need_all else texts.notna().any(axis=1)
    return pd.Series(filled, index=columns.index, dtype="str").where(known)


def _clean_categories(parts: Sequence[object]) -> list[str]:
    return [text for part in parts if part is not None and (text := str(part).strip())]


def _read_since_1970(numbers: pd.Series, unit: str) -> pd.Series:
    finite = numbers.astype("float64").where(lambda values: np.isfinite(values))
    whole = numbers.where(finite.notna())
    return pd.to_datetime(whole, unit=unit, errors="coerce", utc=True)  # type: ignore[call-overload,no-any-return]


def _all_whole(numbers: pd.Series) -> bool:
    return bool(((numbers % 1 == 0) & (numbers.abs() < _EXACT_FLOAT)).all())


def _check_some_readable(values: pd.Series, read: pd.Series, expected: str, file: str) -> pd.Series:
    """A column of which nothing can be read is a wrong mapping, not a few bad rows."""
    present = values[values.notna()]
    if len(present) and read.isna().all():
        place, found = f"row {present.index[0]}, column {values.name!r}", _shorten(present.iloc[0])
        remedy = "mend the column, or declare another in the data set's YAML"
        raise complain(file, place, expected, found, remedy)
    return read


def _shorten(value: object) -> str:
    text = str(value)
    return repr(text) if len(text) <= _SHOWN_CHARACTERS else repr(text[:_SHOWN_CHARACTERS]) + "..."
