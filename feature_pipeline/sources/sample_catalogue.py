"""The artworks of the built-in data set: who made them, in which series, and when they were released."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.sources.artwork import STYLES
from feature_pipeline.sources.artwork_sheet import COMPOSITIONS, PALETTES
from feature_pipeline.sources.sample_words import SUBJECT_NOUNS, compose_title, describe_artwork

START = pd.Timestamp("2024-01-01", tz="UTC")
"""Day 0 of the data set's calendar."""
NUM_DAYS = 547
"""Interactions happen on days 0 to 546, that is before 2025-07-01."""

NUM_ARTISTS = 40
WORKS_PER_ARTIST = 15
NUM_UNSEEN_ITEMS = 25
"""Artworks that are in the catalogue and were never shown to anyone."""

MEDIA: dict[str, float] = {
    "oil on canvas": 900.0,
    "acrylic": 520.0,
    "watercolour": 340.0,
    "screenprint": 180.0,
    "linocut": 140.0,
    "digital print": 80.0,
}
"""Medium and its usual price in euros."""

PALETTE_NAMES: tuple[str, ...] = tuple(PALETTES)
_MEDIUM_NAMES: tuple[str, ...] = tuple(MEDIA)
_SUBJECTS: tuple[str, ...] = tuple(SUBJECT_NOUNS)
_NUMERALS = ("I", "II", "III", "IV", "V", "VI")
_FIRST_NAMES = ("Ada", "Bruno", "Celia", "Dario", "Elif", "Farid", "Greta", "Hugo", "Ines", "Jonas")
_LAST_NAMES = ("Almqvist", "Brandao", "Castellan", "Dvorsky", "Eriksen", "Fontaine", "Galanis", "Hollow")


@dataclass(frozen=True)
class Catalogue:
    """The artworks, sorted by release, and what the files do not say of them; all arrays are [num_items].

    Attributes:
        items: the public columns, as items.csv holds them.
        style: index into `STYLES`, int64.
        palette: index into `PALETTE_NAMES`, int64.
        composition: index into `COMPOSITIONS`, int64.
        medium: index into `MEDIA`, int64.
        artist: index of the artist, int64.
        successor: row of the next work of the same series, int64; -1 where there is none.
        release_day: day of the calendar from which the work can be seen, int64; below 0 before `START`.
        appeal: popularity term of the utility, float64.
        shown: whether anyone ever gets to see the work, bool.
    """

    items: pd.DataFrame
    style: np.ndarray
    palette: np.ndarray
    composition: np.ndarray
    medium: np.ndarray
    artist: np.ndarray
    successor: np.ndarray
    release_day: np.ndarray
    appeal: np.ndarray
    shown: np.ndarray


@dataclass(frozen=True)
class _Artist:
    """An invented artist and their habits."""

    index: int
    name: str
    style: int
    medium: int
    palettes: tuple[int, ...]


@dataclass(frozen=True)
class _Project:
    """A series, or a single work when `size` is 1; it keeps to one style, palette and medium."""

    artist: _Artist
    size: int
    style: int
    palette: int
    medium: int
    subject: str
    title: str


def _invent_artists(rng: np.random.Generator) -> list[_Artist]:
    names = [f"{first} {last}" for first in _FIRST_NAMES for last in _LAST_NAMES]
    chosen = rng.permutation(names)[:NUM_ARTISTS]
    return [
        _Artist(
            index=index,
            name=str(name),
            style=index % len(STYLES),
            medium=int(rng.integers(len(MEDIA))),
            palettes=tuple(rng.permutation(len(PALETTES))[: rng.integers(1, 3)].tolist()),
        )
        for index, name in enumerate(chosen)
    ]


def _draw_project_sizes(rng: np.random.Generator) -> list[int]:
    """Splits an artist's works into series of 3 to 6 and what is left over into single works."""
    sizes: list[int] = []
    while WORKS_PER_ARTIST - sum(sizes) >= 6:
        sizes.append(int(rng.integers(3, 7)))
    return sizes + [1] * (WORKS_PER_ARTIST - sum(sizes))


def _keep_habit(preferred: int, count: int, loyalty: float, rng: np.random.Generator) -> int:
    return preferred if rng.random() < loyalty else int(rng.integers(count))


def _draw_release_days(size: int, rng: np.random.Generator) -> np.ndarray:
    """Two projects in five are there from the start; works of a series follow each other by some days."""
    first = rng.integers(-365, -60) if rng.random() < 0.4 else rng.integers(0, NUM_DAYS - 10)
    steps = np.concatenate([[0], rng.integers(2, 12, size=size - 1)])
    return np.asarray(np.minimum(first + np.cumsum(steps), NUM_DAYS - 7))


