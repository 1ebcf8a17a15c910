"""Tables as arrays, and in files that many processes can map into their memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Columns of one length by name.
Arrays = Mapping[str, np.ndarray]

_NAMES = "names.json"


@dataclass(frozen=True)
class Table:
    """A few rows, read like a DataFrame, which for a single one costs as much as all that is done with it.

    Attributes:
        columns: [num_rows] each; lists of categories are objects.
    """

    columns: Arrays

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> np.ndarray:
        return self.columns[name]

    def cut(self, rows: slice) -> "Table":
        """The rows of a slice."""
        return Table({name: values[rows] for name, values in self.columns.items()})


def take_rows(table: Arrays, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The table's rows at these places [num_taken] int, or where a mask holds [num_rows] bool."""
    return {name: values[rows] for name, values in table.items()}


def join_tables(tables: Sequence[Arrays]) -> dict[str, np.ndarray]:
    """One table below the other; all have the columns of the first."""
    return {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays of any lengths into a new folder; their names may be anything."""
    folder.mkdir(parents=True)
    for number, values in enumerate(arrays.values()):
        np.save(_locate(folder, number), values, allow_pickle=False)
    (folder / _NAMES).write_text(json.dumps(list(arrays)) + "\n")


def read_arrays(folder: Path) -> dict[str, np.ndarray]:
    """Maps what `write_arrays` wrote into memory."""
    names = json.loads((folder / _NAMES).read_text())
    return {
        # As plain arrays: each step with one of memmap's own kind takes several times as long.
        name: np.asarray(np.load(_locate(folder, number), mmap_mode="r", allow_pickle=False))
        for number, name in enumerate(names)
    }


def _locate(folder: Path, number: int) -> Path:
    return folder / f"{number}.npy"
