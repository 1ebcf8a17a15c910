"""What the settings of a run make of the towers' batches."""

from pathlib import Path

import numpy as np
import pytest

from feature_pipeline.config import SplitConfig
from tests.training_pipeline.command import compose_train
from training_pipeline import towers
from training_pipeline.config import read_settings
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.fit import Epochs


@pytest.mark.parametrize(
    ("split", "share"), [("leave_last_out", 0.4), ("temporal", 0.0), ("cold_items", 0.0)]
)
def test_moments_are_hidden_where_serving_may_not_know_them(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch, split: str, share: float
) -> None:
    settings = read_settings(compose_train("retrieval.moment_dropout=0.4", "query=mean"))
    settings = settings.model_copy(update={"split": SplitConfig.model_validate({"name": split})})
    found = []

    def note(model: object, training: Epochs, *_: object) -> None:
        found.extend(training(1).as_numpy_iterator())

    monkeypatch.setattr(towers, "refit_model", note)
    towers.refit_towers(prepared, 1, settings, Path())
    untimed, past = (
        np.concatenate(parts)
        for parts in zip(
            *((batch["untimed"][:, 0], (batch["history"] >= 0).any(axis=1)) for batch in found), strict=True
        )
    )
    assert untimed[past].mean() == pytest.approx(share, abs=0.1)
    assert not untimed[~past].any()