def _plan_project(artist: _Artist, size: int, taken: set[str], rng: np.random.Generator) -> _Project:
    subject = _SUBJECTS[rng.integers(len(_SUBJECTS))]
    return _Project(
        artist=artist,
        size=size,
        style=_keep_habit(artist.style, len(STYLES), 0.85, rng),
        palette=_keep_habit(int(rng.choice(artist.palettes)), len(PALETTES), 0.9, rng),
        medium=_keep_habit(artist.medium, len(MEDIA), 0.85, rng),
        subject=subject,
        title=compose_title(subject, taken, rng),
    )


def _make_work(
    project: _Project, position: int, release_day: int, rng: np.random.Generator
) -> dict[str, object]:
    """Makes one row of the catalogue; columns that begin with an underscore do not reach the file."""
    composition = int(rng.integers(len(COMPOSITIONS)))
    medium = _MEDIUM_NAMES[project.medium]
    released = START + pd.Timedelta(days=release_day)
    is_series = project.size > 1
    return {
        "title": f"{project.title} {_NUMERALS[position]}" if is_series else project.title,
        "artist": project.artist.name,
        "medium": medium,
        "subject": project.subject,
        "series": project.title if is_series else None,
        "year": released.year - int(rng.geometric(0.3)) + 1,
        "price": max(20, round(MEDIA[medium] * float(rng.lognormal(0.0, 0.35)) / 5) * 5),
        "released": released.date().isoformat(),
        "description": describe_artwork(
            STYLES[project.style], PALETTE_NAMES[project.palette], COMPOSITIONS[composition], rng
        ),
        "_style": project.style,
        "_palette": project.palette,
        "_composition": composition,
        "_medium": project.medium,
        "_artist": project.artist.index,
        "_position": position,
        "_release_day": release_day,
    }


def _make_works(artist: _Artist, taken: set[str], rng: np.random.Generator) -> list[dict[str, object]]:
    """Makes all works of an artist, series by series, none under a title that is `taken`."""
    return [
        _make_work(project, position, int(day), rng)
        for size in _draw_project_sizes(rng)
        for project in [_plan_project(artist, size, taken, rng)]
        for position, day in enumerate(_draw_release_days(size, rng))
    ]


def _find_successors(works: pd.DataFrame) -> np.ndarray:
    """Returns the row of the next work in the same series, [num_items] int64; -1 where there is none."""
    row = pd.Series(np.arange(len(works)), index=works.index)
    ordered = works.sort_values(["series", "_position"])
    following = row[ordered.index].groupby(ordered["series"]).shift(-1)
    return following.reindex(works.index).fillna(-1).to_numpy(dtype=np.int64)


def _draw_appeal(num_items: int, rng: np.random.Generator) -> np.ndarray:
    """A mild Zipf law: the utility term falls with the logarithm of a random rank."""
    log_rank = np.log(np.arange(1, num_items + 1) + 10.0)
    return np.asarray(rng.permutation(0.6 * (log_rank.mean() - log_rank)))


def _draw_shown(num_items: int, rng: np.random.Generator) -> np.ndarray:
    shown = np.ones(num_items, dtype=bool)
    shown[rng.permutation(num_items)[:NUM_UNSEEN_ITEMS]] = False
    return shown


def build_catalogue(rng: np.random.Generator) -> Catalogue:
    """Builds `NUM_ARTISTS` x `WORKS_PER_ARTIST` artworks, sorted by release day."""
    taken: set[str] = set()
    rows = [work for artist in _invent_artists(rng) for work in _make_works(artist, taken, rng)]
    works = pd.DataFrame(rows).sort_values("_release_day", kind="stable", ignore_index=True)
    works.insert(0, "item_id", [f"art-{number:04d}" for number in range(1, len(works) + 1)])
    works["image"] = "images/" + works["item_id"] + ".png"
    return Catalogue(
        items=works[[column for column in works.columns if not column.startswith("_")]],
        style=works["_style"].to_numpy(),
        palette=works["_palette"].to_numpy(),
        composition=works["_composition"].to_numpy(),
        medium=works["_medium"].to_numpy(),
        artist=works["_artist"].to_numpy(),
        successor=_find_successors(works),
        release_day=works["_release_day"].to_numpy(),
        appeal=_draw_appeal(len(works), rng),
        shown=_draw_shown(len(works), rng),
    )
