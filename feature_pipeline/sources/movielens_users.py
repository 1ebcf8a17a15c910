"""MovieLens users: the same columns whatever a format knows of them."""

import pandas as pd

from feature_pipeline.sources.raw import RawTable

_GENDERS = {"F": "female", "M": "male"}


def build_users(users: RawTable) -> RawTable:
    """Builds the user table from columns user_id, age, gender (F or M) and occupation, any but the id absent.

    Returns:
        The rows in their order; user_id, gender ("female", "male") and occupation `str`, missing where
        unknown; age in years, float64, NaN where unknown.
    """
    raw = users.frame.reindex(columns=["user_id", "age", "gender", "occupation"])
    frame = raw.assign(
        age=pd.to_numeric(raw["age"], errors="coerce").astype("float64"),
        gender=raw["gender"].map(_GENDERS).astype("str"),
        occupation=raw["occupation"].astype("str"),
    )
    return RawTable(frame, users.file)
