"""Search by content on a real store: encoders and projections as in the build, oracles in plain NumPy."""

import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from feature_pipeline.encoders import unit_rows
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.load import ChosenEncoder
from feature_pipeline.encoders.sentence_image import SentenceImageEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.errors import UserError
from inference.content import ContentSearch, Matches
from inference.content_encoder import LONGEST_TEXT
from tests.feature_pipeline.encoders import tiny_models
from tests.inference.gallery import (
    COLOURS,
    MINILM,
    PROFILES,
    STORM,
    TEXTS,
    TOWER,
    draw,
    publish_gallery,
)
from training_pipeline.bundle import Bundle

SHIP, LIGHTHOUSE, KITTENS, PUPPY, FRUIT, SHIP_AGAIN, NOTHING = range(len(TEXTS))
WITH_TEXT = [item for item, text in enumerate(TEXTS) if text]
WITH_PICTURE = [item for item, colour in enumerate(COLOURS) if colour]


def as_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def rank(scores: dict[int, float]) -> list[int]:
    return sorted(scores, key=lambda item: (-round(scores[item], 5), item))


def check(found: Matches, scores: dict[int, float], fused: str | None = None) -> None:
    """The matches are all that have a score, best first, with their scores."""
    assert found.items.dtype == np.int32
    assert found.scores.dtype == np.float32
    assert found.items.tolist() == rank(scores)
    np.testing.assert_allclose(found.scores, [scores[item] for item in found.items], atol=1e-4)
    assert found.fused == fused


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return publish_gallery(tmp_path_factory.mktemp("gallery") / "bundle")


@pytest.fixture(scope="module")
def search(bundle: Bundle) -> ContentSearch:
    return ContentSearch(bundle)


class TestText:
    def test_finds_what_it_is_about(self, search):
        assert search.by_text("a boat in heavy weather", 2).items.tolist() == [SHIP, SHIP_AGAIN]
        assert search.by_text("citrus", 1).items.tolist() == [FRUIT]
        assert search.by_text("young cats", 1).items.tolist() == [KITTENS]

    def test_scores_are_cosines_of_all_items_that_have_a_text(self, search):
        vectors = TextEncoder(precision="float32").encode(["animals", *(TEXTS[item] for item in WITH_TEXT)])
        check(search.by_text("animals", 99), dict(zip(WITH_TEXT, vectors[1:] @ vectors[0], strict=True)))

    def test_the_same_text_has_the_cosine_one_and_ties_go_to_the_lower_position(self, search):
        found = search.by_text(STORM, 2)
        assert found.items.tolist() == [SHIP, SHIP_AGAIN]
        np.testing.assert_allclose(found.scores, 1, atol=1e-6)
        assert found.scores[0] == found.scores[1] <= 1

    def test_only_among_what_is_allowed_and_not_excluded(self, search):
        allowed = np.isin(np.arange(len(TEXTS)), [SHIP, KITTENS, FRUIT, NOTHING])
        assert search.by_text(STORM, 99, allowed, [KITTENS]).items.tolist() == [SHIP, FRUIT]
        assert allowed.sum() == 4
        assert search.by_text(STORM, 99, np.zeros(len(TEXTS), bool)).items.tolist() == []


class TestImage:
    def test_scores_are_cosines_of_all_items_that_have_a_picture(self, search):
        asked = as_png(draw("red", 20))
        pictures = [as_png(draw(COLOURS[item], item)) for item in WITH_PICTURE]
        vectors = ColourTextureEncoder().encode([asked, *pictures])
        check(search.by_image(asked, 99), dict(zip(WITH_PICTURE, vectors[1:] @ vectors[0], strict=True)))

    def test_the_same_picture_comes_first(self, search):
        found = search.by_image(as_png(draw("pink", KITTENS)), 3)
        assert found.items[0] == KITTENS
        assert found.scores[0] == pytest.approx(1, abs=1e-6)


def standardised(scores: dict[int, float]) -> dict[int, float]:
    values = np.array(list(scores.values()))
    return {item: (score - values.mean()) / values.std() for item, score in scores.items()}


