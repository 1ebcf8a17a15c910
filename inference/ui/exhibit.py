"""What the page shows of items: title, facts, texts and picture, from the bundle's tables."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from feature_pipeline.profile.thumbnails import shrink
from feature_pipeline.schema import ITEM_ID, TITLE
from inference.cards import describe
from training_pipeline.bundle import Bundle

# Twice the width of a card on a large screen, for screens of twice the pixels.
_CARD = (480, 480)
_THUMB = (144, 144)
_KEPT = 2000
# So many pictures tell what the others are like.
_SHAPES = 24
_NARROWEST, _WIDEST = 2 / 3, 3 / 2


@dataclass(frozen=True)
class Exhibit:
    """One item, as people see it.

    Attributes:
        item_id: its id.
        title: its title, or its id where it has none.
        facts: its categories, numbers and times, by column.
        texts: its texts, by column.
        picture: the file; None where it has none.
    """

    item_id: str
    title: str
    facts: Mapping[str, str]
    texts: Mapping[str, str]
    picture: Path | None

    def read_picture(self) -> bytes | None:
        """A small JPEG; None where the item has no picture, or its file is gone or damaged."""
        return None if self.picture is None else _read_small(self.picture, _CARD)

    def read_thumb(self) -> bytes | None:
        """The same, as small as in a strip."""
        return None if self.picture is None else _read_small(self.picture, _THUMB)


class Exhibits:
    """The items of a bundle. Threads may share it.

    Args:
        bundle: its tables, and where its raw files lie.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.items = bundle.store.read_table("items")
        self.specs = bundle.store.get_specs("items")
        self._root = Path(bundle.store.dataset.root)

    def get(self, item_id: str, title: str | None = None) -> Exhibit:
        """One item; one that came after the bundle has only the title that is given."""
        place = self._places.get(item_id)
        if place is None:
            return Exhibit(item_id, title or item_id, {}, {}, None)
        row = self.items.iloc[place]
        return Exhibit(
            item_id,
            str(row[TITLE] or item_id),
            facts=describe(row, self.specs, ("categorical", "numeric", "timestamp")),
            texts=describe(row, self.specs, ("text",)),
            picture=self._find_picture(place),
        )

    def _find_picture(self, place: int) -> Path | None:
        picture = self._pictures[place]
        return self._root / picture if isinstance(picture, str) else None

    @cached_property
    def _pictures(self) -> list[object]:
        """Of each item the first picture that it has."""
        names = [spec.name for spec in self.specs if spec.kind == "image"]
        if not names:
            return [None] * len(self.items)
        return list(self.items[names].bfill(axis=1).iloc[:, 0])

    @cached_property
    def shape(self) -> float:
        """Width by height of the usual picture, so that few are cut much; 1 where there are none."""
        known = [place for place, row in enumerate(self._pictures) if isinstance(row, str)]
        drawn = known[:: max(1, len(known) // _SHAPES)][:_SHAPES]
        small = [self.get(self.items[ITEM_ID].iloc[place]).read_thumb() for place in drawn]
        sizes = [Image.open(BytesIO(data)).size for data in small if data is not None]
        shape = float(np.median([width / height for width, height in sizes])) if sizes else 1.0
        return round(min(max(shape, _NARROWEST), _WIDEST), 3)

    def find(self, item_ids: Iterable[str]) -> list[int]:
        """Rows of the items table, of those that stand in it."""
        return [self._places[item_id] for item_id in item_ids if item_id in self._places]

    @cached_property
    def _places(self) -> dict[str, int]:
        return {item_id: place for place, item_id in enumerate(self.items[ITEM_ID])}


@lru_cache(_KEPT)
def _read_small(file: Path, size: tuple[int, int]) -> bytes | None:
    return shrink(file, size)
