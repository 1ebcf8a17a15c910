"""The sheet an artwork is drawn on: its palette, and the composition that spreads things over it."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import ImageDraw

Colour = tuple[int, int, int]
Points = np.ndarray  # [num_points, 2] float64, x and y

PALETTES: dict[str, tuple[str, ...]] = {
    "warm": ("#fbe7cf", "#c8321f", "#e8622a", "#f4a02c", "#7d1d1d"),
    "cool": ("#e2eff5", "#1f4e8c", "#3c8dbc", "#5fc0c4", "#12284c"),
    "earth": ("#e9dcc3", "#a0622d", "#c99a4b", "#6b4423", "#7f7350"),
    "neon": ("#14101f", "#ff2bd1", "#19e3ff", "#c6ff1a", "#ff7a1a"),
    "mono": ("#f3f2ee", "#161616", "#4b4b4b", "#8d8d8b", "#c6c5c0"),
    "pastel": ("#fff8f1", "#f4a9bf", "#a3d9c8", "#bfadea", "#f8d886"),
    "forest": ("#e4ecd6", "#1f4d36", "#4f8a4b", "#97b85c", "#12302a"),
    "twilight": ("#2a1b4d", "#7a3fa0", "#c45c9c", "#f0a6a0", "#4b4bb0"),
}
"""Ground colour first, then four inks."""

COMPOSITIONS: tuple[str, ...] = ("centred", "diagonal", "scattered")


@dataclass(frozen=True)
class Sheet:
    """The paper a picture is drawn on, and everything that decides what lands there."""

    draw: ImageDraw.ImageDraw
    width: int
    height: int
    ground: Colour
    inks: tuple[Colour, ...]
    composition: str
    rng: np.random.Generator

    def ink(self, alpha: int = 255) -> tuple[int, int, int, int]:
        """Returns one of the inks at random, as RGBA; what lies below shines through an `alpha` under 255."""
        return (*self.inks[self.rng.integers(len(self.inks))], alpha)

    def inks_in_turn(self, count: int) -> list[Colour]:
        """Returns `count` inks of which no two in a row are alike."""
        order = self.rng.permutation(len(self.inks))
        return [self.inks[order[index % len(order)]] for index in range(count)]

    def places(self, count: int) -> Points:
        """Returns `count` centres as the composition spreads them, [count, 2] float64 in pixels."""
        return np.asarray(_PLACES[self.composition](count, self.rng) * (self.width, self.height))

    def focus(self, points: Points) -> np.ndarray:
        """Returns how near `points` lie to the composition's weight, [num_points] float64 in 0 to 1."""
        x, y = (points / (self.width, self.height)).T
        if self.composition == "centred":
            return np.asarray(np.clip(1.15 - 2.0 * np.hypot(x - 0.5, y - 0.5), 0.0, 1.0))
        if self.composition == "diagonal":
            return np.asarray(np.clip(1.1 - 2.2 * np.abs(x + y - 1.0), 0.0, 1.0))
        return np.asarray(self.rng.beta(0.6, 1.0, size=len(points)))


def _place_centred(count: int, rng: np.random.Generator) -> Points:
    return np.asarray(np.clip(rng.normal(0.5, 0.10, size=(count, 2)), 0.2, 0.8))


def _place_diagonal(count: int, rng: np.random.Generator) -> Points:
    along = (np.arange(count) + rng.uniform(0.2, 0.8, count)) / count
    return np.asarray(np.stack([along, 1.0 - along], axis=1) + rng.normal(0.0, 0.04, size=(count, 2)))


def _place_scattered(count: int, rng: np.random.Generator) -> Points:
    """Takes cells of a jittered grid, so that nothing is left empty by chance."""
    columns = int(np.ceil(np.sqrt(count * 0.75)))
    rows = int(np.ceil(count / columns))
    cells = rng.permutation(columns * rows)[:count]
    corner = np.stack([cells % columns, cells // columns], axis=1)
    return np.asarray((corner + rng.uniform(0.2, 0.8, size=(count, 2))) / (columns, rows))


_PLACES: dict[str, Callable[[int, np.random.Generator], Points]] = {
    "centred": _place_centred,
    "diagonal": _place_diagonal,
    "scattered": _place_scattered,
}


def rgb(code: str) -> Colour:
    """Reads a colour written as `#rrggbb`."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)
