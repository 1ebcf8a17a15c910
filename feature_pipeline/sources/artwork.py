"""Pictures for the built-in data set, drawn with Pillow alone.

A picture is named by three words. Its style decides what is drawn, its palette the colours, and its
composition where things lie: all three can be seen, so an image encoder can find them again.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from feature_pipeline.sources.artwork_sheet import COMPOSITIONS, PALETTES, Sheet, rgb

SUPERSAMPLING = 3
"""Sheets are drawn this many times larger and averaged down, which smooths every edge."""


def _trace(centre: np.ndarray, radii: np.ndarray, angles: np.ndarray) -> list[float]:
    """Lists the points at `radii` and `angles` around `centre` as x, y, x, y and so on."""
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points: list[float] = (centre + radii[:, None] * directions).ravel().tolist()
    return points


def _polygon(centre: np.ndarray, radius: float, corners: int, turn: float) -> list[float]:
    angles = turn + 2.0 * np.pi * np.arange(corners) / corners
    return _trace(centre, np.full(corners, radius), angles)


def _circle(sheet: Sheet, centre: np.ndarray, radius: float, fill: tuple[int, ...]) -> None:
    x, y = centre
    sheet.draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _draw_geometric(sheet: Sheet) -> None:
    """Hard-edged triangles, squares and discs, large ones below small ones."""
    count = 9 if sheet.composition == "scattered" else 7
    largest = {"centred": 0.46, "diagonal": 0.27, "scattered": 0.22}[sheet.composition] * sheet.width
    radii = np.sort(sheet.rng.uniform(0.35, 1.0, count))[::-1] * largest
    for centre, radius, ink in zip(sheet.places(count), radii, sheet.inks_in_turn(count), strict=True):
        corners = int(sheet.rng.choice([3, 4, 4, 6, 60]))
        turn = sheet.rng.choice([0.0, 0.25, 0.5]) * np.pi
        sheet.draw.polygon(_polygon(centre, radius, corners, turn), fill=(*ink, 235))


def _draw_striped_panel(sheet: Sheet, centre: np.ndarray, extent: np.ndarray, turn: float) -> None:
    """Draws parallel bands of uneven width into a turned rectangle; `extent` is (along, across) in pixels."""
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    edges = np.cumsum(sheet.rng.uniform(0.4, 1.6, size=int(sheet.rng.integers(7, 11))))
    edges = np.concatenate([[0.0], edges / edges[-1]]) - 0.5
    inks = sheet.inks_in_turn(len(edges) - 1)
    for index, (low, high) in enumerate(pairwise(edges)):
        fill = sheet.ground if index % 3 == 2 else inks[index]
        sides = [(-0.5, low), (0.5, low), (0.5, high), (-0.5, high)]
        corners = [centre + a * extent[0] * along + b * extent[1] * across for a, b in sides]
        sheet.draw.polygon([tuple(corner) for corner in corners], fill=fill)


def _draw_stripes(sheet: Sheet) -> None:
    """Bands of colour: one block in the middle, a slanting field, or patches that lie about."""
    size = np.array([sheet.width, sheet.height], dtype=float)
    if sheet.composition == "centred":
        turn = sheet.rng.choice([0.0, 0.5]) * np.pi
        _draw_striped_panel(sheet, size / 2, np.array([0.66, 0.72]) * size.min(), turn)
    elif sheet.composition == "diagonal":
        turn = -np.arctan2(size[1], size[0]) + sheet.rng.normal(0.0, 0.05)
        _draw_striped_panel(sheet, size / 2, np.array([2.2, 0.75]) * size.max(), turn)
    else:
        for centre in sheet.places(9):
            extent = sheet.rng.uniform(0.24, 0.42, size=2) * size[0]
            _draw_striped_panel(sheet, centre, extent, sheet.rng.choice([0.0, 0.5, 0.25]) * np.pi)


def _draw_dots(sheet: Sheet) -> None:
    """A lattice of discs that swell where the composition has its weight."""
    step = sheet.width / sheet.rng.integers(8, 12)
    rows, columns = int(sheet.height / step) + 2, int(sheet.width / step) + 2
    row, column = (index.ravel() for index in np.mgrid[0:rows, 0:columns])
    centres = np.stack([(column + 0.5 * (row % 2)) * step, row * step * 0.95], axis=1)
    radii = step * (0.08 + 0.50 * sheet.focus(centres))
    for centre, radius in zip(centres, radii, strict=True):
        _circle(sheet, centre, radius, sheet.ink())


def _blob(sheet: Sheet, centre: np.ndarray, radius: float) -> list[float]:
    """Outlines a rounded cell: a circle whose radius swings in three slow waves."""
    angle = np.linspace(0.0, 2.0 * np.pi, 90, endpoint=False)
    waves = np.zeros_like(angle)
    for order in (2, 3, 4):
        swing = sheet.rng.uniform(0.05, 0.24) / order**0.5
        waves += swing * np.cos(order * angle + sheet.rng.uniform(0.0, 6.28))
    return _trace(centre, radius * (1.0 + waves), angle)


def _draw_organic(sheet: Sheet) -> None:
    """Soft overlapping cells, some with a kernel."""
    largest = {"centred": 0.42, "diagonal": 0.22, "scattered": 0.19}[sheet.composition] * sheet.width
    count = {"centred": 5, "diagonal": 7, "scattered": 10}[sheet.composition]
    radii = np.sort(sheet.rng.uniform(0.4, 1.0, count))[::-1] * largest
    for centre, radius in zip(sheet.places(count), radii, strict=True):
        sheet.draw.polygon(_blob(sheet, centre, radius), fill=sheet.ink(215))
        if sheet.rng.random() < 0.5:
            sheet.draw.polygon(_blob(sheet, centre, radius * 0.35), fill=sheet.ink(235))


def _ridge(sheet: Sheet, level: float) -> np.ndarray:
    """Returns the height of one hill line over x as the composition shapes it, [num_x] float64, 0 = top."""
    x = np.linspace(0.0, 1.0, 80)
    swing = 0.035 * np.sin(x * sheet.rng.uniform(5, 9) + sheet.rng.uniform(0, 6.28))
    swing += 0.015 * np.sin(x * sheet.rng.uniform(14, 22) + sheet.rng.uniform(0, 6.28))
    if sheet.composition == "centred":
        return np.asarray(level + swing - 0.20 * np.exp(-(((x - 0.5) / 0.20) ** 2)))
    if sheet.composition == "diagonal":
        return np.asarray(level + swing + 0.5 * (0.5 - x))
    return np.asarray(level + 2.0 * swing)


def _draw_landscape(sheet: Sheet) -> None:
    """Sun or stars over ranges of hills, the nearest last."""
    places = {
        "centred": np.array([[0.5, 0.24]]),
        "diagonal": np.array([[0.24, 0.18]]),
        "scattered": sheet.rng.uniform([0.05, 0.04], [0.95, 0.40], size=(11, 2)),
    }[sheet.composition]
    radius = (0.15 if len(places) == 1 else 0.035) * sheet.width
    colour = sheet.ink()
    for place in places:
        _circle(sheet, place * (sheet.width, sheet.height), radius, colour)
    for level, ink in zip(np.linspace(0.52, 0.92, 5), sheet.inks_in_turn(5), strict=True):
        x = np.linspace(0.0, sheet.width, 80)
        line = list(zip(x, _ridge(sheet, level) * sheet.height, strict=True))
        corners = [(sheet.width, sheet.height), (0, sheet.height)]
        sheet.draw.polygon([*line, *corners], fill=ink)


def _draw_stroke(sheet: Sheet, centre: np.ndarray, length: float, breadth: float, turn: float) -> None:
    """Drags a brush of many bristles along one bend; they end unevenly and leave gaps, as dry paint does."""
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    bend = sheet.rng.normal(0.0, 0.22) * length
    colour = sheet.ink()[:3]
    thickness = max(2, int(breadth / 11))
    for offset in np.linspace(-0.5, 0.5, 17) * breadth:
        t = np.linspace(-0.5 + sheet.rng.uniform(0, 0.09), 0.5 - sheet.rng.uniform(0, 0.16), 14)
        side = offset + bend * (0.25 - t**2)
        path = centre + np.outer(t * length, along) + np.outer(side, across)
        shade = (*colour, int(sheet.rng.integers(120, 250)))
        sheet.draw.line(path.ravel().tolist(), fill=shade, width=thickness)


def _draw_gestural(sheet: Sheet) -> None:
    """Sweeping strokes of a broad dry brush."""
    count = {"centred": 7, "diagonal": 8, "scattered": 13}[sheet.composition]
    scale = {"centred": 0.62, "diagonal": 0.55, "scattered": 0.40}[sheet.composition] * sheet.width
    slant = -np.arctan2(sheet.height, sheet.width)
    for centre in sheet.places(count):
        turn = (
            sheet.rng.normal(slant, 0.35) if sheet.composition == "diagonal" else sheet.rng.uniform(0, np.pi)
        )
        _draw_stroke(sheet, centre, scale * sheet.rng.uniform(0.8, 1.3), scale * 0.26, turn)


_STYLES: dict[str, Callable[[Sheet], None]] = {
    "geometric": _draw_geometric,
    "stripes": _draw_stripes,
    "dots": _draw_dots,
    "organic": _draw_organic,
    "landscape": _draw_landscape,
    "gestural": _draw_gestural,
}
STYLES: tuple[str, ...] = tuple(_STYLES)


def _check_word(argument: str, word: str, known: tuple[str, ...]) -> None:
    if word not in known:
        raise ValueError(f"{argument}: expected one of {', '.join(known)}, got {word!r}; choose a known one.")


def draw_artwork(
    style: str, palette: str, composition: str, rng: np.random.Generator, size: tuple[int, int] = (144, 192)
) -> Image.Image:
    """Draws one picture; the same words and generator state give the same pixels.

    Args:
        style: what is drawn, one of `STYLES`.
        palette: its colours, one of `PALETTES`.
        composition: where things lie, one of `COMPOSITIONS`.
        rng: decides everything the three words leave open.
        size: width and height in pixels.

    Returns:
        An RGB image of `size`.

    Raises:
        ValueError: a word is unknown; the message lists the known ones.
    """
    _check_word("style", style, STYLES)
    _check_word("palette", palette, tuple(PALETTES))
    _check_word("composition", composition, COMPOSITIONS)
    ground, *inks = (rgb(code) for code in PALETTES[palette])
    width, height = size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image, "RGBA")
    _STYLES[style](Sheet(draw, width, height, ground, tuple(inks), composition, rng))
    return image.reduce(SUPERSAMPLING)
