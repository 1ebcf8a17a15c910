"""What the ranker learns from where the same queries are asked twice."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from feature_pipeline.feedback.record import FeedbackRecord
from tests.training_pipeline.command import SMALL, compose_train
from tests.training_pipeline.invented import make_model
from training_pipeline import ranked
from training_pipeline.config import Settings, read_settings
from training_pipeline.prepare import Prepared
from training_pipeline.ranked import FittedRanking, fit_ranking
from training_pipeline.retrieved import Retrieved, retrieve


@pytest.fixture(scope="module")
def settings() -> Settings:
    return read_settings(compose_train(*SMALL))


@pytest.fixture(scope="module")
def rehearsals(prepared: Prepared, settings: Settings) -> list[Retrieved]:
    """Choices of the window were clicks, which teach half; and the same without their moments."""
    is_late = prepared.parts == "validation"
    events = prepared.tables.interactions
    types = events["event_type"].where(~is_late, "feedback:click")
    record = FeedbackRecord(strengths={"like": 1.0, "click": 0.5})
    tables = replace(prepared.tables, interactions=events.assign(event_type=types), feedback=record)
    clicked, model = replace(prepared, tables=tables), make_model(prepared)
    return [retrieve(clicked, model, "validation", settings.ranker, untimed) for untimed in (False, True)]


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Notes what is handed on to be fitted."""
    noted: list[tuple[Any, ...]] = []
    fit = ranked.cross_fit

    def note(*arguments: Any) -> Any:
        noted.append(arguments)
        return fit(*arguments)

    monkeypatch.setattr(ranked, "cross_fit", note)
    return noted


def test_both_ways_of_asking_are_learned_from_and_scored(
    rehearsals: list[Retrieved], settings: Settings, handed: list[tuple[Any, ...]]
) -> None:
    fitted: FittedRanking = fit_ranking(rehearsals, settings)
    timed, untimed = rehearsals
    count = len(timed.held_out.frame)
    assert fitted.fitted.scores.shape == (2 * count, settings.ranker.candidates)
    ((rows, chosen, items, _, _, _, weights, same),) = handed
    assert rows.query.tolist() == [*timed.rows.query, *(untimed.rows.query + count)]
    np.testing.assert_array_equal(items[rows.query, rows.columns["retrieval_rank"].astype(int)], rows.item)
    seconds = rows.columns["user_seconds_since_item"]
    assert np.isnan(seconds).tolist() == (rows.query >= count).tolist()
    # Each query stands beside itself, and its choices teach the same whichever way it is asked.
    assert same.tolist() == [*range(count), *range(count)]
    assert weights[chosen].tolist() == [0.5] * chosen.sum()
    assert weights[~chosen].tolist() == [1.0] * (~chosen).sum()
    assert chosen.sum() == timed.chosen.sum() + untimed.chosen.sum()


def test_one_way_of_asking_is_handed_on_as_it_is(
    rehearsals: list[Retrieved], settings: Settings, handed: list[tuple[Any, ...]]
) -> None:
    fit_ranking(rehearsals[:1], settings)
    ((rows, _, items, *_),) = handed
    assert rows is rehearsals[0].rows
    np.testing.assert_array_equal(items, rehearsals[0].candidates.items)
