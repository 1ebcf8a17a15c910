"""Image files -> RGB pixels, as a viewer shows them: upright, on white where they are transparent."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from feature_pipeline.encoders import ContentError

# Twice what the largest common vision models read; a photo of a dozen megapixels would fill the memory.
SHORT_SIDE = 768

Decoded = TypeVar("Decoded")


class ImageDecodeError(ValueError):
    """Bytes that are not a whole, readable image; the message says why."""


def read_images(images: Sequence[bytes]) -> list[Image.Image]:
    """Decodes image files with `read_image`.

    Raises:
        ContentError: some images cannot be decoded; `failures` gives the reason by position.
    """
    return decode_all(images, read_image)


def decode_all(images: Sequence[bytes], decode: Callable[[bytes], Decoded]) -> list[Decoded]:
    """Decodes image files with `decode`.

    Raises:
        ContentError: some images cannot be decoded; `failures` gives the reason by position.
    """
    decoded, failures = [], {}
    for i, data in enumerate(images):
        try:
            decoded.append(decode(data))
        except ImageDecodeError as error:
            failures[i] = str(error)
    if failures:
        raise ContentError(failures, len(images))
    return decoded


def read_image(data: bytes, short_side: int = SHORT_SIDE) -> Image.Image:
    """Decode an image file.

    Args:
        data: a whole image file in any format that Pillow reads; of an animation the first frame counts.
        short_side: a larger image is shrunk by a whole factor, to no less than this many pixels.

    Returns:
        An RGB image with the file's aspect ratio.

    Raises:
        ImageDecodeError: empty, truncated or damaged data, no known image format, or a pixel type without a
            defined white. Replace the file, or save it as an 8-bit PNG or JPEG.
    """
    try:
        with Image.open(BytesIO(data)) as image:
            # JPEG decodes at a fraction of its size; other formats ignore this.
            image.draft("RGB", (short_side, short_side))
            image.load()
            upright = _to_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise ImageDecodeError(
            f"expected an image file, got {len(data)} bytes that begin with {data[:8]!r}"
        ) from error
    except ImageDecodeError:
        raise
    # Pillow's decoders meet damaged bytes with errors of many kinds: OSError, SyntaxError, struct.error, ...
    except Exception as error:
        raise ImageDecodeError(f"damaged image file of {len(data)} bytes: {error}") from error
    return upright.reduce(max(1, min(upright.size) // short_side))


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode in ("I", "F"):
        raise ImageDecodeError(
            f"pixels of mode {image.mode!r} have no defined white; save the image with 8 or 16 bits a channel"
        )
    if image.mode.startswith("I;16"):  # Pillow's own conversion would clip 16 bits at 255: nearly all white
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("RGB")
