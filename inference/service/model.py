"""A model as it serves: one bundle's recommender, and how far it has followed the logs."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event, EventLog
from feature_pipeline.feedback.changes import Change, ChangeLog
from feature_pipeline.feedback.config import FeedbackConfig
from feature_pipeline.feedback.folding import Folding
from feature_pipeline.feedback.logs import FeedbackLogs
from feature_pipeline.feedback.record import HeldEvents
from feature_pipeline.schema import ITEM_ID, USER_ID, WEIGHT
from inference.ask import Ask, read_profile
from inference.columns import RANKING_SCORE
from inference.content_encoder import ContentKind, list_columns
from inference.recommender import Recommender
from inference.service.logs import describe
from inference.service.new_items import build_frame
from inference.service.pictures import draw_blank
from inference.service.registered import Registered
from training_pipeline.bundle import Bundle, open_bundle
from training_pipeline.index_config import IndexConfig
from training_pipeline.ranking.rows import RETRIEVAL_SCORE

_WARM_USERS = 3
_BATCH = 10_000

_log = logging.getLogger(__name__)


class Model:
    """One bundle's recommender, with what the logs say has happened since.

    It is changed by one thread at a time (see `Live`), and read by many.

    Args:
        recommender: of the bundle, without any event since.
        folding: which events count besides those that the bundle has learned.

    Attributes:
        recommender: answers.
    """

    def __init__(self, recommender: Recommender, folding: Folding) -> None:
        self.recommender = recommender
        self._folding = folding
        self._registered = Registered()
        self._added: set[str] = set()
        self._has_taken_back = False
        self._last_event = 0
        self._last_change = 0

    @property
    def id(self) -> str:
        """The bundle's."""
        return self.recommender.bundle.id

    def find_unknown(self, item_ids: Iterable[str]) -> list[str]:
        """Those of some items that neither the bundle nor anybody since has described."""
        ids = list(item_ids)
        positions = self.recommender.bundle.tables.find_items(pd.Series(ids, dtype="str"))
        unknown = [item_id for item_id, position in zip(ids, positions, strict=True) if position < 0]
        return [item_id for item_id in unknown if item_id not in self._added]

    def follow(self, logs: FeedbackLogs) -> None:
        """Goes on in the logs where it stopped."""
        while batch := logs.events.read(self._last_event, _BATCH):
            # Read after the events: an item's addition stands in its log before any event about it.
            self._follow_items(logs.items)
            self._fold(batch)
            self._last_event = batch[-1][0]
        self._follow_items(logs.items)
        self.follow_users(logs.users)

    @property
    def last_user(self) -> int:
        """Number of the last change of the user log that was read."""
        return self._registered.last

    def follow_users(self, users: ChangeLog) -> None:
        """Takes in who has registered since it last looked."""
        new = self._registered.follow(users)
        if new:
            self.recommender.add_users({user_id: self._check_profile(new[user_id]) for user_id in new})

    def find_new_users(self, users: ChangeLog, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Those of some users whom the log does not have yet; see `Registered.find_new`."""
        self.follow_users(users)
        return self._registered.find_new(self.recommender.bundle, rows)

    def change(self, change: Change) -> None:
        """Adds or removes items.

        Raises:
            UserError: the recommender does not take them; nothing has changed.
        """
        item_ids = [str(row[ITEM_ID]) for row in change.rows]
        if change.kind == "add":
            self.recommender.add_items(build_frame(self.recommender.bundle, change.rows))
            self._added.update(item_ids)
        else:
            self.recommender.remove_items(item_ids)

    def skip_change(self, sequence: int) -> None:
        """Notes that the change of this number was made already, unless others before it were not."""
        if sequence == self._last_change + 1:
            self._last_change = sequence

    def _fold(self, batch: Sequence[tuple[int, Event]]) -> None:
        # The log outlives bundles, and items that an earlier one knew.
        unknown = set(self.find_unknown({event.item_id for _, event in batch}))
        fresh, is_taken_back = self._folding.fold(row for row in batch if row[1].item_id not in unknown)
        # Kept until it is done: what was taken back is not found a second time.
        self._has_taken_back |= is_taken_back
        if self._has_taken_back:
            self.recommender.replace_events(self._weigh(self._folding.build_frame()))
            self._has_taken_back = False
        elif fresh:
            self.recommender.add_events(self._weigh(self._folding.build_frame(fresh)))

    def _weigh(self, events: pd.DataFrame) -> pd.DataFrame:
        """Events as they would be folded into the next store."""
        return events.assign(**{WEIGHT: self.recommender.bundle.store.feedback.weight})

    def _check_profile(self, profile: Mapping[str, Any]) -> Mapping[str, Any]:
        """The profile, or an empty one: the log outlives bundles, and columns that an earlier one had."""
        try:
            read_profile(self.recommender.bundle, profile)
        except UserError as error:
            _log.error("profile not read", extra={"fields": {"error": describe(error)}})
            return {}
        return profile

    def _follow_items(self, items: ChangeLog) -> None:
        for sequence, change in items.read(self._last_change):
            self._repeat(change)
            self._last_change = sequence

    def _repeat(self, change: Change) -> None:
        """Makes a change that another worker made, or that was made before this model was loaded."""
        # The log outlives bundles here, too: what this one does not know needs no removal.
        unknown = set(self.find_unknown(row[ITEM_ID] for row in change.rows))
        rows = [row for row in change.rows if change.kind == "add" or row[ITEM_ID] not in unknown]
        try:
            if rows:
                self.change(Change(change.kind, rows))
        except UserError:
            _log.error("items not changed", extra={"fields": {"kind": change.kind, "items": len(rows)}})


def open_model(place: Path, events: EventLog, feedback: FeedbackConfig, index: IndexConfig) -> Model:
    """Opens a bundle, checks it, and has it answer before anybody asks.

    Args:
        place: its directory.
        events: the log that the model will follow.
        feedback: what counts.
        index: how items are searched.

    Raises:
        ArtefactError: it is missing, damaged or of another version.
        UserError: it has no answers.
    """
    recommender = Recommender(open_bundle(place), index)
    warm(recommender)
    held = find_held(recommender.bundle, events)
    return Model(recommender, Folding(feedback.weights.model_dump(), feedback.provenance, held))


def find_held(bundle: Bundle, events: EventLog) -> HeldEvents:
    """Which events of the log the bundle has learned; none where it has learned from another log."""
    record, tables = bundle.store.feedback, bundle.tables
    found = events.read(record.last_event - 1, 1) if record.last_event else []
    is_same = bool(found) and (found[0][0], found[0][1].event_id) == (record.last_event, record.last_event_id)
    user_ids, item_ids = frozenset(tables.users[USER_ID]), frozenset(tables.items[ITEM_ID])
    return HeldEvents(record.last_event if is_same else 0, user_ids, item_ids)


def warm(recommender: Recommender) -> None:
    """Recommends to a few known users and to somebody new, by which all parts of the bundle are read.

    Raises:
        UserError: a score is no number.
    """
    bundle = recommender.bundle
    known = list(bundle.tables.users[USER_ID].iloc[:_WARM_USERS])
    somebody = Ask(likes=list(bundle.tables.items[ITEM_ID].iloc[:1]))
    for asks in (known, somebody):
        found = recommender.recommend(asks, 10, explain=True)
        scores = found[[RETRIEVAL_SCORE, RANKING_SCORE]].to_numpy("float64")
        if not np.isfinite(scores).all():
            raise UserError(f"bundle {bundle.id}: expected scores that are numbers, found others")
    # Read by nothing so far, and it must not turn out to be damaged when the first item is added.
    _ = bundle.candidate_tower
    warm_search(recommender)


def warm_search(recommender: Recommender) -> None:
    """Searches once by each kind of content that was encoded: loading an encoder takes seconds.

    One that cannot be loaded is told in the log: all but searching goes on without it.
    """
    store = recommender.bundle.store
    kinds = {column.kind for column in list_columns(store, store.dataset.items.features)}
    contents: dict[ContentKind, str | bytes] = {"text": "anything", "image": draw_blank()}
    for kind in sorted(kinds & store.encoder_ids.keys()):
        try:
            recommender.search(**{kind: contents[kind]}, k=1)  # type: ignore[arg-type]
        except UserError as error:
            fields = {"bundle": recommender.bundle.id, "kind": kind, "error": describe(error)}
            _log.error("searches fail", extra={"fields": fields})
