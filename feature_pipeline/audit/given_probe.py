"""How well what is declared of the user or the moment tells the target of a query.

It is the same for all candidates of the query, and gives the target away where it names it, by its id or
title, or where it came together with it, and with little else, in training.
"""

import numpy as np
import pandas as pd

from feature_pipeline.audit.auc import Verdict, compute_query_auc
from feature_pipeline.audit.held_out import HeldOut
from feature_pipeline.audit.subject import Subject
from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.schema import ITEM_ID, TITLE, USER_ID

_KINDS = ("categorical", "numeric", "timestamp", "text")
_ROW, _QUERY, _VALUE = "row", "query", "value"


def probe_givens(subject: Subject, held_out: HeldOut, training: pd.DataFrame) -> dict[str, Verdict]:
    """Judges declared columns of users and context.

    Args:
        subject: what is audited.
        held_out: at least one query.
        training: training events of the contract table.

    Returns:
        By column.
    """
    specs = [s for s in subject.specs if s.side in ("query", "context") and s.kind in _KINDS]
    of_users = [s.name for s in specs if s.name in subject.users]
    users = subject.users.set_index(USER_ID)[of_users]
    asked = held_out.queries.join(users, on=USER_ID)
    known = training.join(users, on=USER_ID)
    verdicts = {}
    for name in (s.name for s in specs if s.name in asked):
        given = _list_values(asked[name], np.arange(len(asked)))
        counts = (
            _count(subject, held_out, given, _list_names(subject.items)),
            _count(subject, held_out, given, _list_values(known[name], known[ITEM_ID])),
        )
        auc = max(compute_query_auc(scores, held_out.candidates >= 0) for scores in counts)
        verdicts[name] = Verdict(auc, _describe(subject, held_out, asked[name].iloc[0]))
    return verdicts


def _describe(subject: Subject, held_out: HeldOut, given: object) -> str:
    asked, target = held_out.queries.iloc[0], subject.items[ITEM_ID].iloc[held_out.candidates[0, 0]]
    return f"user {asked[USER_ID]!r} as of {asked[AS_OF]}: {given!r}, who then chose item {target!r}"


def _list_values(values: pd.Series, keys: np.ndarray | pd.Series) -> pd.Series:
    """Each value that a row has, as text, under the row's key; a list has several."""
    return pd.Series(values.set_axis(keys).explode().dropna().astype("str"))


def _list_names(items: pd.DataFrame) -> pd.Series:
    """The id and the title of each item, under its id."""
    names = [items[name].set_axis(items[ITEM_ID]) for name in (ITEM_ID, TITLE)]
    return pd.Series(pd.concat(names).astype("str"))


def _count(subject: Subject, held_out: HeldOut, given: pd.Series, of_items: pd.Series) -> np.ndarray:
    """How often candidates have the values given to their queries [num_queries, num_candidates] float64."""
    query, place = np.nonzero(held_out.candidates >= 0)
    item_id = subject.items[ITEM_ID].to_numpy()[held_out.candidates[query, place]]
    rows = pd.DataFrame({_ROW: np.arange(len(query)), _QUERY: query, ITEM_ID: item_id})
    asked = rows.merge(given.rename(_VALUE).rename_axis(_QUERY).reset_index(), on=_QUERY)
    wanted = of_items[of_items.isin(given.unique())].rename(_VALUE).rename_axis(ITEM_ID).reset_index()
    counts = wanted.value_counts().reset_index()
    found = asked.merge(counts, on=[ITEM_ID, _VALUE]).groupby(_ROW)["count"].sum()
    scores = np.zeros(held_out.candidates.shape)
    scores[query, place] = found.reindex(rows[_ROW], fill_value=0)
    return scores
