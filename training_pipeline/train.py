"""One training run, step by step: towers, candidates, ranker, evaluation, bundle."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from omegaconf import DictConfig

from feature_pipeline.artefact import hash_text
from feature_pipeline.config import ConfigError
from feature_pipeline.progress import report_step
from feature_pipeline.splits import TEST, VALIDATION
from feature_pipeline.store import FeatureStore, open_current_store
from training_pipeline.bundle import Bundle, write_bundle
from training_pipeline.config import Settings, read_settings
from training_pipeline.evaluation.curve import draw_learning_curve, write_curve
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.evaluation.report import (
    HEADLINE_METRIC,
    MetricRow,
    render_differences,
    render_table,
    write_report,
)
from training_pipeline.evaluation.significance import Difference
from training_pipeline.measure import RANKER, RETRIEVER, Measurement
from training_pipeline.prepare import Prepared, prepare
from training_pipeline.ranking.candidates import Candidates, retrieve_candidates
from training_pipeline.ranking.model import Ranker, fit_ranker, split_queries
from training_pipeline.ranking.rows import RankingRows, build_ranking_rows
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.dataset import Examples
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.retrieval.fit import OBJECTIVE, FittedRetrieval
from training_pipeline.retrieval.inputs import Arrays
from training_pipeline.retrieval.masked import hide_content, hide_history
from training_pipeline.retrieval.model import TwoTowerModel
from training_pipeline.retrieval.strategy import get_strategy, is_chief
from training_pipeline.towers import fit_towers, refit_towers


@dataclass(frozen=True)
class Retrieved:
    """What the retriever says of some held-out queries.

    Attributes:
        held_out: the queries.
        examples: the same as the towers read them.
        query_embeddings: [num_queries, embedding_dim] float32.
        item_embeddings: [num_items, embedding_dim] float32.
        candidates: what it hands over to the ranker.
        rows: the candidates as ranking rows.
    """

    held_out: HeldOut
    examples: Examples
    query_embeddings: np.ndarray
    item_embeddings: np.ndarray
    candidates: Candidates
    rows: RankingRows


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
    """Names settings and feature store: checkpoints and results count for these alone."""
    return hash_text(json.dumps([settings.model_dump(exclude={"artifacts"}), store_id], sort_keys=True))


def place_checkpoints(settings: Settings, name: str) -> Path:
    """Where a run of that name keeps its checkpoints, and is looked for when it is started again."""
    return Path(settings.artifacts) / settings.dataset / "checkpoints" / name


def train(config: DictConfig, place: Path) -> Bundle | None:
    """Runs every step and publishes the bundle; prints the table of results on stdout.

    The towers learn the training window, and validation says for how long. The ranker learns from what these
    towers retrieve for the validation window, which they have not seen. Then the towers learn train and
    validation together; they and the ranker are tested once, and published. A run that is started again after
    it was killed goes on after the last epoch that had ended.

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
    validation = prepared.build_held_out(VALIDATION)
    chosen = fit_towers(prepared, validation, settings, checkpoints / "choose")
    final = prepared.add_validation()
    model = refit_towers(final, int(chosen.best["epoch"]), settings, checkpoints / "refit")
    if not is_chief(get_strategy(settings.strategy)):
        return None
    write_curve(chosen.curve, OBJECTIVE, place, settings.tensorboard)
    rehearsal = _retrieve(prepared, chosen.model, validation, settings.ranker.candidates)
    ranker = _fit_ranker(rehearsal, settings)
    metrics = _measure(prepared, rehearsal, None, settings).rows

    tested = _retrieve(final, model, final.build_held_out(TEST), settings.ranker.candidates)
    measured = _measure(final, tested, ranker, settings)
    differences = measured.compare(RANKER)
    _say_whether_ranker_helps(differences)
    metrics += measured.rows + _measure_masked(final, tested, model, settings)
    with report_step("publish") as step:
        bundle = write_bundle(
            parent=Path(settings.artifacts) / settings.dataset / "bundles",
            store=store,
            inputs=final.inputs,
            model=model,
            query_signature=model.build_query_signature(tested.examples.moment),
            ranker=ranker,
            metrics=metrics,
            report=lambda path: _write_report(path, metrics, differences, chosen, store, settings),
            description={
                "features": store.id,
                "config": settings.model_dump(exclude={"artifacts"}),
                "curve": chosen.curve,
                "differences": [asdict(difference) for difference in differences],
            },
        )
        step.note = str(bundle.path)
    shutil.rmtree(checkpoints, ignore_errors=True)
    print(f"{render_table(metrics)}\n\n{render_differences(differences)}")
    return bundle


