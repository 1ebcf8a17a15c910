"""Training on worlds whose right answer is known, and what early stopping keeps."""

import numpy as np
import pytest
import tensorflow as tf

from tests.tiny_store import BLOCK_OF_ITEM, LATE_ITEMS
from tests.training_pipeline.invented import NOTHING, make_model, make_retrieval
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX, CandidateTower
from training_pipeline.retrieval.dataset import Examples, build_training_data, build_validation_data
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.retrieval.factorized_top_k import FactorizedTopK
from training_pipeline.retrieval.fit import OBJECTIVE, FittedRetrieval, fit_model, refit_model
from training_pipeline.retrieval.inputs import FIRST_KNOWN, SideInputs, Vocabulary
from training_pipeline.retrieval.model import EmbedCorpus, TwoTowerModel
from training_pipeline.retrieval.query_tower import QueryTower

SETTINGS = make_retrieval(epochs=30, patience=3)


def build_validation(prepared: Prepared, validation: HeldOut) -> tf.data.Dataset:
    examples = prepared.build_held_out_examples(validation)
    return build_validation_data(examples, validation.relevant, validation.seen)


@pytest.fixture(scope="module")
def fitted(prepared: Prepared, validation: HeldOut) -> FittedRetrieval:
    """Towers trained on the two blocks until validation stops them."""
    tf.keras.utils.set_random_seed(1)
    training = build_training_data(*prepared.build_training_examples(), SETTINGS.batch_size, seed=1)
    return fit_model(make_model(prepared), training, build_validation(prepared, validation), SETTINGS)


class TestTwoBlocks:
    @pytest.fixture(scope="class")
    def scores(self, fitted: FittedRetrieval, prepared: Prepared, validation: HeldOut) -> np.ndarray:
        corpus = fitted.model.embed_corpus().numpy()
        users = prepared.inputs.user.encode(prepared.tables.users, {})
        examples = prepared.build_held_out_examples(validation)
        scores: np.ndarray = embed_queries(fitted.model.query_tower, examples, users, corpus) @ corpus.T
        return scores

    def test_the_top_ten_are_of_the_users_block(self, scores: np.ndarray, validation: HeldOut) -> None:
        block = validation.frame["user_id"].str[-2:].astype(int).to_numpy() % 2
        top = np.argsort(-scores, axis=1)[:, :10]
        assert np.mean(BLOCK_OF_ITEM[top] == block[:, None]) > 0.98

    def test_items_never_shown_are_found_by_their_content(
        self, scores: np.ndarray, validation: HeldOut
    ) -> None:
        block = validation.frame["user_id"].str[-2:].astype(int).to_numpy() % 2
        late = [int(item[-2:]) for item in LATE_ITEMS]
        prefers_second = scores[:, late[1]] > scores[:, late[0]]
        np.testing.assert_array_equal(prefers_second, block == 1)


class TestEarlyStopping:
    def test_stops_when_patience_is_at_an_end(self, fitted: FittedRetrieval) -> None:
        assert len(fitted.curve) == fitted.best["epoch"] + SETTINGS.patience < SETTINGS.epochs

    def test_weights_of_the_best_epoch_are_kept(
        self, fitted: FittedRetrieval, prepared: Prepared, validation: HeldOut
    ) -> None:
        measured = fitted.model.evaluate(
            build_validation(prepared, validation), callbacks=[EmbedCorpus()], return_dict=True, verbose=0
        )
        best, last = (row[OBJECTIVE] for row in (fitted.best, fitted.curve[-1]))
        assert measured[OBJECTIVE.removeprefix("val_")] == pytest.approx(best, abs=1e-6)
        assert last < best - 1e-3

    def test_validation_is_measured_anew_each_epoch(self, fitted: FittedRetrieval) -> None:
        objectives = [row[OBJECTIVE] for row in fitted.curve]
        assert len(set(objectives)) > len(objectives) / 2
        assert fitted.best[OBJECTIVE] == max(objectives) > 1.5 * objectives[0]

    def test_curve_tells_loss_time_and_validation_of_each_epoch(self, fitted: FittedRetrieval) -> None:
        assert [row["epoch"] for row in fitted.curve] == list(range(1, len(fitted.curve) + 1))
        assert all(row["seconds"] > 0 for row in fitted.curve)
        assert fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]
        trained = {name for name in fitted.curve[0] if not name.startswith("val_")}
        assert trained == {"epoch", "seconds", "loss"}


