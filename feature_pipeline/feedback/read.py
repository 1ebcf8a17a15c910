"""The logs as they stand: which events count, who registered, and which items came."""

from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from feature_pipeline.events import open_log
from feature_pipeline.events.connect import is_there
from feature_pipeline.events.event import Event
from feature_pipeline.feedback.changes import ChangeLog
from feature_pipeline.feedback.config import FeedbackConfig
from feature_pipeline.feedback.folding import Folding
from feature_pipeline.feedback.ignored import find_ignored
from feature_pipeline.feedback.record import FeedbackRecord
from feature_pipeline.schema import ITEM_ID, USER_ID

Numbered = list[tuple[int, Event]]
Rows = Mapping[str, tuple[int, Mapping[str, Any]]]


@dataclass(frozen=True)
class Feedback:
    """All that the logs hold.

    Attributes:
        config: where they are, and what counts.
        events: those that count, see `Folding.build_frame`.
        ignored: what was shown and left, see `find_ignored`.
        users: who registered: number of the change, and `user_id, profile`, by id; a user's first stands.
        items: which items came: number of the change, and `item_id, title, features`, by id; the latest
            description counts. Those that were removed since are among them: people have met them.
        record: how far the logs were read.
        taken_back: how many events an undo took back.
    """

    config: FeedbackConfig
    events: pd.DataFrame
    ignored: pd.DataFrame
    users: Rows
    items: Rows
    record: FeedbackRecord
    taken_back: int


def read_feedback(config: FeedbackConfig) -> Feedback:
    """Reads what there is; where there is no log, none is made.

    Raises:
        EventLogError: a log cannot be read.
    """
    # First of all: a user or an item stands in its log before any event about it.
    numbered = _read_events(config.events)
    last_user, users = _read_changes(config.users, "feedback.users", USER_ID)
    last_item, items = _read_changes(config.items, "feedback.items", ITEM_ID)
    types = config.weights.model_dump()
    folding = Folding(types, config.provenance)
    counted, _ = folding.fold(numbered)
    last, last_event = numbered[-1] if numbered else (0, None)
    return Feedback(
        config=config,
        events=folding.build_frame(),
        ignored=find_ignored(numbered, types, config.provenance),
        users={user_id: rows[0] for user_id, rows in users.items()},
        items={item_id: rows[-1] for item_id, rows in items.items()},
        record=FeedbackRecord(
            strengths=types,
            last_event=last,
            last_event_id=last_event.event_id if last_event else None,
            last_user=last_user,
            last_item=last_item,
        ),
        taken_back=_count_undone(numbered, config) - len(counted),
    )


def _read_events(url: str) -> Numbered:
    if not is_there(url):
        return []
    with open_log(url) as log:
        return log.read()


def _read_changes(
    path: Path, setting: str, key: str
) -> tuple[int, dict[str, list[tuple[int, Mapping[str, Any]]]]]:
    """Number of the last change, and what came, in the order of the log, by id."""
    if not path.exists():
        return 0, {}
    with closing(ChangeLog(path, setting)) as log:
        changes = log.read()
    came: dict[str, list[tuple[int, Mapping[str, Any]]]] = {}
    for number, change in changes:
        for row in change.rows if change.kind == "add" else ():
            came.setdefault(row[key], []).append((number, row))
    return changes[-1][0] if changes else 0, came


def _count_undone(numbered: Numbered, config: FeedbackConfig) -> int:
    """How many events would count, had nothing been undone."""
    types = Counter[str](event.event_type for _, event in numbered if event.provenance in config.provenance)
    return sum(types[name] for name in config.weights.model_dump())
