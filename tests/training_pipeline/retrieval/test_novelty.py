"""When items are new, worked by hand and counted out; what the loss makes of it, and what is learned."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.tiny_store import NUM_ITEMS
from tests.training_pipeline.invented import make_model
from tests.training_pipeline.retrieval.kinds import embed_kinds, fit_kinds
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.inputs import UNKNOWN
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.novelty import HORIZON, Novelty, find_first_events, find_novelty

# Twenty events, one an hour: item 1 comes with the eleventh and item 2 with the last, item 3 never.
ITEMS = np.array([0] * 10 + [1] + [0] * 8 + [2])
HOURS = np.arange(20)


class TestWorkedByHand:
    def test_presence(self) -> None:
        """To item 1, nine events came later, and the tenth before them all that found it new saw it come."""
        np.testing.assert_allclose(find_novelty(ITEMS, HOURS, 4).presence, [1.0, 0.55, 0.1, 0.1], rtol=1e-6)

    def test_unknown(self) -> None:
        expected = [0.05, 0.1 / 0.55, 1.0, 1.0]
        np.testing.assert_allclose(find_novelty(ITEMS, HOURS, 4).unknown, expected, rtol=1e-6)

    def test_first_events(self) -> None:
        assert np.flatnonzero(find_first_events(ITEMS, HOURS, 4)).tolist() == [0, 10, 19]

    def test_all_events_at_the_first_time_are_first(self) -> None:
        items, days = np.array([0, 1, 0, 1, 0]), np.array([7, 8, 7, 9, 8])
        assert find_first_events(items, days, 2).tolist() == [True, True, True, False, False]

    def test_nothing_happened(self) -> None:
        nothing = np.zeros(0, np.int64)
        novelty = find_novelty(nothing, nothing, 2)
        assert find_first_events(nothing, nothing, 2).tolist() == []
        assert np.isfinite([novelty.presence, novelty.unknown]).all()


@given(st.data())
def test_counts_what_the_queries_find(data: st.DataObject) -> None:
    """Every event asks what is there: what was met before, and what a tenth of all will bring."""
    size = data.draw(st.integers(1, 30))
    items = data.draw(hnp.arrays(np.int64, size, elements=st.integers(0, 4)))
    times = data.draw(hnp.arrays(np.int64, size, elements=st.integers(0, 20)))
    novelty = find_novelty(items, times, 6)
    for item in set(items.tolist()):
        arrival = times[items == item].min()
        known = np.mean(times > arrival)
        new = min(np.mean(times <= arrival), HORIZON)
        assert novelty.presence[item] == pytest.approx(known + new)
        assert novelty.unknown[item] == pytest.approx(new / (known + new))


class TestLoss:
    """The full softmax of two queries of the tiny store, against NumPy."""

    CHOSEN = np.array([3, 7], np.int32)

    def compute(self, prepared: Prepared, novelty: Novelty, is_new: list[bool]) -> tuple[float, Any, Any]:
        """The loss; and by NumPy the scores [2, num_items] of shown and of hidden items."""
        tf.keras.utils.set_random_seed(0)
        model = make_model(prepared, loss="full_softmax", novelty=novelty)
        windows = prepared.build_training_examples().take(np.array([100, 31]))
        windows |= {"target": self.CHOSEN[:, None], "is_new": np.array(is_new)[:, None]}
        batch = tf.nest.map_structure(tf.constant, windows)
        loss = float(model.compute_loss(batch))
        hidden = model.items | {ITEM_INDEX: tf.fill([NUM_ITEMS], UNKNOWN)}
        queries = self.embed_queries(model, batch)
        return loss, queries @ model.embed_corpus().numpy().T, queries @ model.embed_items(hidden).numpy().T

    @staticmethod
    def embed_queries(model: TwoTowerModel, batch: dict[str, Any]) -> np.ndarray:
        vectors = tf.gather(model.embed_corpus(), tf.maximum(batch["history"], 0))
        queries: np.ndarray = model.embed_queries(batch, vectors, False)[:, 0].numpy()
        return queries

    def expect(self, prepared: Prepared, own: np.ndarray, others: np.ndarray, weight: float = 1.0) -> float:
        known = np.flatnonzero(prepared.count_events())
        rivals = [weight * np.exp(others[row, known[known != self.CHOSEN[row]]]).sum() for row in range(2)]
        scores = own[np.arange(2), self.CHOSEN]
        return float(np.mean(np.log(np.exp(scores) + rivals) - scores))

    def test_id_of_what_is_chosen_is_hidden_where_it_is_new(self, prepared: Prepared) -> None:
        loss, shown, hidden = self.compute(prepared, Novelty.all_known(NUM_ITEMS), [True, False])
        own = np.stack([hidden[0], shown[1]])
        assert loss == pytest.approx(self.expect(prepared, own, shown), abs=1e-5)
        assert loss != pytest.approx(self.expect(prepared, shown, shown), abs=1e-3)

    def test_ids_of_rivals_are_hidden_where_they_are_new(self, prepared: Prepared) -> None:
        new = Novelty(np.ones(NUM_ITEMS, np.float32), np.ones(NUM_ITEMS, np.float32))
        loss, shown, hidden = self.compute(prepared, new, [False, False])
        assert loss == pytest.approx(self.expect(prepared, shown, hidden), abs=1e-5)
        assert loss != pytest.approx(self.expect(prepared, shown, shown), abs=1e-3)

    def test_a_rival_counts_as_often_as_it_is_there(self, prepared: Prepared) -> None:
        seldom = Novelty(np.full(NUM_ITEMS, 0.25, np.float32), np.zeros(NUM_ITEMS, np.float32))
        loss, shown, _ = self.compute(prepared, seldom, [False, False])
        assert loss == pytest.approx(self.expect(prepared, shown, shown, weight=0.25), abs=1e-5)


def test_how_often_something_new_is_chosen_is_learned(tmp_path: Path) -> None:
    """Of 4,000 events in a row every second chooses one of five items, and every other brings a new one.

    A tenth of the 2,000 arrivals lies in the catalogue at any time: each of these is expected to be chosen by
    1/2 of the queries in 200, and each of the five by 1/2 in 5.
    """
    number, num_items = np.arange(4000), 2005
    target = np.where(number % 2, number % 10 // 2, 5 + number // 2)
    is_new = find_first_events(target, number, num_items)
    novelty = find_novelty(target, number, num_items)
    model = fit_kinds(number % 3, target, is_new, novelty, tmp_path, loss="full_softmax")
    queries, unmet = embed_kinds(model), {ITEM_INDEX: tf.constant([UNKNOWN])}
    known = queries @ model.embed_corpus().numpy()[:5].T
    new = queries @ model.embed_items(unmet).numpy().T
    np.testing.assert_allclose(new - known, np.log((0.5 / 200) / (0.5 / 5)), atol=0.25)
