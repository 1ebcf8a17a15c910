"""One who has registered since the bundle was published: a profile stands in for a row of the table."""

from collections.abc import Mapping
from typing import Any

from inference.ask import Asking, EncodeText, describe_new, read_profile
from training_pipeline.bundle import Bundle


class Newcomer:
    """Described when asked for the first time, since encoding a text takes its time.

    Args:
        bundle: knows the users' columns.
        user_id: the id to go by.
        profile: values by column; what it leaves open is unknown.

    Raises:
        UserError: a column is unknown, or its value is of the wrong kind.
    """

    def __init__(self, bundle: Bundle, user_id: str, profile: Mapping[str, Any]) -> None:
        read_profile(bundle, profile)
        self._user_id = user_id
        self._profile = profile
        self._described: Asking | None = None

    def describe(self, bundle: Bundle, encode: EncodeText) -> Asking:
        """The newcomer's row; see `describe_new`."""
        if self._described is None:
            self._described = describe_new(bundle, self._user_id, self._profile, encode)
        return self._described
