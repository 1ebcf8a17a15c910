"""What is answered; every answer about items names the bundle that gave it."""

import math
from datetime import datetime
from typing import Any

import pandas as pd
from pydantic import BaseModel, Field

from feature_pipeline.arrays import Table

BUNDLE = Field(description="Id of the bundle that gave this answer.", examples=["3f9ac1d20b7e"])


class Recommendation(BaseModel):
    """One recommended item; scores compare within one answer, higher is better."""

    item_id: str
    title: str
    rank: int = Field(description="From 1.")
    retrieval_score: float
    ranking_score: float
    chance: float | None = Field(description="That it is chosen next; null where the bundle has no ranker.")
    reasons: list[str] | None = Field(default=None, description="Where they were asked for.")


class Recommendations(BaseModel):
    """The answer of /recommend."""

    bundle: str = BUNDLE
    user_id: str | None
    recommendations: list[Recommendation]


class Embedded(BaseModel):
    """The answer of /embed."""

    bundle: str = BUNDLE
    embedding: list[float] = Field(description="Where the query tower puts the asker, among the items.")


class Found(BaseModel):
    """One found item."""

    item_id: str
    title: str
    rank: int = Field(description="From 1.")
    score: float


class Findings(BaseModel):
    """The answer of /similar and /search."""

    bundle: str = BUNDLE
    items: list[Found]


class Appended(BaseModel):
    """The answer of POST /events: all events are on the disk."""

    bundle: str = BUNDLE
    new: int = Field(description="How many the log did not have yet.")


class Changed(BaseModel):
    """The answer of POST and DELETE /items."""

    bundle: str = BUNDLE
    items: int = Field(description="How many were added or removed.")


class Registration(BaseModel):
    """The answer of POST /users: all profiles are on the disk."""

    bundle: str = BUNDLE
    new: int = Field(description="How many had not registered yet.")


class Past(BaseModel):
    """One event of a user."""

    item_id: str
    title: str
    event_time: datetime = Field(description="UTC.")


class History(BaseModel):
    """The answer of /history."""

    bundle: str = BUNDLE
    user_id: str
    events: list[Past]


class Health(BaseModel):
    """The answer of /health."""

    status: str = Field(examples=["alive"])


class Ready(BaseModel):
    """The answer of /ready."""

    bundle: str = BUNDLE
    status: str = Field(examples=["ready"])


class Version(BaseModel):
    """The answer of /version."""

    bundle: str = BUNDLE
    features: str = Field(description="Id of the feature store that the bundle was trained on.")
    versions: dict[str, str] = Field(description="Packages that answer.")
    trained_with: dict[str, str] = Field(description="Packages that trained the bundle.")


def list_rows(table: pd.DataFrame | Table) -> list[dict[str, Any]]:
    """Rows by column; None for what is no number, which JSON cannot spell."""
    columns = {str(name): [_spell(value) for value in table[name].tolist()] for name in table.columns}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _spell(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
