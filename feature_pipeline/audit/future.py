"""Features that change when the future changes, and features that training and serving compute differently.

For a few moments, all events at or after the moment are taken out, and at the first of them once replaced by
noise; queries that stand at the moment or before it must not notice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.questions import Answers, Questions, build_queries_frame
from feature_pipeline.audit.subject import Subject
from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, WEIGHT

_QUANTILES = (0.3, 0.6, 0.9)
_RANDOM_CANDIDATES = 2
_ASKED_ALONE = 3

# A history puts events of one instant in order; asked before them all, it must not read one of them.
_BEFORE_THE_INSTANT = -1


@dataclass(frozen=True)
class _Sample:
    """The queries asked.

    Attributes:
        questions: each stands at its event or, if that is earlier, at its moment.
        events: the position in the interactions of each query's event [num_queries] int.
        moments: of each query [num_queries] datetime64[us].
    """

    questions: Questions
    events: np.ndarray
    moments: np.ndarray

    @cached_property
    def cuts(self) -> np.ndarray:
        """The different moments, in order."""
        return np.unique(self.moments)


def find_changes(subject: Subject, config: AuditConfig) -> list[Finding]:
    """Checks that features do not depend on the future, and are the same stored, in bulk and alone.

    Returns:
        One error at most for each column and check.
    """
    rng = np.random.default_rng(config.seed)
    sample = _draw_sample(subject, config, rng)
    answers = sample.questions.compute(subject.builder)
    changed: dict[str, str] = {}
    for moment, past, future in _cut(subject, sample):
        asked = answers.select(np.flatnonzero(sample.moments == moment))
        changed = _compare(subject, asked, past, f"without events from {moment} on") | changed
        if moment == sample.cuts[0]:
            noise = pd.concat([past, _replace(subject, future, rng)])
            changed = _compare(subject, asked, noise, f"with other events from {moment} on") | changed
    differing = _compare_alone(subject, answers, rng) | _compare_stored(subject, sample, answers)
    return [
        *(_report_difference(column, example) for column, example in differing.items()),
        # What depends on the other queries changes with them, and says nothing of the future.
        *(_report_change(column, changed[column]) for column in changed if column not in differing),
    ]


def _draw_sample(subject: Subject, config: AuditConfig, rng: np.random.Generator) -> _Sample:
    """Queries of the events around each moment: those after it show whose future is near."""
    times = subject.interactions[EVENT_TIME].to_numpy()
    moments = _choose_moments(subject)[: config.queries]
    each = config.queries // len(moments)
    places, cuts = [], []
    for moment in moments:
        start = max(int(np.searchsorted(times, moment)) - each // 2, 0)
        place = np.arange(start, min(start + each, len(times)))
        places.append(place)
        cuts.append(np.full(len(place), moment))
    events, at = np.concatenate(places), np.concatenate(cuts)
    as_of = pd.Series(np.minimum(times[events], at))
    queries = build_queries_frame(subject.interactions[USER_ID].iloc[events], as_of, _BEFORE_THE_INSTANT)
    own = pd.Index(subject.items[ITEM_ID]).get_indexer(subject.interactions[ITEM_ID].iloc[events])
    others = rng.integers(0, len(subject.items), (len(events), _RANDOM_CANDIDATES))
    return _Sample(Questions(queries, np.column_stack([own, others]), subject.items), events, at)


def _choose_moments(subject: Subject) -> np.ndarray:
    """Moments over the time of the rows about to be stored, and one at which a user had several events."""
    rows = subject.computed.index if len(subject.computed) else subject.interactions.index
    events = subject.interactions.loc[rows]
    spread = events[EVENT_TIME].quantile(list(_QUANTILES), interpolation="nearest").to_numpy()
    is_again = events.duplicated([EVENT_TIME, USER_ID])
    together = events.loc[is_again, EVENT_TIME].mode().to_numpy()
    return np.unique([*spread, *together[:1]])


def _cut(subject: Subject, sample: _Sample) -> Iterator[tuple[pd.Timestamp, pd.DataFrame, pd.DataFrame]]:
    """Each moment with the events before it, and those at or after it."""
    times = subject.interactions[EVENT_TIME].to_numpy()
    for moment in sample.cuts:
        is_past = times < moment
        yield pd.Timestamp(moment), subject.interactions[is_past], subject.interactions[~is_past]


def _compare(subject: Subject, answers: Answers, altered: pd.DataFrame, how: str) -> dict[str, str]:
    """Column -> an example where altered interactions make a difference."""
    found = answers.questions.compute(subject.make_builder(altered))
    return answers.compare(found, "with all events", how)


def _replace(subject: Subject, events: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same times, with users, items and weights drawn at random."""
    users = subject.interactions[USER_ID].iloc[rng.integers(0, len(subject.interactions), len(events))]
    items = subject.items[ITEM_ID].iloc[rng.integers(0, len(subject.items), len(events))]
    weights = rng.uniform(1, 10, len(events))
    return events.assign(**{USER_ID: users.array, ITEM_ID: items.array, WEIGHT: weights})


def _compare_stored(subject: Subject, sample: _Sample, answers: Answers) -> dict[str, str]:
    """Column -> an example where the stored value is another than the one computed for the query."""
    asked_at = subject.interactions[EVENT_TIME].to_numpy()[sample.events]
    labels = subject.interactions.index[sample.events]
    is_stored = (asked_at <= sample.moments) & labels.isin(subject.computed.index)
    if not is_stored.any():
        return {}
    expected = answers.select(np.flatnonzero(is_stored))
    stored = subject.computed.loc[labels[is_stored]]
    columns = [name for name in expected.of_queries if name in stored]
    rows = expected.of_rows[[]]
    expected = Answers(expected.questions, expected.of_queries[columns], rows)
    found = Answers(expected.questions, stored[columns], rows)
    return expected.compare(found, "computed for the query", "about to be stored")


def _compare_alone(subject: Subject, answers: Answers, rng: np.random.Generator) -> dict[str, str]:
    """Column -> an example where one query alone is answered otherwise than among others."""
    size = len(answers.of_queries)
    differences: dict[str, str] = {}
    for query in rng.choice(size, min(size, _ASKED_ALONE), replace=False):
        together = answers.select(np.array([query]))
        alone = together.questions.compute(subject.builder)
        differences = together.compare(alone, "among other queries", "alone") | differences
    return differences


def _report_change(column: str, example: str) -> Finding:
    return Finding(
        "error",
        "future",
        column,
        "changes when the future changes",
        example,
        "let the feature read only what is earlier than as_of, or leave it out of point_in_time",
    )


def _report_difference(column: str, example: str) -> Finding:
    return Finding(
        "error",
        "serving",
        column,
        "is not the same in training and in serving",
        example,
        "let the feature depend on the query's own past alone, not on what else is asked, or leave it out of "
        "point_in_time",
    )