def _retrieve(prepared: Prepared, model: TwoTowerModel, held_out: HeldOut, k: int) -> Retrieved:
    with report_step(f"candidates, {held_out.split}") as step:
        item_embeddings = model.embed_corpus().numpy()
        examples = prepared.build_held_out_examples(held_out)
        query_embeddings = _embed(model, examples, item_embeddings)
        candidates = retrieve_candidates(query_embeddings, item_embeddings, held_out.seen, k)
        rows = build_ranking_rows(held_out.frame, candidates, prepared.tables, prepared.builder)
        step.rows = len(rows.query)
    return Retrieved(held_out, examples, query_embeddings, item_embeddings, candidates, rows)


def _embed(model: TwoTowerModel, examples: Examples, item_embeddings: np.ndarray) -> np.ndarray:
    users, items = _to_arrays(model.users), _to_arrays(model.items)
    return embed_queries(model.query_tower, examples, users, item_embeddings, items[ITEM_INDEX])


def _to_arrays(encoded: Mapping[str, tf.Tensor]) -> Arrays:
    return {name: values.numpy() for name, values in encoded.items()}


def _fit_ranker(retrieved: Retrieved, settings: Settings) -> Ranker:
    """Learns from the validation window, on which the towers were not trained."""
    with report_step("train ranker") as step:
        relevant = retrieved.held_out.relevant
        chosen = relevant[retrieved.rows.query, retrieved.rows.item]
        apart = split_queries(relevant.shape[0], settings.seed)
        ranker = fit_ranker(retrieved.rows, chosen, apart, settings.ranker, settings.seed, settings.threads)
        step.rows = len(chosen)
        step.note = f"{ranker.model.tree_count_} trees, {chosen.sum():,} chosen candidates"
    return ranker


def _measure(prepared: Prepared, found: Retrieved, ranker: Ranker | None, settings: Settings) -> Measurement:
    """Measures baselines, retrieval, and the ranker where it is given: it has learned from validation."""
    with report_step(f"evaluate, {found.held_out.split}") as step:
        measurement = Measurement(prepared, found.held_out, settings.seed)
        measurement.add_baselines()
        ranks = measurement.add_retrieval(found.query_embeddings, found.item_embeddings)
        if ranker is not None:
            scores = ranker.score_candidates(found.rows, found.candidates.items)
            measurement.add_ranking(ranks, found.candidates, scores)
        step.rows = found.held_out.relevant.shape[0]
    return measurement


def _measure_masked(
    prepared: Prepared, found: Retrieved, model: TwoTowerModel, settings: Settings
) -> list[MetricRow]:
    """Measures the towers on the same queries as if all users were new, and with items by ids alone."""
    with report_step(f"evaluate masked, {found.held_out.split}") as step:
        measurement = Measurement(prepared, found.held_out, settings.seed)
        as_new = _embed(model, hide_history(prepared, found.held_out), found.item_embeddings)
        measurement.add_retrieval(as_new, found.item_embeddings, f"{RETRIEVER}, history hidden")
        by_id = model.embed_items(hide_content(_to_arrays(model.items))).numpy()
        measurement.add_retrieval(found.query_embeddings, by_id, f"{RETRIEVER}, content hidden")
        step.rows = found.held_out.relevant.shape[0]
    return measurement.rows


def _say_whether_ranker_helps(differences: Sequence[Difference]) -> None:
    (gain,) = (difference for difference in differences if difference.against == RETRIEVER)
    warning = "WARNING: the ranker is not shown to beat the retrieval order. " if gain.low <= 0 else ""
    figures = f"{gain.value:+.4f} {HEADLINE_METRIC} [{gain.low:+.4f},{gain.high:+.4f}]"
    print(f"{warning}ranker against the retrieval order: {figures}", file=sys.stderr)


def _write_report(
    path: Path,
    metrics: list[MetricRow],
    differences: list[Difference],
    fitted: FittedRetrieval,
    store: FeatureStore,
    settings: Settings,
) -> None:
    details = {
        "data set": settings.dataset,
        "feature store": store.id,
        "interactions": f"{store.manifest['rows']['interactions']:,}",
        "split": settings.split.name,
        "tower widths": f"query {settings.tower.query}, candidate {settings.tower.candidate}",
        "embedding_dim": str(settings.retrieval.embedding_dim),
        "parameters": f"{fitted.num_parameters:,}",
        "seed": str(settings.seed),
    }
    figures = {"Learning curve": draw_learning_curve(fitted.curve, OBJECTIVE)}
    write_report(
        metrics, differences, path, f"{settings.dataset}: recommendations measured", details, figures
    )
