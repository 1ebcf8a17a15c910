"""The loss against NumPy, the paths of its gradient, and the validation step against an exact search."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.oracles import exact_ranks
from tests.tiny_store import NUM_ITEMS
from tests.training_pipeline.invented import MEAN, make_model, make_transformer
from training_pipeline.config import QueryConfig
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.batches import build_validation_data
from training_pipeline.retrieval.lazy_adam import LazyAdam
from training_pipeline.retrieval.model import EmbedCorpus, TwoTowerModel

# Item 3 is chosen by two queries of the batch, so that each has it as an accidental hit.
ROWS = np.array([5, 100, 31, 33])
TARGET = np.array([3, 7, 3, 25], np.int32)
TEMPERATURE = 0.5
# As many as there are chosen items: each is drawn once.
IN_BATCH = {"in_batch": len(TARGET)}


def build(prepared: Prepared, query: QueryConfig = MEAN, **changes: Any) -> TwoTowerModel:
    tf.keras.utils.set_random_seed(0)
    return make_model(prepared, query, temperature=TEMPERATURE, **({"negatives": IN_BATCH} | changes))


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> TwoTowerModel:
    return build(prepared)


@pytest.fixture(scope="module")
def batch(prepared: Prepared) -> dict[str, Any]:
    windows = prepared.build_training_examples().take(ROWS)
    return tf.nest.map_structure(tf.constant, windows | {"target": TARGET[:, None]})


def take(batch: dict[str, Any], rows: list[int]) -> dict[str, Any]:
    return tf.nest.map_structure(lambda values: tf.gather(values, rows), batch)


def gather(features: dict[str, tf.Tensor], rows: np.ndarray) -> dict[str, tf.Tensor]:
    return {name: tf.gather(values, rows) for name, values in features.items()}


def embed_batch(model: TwoTowerModel, batch: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Query embeddings [batch, targets, dim] and those of all items, item by item."""
    corpus = np.concatenate(
        [model.candidate_tower(gather(model.items, np.array([row]))) for row in range(NUM_ITEMS)]
    )
    history = batch["history"].numpy()
    query = {
        "user": gather(model.users, batch["user"]),
        "moment": batch["moment"],
        "untimed": batch["untimed"],
        "history": {
            "vectors": tf.constant(corpus[history]),
            "index": tf.gather(model.items["item_index"], np.maximum(history, 0)),
            "mask": tf.constant(history >= 0),
            "times": batch["times"],
        },
    }
    return model.query_tower(query).numpy(), corpus


def compute_loss(
    queries: np.ndarray,
    chosen: np.ndarray,
    items: np.ndarray,
    negatives: np.ndarray,
    log_q: np.ndarray,
    weights: list[float] | None = None,
) -> float:
    """Softmax of each chosen item among negatives that it is none of, these corrected, in plain loops.

    Args:
        queries: [num_queries, dim].
        chosen: [num_queries] positions of items.
        items: [num_items, dim].
        negatives: [num_negatives] positions of items.
        log_q: logarithm of the expected count of each negative [num_negatives].
        weights: of the queries [num_queries]; equal if not given.
    """
    losses = []
    for query, own in zip(queries, chosen, strict=True):
        score = query @ items[own] / TEMPERATURE
        others = [
            query @ items[item] / TEMPERATURE - correction
            for item, correction in zip(negatives, log_q, strict=True)
            if item != own
        ]
        losses.append(np.log(np.sum(np.exp([score, *others]))) - score)
    return float(np.average(losses, weights=weights))


