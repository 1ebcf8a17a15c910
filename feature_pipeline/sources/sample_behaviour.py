"""Which artwork a user of the built-in data set looks at next, and why: a random-utility model of visits."""

import numpy as np
import pandas as pd

from feature_pipeline.sources.artwork_sheet import COMPOSITIONS
from feature_pipeline.sources.sample_catalogue import PALETTE_NAMES, START, Catalogue
from feature_pipeline.sources.sample_users import Audience
from feature_pipeline.sources.sample_visits import Visit, plan_visits

FOLLOW_PROBABILITY = 0.35
"""Chance that a work of a series is followed by the next work of that series."""
RESUME_PROBABILITY = 0.2
"""The same chance between the last event of one visit and the first of the next."""

EVENT_WEIGHTS: dict[str, int] = {"view": 1, "save": 2, "purchase": 4}

SEASON_PALETTES: dict[str, tuple[str, ...]] = {
    "winter": ("warm", "twilight"),
    "spring": ("pastel", "forest"),
    "summer": ("cool", "neon"),
    "autumn": ("earth", "mono"),
}
_SEASON_UTILITY = 1.3

_DEVICE_COMPOSITION: dict[str, str] = {"phone": "centred", "tablet": "scattered", "desktop": "diagonal"}
_DEVICE_UTILITY = 0.6

_NOVELTY_UTILITY, _NOVELTY_DAYS = 0.8, 30.0

_THEME_PROBABILITY = 0.7
_STYLE_THEME_UTILITY, _ARTIST_THEME_UTILITY = 1.5, 2.5


def compute_affinity(catalogue: Catalogue, audience: Audience) -> np.ndarray:
    """Computes the part of the utility that neither time nor context changes: taste and the item's appeal.

    Returns:
        [num_users, num_items] float32 in the row order of users.csv and items.csv; higher is liked more.
    """
    return np.asarray(
        audience.style_taste[:, catalogue.style]
        + audience.palette_taste[:, catalogue.palette]
        + audience.medium_taste[:, catalogue.medium]
        + catalogue.appeal,
        dtype=np.float32,
    )


def _compute_context_utility(catalogue: Catalogue, visit: Visit) -> np.ndarray:
    """Sums what season, device and novelty add to each item, [num_items] float64; -inf if it is hidden."""
    in_season = np.isin(
        catalogue.palette, [PALETTE_NAMES.index(name) for name in SEASON_PALETTES[visit.season]]
    )
    suits_device = catalogue.composition == COMPOSITIONS.index(_DEVICE_COMPOSITION[visit.device])
    age_days = np.maximum(visit.day - catalogue.release_day, 0)
    novelty = (catalogue.release_day >= 0) * np.exp(-age_days / _NOVELTY_DAYS)
    utility = _SEASON_UTILITY * in_season + _DEVICE_UTILITY * suits_device + _NOVELTY_UTILITY * novelty
    return np.where(catalogue.shown & (catalogue.release_day <= visit.day), utility, -np.inf)


def _draw_theme(catalogue: Catalogue, first: int, rng: np.random.Generator) -> np.ndarray:
    """Lets the first item of a visit set its theme: style, artist or nothing, [num_items] float64."""
    kind = rng.choice(3, p=[1.0 - _THEME_PROBABILITY, _THEME_PROBABILITY / 2, _THEME_PROBABILITY / 2])
    if kind == 0:
        return np.zeros(len(catalogue.style))
    if kind == 1:
        return np.where(catalogue.style == catalogue.style[first], _STYLE_THEME_UTILITY, 0.0)
    return np.where(catalogue.artist == catalogue.artist[first], _ARTIST_THEME_UTILITY, 0.0)


