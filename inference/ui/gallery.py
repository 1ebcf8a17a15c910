"""All that the page shows of one bundle besides answers: items, people, the map, both reports."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from feature_pipeline.artefact import find_current
from inference.ui.exhibit import Exhibits
from inference.ui.filters import Choice, Range, list_controls
from inference.ui.map import ItemMap
from inference.ui.people import People
from training_pipeline.bundle import Bundle, open_bundle

# The one that answers, and the one before it.
_KEPT = 2


@dataclass(frozen=True)
class Gallery:
    """One bundle as it is shown; its parts are made when they are first asked for. Threads may share it.

    Attributes:
        bundle: what is shown.
    """

    bundle: Bundle

    @cached_property
    def exhibits(self) -> Exhibits:
        """Its items."""
        return Exhibits(self.bundle)

    @cached_property
    def people(self) -> People:
        """Its users."""
        return People(self.bundle)

    @cached_property
    def controls(self) -> list[Choice | Range]:
        """What can be asked of its items."""
        return list_controls(self.exhibits.items, self.exhibits.specs)

    @cached_property
    def map(self) -> ItemMap:
        """Where its items lie."""
        return ItemMap(self.bundle.item_embeddings)

    @property
    def has_content(self) -> bool:
        """Whether items have texts or pictures to compare."""
        return any(spec.kind in ("text", "image") for spec in self.exhibits.specs)

    @property
    def has_pictures(self) -> bool:
        """Whether items have pictures to compare."""
        return any(spec.kind == "image" for spec in self.exhibits.specs)

    @property
    def report(self) -> Path:
        """How the model was evaluated."""
        return self.bundle.path / "report.html"

    @property
    def profile(self) -> Path:
        """What the features are like."""
        return self.bundle.store.path / "profile.html"


def open_gallery(bundles: Path, bundle_id: str) -> Gallery:
    """The bundle of this id.

    Args:
        bundles: `artifacts/<dataset>/bundles`.
        bundle_id: which answers.

    Raises:
        ArtefactError: it is not there, damaged or of another version.
    """
    return _open(find_current(bundles, "give the artifacts that the service answers from", bundle_id))


@lru_cache(_KEPT)
def _open(place: Path) -> Gallery:
    return Gallery(open_bundle(place))
