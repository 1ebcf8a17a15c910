"""Batches side by side on the cores of the processor."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np


def map_batches(forward: Callable[[Any], Any], batches: Iterable[Any], device: str) -> np.ndarray:
    """Applies a model to batches; on a CPU to several at once.

    A batch a core is quicker than all cores on one batch: no core waits for the others at every layer, which
    costs most where other programs keep some of them busy.

    Args:
        forward: the model, from a batch to a tensor `[rows, dimension]`.
        batches: what it takes, prepared in the caller's thread, as tokenizers cannot be shared.
        device: what it runs on.

    Returns:
        The rows of all batches in order, float32.
    """
    import torch

    def apply(batch: Any) -> np.ndarray:
        with torch.inference_mode():
            vectors: np.ndarray = forward(batch).float().cpu().numpy()
        return vectors

    prepared = list(batches)
    cores = torch.get_num_threads()
    workers = min(cores, len(prepared)) if device == "cpu" else 1
    if workers <= 1:
        return np.concatenate([apply(batch) for batch in prepared])
    try:
        with ThreadPoolExecutor(
            workers, initializer=torch.set_num_threads, initargs=(cores // workers,)
        ) as pool:
            return np.concatenate(list(pool.map(apply, prepared)))
    finally:
        torch.set_num_threads(cores)  # parts of it count for all threads


@contextmanager
def keep_to_one_core() -> Iterator[None]:
    """Keeps a model on the caller's core, for one short text at a time.

    Threads would wait for each other at every layer longer than they work: milliseconds where nothing else
    runs, and half a second where other programs keep the cores busy.
    """
    import torch

    cores = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(cores)
