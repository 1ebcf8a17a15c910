"""From users and a moment to queries, with the same features that training computed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from feature_pipeline.columns import read_categories
from feature_pipeline.dataset_config import FeatureColumn
from feature_pipeline.errors import UserError
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, find_recent_events
from feature_pipeline.schema import USER_ID
from feature_pipeline.splits import build_serving_queries
from training_pipeline.bundle import Bundle

SHOWN_IDS = 5

# Before the first event of the very instant, so that nothing at `as_of` itself is read.
_FIRST_ORDER = 0


class UnknownUserError(UserError):
    """The bundle does not know this user; the message names a few that it knows."""


def build_queries(
    bundle: Bundle,
    builder: FeatureBuilder,
    user_ids: Sequence[str],
    as_of: datetime | None,
    context: Mapping[str, str],
) -> pd.DataFrame:
    """Builds one query for each user.

    Args:
        bundle: knows the users, their events, and the split that says where queries stand.
        builder: computes the features as of the query.
        user_ids: whom to serve; all must be in the users table.
        as_of: the moment, UTC; None for where the split's own queries stand.
        context: features of the moment; what is left open is taken from the user's latest event before.

    Returns:
        `user_id, as_of, as_of_order`, and the moment's features.

    Raises:
        UserError: a user or a context feature is unknown, or its value is of the wrong kind.
    """
    check_users(bundle, user_ids)
    queries = build_serving_queries(bundle.tables.interactions, list(user_ids), bundle.split)
    if as_of is not None:
        queries[AS_OF] = to_instant(as_of)
        queries[AS_OF_ORDER] = _FIRST_ORDER
    computed = builder.compute_query_features(queries)
    return pd.concat([queries, computed, _build_context(bundle, queries, context)], axis=1)


def check_users(bundle: Bundle, user_ids: Sequence[str]) -> None:
    """Raises UnknownUserError when a user is not in the bundle's users table."""
    known = bundle.tables.users[USER_ID]
    unknown = sorted(set(user_ids) - set(known))
    if unknown:
        raise UnknownUserError(
            f"user {unknown[0]!r} is not known to bundle {bundle.id} of {bundle.store.dataset.name}. "
            f"It knows {len(known):,} users, among them {', '.join(known.iloc[:SHOWN_IDS])}"
        )


def to_instant(moment: datetime) -> np.datetime64:
    """A moment as the tables hold it: UTC without zone, in microseconds; UTC where it names no zone."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return np.datetime64(aware.replace(tzinfo=None), "us")


def _build_context(bundle: Bundle, queries: pd.DataFrame, context: Mapping[str, str]) -> pd.DataFrame:
    declared = bundle.store.dataset.interactions.context
    for name in context:
        if name not in declared:
            choices = ", ".join(declared) or "none in this data set"
            raise UserError(f"context {name!r} is unknown. Choices: {choices}")
    events = bundle.tables.interactions
    latest = events[list(declared)].reindex(find_recent_events(queries, events, 1)[:, 0])
    columns = {
        name: [_read_value(name, feature, context[name])] * len(queries)
        if name in context
        else _fill_lists(latest[name], feature)
        for name, feature in declared.items()
    }
    return pd.DataFrame(columns, index=queries.index)


def _read_value(name: str, feature: FeatureColumn, text: str) -> object:
    """One given value, in the form that the interactions table has."""
    if feature.kind == "categorical":
        return read_categories(pd.Series([text], dtype="str"), feature.separator).iloc[0]
    try:
        return float(text) if feature.kind == "numeric" else to_instant(datetime.fromisoformat(text))
    except ValueError:
        expected = "a number" if feature.kind == "numeric" else "a time (ISO 8601)"
        raise UserError(f"context {name!r}: expected {expected}, found {text!r}") from None


def _fill_lists(values: pd.Series, feature: FeatureColumn) -> list[object]:
    """Categories are lists; a user without events has none of them."""
    if feature.kind != "categorical":
        return values.to_list()
    return [value if isinstance(value, np.ndarray) else [] for value in values]