def test_text_and_image_of_two_spaces_are_joined_by_their_scores(search):
    text, image = "animals", as_png(draw("navy"))
    each = [
        standardised(dict(zip(found.items.tolist(), found.scores.tolist(), strict=True)))
        for found in (search.by_text(text, 99), search.by_image(image, 99))
    ]
    expected = {item: sum(own.get(item, 0) for own in each) / 2 for item in set(each[0]) | set(each[1])}

    found = search.by_text_and_image(text, image, 99)

    assert PUPPY in expected
    assert NOTHING not in expected
    check(found, expected, "scores")
    few = search.by_text_and_image(text, image, 2, excluded=[int(found.items[0])])
    assert few.items.tolist() == found.items[1:3].tolist()
    np.testing.assert_array_equal(few.scores, found.scores[1:3])


class TestSimilar:
    def test_by_text_and_by_image(self, search, bundle):
        for by, column, item in (("text", "about", LIGHTHOUSE), ("image", "picture", PUPPY)):
            vectors = bundle.tables.item_vectors[f"{column}_embedding"]
            known = [other for other in range(len(TEXTS)) if vectors[other].any() and other != item]
            check(search.similar(f"item-{item}", by, 99), {o: vectors[o] @ vectors[item] for o in known})

    def test_by_both(self, search):
        found = search.similar("item-0", "both", 99, excluded=[SHIP_AGAIN])
        assert found.fused == "scores"
        assert found.items.tolist()[0] == LIGHTHOUSE
        assert {SHIP, SHIP_AGAIN, NOTHING}.isdisjoint(found.items.tolist())

    def test_by_both_of_an_item_that_has_one_kind(self, search):
        found, expected = (search.similar("item-3", by, 99) for by in ("both", "image"))
        assert found.fused is None
        np.testing.assert_array_equal(found.items, expected.items)

    def test_by_tower(self, search):
        units = unit_rows(TOWER)
        cosines = units @ units[NOTHING]
        check(
            search.similar("item-6", "tower", 99), {i: cosines[i] for i in range(len(TEXTS)) if i != NOTHING}
        )

    def test_works_without_any_model(self, search, bundle, monkeypatch):
        monkeypatch.setitem(bundle.store.__dict__, "encoders", {})
        assert ContentSearch(bundle).similar("item-0", "text", 1).items.tolist() == [SHIP_AGAIN]


