"""Image encoder: a classical colour and texture descriptor that needs no weights.

Two halves of equal weight describe an image of 64 x 64 pixels:

- colour: a CIELAB histogram, 6 x 6 x 6 bins. A pixel is shared among the bin centres near it, so that an
  invisible change of shade cannot move it from one bin to another, and red meets orange in some bin. The
  square root makes the dot product the Bhattacharyya coefficient (Hellinger kernel) and keeps a plain
  background from drowning the rest.
- texture: a histogram of oriented gradients of the lightness, 4 x 4 cells by 9 orientations (Dalal and
  Triggs, "Histograms of Oriented Gradients for Human Detection", 2005), normalised over the whole image, so
  that empty cells stay empty.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image

from feature_pipeline.encoders import unit_rows
from feature_pipeline.encoders.decoding import decode_all, read_image

IMAGE_SIZE = 64
COLOUR_BINS = 6
# How far a pixel reaches, in bins: it is shared among two or three of each axis, mostly the nearest.
COLOUR_REACH = np.float32(1.5)
# Values of a and b beyond this count as this: most colours of things are duller, and so get finer bins.
CHROMA_LIMIT = 50.0
CELLS = 4
ORIENTATIONS = 9

COLOUR_DIMENSION = COLOUR_BINS**3
TEXTURE_DIMENSION = CELLS**2 * ORIENTATIONS

# Few, because each needs about a megabyte of float arrays, and they should stay in the processor's cache.
_BATCH_SIZE = 8


class ColourTextureEncoder:
    """Encodes images by colour and texture; deterministic, a few milliseconds an image.

    The first 216 values are colour, the last 144 texture, each half scaled to the same length. An image
    without any edge has no texture and is described by its colour alone.
    """

    # The leading number counts changes of the arithmetic that the constants do not show.
    id = (
        f"colour-texture-2/{IMAGE_SIZE}px-lab{COLOUR_BINS}r{COLOUR_REACH:g}c{CHROMA_LIMIT:g}"
        f"-hog{CELLS}x{ORIENTATIONS}"
    )
    dimension = COLOUR_DIMENSION + TEXTURE_DIMENSION

    def encode(self, images: Sequence[bytes], /) -> np.ndarray:
        """Encode image files.

        Args:
            images: contents of PNG, JPEG, WebP, ... files: whatever `decoding.read_image` reads.

        Returns:
            `[len(images), dimension]` float32 rows of length one, in the order of `images`.

        Raises:
            ContentError: some images cannot be decoded; `failures` gives the reason by position.
        """
        pixels = np.array([np.asarray(image) for image in decode_all(images, decode)], np.uint8)
        batches = [_describe(pixels[i : i + _BATCH_SIZE]) for i in range(0, len(pixels), _BATCH_SIZE)]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *batches])


def decode(data: bytes) -> Image.Image:
    """Decode an image file to 64 x 64 pixels; the aspect ratio is not kept. See `decoding.read_image`."""
    # Decoded at no less than twice what is kept.
    image = read_image(data, short_side=2 * IMAGE_SIZE)
    return image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BILINEAR)


def _describe(pixels: np.ndarray) -> np.ndarray:
    from skimage.color import rgb2lab  # here, so that importing the module is quick

    lab = rgb2lab(pixels.astype(np.float32) / np.float32(255))
    halves = np.concatenate([unit_rows(_colour(lab)), unit_rows(_texture(lab[..., 0]))], axis=1)
    return unit_rows(halves).astype(np.float32)


def _colour(lab: np.ndarray) -> np.ndarray:
    """`[n, COLOUR_DIMENSION]` float32 square roots of soft histogram shares."""
    lightness, a, b = np.moveaxis(lab.reshape(len(lab), -1, 3), -1, 0)
    by_lightness = _bin_shares(lightness, 0, 100)
    by_a, by_b = (_bin_shares(chroma, -CHROMA_LIMIT, CHROMA_LIMIT) for chroma in (a, b))
    by_lightness_and_a = by_lightness[..., :, None] * by_a[..., None, :]
    by_lightness_and_a = by_lightness_and_a.reshape(*lightness.shape, COLOUR_BINS**2)
    histogram = by_lightness_and_a.transpose(0, 2, 1) @ by_b
    roots: np.ndarray = np.sqrt(histogram).reshape(len(lab), COLOUR_DIMENSION)
    return roots


def _bin_shares(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """How each value is shared among the bins of one axis: `values.shape + [COLOUR_BINS]`, summing to one."""
    position = np.clip((values - low) / (high - low), 0, 1) * (COLOUR_BINS - 1)
    distance = np.abs(position[..., None] - np.arange(COLOUR_BINS, dtype=np.float32))
    shares: np.ndarray = np.maximum(0, 1 - distance / COLOUR_REACH)
    shares /= shares.sum(axis=-1, keepdims=True)
    return shares


def _texture(lightness: np.ndarray) -> np.ndarray:
    """`[n, TEXTURE_DIMENSION]` float32 gradient histograms; zero for an image without edges."""
    from skimage.feature import hog

    cell = (IMAGE_SIZE // CELLS, IMAGE_SIZE // CELLS)
    return np.stack(
        [
            hog(image, orientations=ORIENTATIONS, pixels_per_cell=cell, cells_per_block=(CELLS, CELLS))
            for image in lightness
        ]
    )
