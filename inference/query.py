"""From users and a moment to queries, with the same features that training computed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from feature_pipeline.errors import UserError
from feature_pipeline.features.build import QUERY_SPECS, FeatureBuilder
from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, USER_ID
from feature_pipeline.splits import build_serving_queries
from training_pipeline.bundle import Bundle

SHOWN_IDS = 5


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
        context: features of the moment; what is left open is taken from the user's latest event.

    Returns:
        `user_id, as_of, as_of_order`, and the moment's features.

    Raises:
        UserError: a user or a context feature is unknown.
    """
    check_users(bundle, user_ids)
    queries = build_serving_queries(bundle.tables.interactions, list(user_ids), bundle.split)
    if as_of is not None:
        moment = as_of.replace(tzinfo=UTC) if as_of.tzinfo is None else as_of.astimezone(UTC)
        queries[AS_OF] = np.datetime64(moment.replace(tzinfo=None), "us")
    computed = builder.compute_query_features(queries)[[spec.name for spec in QUERY_SPECS]]
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


def _build_context(bundle: Bundle, queries: pd.DataFrame, context: Mapping[str, str]) -> pd.DataFrame:
    computed = {spec.name for spec in QUERY_SPECS}
    names = [spec.name for spec in bundle.tables.specs["interactions"] if spec.name not in computed]
    for name in context:
        if name not in names:
            raise UserError(f"context {name!r} is unknown. Choices: {', '.join(names) or 'none in this data set'}")
    events = bundle.tables.interactions
    own = events[events[USER_ID].isin(queries[USER_ID])].sort_values([EVENT_TIME, EVENT_ORDER])
    latest = own.drop_duplicates(USER_ID, keep="last").set_index(USER_ID)[names]
    columns = {}
    for name in names:
        values = latest[name].reindex(queries[USER_ID]).to_list()
        columns[name] = [[context[name]] if name in context else _or_empty(value) for value in values]
    return pd.DataFrame(columns, index=queries.index)


def _or_empty(value: object) -> object:
    """Categories are lists; a user without events has none of them."""
    return value if isinstance(value, list | np.ndarray) else []
