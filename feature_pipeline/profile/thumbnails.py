"""Item images small enough to stand in a page by the hundred."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from feature_pipeline.html import to_data_uri

SIZE = (144, 192)


def read_thumbnail(file: Path) -> str | None:
    """Reads an image file as the data URI of a small JPEG; see `shrink`."""
    small = shrink(file, SIZE)
    return None if small is None else to_data_uri(small, "image/jpeg")


def shrink(file: Path, size: tuple[int, int]) -> bytes | None:
    """Reads an image file, upright and on white, as a small JPEG.

    Args:
        file: in any format that Pillow reads; of an animation the first frame counts.
        size: width and height in pixels, neither of which is exceeded.

    Returns:
        The file's bytes, with the image's own aspect ratio; None where there is no such file or it is not a
        readable image.
    """
    try:
        with Image.open(file) as image:
            image.draft("RGB", (2 * size[0], 2 * size[1]))
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    # Pillow's decoders meet damaged bytes with errors of many kinds; the quarantine has told of them.
    except Exception:
        return None
    upright.thumbnail(size)
    page = Image.new("RGBA", upright.size, "white")
    small = BytesIO()
    Image.alpha_composite(page, upright).convert("RGB").save(small, "JPEG", quality=78, optimize=True)
    return small.getvalue()
