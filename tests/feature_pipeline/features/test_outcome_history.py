"""What earlier events left behind: worked by hand, and against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given

from feature_pipeline.features.outcome_history import LAST, build_specs, compute
from tests.event_tables import at, events, queries, repeatable, whole_numbers

HAPPENED = whole_numbers(
    user_id=[1, 1, 2, 1, 1],
    event_time=[at(1), at(2), at(0), at(3), at(0)],
    event_order=[0, 1, 2, 3, 4],
)
# The event of day 2 left nothing behind.
VECTORS = {"review_embedding": np.array([[1, 0], [0, 0], [5, 5], [0, 4], [3, 2]], np.float32)}


def average(user_id: int, as_of: int) -> list[float]:
    asked = whole_numbers(user_id=[user_id], as_of=[as_of])
    got = compute(asked, HAPPENED, VECTORS)
    assert list(got) == ["review_history_embedding"]
    assert got["review_history_embedding"].dtype == np.float32
    return got["review_history_embedding"][0].tolist()


def test_is_the_mean_of_what_earlier_events_left():
    # Days 0 and 1, not day 2, which left nothing; day 3 is the moment itself, then a microsecond ago.
    assert average(1, at(3)) == [2, 1]
    assert average(1, at(3, 1)) == np.float32([4 / 3, 2]).tolist()
    assert average(2, at(9)) == [5, 5]


def test_an_event_of_the_very_instant_is_never_read():
    assert average(1, at(1)) == [3, 2]
    assert average(1, at(0)) == [0, 0]


def test_strangers_have_none():
    assert average(-1, at(9)) == [0, 0]


def test_reads_the_latest_that_left_something():
    times = [at(day) for day in range(LAST + 3)]
    happened = whole_numbers(user_id=[1] * len(times), event_time=times, event_order=range(len(times)))
    vectors = np.arange(1, len(times) + 1, dtype=np.float32)[:, None]
    vectors[-1] = 0
    got = compute(whole_numbers(user_id=[1], as_of=[at(99)]), happened, {"text": vectors})
    # Of 1, ..., 12 and one empty, the last ten are 3, ..., 12.
    assert got["text_history_embedding"].tolist() == [[7.5]]


def test_specs_follow_the_columns():
    assert [(s.name, s.side, s.kind) for s in build_specs(["review_embedding"])] == [
        ("review_history_embedding", "query", "embedding")
    ]


@repeatable(max_examples=20)
@given(queries(), events(max_size=20))
def test_equals_plain_python(asked: pd.DataFrame, happened: pd.DataFrame):
    rng = np.random.default_rng(len(happened))
    vectors = rng.integers(0, 3, (len(happened), 2)).astype(np.float32)
    means = []
    for query in asked.itertuples():
        is_past = (happened["user_id"] == query.user_id) & (happened["event_time"] < query.as_of)
        past = happened[is_past & vectors.any(axis=1)].sort_values(["event_time", "event_order"])
        means.append(vectors[past.index[-LAST:]].mean(axis=0) if len(past) else [0, 0])
    got = compute(asked, happened, {"review_embedding": vectors})["review_history_embedding"]
    np.testing.assert_allclose(got, means, rtol=1e-6)
