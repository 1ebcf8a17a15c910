"""A bundle with more items than it was published with: their content and categories speak for them."""

from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.schema import ITEM_ID, ITEMS, TITLE
from feature_pipeline.values import read_value
from inference.content_encoder import ContentEncoder, list_columns
from training_pipeline.bundle import Bundle


def add_items(bundle: Bundle, items: pd.DataFrame) -> Bundle:
    """The same model with new items behind its own; those that it knows already are left out.

    Args:
        bundle: the model.
        items: `item_id, title` and the declared features; a column that is left out is unknown.

    Raises:
        UserError: a value is of the wrong kind.
    """
    tables = bundle.tables
    new = items[tables.find_items(items[ITEM_ID]) < 0].drop_duplicates(ITEM_ID)
    if new.empty:
        return bundle
    rows = _read_rows(bundle, new)
    vectors = _encode(bundle, rows)
    grown = copy(bundle)
    vars(grown)["tables"] = replace(
        tables,
        items=pd.concat([tables.items, rows.astype(tables.items.dtypes)], ignore_index=True),
        item_vectors={name: np.concatenate([v, vectors[name]]) for name, v in tables.item_vectors.items()},
    )
    embedded = bundle.embed_items(rows, vectors)
    vars(grown)["item_embeddings"] = np.concatenate([bundle.item_embeddings, embedded])
    return grown


def _read_rows(bundle: Bundle, items: pd.DataFrame) -> pd.DataFrame:
    """Rows of the items table."""
    declared = bundle.store.dataset.items.features
    columns: dict[str, list[object]] = {
        ITEM_ID: list(items[ITEM_ID]),
        TITLE: list(items[TITLE]) if TITLE in items else list(items[ITEM_ID]),
    }
    for name, feature in declared.items():
        given = items[name] if name in items else [None] * len(items)
        columns[name] = [read_value(f"item {name}", feature, _tidy(value)) for value in given]
    return pd.DataFrame(columns)[list(bundle.tables.items.columns)]


def _tidy(value: Any) -> Any:
    """As JSON would hold it: unknown values are None, arrays are lists."""
    if isinstance(value, np.ndarray):
        return list(value)
    return None if pd.api.types.is_scalar(value) and pd.isna(value) else value


def _encode(bundle: Bundle, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Their texts as the store encodes texts; what they have no text or picture for is zero."""
    encoder = ContentEncoder(bundle.store)
    vectors = {
        name: np.zeros((len(rows), known.shape[1]), np.float32)
        for name, known in bundle.tables.item_vectors.items()
    }
    for column in list_columns(bundle.store, bundle.store.dataset.items.features):
        for row, text in enumerate(rows[column.feature]):
            if column.kind == "text" and isinstance(text, str):
                encoded = encoder.encode("text", column.encoder, text)
                vectors[column.name][row] = encoder.project(ITEMS, column.name, encoded)
    return vectors
