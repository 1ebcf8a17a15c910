"""How events divide into train, validation and test, and the queries that ask for the held-out events."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from feature_pipeline.config import SplitConfig
from feature_pipeline.errors import UserError
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, LAST_ORDER, UNTIMED, forget_moments
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID

TRAIN, VALIDATION, TEST = "train", "validation", "test"


class SplitError(UserError):
    """A split leaves a part without events; the message names the setting to change."""


@dataclass(frozen=True)
class Queries:
    """Held-out queries and what their users then chose.

    Attributes:
        frame: one row a query: `user_id, as_of, as_of_order`, and the context features of the moment.
        target_query: row of `frame` for each target [num_targets] int64, ascending.
        target_item_id: the chosen item for each target [num_targets] str.
        repeated: `user_id, item_id` of what was chosen and is no target, as the user had met it before.
    """

    frame: pd.DataFrame
    target_query: np.ndarray
    target_item_id: np.ndarray
    repeated: pd.DataFrame


def assign_split(interactions: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    """Says for each event whether it trains, validates or tests.

    `temporal` cuts the time line in half-open windows `[start, validation)`, `[validation, test)`,
    `[test, end]`, at the times by which the shares of events have happened. `leave_last_out` takes each
    user's last event for test and the one before for validation. `cold_items` takes all events of some items,
    drawn by a hash of their ids, so that an item stays where it is whatever else comes; it asks what is made
    of items never met, and not what comes next: later events with other items may train.

    Args:
        interactions: `user_id, item_id, event_time, event_order`.
        config: which split, and its shares.

    Returns:
        `train`, `validation` or `test` for each row [num_events] str.

    Raises:
        SplitError: a part has no events.
    """
    parts = _SPLITS[config.name](interactions, config)
    for part in (TRAIN, VALIDATION, TEST):
        if not (parts == part).any():
            raise SplitError(
                f"split {config.name!r} leaves no {part} events of {len(interactions)}. Remedy: give more "
                "events, or change split.validation_share, split.test_share or split.min_events"
            )
    return parts


def _temporal(interactions: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    times = interactions[EVENT_TIME]
    # Rounded, as 1 - 0.1 - 0.2 is a little more than 0.7, and one event more would go by.
    shares = np.round([1 - config.test_share - config.validation_share, 1 - config.test_share], 9)
    validation_start, test_start = times.quantile(shares, interpolation="higher")
    return np.select([times >= test_start, times >= validation_start], [TEST, VALIDATION], TRAIN)


def _leave_last_out(interactions: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    ordered = interactions[[USER_ID, EVENT_TIME, EVENT_ORDER]].reset_index(drop=True)
    ordered = ordered.sort_values([USER_ID, EVENT_TIME, EVENT_ORDER])
    by_user = ordered.groupby(USER_ID, sort=False)
    from_end = by_user.cumcount(ascending=False).sort_index().to_numpy()
    enough = by_user[USER_ID].transform("size").sort_index().to_numpy() >= config.min_events
    return np.select([enough & (from_end == 0), enough & (from_end == 1)], [TEST, VALIDATION], TRAIN)


def _cold_items(interactions: pd.DataFrame, config: SplitConfig) -> np.ndarray:
    chance = pd.util.hash_array(interactions[ITEM_ID].to_numpy(object)) / 2.0**64
    held_out = [chance < config.test_share, chance < config.test_share + config.validation_share]
    return np.select(held_out, [TEST, VALIDATION], TRAIN)


_SPLITS = {"temporal": _temporal, "leave_last_out": _leave_last_out, "cold_items": _cold_items}


def build_queries(
    interactions: pd.DataFrame, is_target: np.ndarray, context: list[str], repeats: bool
) -> Queries:
    """Builds one query for each user with targets, standing at the user's first target.

    All of the user's targets are then relevant. Unless the data set repeats, an item that the user met
    before the query is no target: it could not be recommended.

    Args:
        interactions: contract table.
        is_target: which events are targets [num_events] bool.
        context: context columns to carry over from the first target.
        repeats: whether items already met can be chosen again.

    Returns:
        Queries in order of `as_of`, those without a target left out.
    """
    targets = interactions[is_target].sort_values([EVENT_TIME, EVENT_ORDER], kind="stable")
    frame = targets.drop_duplicates(USER_ID)[[USER_ID, EVENT_TIME, EVENT_ORDER, *context]]
    frame = frame.rename(columns={EVENT_TIME: AS_OF, EVENT_ORDER: AS_OF_ORDER})
    chosen = targets[[USER_ID, ITEM_ID]].drop_duplicates()
    was_met = np.zeros(len(chosen), bool)
    if not repeats:
        met = interactions.loc[_is_before_query(interactions, frame), [USER_ID, ITEM_ID]]
        was_met = pd.MultiIndex.from_frame(chosen).isin(pd.MultiIndex.from_frame(met))
    repeated, chosen = chosen[was_met].reset_index(drop=True), chosen[~was_met]
    frame = frame[frame[USER_ID].isin(chosen[USER_ID])].reset_index(drop=True)
    query = pd.Index(frame[USER_ID]).get_indexer(chosen[USER_ID])
    order = np.argsort(query, kind="stable")
    return Queries(frame, query[order], chosen[ITEM_ID].to_numpy()[order], repeated)


def _is_before_query(interactions: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Which events stand before their own user's query [num_events] bool."""
    events = interactions[[USER_ID, EVENT_TIME, EVENT_ORDER]]
    own = events.merge(frame[[USER_ID, AS_OF, AS_OF_ORDER]], on=USER_ID, how="left")
    is_tie = own[EVENT_TIME] == own[AS_OF]
    is_before = (own[EVENT_TIME] < own[AS_OF]) | (is_tie & (own[EVENT_ORDER] < own[AS_OF_ORDER]))
    return is_before.to_numpy()


def build_serving_queries(
    interactions: pd.DataFrame, user_ids: list[str], config: SplitConfig
) -> pd.DataFrame:
    """Builds the moment at which each user is served, which is where the split's own queries stand.

    `leave_last_out` asks some time after the user's own last event, and nobody knows when: see
    `forget_moments`. The others, and a user without events, ask just after the last event of all.

    Args:
        interactions: contract table.
        user_ids: whom to serve.
        config: the split that the bundle was evaluated under.

    Returns:
        `user_id, as_of, as_of_order, untimed`, in the order of `user_ids`.
    """
    end = interactions[EVENT_TIME].max() + np.timedelta64(1, "us")
    frame = pd.DataFrame({USER_ID: pd.Series(user_ids, dtype="str"), AS_OF: end, AS_OF_ORDER: LAST_ORDER})
    frame = frame.astype({AS_OF: "datetime64[us]"})
    if config.leaves_moments_open:
        return forget_moments(frame, interactions)
    return frame.assign(**{UNTIMED: False})
