import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from training_pipeline.evaluation.baselines.transitions import count_transitions, score_by_transitions

NUM_ITEMS = 5


@pytest.fixture
def events() -> pd.DataFrame:
    """User 0 goes 1, 2, 2, 0; user 1 goes 2, 0 within one instant; user 2 chooses 3 alone. 4 is never met."""
    rows = [
        (0, 1, 10, 0),
        (2, 3, 11, 1),
        (0, 2, 20, 2),
        (1, 2, 25, 3),
        (1, 0, 25, 4),
        (0, 2, 30, 5),
        (0, 0, 40, 6),
    ]
    return pd.DataFrame(rows, columns=["user_id", "item_id", "event_time", "event_order"])


@pytest.fixture
def transitions(events: pd.DataFrame) -> csr_array:
    return count_transitions(events, NUM_ITEMS)


def test_steps_of_each_user_are_counted(transitions: csr_array) -> None:
    expected = np.zeros((NUM_ITEMS, NUM_ITEMS))
    expected[1, 2] = 1
    expected[2, 2] = 1
    expected[2, 0] = 2
    np.testing.assert_array_equal(transitions.toarray(), expected)


def test_order_of_the_rows_does_not_matter(events: pd.DataFrame, transitions: csr_array) -> None:
    shuffled = count_transitions(events.sample(frac=1, random_state=0), NUM_ITEMS)
    np.testing.assert_array_equal(shuffled.toarray(), transitions.toarray())


def test_the_last_item_alone_decides(transitions: csr_array) -> None:
    score = score_by_transitions(transitions, np.array([[-1, 0, 2], [1, 1, 2], [2, 2, 1], [-1, -1, 3]]))
    of_two, of_one, of_three = [2, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0] * NUM_ITEMS
    assert score(slice(0, 4)).tolist() == [of_two, of_two, of_one, of_three]
    assert score(slice(2, 3)).tolist() == [of_one]


def test_without_history_all_items_score_alike() -> None:
    everything = csr_array(np.ones((NUM_ITEMS, NUM_ITEMS), np.float32))
    scores = score_by_transitions(everything, np.array([[-1, -1], [-1, 4]]))(slice(0, 2))
    assert scores.tolist() == [[0] * NUM_ITEMS, [1] * NUM_ITEMS]
    assert scores.dtype == np.float32
