"""What is read of one file or database table, before several files are joined to one raw table."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa

from feature_pipeline.schema import complain
from feature_pipeline.sources.raw import RawTable, build_refused

# Whole numbers with gaps stay whole: as float64, long ids would lose their last digits.
_WHOLE_NUMBERS = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
}


@dataclass(frozen=True)
class FilePart:
    """Rows of one file.

    Attributes:
        table: the wanted columns.
        rows: [num_rows] int64, the 1-based line or row number of each.
        refused: see `RawTable`.
        length: how many lines or rows the file has.
    """

    table: pa.Table
    rows: np.ndarray
    length: int
    refused: pd.DataFrame = field(default_factory=build_refused)


def number_rows(table: pa.Table) -> FilePart:
    """A part whose rows are numbered from 1."""
    return FilePart(table, np.arange(1, len(table) + 1), len(table))


def join_parts(parts: Sequence[FilePart], file: str) -> RawTable:
    """One raw table of all parts, whose rows are numbered through.

    Raises:
        SchemaError: a column has types in two parts that do not fit together.
    """
    starts = np.cumsum([0, *(part.length for part in parts)])
    try:
        table = pa.concat_tables([part.table for part in parts], promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        remedy = "write all the files with the same types"
        raise complain(file, "columns", "one type a column in all files", str(error), remedy) from None
    frame: pd.DataFrame = table.to_pandas(types_mapper=_WHOLE_NUMBERS.get, ignore_metadata=True)
    frame.index = pd.Index(
        np.concatenate([part.rows + start for part, start in zip(parts, starts, strict=False)]), dtype="int64"
    )
    refused = [
        part.refused.set_axis(part.refused.index + start) for part, start in zip(parts, starts, strict=False)
    ]
    return RawTable(frame, file, pd.concat(refused))
