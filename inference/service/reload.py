"""Hot reload: a bundle that is published while the service runs answers as soon as it is ready to."""

import logging
from collections.abc import Callable
from pathlib import Path

from feature_pipeline.artefact import CURRENT, find_current
from feature_pipeline.errors import UserError
from inference.published import list_published
from inference.service.live import Live
from inference.service.logs import describe
from inference.service.metrics import RELOADS
from inference.service.model import Model

OpenModel = Callable[[Path], Model]

_log = logging.getLogger(__name__)


class Reloader:
    """Looks whether another bundle is the current one, and has it answer.

    Args:
        live: what answers now.
        bundles: `artifacts/<dataset>/bundles`.
        open_model: opens a bundle.
    """

    def __init__(self, live: Live, bundles: Path, open_model: OpenModel) -> None:
        self._live = live
        self._bundles = bundles
        self._open_model = open_model
        self._refused: tuple[int, int] | None = None

    def look(self) -> None:
        """Opens the current bundle unless it answers already, or was refused since it was published."""
        published = _identify_publication(self._bundles)
        if published is None or published == self._refused:
            return
        place = self._bundles / (self._bundles / CURRENT).read_text().strip()
        if place.name == self._live.model.id:
            return
        try:
            self._live.swap(self._open_model(place))
        except Exception as error:
            # Whatever is wrong with it, the old one goes on.
            self._refused = published
            _note_refusal(place.name, error)
            return
        RELOADS.labels("loaded").inc()
        _log.info("bundle loaded", extra={"fields": {"bundle": place.name}})


def open_first(bundles: Path, open_model: OpenModel) -> Model:
    """Opens the current bundle or, where it is bad, the newest one before it that is not.

    So a worker that is started anew comes up with what the others serve, when they have refused a bad bundle.

    Raises:
        UserError: there is none to open.
    """
    current = find_current(bundles, "run make train")
    published = list_published(bundles)
    earlier = published[published.index(current) + 1 :] if current in published else published
    for place in (current, *earlier):
        try:
            return open_model(place)
        except Exception as error:
            _note_refusal(place.name, error)
    raise UserError(f"{bundles}: expected a bundle that can be opened, found none. Remedy: run make train")


def _note_refusal(bundle: str, error: Exception) -> None:
    RELOADS.labels("refused").inc()
    _log.error("bundle refused", extra={"fields": {"bundle": bundle, "error": describe(error)}})


def _identify_publication(bundles: Path) -> tuple[int, int] | None:
    """Tells one publication from the next, even of the same id: each puts a new file in place."""
    try:
        found = (bundles / CURRENT).stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns
