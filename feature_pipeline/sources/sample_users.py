"""The users of the built-in data set: what they like, and the little of it that they say."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.sources.artwork import STYLES
from feature_pipeline.sources.sample_catalogue import MEDIA, NUM_DAYS, PALETTE_NAMES
from feature_pipeline.sources.sample_words import describe_taste

NUM_USERS = 500
NUM_SILENT_USERS = 20
"""Users who signed up and never looked at anything."""

COUNTRIES: tuple[str, ...] = (
    "Denmark",
    "France",
    "Germany",
    "Italy",
    "Poland",
    "Portugal",
    "Spain",
    "Sweden",
)
_LIKES = (3.0, 1.8)
"""Utility of the favourite and of the second best; everything else counts zero."""
_PALETTE_LEAN: dict[str, float] = {"neon": -0.9, "pastel": -0.4, "earth": 0.9, "forest": 0.4}
"""What a standard deviation of age adds to a palette's logit: the young lean to neon, the old to earth."""


@dataclass(frozen=True)
class Audience:
    """The users and what the files do not say of them.

    Attributes:
        users: the public columns, as users.csv holds them.
        style_taste: utility of each style, [num_users, num_styles] float64.
        palette_taste: utility of each palette, [num_users, num_palettes] float64.
        medium_taste: utility of each medium, [num_users, num_media] float64.
        join_day: first day of the calendar on which the user may visit, [num_users] int64.
        num_events: how many artworks the user will look at, [num_users] int64; 0 for the silent ones.
    """

    users: pd.DataFrame
    style_taste: np.ndarray
    palette_taste: np.ndarray
    medium_taste: np.ndarray
    join_day: np.ndarray
    num_events: np.ndarray


def _draw_taste(odds: np.ndarray, likes: tuple[float, ...], rng: np.random.Generator) -> np.ndarray:
    """Gives every user a favourite and a second best, [num_users, num_kinds] float64.

    Args:
        odds: logits by which each user comes to like each kind, [num_users, num_kinds] float64.
        likes: utility of the favourite first.
        rng: source of randomness.
    """
    best_first = np.argsort(-(odds + rng.gumbel(size=odds.shape)), axis=1)
    taste = np.zeros(odds.shape)
    np.put_along_axis(taste, best_first[:, : len(likes)], np.array(likes), axis=1)
    return taste


def _draw_num_events(join_day: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Heavy-tailed activity between 5 and 150 events, fewer for who joined late, none for who never came."""
    full_period = rng.lognormal(np.log(38.0), 0.75, NUM_USERS)
    num_events = np.clip(np.rint(full_period * (1.0 - join_day / NUM_DAYS)), 5, 150).astype(np.int64)
    num_events[rng.permutation(NUM_USERS)[:NUM_SILENT_USERS]] = 0
    return num_events


def _draw_profiles(tastes: tuple[np.ndarray, ...], rng: np.random.Generator) -> list[str | None]:
    """Lets users speak of what they like; some talk of their second best, some say nothing."""
    profiles: list[str | None] = []
    for style, palette, medium in zip(*tastes, strict=True):
        spoken = style if rng.random() < 0.85 else np.where(style == style.max(), 0.0, style)
        words = (STYLES[spoken.argmax()], PALETTE_NAMES[palette.argmax()], tuple(MEDIA)[medium.argmax()])
        profiles.append(None if rng.random() < 0.06 else describe_taste(*words, rng))
    return profiles


def build_audience(rng: np.random.Generator) -> Audience:
    """Builds `NUM_USERS` users with a few strong likes each."""
    age = np.clip(np.rint(rng.gamma(9.0, 4.6, NUM_USERS)), 18, 85)
    lean = np.array([_PALETTE_LEAN.get(name, 0.0) for name in PALETTE_NAMES])
    age_score = (age - age.mean()) / age.std()
    style = _draw_taste(np.zeros((NUM_USERS, len(STYLES))), _LIKES, rng)
    palette = _draw_taste(np.outer(age_score, lean), _LIKES, rng)
    medium = _draw_taste(np.zeros((NUM_USERS, len(MEDIA))), (1.2,), rng)
    users = pd.DataFrame(
        {
            "user_id": [f"user-{number:03d}" for number in range(1, NUM_USERS + 1)],
            "age": pd.array(age.astype(int), dtype="Int64"),
            "country": rng.choice(COUNTRIES, NUM_USERS),
            "profile": _draw_profiles((style, palette, medium), rng),
        }
    )
    users.loc[rng.random(NUM_USERS) < 0.08, "age"] = pd.NA
    joined_late = rng.random(NUM_USERS) < 0.3
    join_day = np.where(joined_late, rng.integers(0, NUM_DAYS - 10, NUM_USERS), 0)
    return Audience(users, style, palette, medium, join_day, _draw_num_events(join_day, rng))
