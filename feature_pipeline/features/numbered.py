"""Contract tables in whole numbers, which engines sort and join many times faster than ids and times."""

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Arrays, Table
from feature_pipeline.features.facts import FROM_ITEM, QUERY, STEPS_BACK, VALUE
from feature_pipeline.features.state import MICRO
from feature_pipeline.point_in_time import AS_OF, AS_OF_ORDER, ROW, to_microseconds
from feature_pipeline.schema import EVENT_ORDER, EVENT_TIME, ITEM_ID, USER_ID, WEIGHT

# Weights and numbers count in whole millionths, and what is larger than this counts as this.
_LARGEST = 1e9


def number_events(interactions: pd.DataFrame, users: pd.Index, items: pd.Index) -> pd.DataFrame:
    """`user_id, item_id` by position, `event_time` in microseconds, `event_order`, `weight` in millionths."""
    return pd.DataFrame(
        {
            USER_ID: users.get_indexer(pd.Index(interactions[USER_ID])),
            ITEM_ID: items.get_indexer(pd.Index(interactions[ITEM_ID])),
            EVENT_TIME: to_microseconds(interactions[EVENT_TIME]),
            EVENT_ORDER: interactions[EVENT_ORDER].to_numpy(),
            WEIGHT: _to_millionths(interactions[WEIGHT]),
        }
    )


def number_queries(queries: pd.DataFrame | Table, users: np.ndarray) -> Arrays:
    """The queries as `row, query, user_id, as_of`, and `as_of_order` where they have one.

    Args:
        queries: `as_of`.
        users: number of each query's user [num_queries] int64; -1 has no events at all.
    """
    row = np.arange(len(queries))
    columns = {ROW: row, QUERY: row, USER_ID: users, AS_OF: to_microseconds(queries[AS_OF])}
    if AS_OF_ORDER in queries:
        columns[AS_OF_ORDER] = np.asarray(queries[AS_OF_ORDER])
    return columns


def keep(events: pd.DataFrame, key: str, wanted: np.ndarray) -> Arrays:
    """Leaves out the events whose key nobody asks for: they change nothing, and one query takes no time."""
    return to_arrays(events[events[key].isin(pd.unique(wanted))])


def to_arrays(table: pd.DataFrame) -> Arrays:
    """The columns by name."""
    return {str(name): values.to_numpy() for name, values in table.items()}


def keep_last(history: np.ndarray, length: int) -> np.ndarray:
    """The latest `length` items of each history [num_queries, length]."""
    return history[:, history.shape[1] - length :]


def list_recent(asked: Arrays, history: np.ndarray) -> Arrays:
    """The last items of each query, one row each: `row, query, from_item, as_of, steps_back`."""
    query, place = np.nonzero(history >= 0)
    return {
        ROW: np.arange(len(query)),
        QUERY: query,
        FROM_ITEM: history[query, place],
        AS_OF: asked[AS_OF][query],
        STEPS_BACK: history.shape[1] - place,
    }


def list_values(lists: pd.Series) -> Arrays:
    """The values of a category, one row for each that an item has: `item_id, value` in whole numbers."""
    values = lists.reset_index(drop=True).explode().dropna()
    numbered = pd.DataFrame({ITEM_ID: values.index, VALUE: pd.factorize(values)[0]})
    return to_arrays(numbered.drop_duplicates())


def list_numbers(numbers: pd.Series) -> Arrays:
    """The known numbers of the items: `item_id, value` in millionths."""
    known = numbers.reset_index(drop=True).dropna()
    return {ITEM_ID: known.index.to_numpy(), VALUE: _to_millionths(known)}


def _to_millionths(values: pd.Series) -> np.ndarray:
    """Whole millionths [num_values] int64."""
    return np.round(values.to_numpy("float64").clip(-_LARGEST, _LARGEST) * MICRO).astype(np.int64)
