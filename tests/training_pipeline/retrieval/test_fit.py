"""Training on worlds whose right answer is known, and what early stopping keeps."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.tiny_store import BLOCK_OF_ITEM, LATE_ITEMS
from tests.training_pipeline.invented import make_model, make_retrieval
from tests.training_pipeline.retrieval.kinds import embed_kinds, fit_kinds
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.batches import build_training_data, build_validation_data
from training_pipeline.retrieval.dataset import TrainingExamples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.retrieval.fit import (
    OBJECTIVE,
    Epochs,
    FittedRetrieval,
    build_schedule,
    fit_model,
)
from training_pipeline.retrieval.model import EmbedCorpus
from training_pipeline.retrieval.novelty import Novelty

SETTINGS = make_retrieval(epochs=30, patience=3)


def build_validation(prepared: Prepared, validation: HeldOut) -> tf.data.Dataset:
    examples = prepared.build_held_out_examples(validation)
    return build_validation_data(examples, validation.relevant, validation.seen)


def draw_epochs(training: TrainingExamples, batch_size: int) -> Epochs:
    def draw(epoch: int) -> tf.data.Dataset:
        return build_training_data(training, batch_size, 0.0, 0.0, np.random.default_rng([1, epoch]))

    return draw


@pytest.fixture(scope="module")
def fitted(
    prepared: Prepared, validation: HeldOut, tmp_path_factory: pytest.TempPathFactory
) -> FittedRetrieval:
    """Towers trained on the two blocks until validation stops them."""
    tf.keras.utils.set_random_seed(1)
    training = draw_epochs(prepared.build_training_examples(), SETTINGS.batch_size)
    held_out = build_validation(prepared, validation)
    return fit_model(make_model(prepared), training, held_out, SETTINGS, tmp_path_factory.mktemp("fitted"))


class TestTwoBlocks:
    @pytest.fixture(scope="class")
    def scores(self, fitted: FittedRetrieval, prepared: Prepared, validation: HeldOut) -> np.ndarray:
        corpus = fitted.model.embed_corpus().numpy()
        users = prepared.inputs.user.encode(prepared.tables.users, {})
        examples = prepared.build_held_out_examples(validation)
        index = prepared.inputs.index_items(prepared.tables.items)
        queries = embed_queries(fitted.model.query_tower, examples, users, corpus, index)
        return np.asarray(queries @ corpus.T)

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

    def test_validation_is_measured_anew_each_epoch(
        self, fitted: FittedRetrieval, prepared: Prepared, validation: HeldOut
    ) -> None:
        objectives = [row[OBJECTIVE] for row in fitted.curve]
        untrained = make_model(prepared)
        untrained.compile()
        at_first = untrained.evaluate(
            build_validation(prepared, validation), callbacks=[EmbedCorpus()], return_dict=True, verbose=0
        )[OBJECTIVE.removeprefix("val_")]
        assert len(set(objectives)) > len(objectives) / 2
        assert fitted.best[OBJECTIVE] == max(objectives) > objectives[0] > 1.5 * at_first

    def test_curve_tells_loss_time_and_validation_of_each_epoch(self, fitted: FittedRetrieval) -> None:
        assert [row["epoch"] for row in fitted.curve] == list(range(1, len(fitted.curve) + 1))
        assert all(row["seconds"] > 0 for row in fitted.curve)
        assert fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]
        trained = {name for name in fitted.curve[0] if not name.startswith("val_")}
        assert trained == {"epoch", "seconds", "loss"}


def test_parameters_are_counted_without_the_corpus(fitted: FittedRetrieval) -> None:
    # 39 ids of 4; shape 4 of 16; text 8 to 4, as much for its gate, and 4 where it is missing; price 2;
    # mlp from 4 + 16 + 4 + 2 to 8 to 4.
    candidate = 39 * 4 + 4 * 16 + (2 * (8 * 4 + 4) + 4) + (26 * 8 + 8) + (8 * 4 + 4)
    # country and device 4 of 16 each; age 2, twelve numbers of the moment 24; mlp from 4 + 16 + 2 + 16 + 24;
    # a weight for each of five places of the history.
    query = 2 * 4 * 16 + (62 * 8 + 8) + (8 * 4 + 4) + 5
    assert fitted.num_parameters == candidate + query


def test_loss_shown_is_the_mean_of_the_epoch(prepared: Prepared) -> None:
    """Without learning, the epoch's loss is the mean over its batches, as it can be computed apart."""
    model = make_model(prepared, loss="full_softmax", temperature=0.001)
    epoch = draw_epochs(prepared.build_training_examples(), 64)(1)
    model.compile(optimizer=tf.keras.optimizers.SGD(0.0))
    shown = model.fit(epoch, verbose=0).history["loss"]

    losses = [float(model.compute_loss(batch)) for batch in epoch]
    assert max(losses) - min(losses) > 0.01
    assert shown == [pytest.approx(np.mean(losses), abs=1e-5)]


