"""Items as JSON describes them, in the form of the items table."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from feature_pipeline.config import unknown_key
from feature_pipeline.errors import UserError
from feature_pipeline.schema import ITEM_ID, TITLE
from feature_pipeline.values import read_value
from training_pipeline.bundle import Bundle

FEATURES = "features"


def build_frame(bundle: Bundle, items: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows of the items table: `item_id, title` and every declared feature, unknown where it is not given.

    Args:
        bundle: knows the items' columns.
        items: `item_id, title, features` each, the last by column.

    Raises:
        UserError: a feature is unknown or of the wrong kind, or is a picture.
    """
    rows = [_build_row(bundle, item) for item in items]
    return pd.DataFrame(rows).astype({ITEM_ID: "str", TITLE: "str"})


def _build_row(bundle: Bundle, item: Mapping[str, Any]) -> dict[str, object]:
    declared, given = bundle.store.dataset.items.features, item[FEATURES]
    for name in given:
        if name not in declared:
            raise UserError(f"item {item[ITEM_ID]!r}: {unknown_key(f'features.{name}', sorted(declared))}")
        if declared[name].kind == "image" and given[name] is not None:
            # As a text it would be the path of a file on this machine.
            raise UserError(
                f"item {item[ITEM_ID]!r}: features.{name}: expected no picture, found one. Remedy: leave it "
                "out; pictures come with the next build of the features"
            )
    place = f"item {item[ITEM_ID]!r}: features."
    features = {name: read_value(place + name, spec, given.get(name)) for name, spec in declared.items()}
    return {ITEM_ID: item[ITEM_ID], TITLE: item[TITLE], **features}
