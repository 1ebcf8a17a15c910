"""One task for each query, on all processors."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

Result = TypeVar("Result")


def map_threads(task: Callable[..., Result], *arguments: Sequence[Any] | np.ndarray) -> list[Result]:
    """What `map` gives; of use where a task lets go of the interpreter, as NumPy does on long arrays."""
    if len(arguments[0]) < 2:
        return list(map(task, *arguments))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(task, *arguments))
