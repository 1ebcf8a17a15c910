"""What was met before a query, against sets in plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_pipeline.engine.connect import connect
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.features.facts import Columns
from tests.tiny_store import ENGINE
from training_pipeline.seen import find_seen, mark

NUM_ITEMS = 4
ITEMS = pd.DataFrame({"item_id": [f"item-{n}" for n in range(NUM_ITEMS)]})
EVENTS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, NUM_ITEMS - 1), st.integers(0, 5)), min_size=1, max_size=20
)
QUERIES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(0, 20)), min_size=1, max_size=6
)


def to_times(days: list[int]) -> np.ndarray:
    return np.datetime64("2024-01-01", "us") + np.array(days) * np.timedelta64(1, "D")


@settings(max_examples=40)
@given(events=EVENTS, queries=QUERIES)
def test_equals_a_plain_set(events: list[tuple[int, int, int]], queries: list[tuple[int, int, int]]) -> None:
    """User 3 has no events; items repeat; times tie and are then decided by the order of events."""
    users, items, days = zip(*events, strict=True)
    interactions = pd.DataFrame(
        {
            "user_id": [f"user-{n}" for n in users],
            "item_id": [f"item-{n}" for n in items],
            "event_time": to_times(list(days)),
            "event_order": range(len(events)),
        }
    )
    askers, as_of, order = zip(*queries, strict=True)
    asked = pd.DataFrame(
        {"user_id": [f"user-{n}" for n in askers], "as_of": to_times(list(as_of)), "as_of_order": order}
    )
    builder = FeatureBuilder.of_table(
        connect(ENGINE), [], Columns(), ITEMS, interactions.assign(weight=1.0), {}, {}
    )

    seen = find_seen(asked, interactions, builder, NUM_ITEMS)
    found = [set(row.nonzero()[0].tolist()) for row in seen.toarray()]
    assert found == [
        {
            item
            for place, (user, item, day) in enumerate(events)
            if user == asker and (day, place) < (at, at_order)
        }
        for asker, at, at_order in queries
    ]
    assert seen.dtype == bool
    assert seen.has_canonical_format


def test_mark_counts_repeats_once() -> None:
    marked = mark(np.array([1, 0, 1]), np.array([2, 0, 2]), (2, 3))
    np.testing.assert_array_equal(marked.toarray(), [[True, False, False], [False, False, True]])
    assert marked.nnz == 2
