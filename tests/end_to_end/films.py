"""A tiny invented film folder in the format of MovieLens latest-small, with plots and posters."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

USERS = ("007", "a b", "1e3", *(f"{user}" for user in range(101, 128)))
NUM_FILMS = 40
RATINGS_A_USER = 12

_KINDS = (("Comedy", "gold", ("lorvik", "umbel", "tasca")), ("Drama", "navy", ("nadir", "selph", "ombro")))


def write_films(root: Path, seed: int = 0) -> None:
    """Writes ratings, films, plots and posters; even users prefer the first half of the films.

    Args:
        root: folder to make.
        seed: of the ratings and the drawings.
    """
    rng = np.random.default_rng(seed)
    (root / "posters").mkdir(parents=True)
    films, texts = ["movieId,title,genres"], ["movie_id,plot,director,actors"]
    for film in range(1, NUM_FILMS + 1):
        genre, colour, words = _KINDS[film > NUM_FILMS // 2]
        films.append(f'{film},"Éte {film}, The (19{50 + film})",{genre}|Invented')
        texts.append(f"{film},{' '.join(rng.choice(words, 6))} {film}.,Nobody {film % 5},N/A")
        if film % 10:
            _draw_poster(rng, colour).save(root / "posters" / f"{film}.jpg")
    (root / "movies.csv").write_text("\n".join(films) + "\n", encoding="utf-8")
    (root / "movies_text.csv").write_text("\n".join(texts) + "\n", encoding="utf-8")
    (root / "ratings.csv").write_text("\n".join(_draw_ratings(rng)) + "\n", encoding="utf-8")


def _draw_poster(rng: np.random.Generator, colour: str) -> Image.Image:
    poster = Image.new("RGB", (40, 60), colour)
    left, top = rng.integers(0, 20, 2)
    ImageDraw.Draw(poster).ellipse((left, top, left + 15, top + 15), fill="white")
    return poster


def _draw_ratings(rng: np.random.Generator) -> list[str]:
    lines = ["userId,movieId,rating,timestamp"]
    for place, user in enumerate(USERS):
        half = np.arange(1, NUM_FILMS // 2 + 1) + (place % 2) * (NUM_FILMS // 2)
        seconds = 1_500_000_000 + np.sort(rng.choice(5_000_000, RATINGS_A_USER, replace=False))
        for film, second in zip(rng.choice(half, RATINGS_A_USER, replace=False), seconds, strict=True):
            lines.append(f"{user},{film},{rng.choice(['4.0', '5.0'])},{second}")
        lines.append(f"{user},{rng.integers(1, NUM_FILMS + 1)},1.0,{1_400_000_000 + place}")
    return lines
