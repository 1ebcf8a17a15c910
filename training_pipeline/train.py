"""One training run, step by step: towers, candidates, ranker, evaluation, bundle."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from omegaconf import DictConfig

from feature_pipeline.artefact import hash_text
from feature_pipeline.config import ConfigError
from feature_pipeline.progress import report_step
from feature_pipeline.splits import TEST, TRAIN, VALIDATION
from feature_pipeline.store import FeatureStore, open_current_store
from training_pipeline.bundle import Bundle, write_bundle
from training_pipeline.certificate import certify
from training_pipeline.change import describe_change, open_former, render_change
from training_pipeline.config import Settings, read_settings
from training_pipeline.evaluation.curve import write_curve
from training_pipeline.evaluation.results import render_differences, render_table
from training_pipeline.linear.signals import fit_signals
from training_pipeline.measure import measure, measure_masked, measure_untimed
from training_pipeline.prepare import Prepared, prepare
from training_pipeline.ranked import fit_ranking
from training_pipeline.retrieval.fit import OBJECTIVE
from training_pipeline.retrieval.strategy import get_strategy, is_chief
from training_pipeline.retrieved import retrieve
from training_pipeline.summary import Summary
from training_pipeline.towers import fit_towers, refit_towers


def open_run(config: DictConfig) -> tuple[Settings, FeatureStore, Prepared]:
    """Reads settings and features, and fixes the number of threads.

    Raises:
        UserError: a setting is unknown, or there is no feature store to train on.
    """
    settings = read_settings(config)
    _use_threads(settings.threads)
    get_strategy(settings.strategy)
    tf.keras.backend.clear_session()
    tf.keras.mixed_precision.set_global_policy(settings.retrieval.precision)
    with report_step("open features") as step:
        store = open_current_store(Path(settings.artifacts), settings.dataset)
        prepared = prepare(store, settings.split, settings.engine, settings.query)
        step.rows = len(prepared.tables.interactions)
        step.note = str(store.path)
    return settings, store, prepared


def _use_threads(count: int) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)
    except RuntimeError:
        raise ConfigError(
            f"threads: expected the number that TensorFlow already runs on in this process, found {count}. "
            "Remedy: start another process for another number of threads"
        ) from None


def name_run(settings: Settings, store_id: str) -> str:
    """Names feature store and settings, but for the index: checkpoints and results count for these alone."""
    return hash_text(
        json.dumps([settings.model_dump(exclude={"artifacts", "index"}), store_id], sort_keys=True)
    )


def place_checkpoints(settings: Settings, name: str) -> Path:
    """Where a run of that name keeps its checkpoints, and is looked for when it is started again."""
    return Path(settings.artifacts) / settings.dataset / "checkpoints" / name


def train(config: DictConfig, place: Path) -> Bundle | None:
    """Runs every step and publishes the bundle; prints the tables of results on stdout.

    The towers learn the training window, and validation says for how long. The ranker learns from what these
    towers retrieve for the validation window, and whether it is published is decided there, on queries that
    it was not fitted on. Both are tested once; under the temporal split by towers that have learned
    validation, too, as published ones will have learned all that came before. What is published then are
    towers that have learned every event. A run that is started again after it was killed goes on after the
    last epoch that had ended.

    Workers share the folder `artifacts`. Once the towers have learned, the first of them alone goes on, and
    publishes; the others return nothing.

    Args:
        config: as composed.
        place: folder of the run, for its curves.

    Raises:
        UserError: a setting is unknown, there is no feature store, or a split has no events.
    """
    settings, store, prepared = open_run(config)
    checkpoints = place_checkpoints(settings, name_run(settings, store.id))
    chosen = fit_towers(prepared, prepared.build_held_out(VALIDATION), settings, checkpoints / "choose")
    epochs = int(chosen.best["epoch"])
    informed, tested = prepared, chosen.model
    if settings.split.name == "temporal":  # else all of the time that validation covers would be missing
        informed = prepared.learn(TRAIN, VALIDATION)
        tested = refit_towers(informed, epochs, settings, checkpoints / "test")
    everything = prepared.learn(TRAIN, VALIDATION, TEST)
    published = refit_towers(everything, epochs, settings, checkpoints / "refit")
    if not is_chief(get_strategy(settings.strategy)):
        return None
    write_curve(chosen.curve, OBJECTIVE, place, settings.tensorboard)

    # Each query as it was asked and, where serving may not know the moment, as if nobody did.
    ways = [False, True] if settings.split.leaves_moments_open else [False]
    rehearsals = [retrieve(prepared, chosen.model, VALIDATION, settings.ranker, untimed) for untimed in ways]
    ranking = fit_ranking(rehearsals, settings)
    rehearsed_scores = np.split(ranking.fitted.scores, len(ways))
    rehearsed = measure(rehearsals[0], rehearsed_scores[0], settings.seed)
    trials = [retrieve(informed, tested, TEST, settings.ranker, untimed) for untimed in ways]
    scores = [ranking.fitted.ranker.score_candidates(each.rows, each.candidates.items) for each in trials]
    measured = measure(trials[0], scores[0], settings.seed)
    masked = measure_masked(trials[0], tested, settings.seed)
    hidden = zip(rehearsals[1:] + trials[1:], rehearsed_scores[1:] + scores[1:], strict=True)
    untimed = [measure_untimed(found, of_ranker, settings.seed) for found, of_ranker in hidden]

    summary = Summary(
        settings, store, chosen, ranking, rehearsed, trials[0], scores[0], measured, masked, untimed
    )
    print(f"{'' if summary.is_ranked else 'WARNING: '}{summary.verdict}", file=sys.stderr)
    bundles = Path(settings.artifacts) / settings.dataset / "bundles"
    former = open_former(bundles)
    settings_used = settings.model_dump(exclude={"artifacts"})

    def check(place: Path) -> dict[str, Any]:
        certificate = certify(place, settings.threads, settings.index)
        if former is None or (former.store.id, former.manifest["config"]) == (store.id, settings_used):
            return certificate
        return certificate | {"change": describe_change(former, place, store, summary)}

    with report_step("publish") as step:
        bundle = write_bundle(
            parent=bundles,
            store=store,
            inputs=everything.inputs,
            model=published,
            query_signature=published.build_query_signature(trials[0].examples.moment),
            signals=fit_signals(everything.learned_events, everything.tables),
            ranking=ranking if summary.is_ranked else None,
            metrics=summary.rows,
            report=summary.write,
            description={
                "features": store.id,
                "config": settings_used,
                "curve": chosen.curve,
                "learned": {
                    "towers, signals and baselines, tested": informed.describe_learned(),
                    "ranker and calibration": VALIDATION,
                    "towers and signals, published": everything.describe_learned(),
                },
                "ranker": summary.describe_ranker(),
                "differences": [asdict(difference) for difference in summary.differences],
                "costs": [asdict(cost) for cost in summary.costs],
            },
            check=check,
        )
        step.note = str(bundle.path)
    shutil.rmtree(checkpoints, ignore_errors=True)
    if "change" in bundle.manifest:
        print(render_change(bundle.manifest["change"]), file=sys.stderr)
    print(f"{render_table(summary.rows)}\n\n{render_differences(summary.differences)}")
    return bundle
