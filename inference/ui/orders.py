"""One person's candidates in two orders, as they were retrieved and as they are ranked, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from inference.service.answers import Recommendation
from inference.ui.markup import join

_ROW = Markup(
    '<li><span class="place">{place}</span><span class="name" dir="auto">{title}</span>'
    '<span class="score">{score}</span><span class="bar"><i style="width:{width}%"></i></span>{more}</li>'
)
_MORE = Markup('<span class="more" dir="auto">{}</span>')


@dataclass(frozen=True)
class Orders:
    """The candidates of one request.

    Attributes:
        ranked: all of them, as they are ranked, the best first.
        explained: the first of them, with reasons.
    """

    ranked: Sequence[Recommendation]
    explained: Sequence[Recommendation]

    def write_retrieved(self) -> Markup:
        """As many as are explained, in the order of the towers, and where the ranker puts each."""
        ranks = {row.item_id: place for place, row in enumerate(self.ranked, start=1)}
        shown = self._retrieved[: len(self.explained)]
        scores = [row.retrieval_score for row in self._retrieved]
        told = [Markup("ranked {}").format(_ordinal(ranks[row.item_id])) for row in shown]
        rows = [
            _write(place, row, row.retrieval_score, scores, [line])
            for place, (row, line) in enumerate(zip(shown, told, strict=True), start=1)
        ]
        return Markup('<ol class="order">{}</ol>').format(join(rows))

    def write_ranked(self) -> Markup:
        """Those that are explained, in the order of the ranker: where each came from, chance and reasons."""
        places = {row.item_id: place for place, row in enumerate(self._retrieved, start=1)}
        scores = [row.ranking_score for row in self.ranked]
        rows = [
            _write(place, row, row.ranking_score, scores, _tell(place, places[row.item_id], row))
            for place, row in enumerate(self.explained, start=1)
        ]
        return Markup('<ol class="order">{}</ol>').format(join(rows))

    @property
    def _retrieved(self) -> list[Recommendation]:
        return sorted(self.ranked, key=lambda row: -row.retrieval_score)


def _tell(place: int, retrieved: int, row: Recommendation) -> list[Markup]:
    steps = retrieved - place
    kind, arrow = ("rise", "↑") if steps > 0 else ("fall", "↓")
    moved = Markup('<b class="{}">{} {}</b>').format(kind, arrow, abs(steps)) if steps else Markup("<b>=</b>")
    origin = Markup("{} retrieved {}").format(moved, _ordinal(retrieved))
    chance = [] if row.chance is None else [Markup("chance {}").format(f"{row.chance:.1%}")]
    return [Markup(" · ").join([origin, *chance]), *map(Markup.escape, row.reasons or ())]


def _write(
    place: int, row: Recommendation, score: float, scores: Sequence[float], lines: Sequence[Markup]
) -> Markup:
    low, high = min(scores), max(scores)
    width = 100 * (score - low) / (high - low) if high > low else 100
    return _ROW.format(
        place=place,
        title=row.title or row.item_id,
        score=f"{score:.3f}",
        width=f"{width:.0f}",
        more=join(_MORE.format(line) for line in lines),
    )


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
