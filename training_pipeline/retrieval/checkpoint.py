"""Checkpoints: a run that was killed goes on after the last epoch that it ended."""

import json
import shutil
from pathlib import Path

import tensorflow as tf

from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.strategy import is_chief

CURVE = "curve.json"
LATEST, BEST = "latest", "best"


class Checkpoint:
    """What training needs to go on: weights, optimiser, randomness, and the curve so far; on disk.

    Args:
        place: a folder of this run alone.
        model: compiled, its variables built.
    """

    def __init__(self, place: Path, model: TwoTowerModel):
        self._place = place
        self._is_chief = is_chief(model.distribute_strategy)
        # Not the model itself: to save its metrics, all workers would have to take part.
        self._state = tf.train.Checkpoint(
            query_tower=model.query_tower,
            candidate_tower=model.candidate_tower,
            negatives=model.negatives,
            draws=model.draws,
            optimizer=model.optimizer,
        )

    def resume(self) -> list[dict[str, float]]:
        """Puts the latest state back; returns the curve of the epochs that have ended, empty at the start."""
        if not (self._place / CURVE).exists():
            shutil.rmtree(self._place, ignore_errors=True)
            return []
        curve: list[dict[str, float]] = json.loads((self._place / CURVE).read_text())
        self._restore(f"{LATEST}-{len(curve)}")
        return curve

    def save(self, curve: list[dict[str, float]], is_best: bool) -> None:
        """Keeps the state after an epoch; what it was before stays until the new one is whole."""
        if not self._is_chief:
            return
        self._place.mkdir(parents=True, exist_ok=True)
        self._state.write(str(self._place / f"{LATEST}-{len(curve)}"))
        if is_best:
            self._state.write(str(self._place / f"{BEST}-{len(curve)}"))
        draft = self._place / f"{CURVE}.draft"
        draft.write_text(json.dumps(curve))
        draft.replace(self._place / CURVE)
        self._forget_others(LATEST, len(curve))
        if is_best:
            self._forget_others(BEST, len(curve))

    def restore_best(self, epoch: int) -> None:
        """Puts back the weights of the best epoch, where they are read: in the first worker."""
        if self._is_chief:
            self._restore(f"{BEST}-{epoch}")

    def _forget_others(self, kind: str, epoch: int) -> None:
        for file in self._place.glob(f"{kind}-*"):
            if not file.name.startswith(f"{kind}-{epoch}."):
                file.unlink()

    def _restore(self, name: str) -> None:
        self._state.read(str(self._place / name)).assert_existing_objects_matched()