class TestSchedule:
    CONFIG = make_retrieval(epochs=10, learning_rate=0.1)

    def test_constant(self) -> None:
        assert build_schedule(self.CONFIG, steps=7) == 0.1

    @pytest.mark.parametrize(("steps", "warm_up"), [(100, 100), (1000, 500)])
    def test_cosine_rises_and_falls_over_all_epochs(self, steps: int, warm_up: int) -> None:
        schedule = build_schedule(self.CONFIG.model_copy(update={"schedule": "cosine"}), steps)
        total = 10 * steps
        rates = [float(schedule(step)) for step in (0, warm_up / 2, warm_up, (warm_up + total) / 2, total)]
        # Half way down a cosine from the whole to a fiftieth lies the middle of both.
        assert rates == pytest.approx([0, 0.05, 0.1, 0.051, 0.002], abs=1e-6)

    def test_few_steps_need_no_warm_up(self) -> None:
        schedule = build_schedule(self.CONFIG.model_copy(update={"schedule": "cosine", "epochs": 1}), steps=3)
        assert float(schedule(0)) == pytest.approx(0.1)


class PopularWorld:
    """Five kinds of users, each with 1,000 events: 300 of item 0, 200 of its own item, 500 of ten others.

    Item 0 is what every kind chooses most; its own item is what it chooses more than other kinds do.
    """

    num_kinds, num_others = 5, 10
    num_items = 1 + num_kinds + num_others
    own = 1 + np.arange(num_kinds)

    def __init__(self) -> None:
        others = np.repeat(np.arange(1 + self.num_kinds, self.num_items), 50)
        self.target = np.concatenate(
            [[*[0] * 300, *[own] * 200, *others] for own in self.own], dtype=np.int32, casting="unsafe"
        )
        self.user = np.repeat(np.arange(self.num_kinds, dtype=np.int32), 1000)

    def fit_scores(self, place: Path, log_q: bool) -> np.ndarray:
        """Scores of all items for each kind of user [num_kinds, num_items] after training."""
        negatives = {"in_batch": len(self.target) // self.num_kinds, "log_q": log_q}
        novelty, is_new = Novelty.all_known(self.num_items), np.zeros(len(self.target), bool)
        model = fit_kinds(self.user, self.target, is_new, novelty, place, negatives=negatives)
        return embed_kinds(model) @ model.embed_corpus().numpy().T

    def select_own(self, scores: np.ndarray) -> np.ndarray:
        """The score of each kind's own item [num_kinds], out of [num_kinds, num_items]."""
        return scores[np.arange(self.num_kinds), self.own]


class TestLogQ:
    def test_correction_recovers_how_often_each_item_is_chosen(self, tmp_path: Path) -> None:
        """Scores are the logarithms of the shares 0.3, 0.2 and 0.05, but for a constant."""
        world = PopularWorld()
        scores = world.fit_scores(tmp_path, log_q=True)
        own = world.select_own(scores)
        assert scores[:, 0] - own == pytest.approx(np.log(0.3 / 0.2), abs=0.1)
        for others in scores.T[1 + world.num_kinds :]:
            assert own - others == pytest.approx(np.log(0.2 / 0.05), abs=0.1)

    def test_without_correction_the_popular_item_falls_behind(self, tmp_path: Path) -> None:
        """What makes the test above a test: the same towers and data, the same negatives."""
        world = PopularWorld()
        scores = world.fit_scores(tmp_path, log_q=False)
        assert (world.select_own(scores) > scores[:, 0] + 1).all()
