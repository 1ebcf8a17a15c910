"""Sweeps: many settings on one frozen feature store, compared on validation alone.

A job trains the towers only; it sees no test query and publishes nothing. Its result is kept beside its
Hydra output, so that a sweep that was stopped goes on where it was.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from feature_pipeline.artefact import find_current
from feature_pipeline.config import ConfigError
from feature_pipeline.splits import VALIDATION
from training_pipeline.config import read_settings
from training_pipeline.evaluation.curve import write_curve
from training_pipeline.retrieval.fit import OBJECTIVE
from training_pipeline.towers import fit_towers
from training_pipeline.train import name_run, open_run, place_checkpoints

RESULT = "result.json"


def run_job(config: DictConfig) -> float:
    """Trains the towers with one setting, unless an earlier sweep did; returns validation NDCG@10.

    Raises:
        ConfigError: a setting is unknown, or asks for several machines.
    """
    place = Path(HydraConfig.get().runtime.output_dir) / RESULT
    settings = read_settings(config)
    if settings.strategy == "multi_worker":
        raise ConfigError("strategy: a sweep runs on one machine, expected default or mirrored")
    parent = Path(settings.artifacts) / settings.dataset / "features"
    key = name_run(settings, find_current(parent, "run make features first").name)
    if place.exists() and (kept := json.loads(place.read_text()))["key"] == key:
        return float(kept["validation NDCG@10"])
    began = time.perf_counter()
    settings, _, prepared = open_run(config)
    # Not beside the result: TensorFlow reads no checkpoint in a folder with brackets, as `tower.query=[64]`.
    checkpoints = place_checkpoints(settings, key)
    fitted = fit_towers(prepared, prepared.build_held_out(VALIDATION), settings, checkpoints / "choose")
    result = {
        "key": key,
        "setting": HydraConfig.get().job.override_dirname,
        "validation NDCG@10": fitted.best[OBJECTIVE],
        "parameters": fitted.num_parameters,
        "epochs": len(fitted.curve),
        "seconds": round(time.perf_counter() - began, 1),
    }
    write_curve(fitted.curve, OBJECTIVE, place.parent, settings.tensorboard)
    shutil.rmtree(checkpoints)
    place.write_text(json.dumps(result, indent=2) + "\n")
    return fitted.best[OBJECTIVE]


class SweepTable(Callback):  # type: ignore[misc]
    """Prints the results of a sweep's jobs when the last one ends, best first."""

    def __init__(self) -> None:
        self._results: list[dict[str, Any]] = []

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **kwargs: Any) -> None:
        """Reads the result of a sweep's job, made now or earlier; a plain run has none."""
        place = Path(config.hydra.runtime.output_dir) / RESULT
        if job_return.status == JobStatus.COMPLETED and place.exists():
            self._results.append(json.loads(place.read_text()))

    def on_multirun_end(self, config: DictConfig, **kwargs: Any) -> None:
        """Prints the table."""
        print(render_results(self._results))


def render_results(results: list[dict[str, Any]]) -> str:
    """An aligned table, best validation NDCG@10 first."""
    ordered = sorted(results, key=lambda result: -result["validation NDCG@10"])
    lines = [["validation NDCG@10", "parameters", "epochs", "seconds", "setting"]]
    for result in ordered:
        numbers = f"{result['parameters']:,}", str(result["epochs"]), f"{result['seconds']:.1f}"
        lines.append([f"{result['validation NDCG@10']:.4f}", *numbers, result["setting"].replace(",", " ")])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
