"""A few test users as a person would look at them: what they had met, what they chose, what was offered."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from feature_pipeline.profile.thumbnails import read_thumbnail
from feature_pipeline.schema import ITEM_ID, TITLE, USER_ID
from feature_pipeline.store import FeatureStore
from training_pipeline.evaluation.report import Card, Example
from training_pipeline.retrieved import Retrieved

NUM_EXAMPLES = 4
NUM_CARDS = 8


def show_examples(trial: Retrieved, scores: np.ndarray, store: FeatureStore, seed: int) -> list[Example]:
    """Draws some test users at random, among those with a history where there are any.

    Args:
        trial: what was retrieved for the test queries.
        scores: the ranker's [num_queries, num_candidates] float32.
        store: says where the items' pictures lie.
        seed: of the draw.
    """
    held_out = trial.held_out
    known = np.flatnonzero(held_out.past > 0)
    pool = known if len(known) else np.arange(len(held_out.frame))
    drawn = np.random.default_rng(seed).permutation(pool)[:NUM_EXAMPLES]
    histories = trial.prepared.builder.find_history(held_out.frame.iloc[drawn], NUM_CARDS)
    order = np.argsort(-scores[drawn], axis=1, kind="stable")
    ranked = np.take_along_axis(trial.candidates.items[drawn], order, axis=1)
    examples = []
    for place, query in enumerate(drawn):
        chosen = held_out.relevant[[query]].indices
        deck = _Deck(trial.prepared.tables.items, store, set(chosen.tolist()))
        examples.append(
            Example(
                user=_describe_user(trial, query),
                history=deck.show(histories[place][::-1]),
                chosen=deck.show(chosen),
                retrieved=deck.show(trial.candidates.items[query]),
                ranked=deck.show(ranked[place]),
            )
        )
    return examples


@dataclass(frozen=True)
class _Deck:
    """Turns items into cards.

    Attributes:
        items: the items table.
        store: says where pictures lie.
        chosen: positions of the items to be marked.
    """

    items: pd.DataFrame
    store: FeatureStore
    chosen: set[int]

    def show(self, positions: np.ndarray) -> list[Card]:
        """The first `NUM_CARDS` items; -1 pads."""
        return [self._build_card(int(position)) for position in positions[positions >= 0][:NUM_CARDS]]

    def _build_card(self, position: int) -> Card:
        item = self.items.iloc[position]
        return Card(item[TITLE] or item[ITEM_ID], self._read_picture(item), position in self.chosen)

    def _read_picture(self, item: pd.Series) -> str | None:
        name = next((spec.name for spec in self.store.get_specs("items") if spec.kind == "image"), None)
        if name is None or not isinstance(item[name], str):
            return None
        return read_thumbnail(Path(self.store.dataset.root) / str(item[name]))


def _describe_user(trial: Retrieved, query: int) -> str:
    """The user's id and what is declared of them."""
    tables, user_id = trial.prepared.tables, trial.held_out.frame[USER_ID].iloc[query]
    user = tables.users.set_index(USER_ID).loc[user_id]
    facts = []
    for spec in tables.specs["users"]:
        if spec.kind == "categorical" and len(user[spec.name]):
            facts.append(f"{spec.name} {', '.join(user[spec.name])}")
        elif spec.kind == "numeric" and not np.isnan(user[spec.name]):
            facts.append(f"{spec.name} {user[spec.name]:g}")
    return " · ".join([str(user_id), *facts])
