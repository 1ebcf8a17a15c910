"""The image encoder: answers known from colour theory and geometry, and files that are not whole."""

import math
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from feature_pipeline.encoders import ContentError
from feature_pipeline.encoders.decoding import ImageDecodeError
from feature_pipeline.encoders.image import (
    COLOUR_DIMENSION,
    IMAGE_SIZE,
    ColourTextureEncoder,
    decode,
)

ENCODER = ColourTextureEncoder()
NOISE = np.random.default_rng(7).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def as_file(image: Image.Image | np.ndarray, file_format: str = "PNG", **options: object) -> bytes:
    file = BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(file, file_format, **options)
    return file.getvalue()


def plain(colour: str | int | tuple[int, ...], mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (IMAGE_SIZE, IMAGE_SIZE), colour)


def stripes(axis: int, phase: int = 0) -> np.ndarray:
    """Black and white stripes 4 pixels wide that change along `axis`."""
    light = (np.indices((IMAGE_SIZE, IMAGE_SIZE))[axis] + phase) // 4 % 2
    return np.repeat(light[..., None], 3, axis=2).astype(np.uint8) * 255


def similarity(first: Image.Image | np.ndarray, second: Image.Image | np.ndarray) -> float:
    a, b = ENCODER.encode([as_file(first), as_file(second)])
    return float(a @ b)


def test_unit_float32_rows_of_the_stated_dimension() -> None:
    images = [NOISE, np.array(plain("red")), stripes(0)]
    vectors = ENCODER.encode([as_file(image) for image in images])
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, ENCODER.dimension) == (3, 6**3 + 4 * 4 * 9)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_no_images() -> None:
    assert ENCODER.encode([]).shape == (0, ENCODER.dimension)


def test_batches_keep_the_order() -> None:
    shades = [as_file(plain((3 * i, 255 - 3 * i, 128))) for i in range(70)]
    together = ENCODER.encode(shades)
    alone = np.concatenate([ENCODER.encode([shade]) for shade in shades])
    assert together.tobytes() == alone.tobytes()


def test_white_is_shared_among_eight_bins() -> None:
    # L = 100 is the centre of the last bin (1) and one bin from the one below (1 - 1 / 1.5): shares 3/4, 1/4.
    # a = b = 0 lies midway between the third and the fourth bin: shares 1/2, 1/2. No edges: no texture.
    (vector,) = ENCODER.encode([as_file(plain("white"))])
    expected = np.zeros((6, 6, 6))
    expected[5, 2:4, 2:4] = math.sqrt(3 / 4 / 4)
    expected[4, 2:4, 2:4] = math.sqrt(1 / 4 / 4)
    np.testing.assert_allclose(vector[:COLOUR_DIMENSION] ** 2, expected.ravel() ** 2, atol=1e-3)
    assert not vector[COLOUR_DIMENSION:].any()


