"""Artworks: deterministic, and style, palette and composition can be seen."""

import numpy as np
import pytest
from PIL import Image

from feature_pipeline.sources.artwork import STYLES, draw_artwork
from feature_pipeline.sources.artwork_sheet import COMPOSITIONS, PALETTES, rgb

SMALL = (60, 80)
PER_STYLE = 12


def _pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image, dtype=np.float64)


def _draw(style: str, palette: str, composition: str, seed: int = 0) -> np.ndarray:
    return _pixels(draw_artwork(style, palette, composition, np.random.default_rng(seed), SMALL))


def _nearest_other(features: np.ndarray) -> np.ndarray:
    """Returns for each row of features the index of the row most like it, itself left out."""
    distance = np.linalg.norm(features[:, None] - features[None], axis=2)
    np.fill_diagonal(distance, np.inf)
    return distance.argmin(axis=1)


def _ink(style: str, composition: str) -> np.ndarray:
    """Returns how often each place carries ink rather than ground, over several pictures, [height, width]."""
    ground = np.array(rgb(PALETTES["mono"][0]))
    pictures = [_draw(style, "mono", composition, seed) for seed in range(PER_STYLE)]
    return np.mean([np.abs(picture - ground).max(axis=2) > 12 for picture in pictures], axis=0)


def test_size_is_width_then_height_and_portrait_by_default():
    image = draw_artwork("dots", "cool", "centred", np.random.default_rng(0))
    assert (image.size, image.mode) == ((144, 192), "RGB")
    assert draw_artwork("dots", "cool", "centred", np.random.default_rng(0), (90, 50)).size == (90, 50)


@pytest.mark.parametrize("composition", COMPOSITIONS)
@pytest.mark.parametrize("style", STYLES)
def test_seed_fixes_every_pixel(style, composition):
    first, again, other = (_draw(style, "warm", composition, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("style", STYLES)
def test_edges_are_smoothed(style):
    colours = {tuple(pixel) for pixel in _draw(style, "mono", "diagonal").reshape(-1, 3)}
    assert len(colours) > 3 * len(PALETTES["mono"])  # more shades than inks: pixels on an edge are mixed


@pytest.mark.parametrize("style", STYLES)
def test_palettes_have_the_colours_they_are_named_for(style):
    mono, warm, cool, neon = (_draw(style, name, "scattered") for name in ("mono", "warm", "cool", "neon"))
    assert np.ptp(mono, axis=2).max() < 12
    assert warm[..., 0].mean() > warm[..., 2].mean() + 30
    assert cool[..., 2].mean() > cool[..., 0].mean() + 10
    assert neon.max() > 200
    assert np.median(neon) < 40


def test_pictures_of_one_palette_are_closest_in_colour():
    labels, features = [], []
    for index, palette in enumerate(PALETTES):
        for seed in range(9):
            style, composition = STYLES[seed % len(STYLES)], COMPOSITIONS[seed % len(COMPOSITIONS)]
            cells = _draw(style, palette, composition, 100 * index + seed).reshape(-1, 3) // 64
            labels.append(index)
            features.append(np.histogramdd(cells, bins=(range(5),) * 3)[0].ravel() / len(cells))
    labels = np.array(labels)
    assert (labels[_nearest_other(np.array(features))] == labels).mean() > 0.9


def test_styles_can_be_told_apart_by_their_edges():
    """Edge directions and density alone, without colour or place, name the style; chance is 1 in 6."""
    labels, features = [], []
    for index, style in enumerate(STYLES):
        for seed in range(PER_STYLE):
            grey = _draw(style, "mono", COMPOSITIONS[seed % 3], seed).mean(axis=2)
            down, right = np.gradient(grey)
            strength = np.hypot(down, right)
            histogram, _ = np.histogram(np.arctan2(down, right) % np.pi, 8, (0, np.pi), weights=strength)
            labels.append(index)
            features.append([*(histogram / histogram.sum()), strength.mean() / 40])
    labels = np.array(labels)
    assert (labels[_nearest_other(np.array(features))] == labels).mean() > 0.5


@pytest.mark.parametrize("style", ["geometric", "stripes", "dots", "organic", "gestural"])
def test_composition_decides_where_ink_lies(style):
    centred, diagonal, scattered = (_ink(style, composition) for composition in COMPOSITIONS)
    height, width = centred.shape
    rows, columns = np.mgrid[0:height, 0:width]
    x, y = columns / width, rows / height
    middle = np.hypot(x - 0.5, y - 0.5) < 0.25
    band = np.abs(x + y - 1.0) < 0.2

    def contrast(ink: np.ndarray, inside: np.ndarray) -> float:
        return float(ink[inside].mean() - ink[~inside].mean())

    assert contrast(centred, middle) > max(contrast(diagonal, middle), contrast(scattered, middle)) + 0.1
    assert contrast(diagonal, band) > contrast(scattered, band) + 0.02
    corners = (x < 0.3) & (y < 0.3) | (x > 0.7) & (y > 0.7)  # the two that the diagonal leaves out
    assert scattered[corners].mean() > diagonal[corners].mean()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("cubist", "warm", "centred"), r"style: expected one of geometric, .*got 'cubist'; choose"),
        (("dots", "beige", "centred"), r"palette: expected one of warm, .*got 'beige'; choose"),
        (("dots", "warm", "spiral"), r"composition: expected one of centred, .*got 'spiral'; choose"),
    ],
)
def test_unknown_word_is_named(words, message):
    with pytest.raises(ValueError, match=message):
        draw_artwork(*words, np.random.default_rng(0))
