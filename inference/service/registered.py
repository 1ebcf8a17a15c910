"""Who has registered, as far as the user log was read."""

from collections.abc import Mapping, Sequence
from typing import Any

from feature_pipeline.errors import UserError
from feature_pipeline.feedback.changes import ChangeLog
from feature_pipeline.schema import USER_ID
from inference.ask import read_profile
from training_pipeline.bundle import Bundle

PROFILE = "profile"

Profiles = dict[str, Mapping[str, Any]]


class UserConflictError(UserError):
    """A user is known already with other content; nothing of that call was registered."""


class Registered:
    """Profiles by user id, in the order of the log; the first of a user stands.

    Attributes:
        last: sequence number of the last change that was read.
    """

    def __init__(self) -> None:
        self.last = 0
        self._profiles: Profiles = {}

    def follow(self, users: ChangeLog) -> Profiles:
        """Goes on in the log where it stopped; returns whom it has met there for the first time."""
        new: Profiles = {}
        for sequence, change in users.read(self.last):
            new |= {row[USER_ID]: row[PROFILE] for row in change.rows if row[USER_ID] not in self._profiles}
            self._profiles |= new
            self.last = sequence
        return new

    def find_new(self, bundle: Bundle, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those that the log does not have yet.

        Args:
            bundle: knows the users' columns, and users.
            rows: `user_id, profile` each.

        Raises:
            UserConflictError: one of them is a user of the bundle, or has registered with another profile.
            UserError: a profile has an unknown column or a value of the wrong kind.
        """
        profiles, new = dict(self._profiles), []
        for row in rows:
            user_id, profile = row[USER_ID], row[PROFILE]
            if user_id not in profiles:
                _check_free(bundle, user_id)
                _check_profile(bundle, user_id, profile)
                new.append(row)
            elif profiles[user_id] != profile:
                raise UserConflictError(
                    f"user {user_id!r}: expected the profile with which this user registered, found another; "
                    "nobody was registered. Remedy: send it again unchanged, or register under a new user_id"
                )
            profiles[user_id] = profile
        return new


def _check_profile(bundle: Bundle, user_id: str, profile: Mapping[str, Any]) -> None:
    read_profile(bundle, profile)
    declared = bundle.store.dataset.users.features
    if any(declared[name].kind == "image" and value is not None for name, value in profile.items()):
        # As a text it would be the path of a file on this machine.
        raise UserError(
            f"user {user_id!r}: expected no picture in the profile, found one; nobody was registered. "
            "Remedy: leave it out"
        )


def _check_free(bundle: Bundle, user_id: str) -> None:
    if bundle.tables.find_user(user_id) >= 0:
        raise UserConflictError(
            f"user {user_id!r} is known to bundle {bundle.id} already; nobody was registered. "
            "Remedy: ask with this user_id as it is, or register under a new one"
        )