@pytest.fixture(scope="module")
def projected(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Both kinds projected, two text columns, and two text features of users."""
    encoder = {
        "text": {"minilm": {**MINILM, "projection": {"kind": "pca", "dimension": 2}}},
        "image": {
            "colour_texture": {
                "library": "colour_texture",
                "projection": {"kind": "whitening", "dimension": 3},
            }
        },
    }
    place = tmp_path_factory.mktemp("projected") / "bundle"
    return publish_gallery(place, encoder, ("about", "label", "picture"), ("profile", "wishes"))


class TestProjected:
    def test_new_content_goes_through_the_columns_own_projection(self, projected):
        search = ContentSearch(projected)
        encoded = TextEncoder(precision="float32").encode([STORM])
        vectors, projections = projected.tables.item_vectors, projected.store.read_projections()
        cosines = {
            column: vectors[column] @ projections[f"items.{column}"].apply(encoded)[0]
            for column in ("about_embedding", "label_embedding")
        }

        mean = (cosines["about_embedding"] + cosines["label_embedding"]) / 2
        check(search.by_text(STORM, 99), {item: mean[item] for item in WITH_TEXT})
        assert cosines["about_embedding"][SHIP] == pytest.approx(1, abs=1e-5)
        assert search.by_image(as_png(draw("brown", PUPPY)), 1).items.tolist() == [PUPPY]

    def test_a_profile_is_encoded_as_the_users_were(self, projected):
        search, known = ContentSearch(projected), projected.tables.user_vectors
        for column in ("profile_embedding", "wishes_embedding"):
            encoded = search.encode_profile(PROFILES[0], column)
            assert encoded.dtype == np.float32
            np.testing.assert_allclose(encoded, known[column][0], atol=1e-5)

    def test_which_of_several_columns_must_be_said(self, projected):
        with pytest.raises(UserError) as error:
            ContentSearch(projected).encode_profile("x")
        assert str(error.value) == (
            "profile: expected an embedding column of users, found None. Choices: profile_embedding, "
            "wishes_embedding"
        )


def test_a_profile_is_encoded(search, bundle):
    vector = search.encode_profile(PROFILES[3])
    np.testing.assert_allclose(vector, bundle.tables.user_vectors["profile_embedding"][3], atol=1e-5)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save_sentence_clip(tmp_path_factory.mktemp("clip"))


def describe_clip(directory: Path) -> dict[str, Any]:
    model = {"library": "sentence_transformers", "model": str(directory), "precision": "float32"}
    return {
        "text": {"minilm": MINILM, "clip": model},
        "image": {"clip": model, "colour_texture": {"library": "colour_texture"}},
    }


@pytest.fixture(scope="module")
def sharing(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model that reads both kinds, beside one of each kind that does not."""
    return publish_gallery(
        tmp_path_factory.mktemp("sharing") / "bundle", describe_clip(clip), ("label", "picture"), ()
    )


class TestOneSpace:
    def test_an_item_without_text_is_found_by_its_picture(self, sharing, clip):
        vectors = sharing.tables.item_vectors
        by_minilm = TextEncoder(precision="float32").encode(["a lemon"])[0]
        by_clip = TextEncoder(str(clip), precision="float32").encode(["a lemon"])[0]
        expected = {
            item: (vectors["label_minilm_embedding"] @ by_minilm + vectors["label_clip_embedding"] @ by_clip)[
                item
            ]
            / 2
            for item in WITH_TEXT
        }
        expected[PUPPY] = vectors["picture_clip_embedding"][PUPPY] @ by_clip

        check(ContentSearch(sharing).by_text("a lemon", 99), expected)

    def test_text_and_image_are_added_up(self, sharing, clip):
        image = as_png(draw("red"))
        vectors = sharing.tables.item_vectors
        units = unit_rows(vectors["label_clip_embedding"] + vectors["picture_clip_embedding"])
        text = TextEncoder(str(clip), precision="float32").encode(["a lemon"])[0]
        asked = text + SentenceImageEncoder(str(clip), precision="float32").encode([image])[0]

        found = ContentSearch(sharing).by_text_and_image("a lemon", image, 99)

        cosines = units @ asked / np.linalg.norm(asked)
        check(found, {i: cosines[i] for i in range(len(TEXTS)) if i != NOTHING}, "one space")

    def test_similar_by_both_adds_up_what_the_item_has(self, sharing):
        vectors = sharing.tables.item_vectors
        units = unit_rows(vectors["label_clip_embedding"] + vectors["picture_clip_embedding"])
        cosines = units @ units[FRUIT]

        found = ContentSearch(sharing).similar("item-4", "both", 99)

        check(found, {i: cosines[i] for i in range(len(TEXTS)) if i not in (FRUIT, NOTHING)}, "one space")

    def test_texts_search_a_gallery_of_pictures_alone(self, clip, tmp_path):
        config = describe_clip(clip)
        alone = {"text": {"clip": config["text"]["clip"]}, "image": {"clip": config["image"]["clip"]}}
        search = ContentSearch(publish_gallery(tmp_path / "bundle", alone, ("picture",), ()))

        assert sorted(search.by_text("a lemon", 99).items.tolist()) == WITH_PICTURE
        assert search.by_text_and_image("a lemon", as_png(draw("red")), 1).fused == "one space"

    def test_projected_spaces_are_not_shared(self, clip, tmp_path):
        config = describe_clip(clip)
        config["image"] = {"clip": {**config["image"]["clip"], "projection": {"kind": "pca", "dimension": 2}}}
        search = ContentSearch(publish_gallery(tmp_path / "bundle", config, ("label", "picture"), ()))

        assert sorted(search.by_text("a lemon", 99).items.tolist()) == WITH_TEXT
        assert search.by_text_and_image("a lemon", as_png(draw("red")), 1).fused == "scores"


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda s: s.by_text(" \n", 3), "text: expected some words, found none"),
        (lambda s: s.encode_profile(""), "text: expected some words, found none"),
        (
            lambda s: s.by_text("x" * (LONGEST_TEXT + 1), 3),
            "text: expected at most 10,000 characters, found 10,001",
        ),
        (
            lambda s: s.by_image(b"GIF87 no more", 3),
            "image: expected an image file, got 13 bytes that begin with b'GIF87 no'. "
            "Remedy: give a whole PNG, JPEG or WebP file",
        ),
        (
            lambda s: s.by_text_and_image("x", b"", 3),
            "image: expected an image file, got 0 bytes that begin with b''. "
            "Remedy: give a whole PNG, JPEG or WebP file",
        ),
        (
            lambda s: s.similar("item-01", "text", 3),
            "item: 'item-01' is not known. Nearest: item-1, item-0, item-6, item-5, item-4",
        ),
        (
            lambda s: s.similar("item-1", "texts", 3),
            "by: 'texts' is not known. Nearest: text, tower, both, image",
        ),
        (lambda s: s.similar("item-3", "text", 3), "item 'item-3' has no text to compare"),
        (lambda s: s.similar("item-6", "both", 3), "item 'item-6' has no text or image to compare"),
        (
            lambda s: s.encode_profile("x", "about_embedding"),
            "profile: expected an embedding column of users, found about_embedding. "
            "Choices: profile_embedding",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(search, ask, message):
    with pytest.raises(UserError) as error:
        ask(search)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("features", "kind", "ask"),
    [
        (("picture",), "text", lambda s: s.by_text("x", 3)),
        (("picture",), "text", lambda s: s.similar("item-0", "both", 3)),
        (("about",), "image", lambda s: s.by_image(as_png(draw("red")), 3)),
        (("about",), "image", lambda s: s.similar("item-0", "image", 3)),
        ((), "text", lambda s: s.by_text_and_image("x", b"", 3)),
    ],
)
def test_a_data_set_without_such_content(tmp_path, features, kind, ask):
    search = ContentSearch(publish_gallery(tmp_path / "bundle", features=features, users=()))
    with pytest.raises(UserError) as error:
        ask(search)
    assert str(error.value) == (
        f"{kind}: the items of gallery have no column of this kind. Remedy: declare one in the data set's "
        "YAML, then make features and make train"
    )
    with pytest.raises(UserError, match=r"found None\. Choices: none, as users have no text$"):
        search.encode_profile("x")


