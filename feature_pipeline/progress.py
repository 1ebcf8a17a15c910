"""What a command tells about itself on stderr: one line a step, with rows, seconds and peak memory."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Step:
    """A running step; set `rows` and `note` before it ends."""

    rows: int | None = None
    note: str = ""


@contextmanager
def report_step(name: str) -> Iterator[Step]:
    """Times a block and prints its summary line when it ends well."""
    step, began = Step(), time.perf_counter()
    yield step
    rows = "" if step.rows is None else f"{step.rows:,} rows"
    seconds = time.perf_counter() - began
    memory = f"{read_peak_memory():,} MiB peak"
    print(f"{name:<28} {rows:>15}{seconds:>8.1f} s{memory:>16}  {step.note}".rstrip(), file=sys.stderr)


def read_peak_memory() -> int:
    """Largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)
