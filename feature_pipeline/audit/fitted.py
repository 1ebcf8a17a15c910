"""Whatever was fitted on users or items that training does not know."""

import numpy as np
import pandas as pd

from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.subject import Fitted, Subject
from feature_pipeline.schema import ITEM_ID, USER_ID
from feature_pipeline.splits import TRAIN


def find_foreign_fits(subject: Subject, parts: np.ndarray) -> list[Finding]:
    """Checks that all was fitted on users and items that have events in the training part.

    Args:
        subject: what is audited.
        parts: of each event, see `splits.assign_split`.

    Returns:
        One error at most for each fitted column.
    """
    training = subject.interactions[parts == TRAIN]
    found = (_find_foreign(fitted, training) for fitted in subject.fitted)
    return [finding for finding in found if finding is not None]


def _find_foreign(fitted: Fitted, training: pd.DataFrame) -> Finding | None:
    key, table = (USER_ID, "users") if fitted.side == "query" else (ITEM_ID, "items")
    ids = pd.Index(fitted.entity_ids)
    foreign = ids.difference(pd.Index(training[key].unique()))
    if foreign.empty:
        return None
    return Finding(
        "error",
        "fitted",
        fitted.column,
        f"was fitted on {len(foreign)} of {len(ids)} {table} without an event in the training part",
        f"{key} {foreign[0]!r}",
        f"fit it on the {table} of training events alone",
    )