class TestLoss:
    def test_equals_the_loss_in_numpy(
        self, model: TwoTowerModel, batch: dict[str, Any], prepared: Prepared
    ) -> None:
        counts = prepared.count_events()
        queries, items = embed_batch(model, batch)
        log_q = np.log(len(TARGET) * counts[TARGET] / counts.sum())
        expected = compute_loss(queries[:, 0], TARGET, items, TARGET, log_q)
        assert float(model.compute_loss(batch)) == pytest.approx(expected, abs=1e-5)

    def test_each_target_counts_by_its_weight(self, prepared: Prepared, batch: dict[str, Any]) -> None:
        weights = [1.0, 0.1, 1.0, 0.5]
        weighted = batch | {"weight": tf.constant(weights)[:, None]}
        model = build(prepared, negatives=IN_BATCH | {"log_q": False})
        queries, items = embed_batch(model, batch)
        expected = compute_loss(queries[:, 0], TARGET, items, TARGET, np.zeros(len(TARGET)), weights)
        assert float(model.compute_loss(weighted)) == pytest.approx(expected, abs=1e-5)

    def test_without_log_q_nothing_is_corrected(self, prepared: Prepared, batch: dict[str, Any]) -> None:
        model = build(prepared, negatives=IN_BATCH | {"log_q": False})
        queries, items = embed_batch(model, batch)
        expected = compute_loss(queries[:, 0], TARGET, items, TARGET, np.zeros(len(TARGET)))
        assert float(model.compute_loss(batch)) == pytest.approx(expected, abs=1e-5)

    def test_full_softmax_is_over_all_known_items(self, prepared: Prepared, batch: dict[str, Any]) -> None:
        known = np.flatnonzero(prepared.count_events())
        assert len(known) < NUM_ITEMS
        model = build(prepared, loss="full_softmax")
        queries, items = embed_batch(model, batch)
        expected = compute_loss(queries[:, 0], TARGET, items, known, np.zeros(len(known)))
        assert float(model.compute_loss(batch)) == pytest.approx(expected, abs=1e-5)

    def test_every_target_of_a_window_counts_and_no_other_place(self, prepared: Prepared) -> None:
        query = make_transformer()
        model = build(prepared, query, loss="full_softmax")
        training = replace(prepared, query=query).build_training_examples()
        windows = tf.nest.map_structure(tf.constant, training.take(np.array([0, 1, 2, 40])))
        queries, items = embed_batch(model, windows)
        target = windows["target"].numpy()
        is_asked = target >= 0
        assert 0 < is_asked.sum() < is_asked.size
        known = np.flatnonzero(prepared.count_events())
        expected = compute_loss(queries[is_asked], target[is_asked], items, known, np.zeros(len(known)))
        assert float(model.compute_loss(windows)) == pytest.approx(expected, abs=1e-5)

    def test_order_of_the_batch_does_not_matter(self, model: TwoTowerModel, batch: dict[str, Any]) -> None:
        turned = take(batch, [2, 0, 3, 1])
        assert float(model.compute_loss(turned)) == pytest.approx(float(model.compute_loss(batch)), abs=1e-6)

    @pytest.mark.parametrize("query", [MEAN, make_transformer(length=8)], ids=["mean", "transformer"])
    def test_further_padding_of_histories_does_not_matter(
        self, prepared: Prepared, batch: dict[str, Any], query: QueryConfig
    ) -> None:
        model = build(prepared, query)
        padded = {
            **batch,
            "history": tf.pad(batch["history"], [[0, 0], [3, 0]], constant_values=-1),
            "times": tf.pad(batch["times"], [[0, 0], [3, 0]]),
        }
        assert float(model.compute_loss(padded)) == pytest.approx(float(model.compute_loss(batch)), abs=1e-6)


