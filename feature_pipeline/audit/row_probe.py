"""How well each column of a (query, candidate) row tells the target of the query."""

from collections.abc import Iterator

import numpy as np

from feature_pipeline.audit.auc import Verdict, compute_query_auc, ignore_direction
from feature_pipeline.audit.held_out import HeldOut
from feature_pipeline.audit.item_probe import list_item_specs
from feature_pipeline.audit.subject import Subject
from feature_pipeline.columns import to_float
from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.schema import ITEM_ID, USER_ID


def probe_rows(subject: Subject, held_out: HeldOut) -> dict[str, Verdict]:
    """Judges computed columns of the row and declared numbers of the item, in either direction.

    Args:
        subject: what is audited.
        held_out: at least one query.

    Returns:
        By column.
    """
    return {
        name: Verdict(
            ignore_direction(compute_query_auc(values, held_out.candidates >= 0)),
            _describe(subject, held_out, values),
        )
        for name, values in _list_values(subject, held_out)
    }


def _list_values(subject: Subject, held_out: HeldOut) -> Iterator[tuple[str, np.ndarray]]:
    """Columns and their values [num_queries, num_candidates] float64."""
    candidates = held_out.candidates
    if subject.builder.row_specs:
        computed = subject.builder.compute_row_features(held_out.queries, candidates)
        for name in computed:
            values = np.full(candidates.shape, np.nan)
            values[candidates >= 0] = computed[name].to_numpy("float64", na_value=np.nan)
            yield str(name), values
    for spec in list_item_specs(subject, "numeric", "timestamp"):
        yield spec.name, to_float(subject.items[spec.name])[candidates]


def _describe(subject: Subject, held_out: HeldOut, scores: np.ndarray) -> str:
    """The first query, with the scores of its target and of another candidate, for a person to look up."""
    asked = held_out.queries.iloc[0]
    target, other = subject.items[ITEM_ID].iloc[held_out.candidates[0, :2]]
    return (
        f"user {asked[USER_ID]!r} as of {asked[AS_OF]}: {scores[0, 0]} for the chosen item {target!r}, "
        f"{scores[0, 1]} for item {other!r}"
    )
