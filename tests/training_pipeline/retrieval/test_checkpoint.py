"""A run that was killed goes on after its last whole epoch, and ends as one that nothing broke."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from tests.training_pipeline.invented import make_model, make_retrieval, make_transformer
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.batches import build_training_data, build_validation_data
from training_pipeline.retrieval.checkpoint import Checkpoint
from training_pipeline.retrieval.fit import FittedRetrieval, fit_model
from training_pipeline.retrieval.lazy_adam import LazyAdam
from training_pipeline.retrieval.model import TwoTowerModel

# Everything that draws at random is switched on, and all that learns from step to step.
CHANGES: dict[str, Any] = {
    "epochs": 5,
    "patience": 5,
    "dropout": 0.2,
    "id_dropout": 0.2,
    "schedule": "cosine",
    "negatives": {"uniform": 16, "in_batch": 16, "hard": 4, "frequency": "streaming"},
}
SETTINGS = make_retrieval(**CHANGES)
QUERY = make_transformer(items="own")
KILLED_IN = 3


class Killed(BaseException):
    """As Ctrl+C does, it passes everything that handles errors."""


def draw_epochs(prepared: Prepared, killed_in: int | None = None) -> Callable[[int], tf.data.Dataset]:
    """Training batches; those of the epoch `killed_in` are asked for in vain."""
    training = replace(prepared, query=QUERY).build_training_examples()

    def draw(epoch: int) -> tf.data.Dataset:
        if epoch == killed_in:
            raise Killed
        return build_training_data(training, SETTINGS.batch_size, 0.5, 0.5, np.random.default_rng([1, epoch]))

    return draw


def fit(
    prepared: Prepared, validation: HeldOut, place: Path, killed_in: int | None = None
) -> FittedRetrieval:
    """Trains as a new process would: from the seed, or from what lies in `place`."""
    tf.keras.backend.clear_session()
    tf.keras.utils.set_random_seed(1)
    model = make_model(prepared, QUERY, seed=1, **CHANGES)
    examples = prepared.build_held_out_examples(validation)
    held_out = build_validation_data(examples, validation.relevant, validation.seen)
    return fit_model(model, draw_epochs(prepared, killed_in), held_out, SETTINGS, place)


def drop_seconds(row: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in row.items() if name != "seconds"}


@pytest.fixture(scope="module")
def unbroken(
    prepared: Prepared, validation: HeldOut, tmp_path_factory: pytest.TempPathFactory
) -> FittedRetrieval:
    return fit(prepared, validation, tmp_path_factory.mktemp("unbroken"))


@pytest.fixture(scope="module")
def resumed(
    prepared: Prepared, validation: HeldOut, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FittedRetrieval, Path]:
    """What a run made that was killed once, and its folder."""
    place = tmp_path_factory.mktemp("resumed")
    with pytest.raises(Killed):
        fit(prepared, validation, place, killed_in=KILLED_IN)
    assert len(json.loads((place / "curve.json").read_text())) == KILLED_IN - 1
    return fit(prepared, validation, place), place


@pytest.mark.slow
class TestResumedRun:
    def test_has_the_curve_of_an_unbroken_one(
        self, unbroken: FittedRetrieval, resumed: tuple[FittedRetrieval, Path]
    ) -> None:
        for ours, theirs in zip(resumed[0].curve, unbroken.curve, strict=True):
            assert drop_seconds(ours) == pytest.approx(drop_seconds(theirs), abs=1e-6)

    def test_has_the_weights_of_an_unbroken_one(
        self, unbroken: FittedRetrieval, resumed: tuple[FittedRetrieval, Path]
    ) -> None:
        for ours, theirs in zip(resumed[0].model.variables, unbroken.model.variables, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=ours.name)

    def test_goes_on_with_the_epoch_that_was_broken(self, resumed: tuple[FittedRetrieval, Path]) -> None:
        """The epochs that had ended keep the time that they took then."""
        fitted, place = resumed
        assert [row["epoch"] for row in fitted.curve] == [1, 2, 3, 4, 5]
        assert json.loads((place / "curve.json").read_text()) == fitted.curve

    def test_a_run_that_had_ended_trains_no_more(
        self, resumed: tuple[FittedRetrieval, Path], prepared: Prepared, validation: HeldOut
    ) -> None:
        fitted, place = resumed
        again = fit(prepared, validation, place, killed_in=SETTINGS.epochs + 1)
        assert again.curve == fitted.curve
        for ours, theirs in zip(again.model.variables, fitted.model.variables, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def set_ids(model: TwoTowerModel, value: float) -> None:
    table = model.candidate_tower.ids.embeddings
    table.assign(tf.fill(table.shape, float(value)))


def get_ids(model: TwoTowerModel) -> float:
    return float(model.candidate_tower.ids.embeddings[0, 0])


class TestFiles:
    CURVE = tuple({"epoch": epoch, "loss": 1.0 / epoch} for epoch in (1, 2, 3))

    @pytest.fixture
    def model(self, prepared: Prepared) -> TwoTowerModel:
        return self.build(prepared)

    def build(self, prepared: Prepared) -> TwoTowerModel:
        """A model of which the ids alone stand."""
        model = make_model(prepared)
        model.candidate_tower.ids.build([None])
        model.compile(optimizer=LazyAdam(0.01))
        set_ids(model, 0)
        return model

    def save_three(self, prepared: Prepared, place: Path, best: int) -> None:
        """Saves three epochs, in which all ids are embedded as the number of the epoch."""
        model = self.build(prepared)
        checkpoint = Checkpoint(place, model)
        assert checkpoint.resume() == []
        for epoch in (1, 2, 3):
            set_ids(model, epoch)
            checkpoint.save(list(self.CURVE[:epoch]), is_best=epoch == best)

    def test_the_latest_state_and_the_curve_come_back(
        self, model: TwoTowerModel, prepared: Prepared, tmp_path: Path
    ) -> None:
        self.save_three(prepared, tmp_path / "run", best=2)
        assert Checkpoint(tmp_path / "run", model).resume() == list(self.CURVE)
        assert get_ids(model) == 3

    def test_the_best_state_comes_back_when_asked_for(
        self, model: TwoTowerModel, prepared: Prepared, tmp_path: Path
    ) -> None:
        self.save_three(prepared, tmp_path / "run", best=2)
        Checkpoint(tmp_path / "run", model).restore_best(2)
        assert get_ids(model) == 2

    def test_only_the_latest_and_the_best_state_are_kept(
        self, model: TwoTowerModel, prepared: Prepared, tmp_path: Path
    ) -> None:
        self.save_three(prepared, tmp_path, best=2)
        assert {file.stem for file in tmp_path.iterdir()} == {"latest-3", "best-2", "curve"}
        Checkpoint(tmp_path, model).save([*self.CURVE, {"epoch": 4}], is_best=True)
        assert {file.stem for file in tmp_path.iterdir()} == {"latest-4", "best-4", "curve"}

    def test_a_state_without_a_curve_was_not_whole_and_does_not_count(
        self, model: TwoTowerModel, prepared: Prepared, tmp_path: Path
    ) -> None:
        self.save_three(prepared, tmp_path, best=2)
        (tmp_path / "curve.json").unlink()
        assert Checkpoint(tmp_path, model).resume() == []
        assert get_ids(model) == 0

    def test_an_epoch_that_was_saved_in_part_is_as_if_it_had_not_been(
        self, model: TwoTowerModel, prepared: Prepared, tmp_path: Path
    ) -> None:
        """Killed between writing the state of an epoch and its line of the curve."""
        self.save_three(prepared, tmp_path, best=2)
        for file in list(tmp_path.glob("latest-3*")):
            file.with_name(file.name.replace("3", "4", 1)).write_text("half a file")
        assert len(Checkpoint(tmp_path, model).resume()) == 3
        assert get_ids(model) == 3
