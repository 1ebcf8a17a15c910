"""Files that may be gzipped, told by their names."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from feature_pipeline.schema import complain


@contextmanager
def open_file(path: Path, mode: str, **options: Any) -> Iterator[IO[Any]]:
    """Opens a file as `open` does, unpacking it on the way where its name ends in `.gz`.

    Raises:
        SchemaError: it is no whole gzip file; copy it again.
    """
    open_any: Callable[..., IO[Any]] = gzip.open if path.suffix.lower() == ".gz" else open
    with open_any(path, mode, **options) as stream:
        try:
            yield stream
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            remedy = "copy or download the file again"
            raise complain(str(path), "content", "a whole gzip file", str(error), remedy) from None
