"""The same queries and items with something hidden: what the towers make of what is left."""

from dataclasses import replace

import numpy as np

from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.dataset import Examples, hide_past
from training_pipeline.retrieval.inputs import NUMERIC, PAD, Arrays


def hide_history(prepared: Prepared, held_out: HeldOut) -> Examples:
    """The queries as if their users were new: profile and moment stay, and nothing is known of the past.

    Args:
        prepared: tables and features.
        held_out: the queries.
    """
    unknown = hide_past(held_out.frame, prepared.builder)
    examples = prepared.build_held_out_examples(replace(held_out, frame=unknown))
    return replace(examples, user=prepared.tables.find_users(held_out.frame))


def hide_content(items: Arrays) -> Arrays:
    """Encoded items by their ids alone: categories, numbers, texts and pictures are missing.

    Args:
        items: see `TowerInputs.encode_items`.
    """
    hidden = {name: np.full_like(values, PAD) for name, values in items.items()}
    if NUMERIC in items:
        # Every second column says that the number before it is missing, see `SideInputs.encode`.
        half = items[NUMERIC].shape[1] // 2
        hidden[NUMERIC] = np.tile(np.array([0, 1], items[NUMERIC].dtype), (len(items[NUMERIC]), half))
    return hidden | {ITEM_INDEX: items[ITEM_INDEX]}