def test_bhattacharyya_coefficient_of_half_white_and_white() -> None:
    half = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
    half[IMAGE_SIZE // 2 :] = 255
    a, b = ENCODER.encode([as_file(half), as_file(plain("white"))])
    # sqrt(1/2 * 1) between the histograms, and the half-white image gives half its square to texture
    assert a @ b == pytest.approx(math.sqrt(1 / 2) * math.sqrt(1 / 2), abs=1e-3)


def test_red_is_nearer_to_orange_than_to_blue() -> None:
    assert similarity(plain("red"), plain("orange")) > similarity(plain("red"), plain("blue")) + 0.1
    assert similarity(plain("black"), plain("white")) == pytest.approx(0, abs=1e-6)


@given(st.tuples(*[st.integers(0, 254)] * 3))
def test_one_step_of_shade_changes_little(shade: tuple[int, int, int]) -> None:
    brighter = (shade[0] + 1, shade[1] + 1, shade[2] + 1)
    assert similarity(plain(shade), plain(brighter)) > 0.95


def test_stripes_across_each_other_share_colour_only() -> None:
    # Equal histograms and orthogonal gradients: half of the squared length agrees, the other half not at all.
    assert similarity(stripes(0), stripes(1)) == pytest.approx(0.5, abs=0.01)


def test_stripes_along_each_other_share_texture() -> None:
    assert similarity(stripes(0), stripes(0, phase=2)) > 0.95


@pytest.mark.parametrize(
    ("image", "shown"),
    [
        (plain(90, "L"), (90, 90, 90)),
        (plain((200, 10, 10), "RGB").quantize(4), (200, 10, 10)),
        (plain((200, 10, 10, 0), "RGBA"), (255, 255, 255)),
        (plain((200, 10, 10, 255), "RGBA"), (200, 10, 10)),
        (plain((90, 128), "LA"), (172, 172, 172)),
        (Image.fromarray(np.full((8, 8), 0x5A5A, np.uint16)), (90, 90, 90)),
        (plain(1, "1"), (255, 255, 255)),
    ],
    ids=["grey", "palette", "transparent", "opaque", "half-transparent grey", "16 bits", "bilevel"],
)
def test_every_mode_is_decoded_as_shown(image: Image.Image, shown: tuple[int, int, int]) -> None:
    decoded = decode(as_file(image))
    assert decoded.mode == "RGB"
    assert decoded.size == (IMAGE_SIZE, IMAGE_SIZE)
    np.testing.assert_allclose(np.asarray(decoded)[5, 5], shown, atol=1)


def test_cmyk_jpeg() -> None:
    cyan = as_file(plain((255, 0, 0, 0), "CMYK"), "JPEG", quality=95)
    np.testing.assert_allclose(np.asarray(decode(cyan))[5, 5], (0, 255, 255), atol=3)


def test_large_jpeg_decodes_to_nearly_the_same_as_png() -> None:
    large = Image.fromarray(NOISE).resize((900, 1200), Image.Resampling.BICUBIC)
    assert similarity(large, decode(as_file(large, "JPEG", quality=95))) > 0.99


def test_photo_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate 90 degrees clockwise to show
    lying = Image.fromarray(stripes(0))
    turned = as_file(lying, exif=exif)
    np.testing.assert_array_equal(np.asarray(decode(turned)), np.rot90(stripes(0), -1))


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated_file_is_refused(file_format: str, share: float) -> None:
    data = as_file(NOISE, file_format)
    with pytest.raises(ImageDecodeError):
        decode(data[: int(share * len(data))])


def test_damaged_checksum_is_refused() -> None:
    data = bytearray(as_file(NOISE))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(ImageDecodeError, match=f"{len(data)} bytes"):
        decode(bytes(data))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(ImageDecodeError, match=f"{len(data)} bytes"):
        decode(data)


def test_unknown_file_is_described() -> None:
    with pytest.raises(
        ImageDecodeError, match="expected an image file, got 11 bytes that begin with b'not an i'"
    ):
        decode(b"not an imag")


def test_pixels_without_a_white_are_refused() -> None:
    with pytest.raises(ImageDecodeError, match="mode 'F' have no defined white; save the image with 8 or 16"):
        decode(as_file(np.zeros((4, 4), np.float32), "TIFF"))


def test_encode_names_every_bad_image() -> None:
    good = as_file(NOISE)
    with pytest.raises(
        ContentError, match=r"2 of 4 contents cannot be encoded: \[1\] .*; \[3\] .*"
    ) as caught:
        ENCODER.encode([good, b"", good, good[:500]])
    assert list(caught.value.failures) == [1, 3]
    assert "0 bytes" in caught.value.failures[1]
    assert "truncated" in caught.value.failures[3]


def test_content_error_shows_the_first_five() -> None:
    message = str(ContentError({i: f"reason {i}" for i in range(7)}, 9))
    assert "7 of 9" in message
    assert "[4] reason 4; and 2 more" in message
    assert "reason 5" not in message