def test_parameters_are_counted_without_the_corpus(fitted: FittedRetrieval) -> None:
    # 39 ids of 4; shape 4 of 16; text 8 to 4, and 4 where it is missing; price 2; mlp from 4 + 16 + 4 + 2
    # to 8 to 4.
    candidate = 39 * 4 + 4 * 16 + (8 * 4 + 4 + 4) + (26 * 8 + 8) + (8 * 4 + 4)
    # country and device 4 of 16 each; age 2, twelve numbers of the moment 24; mlp from 4 + 16 + 2 + 16 + 24.
    query = 2 * 4 * 16 + (62 * 8 + 8) + (8 * 4 + 4)
    assert fitted.num_parameters == candidate + query


def test_loss_shown_is_the_mean_of_the_epoch(prepared: Prepared) -> None:
    """Without learning, the epoch's loss is the mean over its batches, as it can be computed apart."""
    model = make_model(prepared)
    batches = list(build_training_data(*prepared.build_training_examples(), 64, seed=5))
    in_order = tf.data.Dataset.from_tensor_slices(
        tf.nest.map_structure(lambda *part: tf.stack(part), *batches)
    )
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0))
    shown = model.fit(in_order, verbose=0).history["loss"]

    losses = [float(model.compute_loss(batch)) for batch in batches]
    assert max(losses) - min(losses) > 0.01
    assert shown == [pytest.approx(np.mean(losses), abs=1e-5)]


class PopularWorld:
    """Five kinds of users, each with 100 events: 30 of item 0, 20 of the kind's own item, 50 of ten others.

    Item 0 is what every kind chooses most; its own item is what it chooses more than other kinds do.
    """

    num_kinds, num_others = 5, 10
    num_items = 1 + num_kinds + num_others
    own = 1 + np.arange(num_kinds)

    def __init__(self) -> None:
        others = np.repeat(np.arange(1 + self.num_kinds, self.num_items), 5)
        self.target = np.concatenate(
            [[*[0] * 30, *[own] * 20, *others] for own in self.own], dtype=np.int32, casting="unsafe"
        )
        self.user = np.repeat(np.arange(self.num_kinds, dtype=np.int32), 100)
        self.shares = np.bincount(self.target) / len(self.target)

    def fit_scores(self, sampling_probability: np.ndarray) -> np.ndarray:
        """Scores of all items for each kind of user [num_kinds, num_items] after training."""
        tf.keras.utils.set_random_seed(0)
        dim, kinds = (
            8,
            SideInputs({"kind": Vocabulary([f"kind {n}" for n in range(self.num_kinds)], 1)}, {}, {}),
        )
        model = TwoTowerModel(
            query_tower=QueryTower(kinds, NOTHING, [16], dim, dropout=0.0),
            candidate_tower=CandidateTower(NOTHING, self.num_items + FIRST_KNOWN, [], dim, 0.0, 0.0),
            users={"kind": np.arange(self.num_kinds, dtype=np.int32)[:, None] + FIRST_KNOWN},
            items={ITEM_INDEX: np.arange(self.num_items, dtype=np.int32) + FIRST_KNOWN},
            sampling_probability=sampling_probability.astype(np.float32),
            temperature=1.0,
            top_k=FactorizedTopK(self.num_items, dim),
        )
        examples = Examples(self.user, {}, np.full((len(self.user), 1), -1, np.int32))
        training = build_training_data(examples, self.target, batch_size=100, seed=0)
        refit_model(model, training, epochs=15, config=make_retrieval(learning_rate=0.02))
        asked = {"user": tf.range(self.num_kinds), "moment": {}, "history": tf.fill([self.num_kinds, 1], -1)}
        queries = model.embed_queries(asked, tf.zeros([self.num_kinds, 1, dim]), training=False)
        scores: np.ndarray = queries.numpy() @ model.embed_corpus().numpy().T
        return scores


class TestLogQ:
    def test_correction_recovers_what_users_choose_most(self) -> None:
        world = PopularWorld()
        best_first = np.argsort(-world.fit_scores(world.shares), axis=1)
        np.testing.assert_array_equal(best_first[:, 0], np.zeros(world.num_kinds))
        np.testing.assert_array_equal(best_first[:, 1], world.own)

    def test_without_correction_the_popular_item_falls_behind(self) -> None:
        """What makes the test above a test: the same towers and data, each item as likely a negative."""
        world = PopularWorld()
        scores = world.fit_scores(np.full(world.num_items, 1 / world.num_items))
        own = scores[np.arange(world.num_kinds), world.own]
        assert (own > scores[:, 0]).all()
