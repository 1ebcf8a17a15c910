"""The loss against NumPy, the paths of its gradient, and the validation step against an exact search."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.oracles import exact_ranks
from tests.tiny_store import NUM_ITEMS
from tests.training_pipeline.invented import make_model
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.dataset import build_validation_data
from training_pipeline.retrieval.model import EmbedCorpus, TwoTowerModel

# Item 3 is chosen by two queries of the batch, so that each has it as an accidental hit.
BATCH_ROWS = np.array([10, 200, 31, 300])
TARGET = np.array([3, 7, 3, 25], np.int32)


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> TwoTowerModel:
    tf.keras.utils.set_random_seed(0)
    return make_model(prepared, temperature=0.5)


@pytest.fixture(scope="module")
def batch(prepared: Prepared) -> dict[str, Any]:
    examples, _ = prepared.build_training_examples()
    return tf.nest.map_structure(tf.constant, {**examples.take(BATCH_ROWS), "target": TARGET})


def take(batch: dict[str, Any], rows: list[int]) -> dict[str, Any]:
    return tf.nest.map_structure(lambda values: tf.gather(values, rows), batch)


def gather(features: dict[str, tf.Tensor], rows: np.ndarray) -> dict[str, tf.Tensor]:
    return {name: tf.gather(values, rows) for name, values in features.items()}


def embed_batch(model: TwoTowerModel, batch: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Query and item embeddings of a batch, history by history and item by item."""
    corpus = np.concatenate(
        [model.candidate_tower(gather(model.items, np.array([row]))) for row in range(NUM_ITEMS)]
    )
    history = batch["history"].numpy()
    query = {
        "user": gather(model.users, batch["user"]),
        "moment": batch["moment"],
        "history": {"vectors": tf.constant(corpus[history]), "mask": tf.constant(history >= 0)},
    }
    return model.query_tower(query).numpy(), corpus


def compute_loss(
    queries: np.ndarray, items: np.ndarray, probability: np.ndarray, temperature: float
) -> float:
    """In-batch softmax, corrected for sampling, without accidental hits, in plain loops."""
    losses = []
    for row, query in enumerate(queries):
        logits = {
            column: query @ items[target] / temperature - np.log(probability[target])
            for column, target in enumerate(TARGET)
            if column == row or target != TARGET[row]
        }
        losses.append(np.log(sum(np.exp(list(logits.values())))) - logits[row])
    return float(np.mean(losses))


class TestLoss:
    def test_equals_the_loss_in_numpy(
        self, model: TwoTowerModel, batch: dict[str, Any], prepared: Prepared
    ) -> None:
        counts = prepared.count_events()
        expected = compute_loss(*embed_batch(model, batch), counts / counts.sum(), temperature=0.5)
        assert float(model.compute_loss(batch)) == pytest.approx(expected, abs=1e-5)

    def test_sampling_probability_is_the_share_of_training_events(
        self, model: TwoTowerModel, prepared: Prepared
    ) -> None:
        train = prepared.tables.interactions[prepared.parts == "train"]
        shares = train["item_id"].value_counts() / len(train)
        expected = shares.reindex(prepared.tables.items["item_id"]).fillna(0)
        np.testing.assert_allclose(model.sampling_probability, expected, rtol=1e-6)

    def test_order_of_the_batch_does_not_matter(self, model: TwoTowerModel, batch: dict[str, Any]) -> None:
        turned = take(batch, [2, 0, 3, 1])
        assert float(model.compute_loss(turned)) == pytest.approx(float(model.compute_loss(batch)), abs=1e-6)

    def test_further_padding_of_histories_does_not_matter(
        self, model: TwoTowerModel, batch: dict[str, Any]
    ) -> None:
        padded = {**batch, "history": tf.pad(batch["history"], [[0, 0], [3, 0]], constant_values=-1)}
        assert float(model.compute_loss(padded)) == pytest.approx(float(model.compute_loss(batch)), abs=1e-6)

    def test_history_trains_the_candidate_tower(self, model: TwoTowerModel, batch: dict[str, Any]) -> None:
        with tf.GradientTape() as tape:
            loss = model.compute_loss(batch, training=True)
        ids = model.candidate_tower.ids.embeddings
        moved = np.abs(tf.convert_to_tensor(tape.gradient(loss, ids))).max(axis=1) > 0

        history = batch["history"].numpy()
        index = model.items["item_index"].numpy()
        only_in_history = np.setdiff1d(index[history[history >= 0]], index[TARGET])
        used = np.union1d(index[history[history >= 0]], index[TARGET])
        assert len(only_in_history)
        assert moved[only_in_history].all()
        # Item 0 stands in for padding while histories are gathered; nothing of it may reach the loss.
        assert (history == -1).any()
        assert index[0] not in used
        np.testing.assert_array_equal(np.flatnonzero(moved), used)


class TestCorpus:
    def test_every_item_as_the_tower_embeds_it(self, model: TwoTowerModel) -> None:
        alone = [
            model.candidate_tower(gather(model.items, np.array([row])))[0].numpy() for row in range(NUM_ITEMS)
        ]
        np.testing.assert_allclose(model.embed_corpus(), alone, atol=1e-6)

    @pytest.mark.parametrize("block", [1, 7, NUM_ITEMS])
    def test_blocks_do_not_matter(self, model: TwoTowerModel, block: int) -> None:
        np.testing.assert_allclose(model.embed_corpus(block), model.embed_corpus(), atol=1e-6)


class TestSignatures:
    def test_item_signature_accepts_any_number_of_items(self, model: TwoTowerModel) -> None:
        signature = model.item_signature
        assert set(signature) == {"item_index", "shape", "numeric", "text_embedding"}
        for name, spec in signature.items():
            assert spec.is_compatible_with(model.items[name][:3])

    def test_query_signature_accepts_any_length_of_history(
        self, model: TwoTowerModel, batch: dict[str, Any]
    ) -> None:
        signature = model.build_query_signature(batch["moment"])
        assert set(signature) == {"user", "moment", "history"}
        assert signature["history"]["vectors"].is_compatible_with(tf.zeros([2, 9, 4]))
        assert signature["moment"]["device"].is_compatible_with(batch["moment"]["device"])


def test_validation_step_equals_an_exact_search(
    model: TwoTowerModel, prepared: Prepared, validation: HeldOut
) -> None:
    examples = prepared.build_held_out_examples(validation)
    data = build_validation_data(examples, validation.relevant, validation.seen, batch_size=16)
    model.compile()
    measured = model.evaluate(data, callbacks=[EmbedCorpus()], return_dict=True, verbose=0)

    whole = tf.nest.map_structure(tf.constant, examples.take(np.arange(len(examples.user))))
    queries, items = embed_batch(model, whole)
    ranks = exact_ranks(
        np.float32(queries @ items.T), validation.relevant.toarray(), validation.seen.toarray()
    )
    expected = np.mean((ranks < 10) / np.log2(ranks + 2))
    assert measured["factorized_top_k/ndcg_10"] == pytest.approx(expected, abs=1e-5)
    assert measured["factorized_top_k/top_10_categorical_accuracy"] == pytest.approx(np.mean(ranks < 10))
    assert "loss" not in measured
