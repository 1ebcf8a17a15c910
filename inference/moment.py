"""When and in which context is asked: queries, with the same features that training computed."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Table
from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.errors import UserError
from feature_pipeline.features.live_features import LiveFeatures
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, LAST_ORDER, UNTIMED
from feature_pipeline.schema import USER_ID
from feature_pipeline.values import read_value, to_instant
from training_pipeline.bundle import Bundle

# Before the first event of the very instant, so that nothing at `as_of` itself is read.
_FIRST_ORDER = 0


def build_queries(
    bundle: Bundle,
    live: LiveFeatures,
    user_ids: Sequence[str],
    as_of: datetime | None,
    context: Mapping[str, str],
) -> Table:
    """Builds one query for each user, as arrays.

    Args:
        bundle: the split says where queries stand.
        live: knows what happened, and computes the features as of the query.
        user_ids: who asks.
        as_of: the moment, UTC; None for where the split's own queries stand: `leave_last_out` asks some time
            after the user's own last event, and nobody knows when (see `forget_moments`), the others, and a
            user without events, just after the last of all.
        context: features of the moment; what is left open is taken from the user's latest event before.

    Returns:
        `user_id, as_of, as_of_order, untimed`, and the moment's features.

    Raises:
        UserError: a context feature is unknown, or its value is of the wrong kind.
    """
    count = len(user_ids)
    untimed = np.zeros(count, bool)
    if as_of is not None:
        moments, order = np.full(count, to_instant(as_of)), _FIRST_ORDER
    else:
        moments, order = np.full(count, live.events.last_time + 1), LAST_ORDER
        if bundle.split.leaves_moments_open:
            last = live.events.find_last_times(user_ids)
            untimed = last >= 0
            moments = np.where(untimed, last, moments)
    columns = {
        USER_ID: np.array(user_ids, dtype=object),
        AS_OF: moments.astype("datetime64[us]"),
        AS_OF_ORDER: np.full(count, order),
        UNTIMED: untimed,
    }
    queries = Table(columns)
    computed = live.builder.compute_query_columns(queries)
    return Table({**columns, **computed, **_build_context(bundle, live, queries, context)})


def _build_context(
    bundle: Bundle, live: LiveFeatures, queries: Table, context: Mapping[str, str]
) -> dict[str, np.ndarray]:
    declared = bundle.store.dataset.interactions.context
    for name in context:
        if name not in declared:
            choices = ", ".join(declared) or "none in this data set"
            raise UserError(f"context {name!r} is unknown. Choices: {choices}")
    if not declared:
        return {}
    latest = bundle.tables.interactions[list(declared)].reindex(live.events.find_last_places(queries))
    columns = {
        name: pd.Series([read_value(f"context {name!r}", feature, context[name])] * len(queries))
        if name in context
        else _fill_lists(latest[name], feature)
        for name, feature in declared.items()
    }
    return {name: values.to_numpy() for name, values in columns.items()}


def _fill_lists(values: pd.Series, feature: FeatureColumn) -> pd.Series:
    """Categories are lists; a user without events has none of them."""
    if feature.kind != "categorical":
        return values
    return pd.Series([value if isinstance(value, np.ndarray) else [] for value in values], dtype=object)