class TestGradient:
    @pytest.mark.parametrize("query", [MEAN, make_transformer()], ids=["mean", "transformer"])
    def test_history_trains_the_candidate_tower(
        self, prepared: Prepared, batch: dict[str, Any], query: QueryConfig
    ) -> None:
        model = build(prepared, query)
        moved, history, index = self.find_moved(model, batch, model.candidate_tower.ids)
        used = np.union1d(history, index[TARGET])
        assert len(np.setdiff1d(history, index[TARGET]))
        # Item 0 stands in for padding while histories are gathered; nothing of it may reach the loss.
        assert (batch["history"].numpy() == -1).any()
        assert index[0] not in used
        np.testing.assert_array_equal(moved, used)

    def test_history_trains_its_own_table_by_option(self, prepared: Prepared, batch: dict[str, Any]) -> None:
        model = build(prepared, make_transformer(items="own"))
        moved, history, _ = self.find_moved(model, batch, model.query_tower.items)
        np.testing.assert_array_equal(moved, np.unique(history))
        moved, _, index = self.find_moved(model, batch, model.candidate_tower.ids)
        np.testing.assert_array_equal(moved, np.unique(index[TARGET]))

    @staticmethod
    def find_moved(
        model: TwoTowerModel, batch: dict[str, Any], table: tf.keras.layers.Embedding
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of a table that the loss pulls at, those of the histories' items, and the row of each item."""
        model.compute_loss(batch)
        with tf.GradientTape() as tape:
            loss = model.compute_loss(batch, training=True)
        gradient = tf.convert_to_tensor(tape.gradient(loss, table.embeddings)).numpy()
        history, index = batch["history"].numpy(), model.items["item_index"].numpy()
        return np.flatnonzero(np.abs(gradient).max(axis=1)), index[history[history >= 0]], index


def test_mixed_precision_trains_and_embeds_in_float32(prepared: Prepared, batch: dict[str, Any]) -> None:
    precise = build(prepared, make_transformer())
    expected = float(precise.compute_loss(batch))
    try:
        tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
        model = build(prepared, make_transformer())
        loss = float(model.compute_loss(batch))
        model.compile(optimizer=LazyAdam(0.01))
        losses = [float(model.train_step(batch)["loss"]) for _ in range(5)]
        assert losses == sorted(losses, reverse=True)
        assert model.query_tower.mlp.layers[0].compute_dtype == "bfloat16"
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    assert loss == pytest.approx(expected, rel=0.02)
    assert loss != expected
    assert model.embed_corpus().dtype == tf.float32
    assert {variable.dtype for variable in model.trainable_variables} == {tf.float32}


class TestCorpus:
    def test_every_item_as_the_tower_embeds_it(self, model: TwoTowerModel) -> None:
        alone = [
            model.candidate_tower(gather(model.items, np.array([row])))[0].numpy() for row in range(NUM_ITEMS)
        ]
        np.testing.assert_allclose(model.embed_corpus(), alone, atol=1e-6)

    @pytest.mark.parametrize("block", [1, 7, NUM_ITEMS])
    def test_blocks_do_not_matter(self, model: TwoTowerModel, block: int) -> None:
        np.testing.assert_allclose(model.embed_items(model.items, block), model.embed_corpus(), atol=1e-6)


class TestSignatures:
    def test_item_signature_accepts_any_number_of_items(self, model: TwoTowerModel) -> None:
        signature = model.item_signature
        assert set(signature) == {"item_index", "shape", "numeric", "text_embedding"}
        for name, spec in signature.items():
            assert spec.is_compatible_with(model.items[name][:3])

    def test_query_signature_accepts_any_number_of_targets_and_length_of_history(
        self, model: TwoTowerModel, batch: dict[str, Any]
    ) -> None:
        signature = model.build_query_signature(batch["moment"])
        assert set(signature) == {"user", "moment", "untimed", "history"}
        assert signature["history"]["vectors"].is_compatible_with(tf.zeros([2, 9, 4]))
        assert signature["history"]["index"].is_compatible_with(tf.zeros([2, 9], tf.int32))
        assert signature["history"]["times"].is_compatible_with(tf.zeros([2, 10], tf.int64))
        device = batch["moment"]["device"]
        assert signature["moment"]["device"].is_compatible_with(tf.repeat(device, 3, axis=1))
        assert signature["untimed"].is_compatible_with(tf.ones([2, 3], tf.bool))


@pytest.mark.parametrize("query", [MEAN, make_transformer(items="own")], ids=["mean", "transformer"])
@pytest.mark.parametrize("batch_size", [16, 512])
def test_validation_step_equals_an_exact_search(
    prepared: Prepared, validation: HeldOut, query: QueryConfig, batch_size: int
) -> None:
    model = build(prepared, query)
    examples = prepared.build_held_out_examples(validation)
    data = build_validation_data(examples, validation.relevant, validation.seen, batch_size)
    model.compile()
    measured = model.evaluate(data, callbacks=[EmbedCorpus()], return_dict=True, verbose=0)

    whole = tf.nest.map_structure(tf.constant, examples.take(np.arange(len(examples.user))))
    queries, items = embed_batch(model, whole)
    ranks = exact_ranks(
        np.float32(queries[:, 0] @ items.T), validation.relevant.toarray(), validation.seen.toarray()
    )
    expected = np.mean((ranks < 10) / np.log2(ranks + 2))
    assert measured["factorized_top_k/ndcg_10"] == pytest.approx(expected, abs=1e-5)
    assert measured["factorized_top_k/top_10_categorical_accuracy"] == pytest.approx(np.mean(ranks < 10))
    assert "loss" not in measured
