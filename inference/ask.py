"""Who asks: a known user, or somebody new, described by a profile and a few liked items."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.arrays import Arrays, join_tables, take_rows
from feature_pipeline.config import unknown_key
from feature_pipeline.errors import UserError
from feature_pipeline.schema import USER_ID
from feature_pipeline.values import read_value
from training_pipeline.bundle import Bundle
from training_pipeline.ranking.rows import read_columns

SHOWN_IDS = 5
# No id of a user is empty.
SOMEBODY = ""

EncodeText = Callable[[str, str], np.ndarray]


class UnknownUserError(UserError):
    """The bundle does not know this user; the message names a few that it knows."""


@dataclass(frozen=True)
class Ask:
    """One who asks.

    Attributes:
        user_id: a known user; None for somebody new.
        profile: what somebody new says: columns of the users table, texts included.
        likes: items that the asker likes besides what is known, by id, the latest last.
    """

    user_id: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    likes: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.user_id is not None and self.profile:
            raise UserError("profile: expected none for a known user, found one. Remedy: leave user_id out")
        if self.user_id is None and not self.profile and not self.likes:
            raise UserError("expected a user_id, a profile, or liked items, found nothing of them")


@dataclass(frozen=True)
class Asking:
    """Users as both models read them, one row for each who asks.

    Attributes:
        user_ids: the ids they go by.
        of_tower: their encoded features [num_asking, ...] each.
        of_ranker: their columns, see `RowBuilder.of_users` [num_asking] each.
    """

    user_ids: Sequence[str]
    of_tower: Arrays
    of_ranker: Arrays


def find_known(bundle: Bundle, known: Asking, user_ids: Sequence[str]) -> Asking:
    """The rows of known users.

    Args:
        bundle: knows the users.
        known: all of them, in the order of their table.
        user_ids: who asks.

    Raises:
        UnknownUserError: one of them is not in the users table.
    """
    rows = np.array([bundle.tables.find_user(user_id) for user_id in user_ids], np.int64)
    if (rows < 0).any():
        raise refuse_user(bundle, user_ids[int(np.argmax(rows < 0))])
    return Asking(user_ids, take_rows(known.of_tower, rows), take_rows(known.of_ranker, rows))


def join_asking(parts: Sequence[Asking]) -> Asking:
    """The rows of several, one below the other."""
    user_ids = [user_id for part in parts for user_id in part.user_ids]
    of_tower, of_ranker = [part.of_tower for part in parts], [part.of_ranker for part in parts]
    return Asking(user_ids, join_tables(of_tower), join_tables(of_ranker))


def refuse_user(bundle: Bundle, user_id: str) -> UnknownUserError:
    """The error about a user nobody knows."""
    known = bundle.tables.users[USER_ID]
    return UnknownUserError(
        f"user {user_id!r} is not known to bundle {bundle.id} of {bundle.store.dataset.name}. "
        f"It knows {len(known):,} users, among them {', '.join(known.iloc[:SHOWN_IDS])}"
    )


def read_profile(bundle: Bundle, profile: Mapping[str, Any]) -> dict[str, object]:
    """Every declared column of the users, unknown where the profile leaves it open.

    Args:
        bundle: knows the users' columns.
        profile: values by column.

    Raises:
        UserError: a column is unknown, or its value is of the wrong kind.
    """
    declared = bundle.store.dataset.users.features
    for name in profile:
        if name not in declared:
            raise UserError(f"profile: {unknown_key(name, sorted(declared))}")
    return {name: read_value(f"profile {name}", spec, profile.get(name)) for name, spec in declared.items()}


def describe_new(bundle: Bundle, user_id: str, profile: Mapping[str, Any], encode: EncodeText) -> Asking:
    """The row of somebody new; see `read_profile`.

    Args:
        bundle: knows the users' columns.
        user_id: the id to go by.
        profile: values by column.
        encode: from an embedding column of the users and a text to its embedding [dim] float32.

    Raises:
        UserError: a column is unknown, or its value is of the wrong kind.
    """
    row = read_profile(bundle, profile)
    frame = pd.DataFrame({USER_ID: [user_id], **{name: [value] for name, value in row.items()}})
    vectors = {}
    for name, known in bundle.tables.user_vectors.items():
        text = _find_text(name, row)
        vectors[name] = encode(name, text)[None] if text else np.zeros((1, known.shape[1]), np.float32)
    of_ranker = read_columns(frame, bundle.tables.specs["users"])
    return Asking([user_id], bundle.inputs.user.encode(frame, vectors), of_ranker)


def _find_text(embedding: str, row: Mapping[str, Any]) -> str | None:
    """The text that an embedding column was made of: `profile` for `profile_embedding`."""
    names = [
        name for name, value in row.items() if embedding.startswith(f"{name}_") and isinstance(value, str)
    ]
    return str(row[max(names, key=len)]) if names else None
