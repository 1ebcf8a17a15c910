"""Arrays in files that many processes can map into their memory."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

_COLUMNS = "columns"


def write_arrays(folder: Path, arrays: Mapping[str, np.ndarray], columns: Mapping[str, np.ndarray]) -> None:
    """Writes arrays of their own length, and columns of one, into a new folder."""
    for place, named in ((folder, arrays), (folder / _COLUMNS, columns)):
        place.mkdir(parents=True)
        for name, values in named.items():
            np.save(place / f"{name}.npy", values, allow_pickle=False)


def read_arrays(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Maps what `write_arrays` wrote into memory: the arrays, and the columns."""
    return _read(folder), _read(folder / _COLUMNS)


def _read(folder: Path) -> dict[str, np.ndarray]:
    return {
        file.stem: np.load(file, mmap_mode="r", allow_pickle=False) for file in sorted(folder.glob("*.npy"))
    }
