"""Cutting the users' events into windows, in which one pass trains every event that they hold."""

import numpy as np

# No event: before the user's first, or not for this window to predict.
NONE = -1


def cut_windows(
    user: np.ndarray, time: np.ndarray, order: np.ndarray, length: int, targets: int
) -> np.ndarray:
    """Cuts each user's events, oldest first, into windows that predict `targets` events each.

    Every event is predicted in exactly one window, from up to `length` events before it that the window
    holds: the last target of a window from `length` of them, the first from `length - targets + 1`.

    Args:
        user: whose event [num_events] int.
        time: of each event [num_events] int64.
        order: decides between events of one time [num_events] int.
        length: events that can be read in one window.
        targets: events that one window predicts, at most `length`.

    Returns:
        Positions of events [num_windows, length + 1] int64, oldest first, `NONE` before the user's first. The
        last `targets` columns are predicted, each from those that stand before it.
    """
    line = np.lexsort((order, time, user))
    starts = np.flatnonzero(np.diff(user[line], prepend=-1))
    counts = np.diff(starts, append=len(line))
    num_windows = -(-counts // targets)
    owner = np.repeat(np.arange(len(starts)), num_windows)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(num_windows) - num_windows, num_windows)
    last = starts[owner] + counts[owner] - 1 - place * targets
    found = last[:, None] + np.arange(-length, 1)
    return np.where(found >= starts[owner][:, None], line[np.maximum(found, 0)], NONE)


def plan_batches(
    num_events: np.ndarray, length: int, targets: int, batch_size: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, int]]:
    """Shuffles windows into batches of about `batch_size` targets; windows of a batch are about as long.

    Short histories meet short ones, so that little of a batch is padding.

    Args:
        num_events: that each window holds [num_windows] int.
        length: events that can be read in one window.
        targets: events that one window predicts.
        batch_size: targets a batch.
        rng: draws the order.

    Returns:
        Rows of the windows [num_rows] int64, and how many of the last columns of the history they need.
    """
    # A window that predicts a single event is as long as any other: its history, padded.
    shares = [0.125, 0.25, 0.5, 0.75, 1.0] if targets == length else [1.0]
    widths = np.unique(np.ceil(length * np.array(shares)).astype(int))
    bucket = np.searchsorted(widths, np.minimum(num_events, length))
    batches = []
    for place, width in enumerate(widths):
        rows = rng.permutation(np.flatnonzero(bucket == place))
        size = max(batch_size // min(targets, width), 1)
        # A remainder of its own would be a step as large as any other, made of a few examples.
        parts = np.array_split(rows, max(round(len(rows) / size), 1))
        batches += [(part, int(width)) for part in parts if len(part)]
    return [batches[place] for place in rng.permutation(len(batches))]
