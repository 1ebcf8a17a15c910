"""What a request names and nobody knows, told in one line with the nearest known names."""

from bisect import bisect_left
from collections.abc import Sequence
from difflib import get_close_matches

SHOWN = 5
_SHOWN_CHARACTERS = 80
# Names on either side of where the unknown one would stand: all of a catalogue would take seconds.
_REACH = 500


def refuse_unknown(place: str, name: str, known: Sequence[str]) -> str:
    """The message about a name that is not known.

    Args:
        place: where it stands, as `filters.genres`.
        name: as it was given.
        known: the known names, ascending; of very many, those in the alphabet's neighbourhood are compared.
    """
    start = bisect_left(known, name)
    neighbours = known[max(0, start - _REACH) : start + _REACH]
    nearest = get_close_matches(name[:_SHOWN_CHARACTERS], neighbours, SHOWN, cutoff=0)
    return f"{place}: {quote(name)} is not known. Nearest: {', '.join(nearest) or 'none'}"


def quote(value: object) -> str:
    """A value as Python writes it, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
