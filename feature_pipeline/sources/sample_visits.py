"""When the users of the built-in data set come by, on which device and from where."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.sources.sample_catalogue import NUM_DAYS, START
from feature_pipeline.sources.sample_users import COUNTRIES

DEVICES: tuple[str, ...] = ("phone", "tablet", "desktop")
_MEAN_LENGTH, _MAX_LENGTH = 4.5, 12


@dataclass(frozen=True)
class Visit:
    """One session of one user.

    Attributes:
        day: day of the calendar, counted from `START`.
        second: second of that day at which the session begins.
        device: one of `DEVICES`.
        location: country from which the user comes, mostly their own.
        length: how many artworks they will look at.
    """

    day: int
    second: int
    device: str
    location: str
    length: int

    @property
    def season(self) -> str:
        """Meteorological season of the northern half of the earth."""
        month = (START + pd.Timedelta(days=self.day)).month
        return ("winter", "spring", "summer", "autumn")[month % 12 // 3]


def _draw_lengths(num_events: int, rng: np.random.Generator) -> np.ndarray:
    """Cuts `num_events` into session lengths, [num_visits] int64."""
    lengths = np.minimum(rng.geometric(1.0 / _MEAN_LENGTH, size=num_events), _MAX_LENGTH)
    lengths = lengths[: np.searchsorted(np.cumsum(lengths), num_events) + 1]
    lengths[-1] -= lengths.sum() - num_events
    return lengths


def _draw_hour(rng: np.random.Generator) -> int:
    """Visits crowd around noon and in the evening, and end before midnight."""
    middle, spread = ((12.5, 2.5), (20.0, 1.5))[rng.integers(2)]
    return int(np.clip(np.rint(rng.normal(middle, spread)), 6, 22))


def _draw_device(hour: int, rng: np.random.Generator) -> str:
    """Desktops belong to working hours, phones and tablets to the rest of the day."""
    shares = (0.3, 0.1, 0.6) if 9 <= hour < 18 else (0.6, 0.25, 0.15)
    return DEVICES[rng.choice(len(DEVICES), p=shares)]


def _draw_visit(day: int, length: int, country: str, rng: np.random.Generator) -> Visit:
    hour = _draw_hour(rng)
    second = hour * 3600 + int(rng.integers(3600))
    location = country if rng.random() < 0.95 else COUNTRIES[rng.integers(len(COUNTRIES))]
    return Visit(day, second, _draw_device(hour, rng), location, length)


def plan_visits(num_events: int, join_day: int, country: str, rng: np.random.Generator) -> list[Visit]:
    """Spreads a user's events over sessions on different days, oldest first.

    Args:
        num_events: at least 1; a user who joined late may run out of days and come to fewer.
        join_day: first day on which the user may come.
        country: where they live.
        rng: source of randomness.
    """
    lengths = _draw_lengths(num_events, rng)
    days = np.sort(join_day + rng.permutation(NUM_DAYS - join_day)[: len(lengths)])
    return [
        _draw_visit(int(day), int(length), country, rng) for day, length in zip(days, lengths, strict=False)
    ]