class _Walk:
    """One user's way through the catalogue: what they have seen, and what they looked at last."""

    def __init__(self, catalogue: Catalogue, affinity: np.ndarray, rng: np.random.Generator) -> None:
        self._catalogue, self._affinity, self._rng = catalogue, affinity, rng
        self._seen = np.zeros(len(affinity), dtype=bool)
        self._next_of_series = -1

    def visit(self, visit: Visit) -> list[int]:
        """Returns the rows of the artworks the user looks at during `visit`, in order."""
        utility = self._affinity + _compute_context_utility(self._catalogue, visit)
        items = [self._look(utility, RESUME_PROBABILITY)]
        utility = utility + _draw_theme(self._catalogue, items[0], self._rng)
        items += [self._look(utility, FOLLOW_PROBABILITY) for _ in range(visit.length - 1)]
        return items

    def _look(self, utility: np.ndarray, follow_probability: float) -> int:
        """Goes on with the series by `follow_probability` if it can, else takes what pleases most now."""
        utility = np.where(self._seen, -np.inf, utility)
        item = self._next_of_series
        if item < 0 or np.isneginf(utility[item]) or self._rng.random() >= follow_probability:
            item = int(np.argmax(utility + self._rng.gumbel(size=len(utility))))
        self._seen[item] = True
        self._next_of_series = int(self._catalogue.successor[item])
        return item


def _draw_event_types(liking: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draws what users did with what they saw: the more they like it, the more often they save or buy it.

    Args:
        liking: affinity in standard deviations over the user's items, [num_events] float32.
        rng: source of randomness.

    Returns:
        [num_events] str, each a key of `EVENT_WEIGHTS`.
    """
    purchase = np.clip(0.02 + 0.02 * liking, 0.0, 0.1)
    save = np.clip(0.10 + 0.06 * liking, 0.0, 0.4)
    draw = rng.random(len(liking))
    return np.select([draw < purchase, draw < purchase + save], ["purchase", "save"], "view")


def _simulate_user(
    catalogue: Catalogue, audience: Audience, affinity: np.ndarray, user: int, rng: np.random.Generator
) -> list[tuple[object, ...]]:
    """Returns one user's events, (user, item, second, season, device, location, day), oldest first."""
    country = str(audience.users["country"].iloc[user])
    walk = _Walk(catalogue, affinity[user], rng)
    events: list[tuple[object, ...]] = []
    for visit in plan_visits(int(audience.num_events[user]), int(audience.join_day[user]), country, rng):
        items = walk.visit(visit)
        seconds = visit.day * 86_400 + visit.second + np.cumsum(rng.integers(15, 200, size=len(items)))
        context = visit.season, visit.device, visit.location, visit.day
        events += [
            (user, item, second, *context) for item, second in zip(items, seconds.tolist(), strict=True)
        ]
    return events


def simulate_interactions(
    catalogue: Catalogue, audience: Audience, affinity: np.ndarray, rng: np.random.Generator
) -> pd.DataFrame:
    """Simulates every visit of every user.

    Args:
        catalogue: what there is to see.
        audience: who comes.
        affinity: time-independent utility, [num_users, num_items] float32.
        rng: source of randomness.

    Returns:
        One row an event with the columns of interactions.csv, sorted by `event_time`, then `user_id`.
    """
    users = np.flatnonzero(audience.num_events)
    rows = [
        event for user in users for event in _simulate_user(catalogue, audience, affinity, int(user), rng)
    ]
    events = pd.DataFrame(rows, columns=["user", "item", "second", "season", "device", "location", "day"])
    events = events.sort_values(["second", "user"], kind="stable", ignore_index=True)
    liking = (affinity - affinity.mean(axis=1, keepdims=True)) / affinity.std(axis=1, keepdims=True)
    event_type = pd.Series(_draw_event_types(liking[events["user"], events["item"]], rng))
    event_time = START + pd.to_timedelta(events["second"], unit="s")
    session = events.groupby(["day", "user"], sort=False).ngroup() + 1
    return pd.DataFrame(
        {
            "user_id": audience.users["user_id"].to_numpy()[events["user"]],
            "item_id": catalogue.items["item_id"].to_numpy()[events["item"]],
            "event_time": event_time.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "event_type": event_type,
            "weight": event_type.map(EVENT_WEIGHTS),
            "season": events["season"],
            "session": session.map("session-{:05d}".format),
            "device": events["device"],
            "location": events["location"],
        }
    )
