"""From the YAML to encoders: names, libraries, columns, and mistakes that are refused by name."""

import json
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from feature_pipeline.config import ConfigError, read_section
from feature_pipeline.encoders.config import EncoderConfig, ProjectionConfig
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.load import check_unchanged, load_encoders, name_columns, pin_encoders
from feature_pipeline.encoders.sentence_image import SentenceImageEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.encoders.vision import VisionEncoder
from feature_pipeline.entry import CONF, check_overrides
from feature_pipeline.errors import UserError


def read(*overrides: str) -> EncoderConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return read_section(EncoderConfig, compose("features", list(overrides)), "encoder")


def describe(config: EncoderConfig) -> dict[str, list[tuple[str, Any]]]:
    encoders = load_encoders(config)
    return {kind: [(n, type(e.encoder)) for n, e in chosen.items()] for kind, chosen in encoders.items()}


def test_one_of_each_kind_by_default() -> None:
    assert describe(read()) == {
        "text": [("minilm", TextEncoder)],
        "image": [("colour_texture", ColourTextureEncoder)],
    }


@pytest.mark.parametrize(
    ("choice", "encoder"),
    [("clip", SentenceImageEncoder), ("flava", VisionEncoder), ("vit", VisionEncoder)],
)
def test_another_one_takes_the_place(choice: str, encoder: type) -> None:
    assert describe(read(f"encoder/image={choice}"))["image"] == [(choice, encoder)]


def test_several_stand_side_by_side() -> None:
    overrides = ["encoder/image=[colour_texture,clip]", "encoder/text=[minilm,clip]"]
    check_overrides("features", overrides)

    assert describe(read(*overrides)) == {
        "text": [("minilm", TextEncoder), ("clip", TextEncoder)],
        "image": [("colour_texture", ColourTextureEncoder), ("clip", SentenceImageEncoder)],
    }


def test_settings_reach_the_encoder() -> None:
    projection = "encoder.image.colour_texture.projection={kind: whitening, dimension: 16}"
    encoders = load_encoders(read("encoder.text.minilm.precision=float32", projection))

    assert encoders["text"]["minilm"].encoder.id.endswith("+float32")
    assert encoders["text"]["minilm"].projection is None
    expected = ProjectionConfig(kind="whitening", dimension=16)
    assert encoders["image"]["colour_texture"].projection == expected


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["+encoder.text.minilm.batchsize=3"],
            "unknown key 'encoder.text.minilm.batchsize', did you mean 'encoder.text.minilm.batch_size'? "
            "Choices: batch_size, library, model, precision, projection",
        ),
        (
            ["encoder/image=vit", "+encoder.image.vit.modle=x"],
            "unknown key 'encoder.image.vit.modle', did you mean 'encoder.image.vit.model'? "
            "Choices: batch_size, library, model, precision, projection",
        ),
        (
            ["+encoder.image.colour_texture.model=x"],
            "unknown key 'encoder.image.colour_texture.model'. Choices: library, projection",
        ),
        (
            ["encoder.text.minilm.projection={kind: pca, dimension: 3, dimensions: 3}"],
            "unknown key 'encoder.text.minilm.projection.dimensions', did you mean "
            "'encoder.text.minilm.projection.dimension'? Choices: dimension, kind",
        ),
        (
            ["encoder.image.colour_texture.library=timm"],
            "encoder.image.colour_texture: Input tag 'timm' found using 'library' does not match any of the "
            "expected tags: 'colour_texture', 'sentence_transformers', 'transformers'",
        ),
        (
            ["encoder/image=vit", "encoder.image.vit.precision=half"],
            "encoder.image.vit.precision: Input should be 'auto', 'float32' or 'bfloat16', found 'half'",
        ),
    ],
)
def test_mistakes_are_refused_by_name(overrides: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        read(*overrides)
    assert str(error.value) == message


def test_one_encoder_needs_no_name_and_several_do() -> None:
    assert name_columns("poster", ["clip"]) == {"clip": "poster_embedding"}
    assert name_columns("poster", ["clip", "flava"]) == {
        "clip": "poster_clip_embedding",
        "flava": "poster_flava_embedding",
    }


def test_what_is_pinned_makes_the_same_encoders() -> None:
    config = read("encoder.text.minilm.precision=float32", "encoder.text.minilm.batch_size=7")
    encoders = load_encoders(config)

    pinned = json.loads(json.dumps(pin_encoders(config, encoders, {"numeric", "text"})))

    assert EncoderConfig.model_validate(pinned["config"]) == config
    assert pinned["ids"] == {"text": {"minilm": encoders["text"]["minilm"].encoder.id}}


def test_an_encoder_that_has_nothing_to_encode_need_not_be_there() -> None:
    config = read("encoder/image=clip", "encoder.image.clip.model=nobody/nothing")

    assert pin_encoders(config, load_encoders(config), {"categorical"})["ids"] == {}


class Named:
    def __init__(self, id: str) -> None:
        self.id = id


@pytest.mark.parametrize("pinned", ["clip@1+bfloat16", "clip@1+float32"])
def test_another_precision_is_near_enough(pinned: str) -> None:
    check_unchanged(Named("clip@1+float32"), pinned)


@pytest.mark.parametrize("pinned", ["clip@2+float32", "a+clip@1+float32", "colour-texture-2/64px"])
def test_another_model_is_refused(pinned: str) -> None:
    with pytest.raises(UserError) as error:
        check_unchanged(Named("clip@1+float32"), pinned)

    assert str(error.value) == (
        f"encoder: expected {pinned}, by which the content was encoded, found clip@1+float32. "
        "Remedy: put the earlier model back, or run make features and make train again"
    )