class SlowEncoder:
    """Notes whether two threads were in it at once."""

    id, dimension = "slow-1", 384

    def __init__(self) -> None:
        self.inside = self.most = 0

    def encode(self, contents, /) -> np.ndarray:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.01)
        self.inside -= 1
        return np.eye(1, 384, dtype=np.float32)


def give(bundle: Bundle, monkeypatch: pytest.MonkeyPatch, encoder: SlowEncoder) -> ContentSearch:
    encoders = {"text": {"minilm": ChosenEncoder(encoder)}}
    monkeypatch.setitem(bundle.store.__dict__, "encoders", encoders)
    return ContentSearch(bundle)


def test_threads_take_turns_at_a_model(bundle, monkeypatch):
    encoder = SlowEncoder()
    encoder.id = bundle.store.encoder_ids["text"]["minilm"]
    search = give(bundle, monkeypatch, encoder)
    found: list[Matches] = []
    threads = [threading.Thread(target=lambda: found.append(search.by_text("x", 3))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert encoder.most == 1


def test_another_model_than_the_stores_is_refused(bundle, monkeypatch):
    pinned = bundle.store.encoder_ids["text"]["minilm"]
    with pytest.raises(UserError) as error:
        give(bundle, monkeypatch, SlowEncoder()).by_text("x", 3)
    assert str(error.value) == (
        f"encoder: expected {pinned}, by which the content was encoded, found slow-1. "
        "Remedy: put the earlier model back, or run make features and make train again"
    )
