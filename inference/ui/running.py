"""What the page of this process is about; the server opens it, and every visitor's script asks for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inference.ui.backend import Backend
from inference.ui.gallery import Gallery, open_gallery


@dataclass(frozen=True)
class Place:
    """What answers, and what there is to see.

    Attributes:
        backend: answers.
        bundles: `artifacts/<dataset>/bundles`.
        dataset: its name.
    """

    backend: Backend
    bundles: Path
    dataset: str

    def open_gallery(self) -> Gallery:
        """The bundle that answers now."""
        return open_gallery(self.bundles, self.backend.name_bundle())


_places: list[Place] = []


@contextmanager
def run(place: Place) -> Iterator[None]:
    """Has the scripts of this process show a place."""
    _places.append(place)
    try:
        yield
    finally:
        _places.remove(place)


def get_place() -> Place:
    """The place that is shown."""
    return _places[-1]
