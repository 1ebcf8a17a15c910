"""Pictures: uploaded ones are checked by their header before a pixel of them is decoded."""

from io import BytesIO

from fastapi import HTTPException
from PIL import Image

from feature_pipeline.encoders.decoding import ImageDecodeError, read_image
from feature_pipeline.errors import UserError
from inference.service.config import Limits

# What browsers send; Pillow reads dozens more, some by code that hardly anybody else runs.
FORMATS = ("JPEG", "PNG", "WEBP")


def check_picture(data: bytes, limits: Limits) -> None:
    """Checks that a file is a picture of bounded size, and whole.

    Raises:
        HTTPException: 413, it has too many bytes or pixels.
        UserError: it is no picture, of another format, or damaged.
    """
    if len(data) > limits.image_bytes:
        raise HTTPException(
            413,
            f"image: expected at most {limits.image_bytes:,} bytes, found {len(data):,}. Remedy: shrink it",
        )
    width, height = _read_size(data)
    if width * height > limits.image_pixels:
        raise HTTPException(
            413,
            f"image: expected at most {limits.image_pixels:,} pixels, found {width} x {height}. "
            "Remedy: shrink it",
        )
    try:
        read_image(data)
    except ImageDecodeError:
        raise UserError("image: the file is damaged. Remedy: save it again as JPEG, PNG or WebP") from None


def draw_blank() -> bytes:
    """The file of a picture without anything in it."""
    file = BytesIO()
    Image.new("RGB", (64, 64)).save(file, "PNG")
    return file.getvalue()


def _read_size(data: bytes) -> tuple[int, int]:
    """Width and height as the header has them; nothing is decoded."""
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as image:
            return image.size
    except Image.DecompressionBombError:
        raise HTTPException(413, "image: expected fewer pixels. Remedy: shrink it") from None
    except Exception:
        # Pillow meets broken headers with errors of many kinds.
        raise UserError(
            "image: expected a picture in JPEG, PNG or WebP, found something else. Remedy: save it as one"
        ) from None
