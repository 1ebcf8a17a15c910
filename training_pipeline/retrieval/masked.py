"""The same queries and items with something hidden: what the towers make of what is left."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from feature_pipeline.schema import FeatureSpec
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
    return hide_columns(items, [name for name in items if name != ITEM_INDEX])


def hide_columns(items: Arrays, names: Collection[str]) -> Arrays:
    """Encoded items of which some columns are missing.

    Args:
        items: see `TowerInputs.encode_items`.
        names: of encoded columns.
    """
    hidden = {name: np.full_like(items[name], PAD) for name in names}
    if NUMERIC in hidden:
        # Every second column says that the number before it is missing, see `SideInputs.encode`.
        half = items[NUMERIC].shape[1] // 2
        hidden[NUMERIC] = np.tile(np.array([0, 1], items[NUMERIC].dtype), (len(items[NUMERIC]), half))
    return {**items, **hidden}


def list_masks(specs: Sequence[FeatureSpec], items: Arrays) -> dict[str, list[str]]:
    """Which encoded columns to hide to see what each kind of content is worth.

    Args:
        specs: of the items table; embedding columns stand behind the text or image that they come from.
        items: see `TowerInputs.encode_items`.

    Returns:
        `text`, `image`, `text and image` where there are both, and `content`: all but the id.
    """
    masks: dict[str, list[str]] = {"text": [], "image": []}
    source = ""
    for spec in specs:
        if spec.kind == "embedding":
            masks[source].append(spec.name)
        else:
            source = spec.kind
    if all(masks.values()):
        masks["text and image"] = masks["text"] + masks["image"]
    masks["content"] = [name for name in items if name != ITEM_INDEX]
    return {name: columns for name, columns in masks.items() if columns}
