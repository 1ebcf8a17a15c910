"""What users chose straight after the last item: a Markov chain of the first order."""

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from feature_pipeline.features.facts import FROM_ITEM, STEPS_BACK
from feature_pipeline.features.steps import find_steps
from feature_pipeline.schema import ITEM_ID
from training_pipeline.evaluation.baselines.baseline import count_pairs
from training_pipeline.evaluation.ranks import ScoreBlock


def count_transitions(events: pd.DataFrame, num_items: int) -> csr_array:
    """Count how often an item directly followed another: `[from_item, to_item] float32`.

    Args:
        events: `user_id, item_id, event_time, event_order`, all numbers (see `number_events`), in any order.
        num_items: Size of the corpus.
    """
    steps = find_steps(events, reach=1)
    steps = steps[steps[STEPS_BACK] == 1]
    return count_pairs(steps[FROM_ITEM].to_numpy(), steps[ITEM_ID].to_numpy(), (num_items, num_items))


def score_by_transitions(transitions: csr_array, histories: np.ndarray) -> ScoreBlock:
    """Score an item by how often it followed the last item of the history.

    Args:
        transitions: See `count_transitions`.
        histories: Item positions `[num_queries, length] int`, oldest first, -1 pads at the left.

    Returns:
        Scores of a slice of the queries `[block, num_items] float32`; all 0 for one without history.
    """
    last = histories[:, -1]

    def score(block: slice) -> np.ndarray:
        scores: np.ndarray = transitions[np.maximum(last[block], 0)].toarray()
        scores[last[block] < 0] = 0
        return scores

    return score
