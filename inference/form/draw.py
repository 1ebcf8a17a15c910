"""Which subject a participant sees next."""

from collections.abc import Mapping, Sequence
from random import Random


def draw_subject(
    subjects: Sequence[str], shown: Mapping[str, int], seen: set[str], participant: str, seed: int
) -> str | None:
    """One of those that the fewest participants were shown so far, by lot.

    It is drawn when it is needed and not for all of a participant's turns at once: so whoever leaves early
    takes nothing along that the next ones would then see too seldom. While participants come one after the
    other, no subject has been shown to two more of them than another; those who take part at the same time,
    and those who are not shown themselves, may add a little to that.

    Args:
        subjects: ids of all, in an order that does not change.
        shown: to how many participants, by id; 0 for those that are not there.
        seen: what this participant is not to be shown: what they had, and themself.
        participant: whose turn it is.
        seed: of the lot, besides the participant and how far they are.

    Returns:
        An id; None where all are seen.
    """
    left = [subject for subject in subjects if subject not in seen]
    if not left:
        return None
    fewest = min(shown.get(subject, 0) for subject in left)
    lot = Random(f"{seed}/{len(seen)}/{participant}")
    return lot.choice([subject for subject in left if shown.get(subject, 0) == fewest])
