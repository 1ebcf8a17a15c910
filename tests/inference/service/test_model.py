"""What a bundle has done before it answers: its encoders are loaded, where it has any."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feature_pipeline.errors import UserError
from inference.content import ContentSearch
from inference.service.model import warm_search
from tests.inference.gallery import publish_gallery
from training_pipeline.bundle import Bundle


class Searching:
    """A recommender that only searches, and notes by what.

    Args:
        bundle: whose items are searched.
        fail: called before each search.
    """

    def __init__(self, bundle: Bundle, fail: Callable[[], None] = lambda: None) -> None:
        self.bundle = bundle
        self.kinds: list[str] = []
        self._search = ContentSearch(bundle)
        self._fail = fail

    def search(self, text: str | None = None, image: bytes | None = None, k: int = 10) -> Any:
        self._fail()
        self.kinds.append("text" if image is None else "image")
        return self._search.by_image(image, k) if text is None else self._search.by_text(text, k)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return publish_gallery(tmp_path_factory.mktemp("gallery"))


def test_every_kind_that_items_have_is_searched(gallery, tmp_path: Path):
    both, pictures = Searching(gallery), Searching(publish_gallery(tmp_path, features=("picture",)))
    for searching in (both, pictures):
        warm_search(searching)
    # Users have texts in either; without texts of items there is nothing to compare one with.
    assert (both.kinds, pictures.kinds) == (["image", "text"], ["image"])


def test_content_that_nothing_here_has_encoded_is_not_searched(bundle):
    searching = Searching(bundle)
    warm_search(searching)
    assert searching.kinds == []


def test_a_missing_encoder_is_told_and_stops_nothing(gallery, caplog):
    def fail() -> None:
        raise UserError("no such model")

    with caplog.at_level(logging.ERROR):
        warm_search(Searching(gallery, fail))
    told = [(record.getMessage(), record.fields["kind"], record.fields["error"]) for record in caplog.records]
    assert told == [("searches fail", kind, "no such model") for kind in ("image", "text")]
