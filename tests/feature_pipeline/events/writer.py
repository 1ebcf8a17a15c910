"""Appends: `python -m tests.feature_pipeline.events.writer URL FIRST LAST` prints how many events were new.

Each event of the range is sent twice, a few at a time, as a client does that got no answer.
"""

import sys

from feature_pipeline.events import open_log
from tests.feature_pipeline.events.invented import make_event

BATCH = 7


def main(url: str, first: int, last: int) -> None:
    """Appends the events `first` to `last - 1`."""
    new = 0
    with open_log(url) as log:
        for start in range(first, last, BATCH):
            batch = [make_event(number) for number in range(start, min(start + BATCH, last))]
            new += log.append(batch) + log.append(batch)
    print(new)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
