"""Search by content: the items that are like a text, a picture, both, or another item."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.errors import UserError
from feature_pipeline.schema import ITEM_ID, USERS
from inference.content_encoder import ContentEncoder, ContentKind, list_columns
from inference.content_space import Space
from inference.item_content import Fused, ItemContent, Question
from inference.unknown import refuse_unknown
from training_pipeline.bundle import Bundle
from training_pipeline.evaluation.ranks import top_k

TOWER = "tower"
KINDS: dict[str, tuple[ContentKind, ...]] = {
    "text": ("text",),
    "image": ("image",),
    "both": ("text", "image"),
}


@dataclass(frozen=True)
class Matches:
    """The items that are most like what was asked, most alike first; ties by the lower position.

    Attributes:
        items: positions [num_found] int32.
        scores: [num_found] float32: cosines, or means of standardised cosines where `fused` is "scores".
        fused: how text and image were joined, where both were asked: as one vector of the space that they
            share, or each by itself, and the scores.
    """

    items: np.ndarray
    scores: np.ndarray
    fused: Fused | None = None


class ContentSearch:
    """Searches the items of one bundle by their content. Threads may share it; models load when needed.

    All searches take `k`, how many items at most; `allowed`, a mask of items [num_items] bool; and
    `excluded`, positions of items. Items without content to compare never come up.

    A text is compared with every text column of the items, an image with every image column, each by the
    encoder that made the column; an item's score is the mean over its columns. Where one model embeds both
    kinds (CLIP), an item without content of the kind is compared by what it has of the other.

    Args:
        bundle: the items, their embeddings, and what encoded them.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._encoder = ContentEncoder(bundle.store)
        self._content = ItemContent(bundle.store, bundle.tables.item_vectors, self._encoder)

    def by_text(
        self, text: str, k: int, allowed: np.ndarray | None = None, excluded: Sequence[int] | np.ndarray = ()
    ) -> Matches:
        """Items like a text.

        Raises:
            UserError: the text is empty or too long, or items have no text.
        """
        return self._find({"text": self._content.encode("text", text)}, k, allowed, excluded)

    def by_image(
        self,
        image: bytes,
        k: int,
        allowed: np.ndarray | None = None,
        excluded: Sequence[int] | np.ndarray = (),
    ) -> Matches:
        """Items like a picture, given as the bytes of a file.

        Raises:
            UserError: the image cannot be decoded, or items have no images.
        """
        return self._find({"image": self._content.encode("image", image)}, k, allowed, excluded)

    def by_text_and_image(
        self,
        text: str,
        image: bytes,
        k: int,
        allowed: np.ndarray | None = None,
        excluded: Sequence[int] | np.ndarray = (),
    ) -> Matches:
        """Items like a text and a picture together.

        Where one model embeds both kinds, the question is the sum of the two unit vectors, and each item the
        sum of its own. Otherwise the cosines of each kind are standardised over all items that have it, and
        averaged; what an item has nothing of counts as the mean.

        Raises:
            UserError: see `by_text` and `by_image`.
        """
        question: Question = {
            "text": self._content.encode("text", text),
            "image": self._content.encode("image", image),
        }
        return self._find(question, k, allowed, excluded)

    def similar(
        self,
        item_id: str,
        by: str,
        k: int,
        allowed: np.ndarray | None = None,
        excluded: Sequence[int] | np.ndarray = (),
    ) -> Matches:
        """Other items like one of the items.

        Args:
            item_id: the item; it does not come up itself.
            by: `text`, `image`, `both` (of which the item may have one only), or `tower`, which puts together
                what the same users choose.
            k: see the class.
            allowed: see the class.
            excluded: see the class.

        Raises:
            UserError: the item or `by` is unknown, or the item has no such content.
        """
        item = self._find_item(item_id)
        others = [*excluded, item]
        if by == TOWER:
            return self._list(self._tower.compare(self._tower.vectors[item]), k, allowed, others)
        if by not in KINDS:
            raise UserError(refuse_unknown("by", by, sorted([*KINDS, TOWER])))
        question = {kind: self._content.take(kind, item) for kind in KINDS[by]}
        known = {kind: vectors for kind, vectors in question.items() if vectors}
        if not known:
            raise UserError(f"item {item_id!r} has no {' or '.join(question)} to compare")
        return self._find(known, k, allowed, others)

    def encode_profile(self, text: str, column: str | None = None) -> np.ndarray:
        """Encodes what a new user says of themselves.

        Args:
            text: value of a text feature of users.
            column: the embedding column to fill; may be left out where users have one only.

        Returns:
            [dim] float32, as the users table has it.

        Raises:
            UserError: the text is empty or too long, or there is no such column.
        """
        columns = list_columns(self._bundle.store, self._bundle.store.dataset.users.features)
        encoders = {c.name: c.encoder for c in columns if c.kind == "text"}
        if column is None and len(encoders) == 1:
            (column,) = encoders
        if column not in encoders:
            choices = ", ".join(encoders) or "none, as users have no text"
            raise UserError(
                f"profile: expected an embedding column of users, found {column}. Choices: {choices}"
            )
        return self._encoder.project(USERS, column, self._encoder.encode("text", encoders[column], text))

    def _find(
        self, question: Question, k: int, allowed: np.ndarray | None, excluded: Sequence[int] | np.ndarray
    ) -> Matches:
        scores, fused = self._content.compare(question)
        return self._list(scores, k, allowed, excluded, fused)

    def _find_item(self, item_id: str) -> int:
        item = int(self._bundle.tables.find_items(pd.Series([item_id], dtype="str"))[0])
        if item < 0:
            raise UserError(refuse_unknown("item", item_id, sorted(self._bundle.tables.items[ITEM_ID])))
        return item

    def _list(
        self,
        scores: np.ndarray,
        k: int,
        allowed: np.ndarray | None,
        excluded: Sequence[int] | np.ndarray,
        fused: Fused | None = None,
    ) -> Matches:
        hidden = np.isnan(scores)
        if allowed is not None:
            hidden |= ~allowed
        hidden[np.asarray(excluded, np.int64)] = True
        nobody = csr_array((1, len(scores)), dtype=bool)
        items, best = top_k(np.where(hidden, -np.inf, scores)[None], nobody, k)
        is_found = items[0] >= 0
        return Matches(items[0][is_found], best[0][is_found], fused)

    @cached_property
    def _tower(self) -> Space:
        return Space(self._bundle.item_embeddings)
