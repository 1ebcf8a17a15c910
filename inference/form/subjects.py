"""What a study shows: the items or users of a feature store, as cards."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from feature_pipeline.schema import ITEM_ID, ITEMS, TITLE, USER_ID, FeatureSpec
from feature_pipeline.store import FeatureStore
from inference.cards import read_picture, write_value
from inference.form.config import Show

_SHORT = ("categorical", "numeric")


@dataclass(frozen=True)
class Card:
    """What a participant sees of a subject; all of it is text, none is markup.

    Attributes:
        title: of an item; nothing of a user, whose id may say who they are.
        picture: a data URI, or None.
        facts: names and values of the declared columns that are short.
        texts: the declared texts.
    """

    title: str
    picture: str | None
    facts: Sequence[tuple[str, str]]
    texts: Sequence[str]


@dataclass(frozen=True)
class Subjects:
    """All that a study may show.

    Attributes:
        kind: what they are.
        rows: their table, by id; in its order they are drawn.
        specs: its declared features.
        root: where their pictures lie.
    """

    kind: Show
    rows: pd.DataFrame
    specs: Sequence[FeatureSpec]
    root: Path

    def __contains__(self, subject: str) -> bool:
        return subject in self.rows.index

    @property
    def ids(self) -> list[str]:
        """Of all, in the order of their table."""
        return list(self.rows.index)

    def find_namesakes(self, name: str) -> list[str]:
        """The ids that are this name, but for upper and lower case."""
        return list(self.rows.index[self._folded == name.casefold()])

    def build_card(self, subject: str) -> Card:
        """The card of one of them."""
        row = self.rows.loc[subject]
        values = [
            (spec, write_value(row[spec.name])) for spec in self.specs if spec.kind in (*_SHORT, "text")
        ]
        given = [(spec, value) for spec, value in values if value]
        return Card(
            title=self._name(subject, row),
            picture=read_picture(self.root, row, self.specs),
            facts=[(spec.name.replace("_", " "), value) for spec, value in given if spec.kind in _SHORT],
            texts=[value for spec, value in given if spec.kind == "text"],
        )

    @cached_property
    def _folded(self) -> pd.Index:
        return self.rows.index.str.casefold()

    def _name(self, subject: str, row: Any) -> str:
        return str(row[TITLE] or subject) if self.kind == ITEMS else ""


def read_subjects(store: FeatureStore, kind: Show) -> Subjects:
    """Reads the items or the users of a feature store."""
    rows = store.read_table(kind).set_index(ITEM_ID if kind == ITEMS else USER_ID)
    return Subjects(kind, rows, store.get_specs(kind), Path(store.dataset.root))
