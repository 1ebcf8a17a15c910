"""A bundle gives back in another process what was put into it, and is refused when it was changed."""

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.artefact import ArtefactError
from feature_pipeline.store import FeatureStore
from tests.training_pipeline.invented import make_model, make_ranker, make_transformer
from training_pipeline.bundle import Bundle, open_bundle, open_current_bundle, write_bundle
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.evaluation.report import MetricRow, read_metrics
from training_pipeline.prepare import Prepared
from training_pipeline.ranking.candidates import retrieve_candidates
from training_pipeline.ranking.model import Ranker, fit_ranker
from training_pipeline.ranking.rows import RankingRows, build_ranking_rows
from training_pipeline.retrieval.embed import embed_queries
from training_pipeline.retrieval.model import TwoTowerModel

# Everything that a query can hold: places, times, and items by their index.
QUERY = make_transformer(items="own")
METRICS = [MetricRow("retrieval", "two towers", "test", "all", "NDCG@10", 0.5, 0.4, 0.6, 9)]
CONFIG: dict[str, Any] = {
    "split": {"name": "temporal"},
    "query": QUERY.model_dump(),
    "ranker": make_ranker().model_dump(),
}
READ_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from training_pipeline.bundle import open_bundle
from training_pipeline.prepare import prepare
from training_pipeline.ranking.candidates import retrieve_candidates
from training_pipeline.ranking.rows import build_ranking_rows
from training_pipeline.retrieval.embed import embed_queries
from feature_pipeline.engine.connect import EngineConfig

bundle = open_bundle(Path(sys.argv[1]))
engine = EngineConfig(name="duckdb", threads=1, memory_limit="1GB")
prepared = prepare(bundle.store, bundle.split, engine, bundle.query)
held_out = prepared.build_held_out("validation")
tables, inputs = bundle.tables, bundle.inputs
users = inputs.user.encode(tables.users, tables.user_vectors)
examples = prepared.build_held_out_examples(held_out)
index = inputs.index_items(tables.items)
queries = embed_queries(bundle.query_tower, examples, users, bundle.item_embeddings, index)
items = bundle.embed_items(tables.items, tables.item_vectors)
k = bundle.ranker_config.candidates
candidates = retrieve_candidates(queries, bundle.item_embeddings, held_out.seen, k)
rows = build_ranking_rows(held_out.frame, candidates, tables, prepared.builder)
np.savez(
    sys.argv[2], queries=queries, items=items, candidates=candidates.items, scores=bundle.ranker.score(rows)
)
"""

Publish = Callable[..., Bundle]


@pytest.fixture(scope="module")
def model(prepared: Prepared) -> TwoTowerModel:
    untrained = make_model(prepared, QUERY)
    untrained.compute_loss(replace(prepared, query=QUERY).build_training_examples().take(np.arange(4)))
    return untrained


@pytest.fixture(scope="module")
def query_embeddings(model: TwoTowerModel, prepared: Prepared, validation: HeldOut) -> np.ndarray:
    users = prepared.inputs.user.encode(prepared.tables.users, {})
    examples = prepared.build_held_out_examples(validation)
    index = prepared.inputs.index_items(prepared.tables.items)
    return embed_queries(model.query_tower, examples, users, model.embed_corpus().numpy(), index)


@pytest.fixture(scope="module")
def rows(
    model: TwoTowerModel, query_embeddings: np.ndarray, prepared: Prepared, validation: HeldOut
) -> RankingRows:
    corpus, k = model.embed_corpus().numpy(), make_ranker().candidates
    candidates = retrieve_candidates(query_embeddings, corpus, validation.seen, k)
    return build_ranking_rows(validation.frame, candidates, prepared.tables, prepared.builder)


@pytest.fixture(scope="module")
def ranker(rows: RankingRows, validation: HeldOut) -> Ranker:
    chosen = validation.relevant[rows.query, rows.item]
    return fit_ranker(rows, chosen, np.zeros(rows.query[-1] + 1, bool), make_ranker(), seed=0, threads=1)


@pytest.fixture(scope="module")
def publish(
    store: FeatureStore, prepared: Prepared, model: TwoTowerModel, ranker: Ranker, validation: HeldOut
) -> Publish:
    """Writes the bundle to `artifacts/tiny/bundles`, with the arguments that a test changes."""
    moment = prepared.build_held_out_examples(validation).moment
    usual = {
        "store": store,
        "inputs": prepared.inputs,
        "model": model,
        "query_signature": model.build_query_signature(moment),
        "ranker": ranker,
        "metrics": METRICS,
        "report": lambda path: path.write_text("<html></html>"),
        "description": {"config": CONFIG, "curve": []},
    }

    def write(artifacts: Path, **changes: Any) -> Bundle:
        return write_bundle(artifacts / "tiny" / "bundles", **(usual | changes))

    return write


@pytest.fixture(scope="module")
def bundle(publish: Publish, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return publish(tmp_path_factory.mktemp("bundle"))


def test_another_process_reads_the_same(
    bundle: Bundle,
    model: TwoTowerModel,
    query_embeddings: np.ndarray,
    rows: RankingRows,
    ranker: Ranker,
    tmp_path: Path,
) -> None:
    found = tmp_path / "found.npz"
    subprocess.run([sys.executable, "-c", READ_IN_ANOTHER_PROCESS, bundle.path, found], check=True)
    read = np.load(found)

    np.testing.assert_allclose(read["queries"], query_embeddings, atol=1e-5)
    np.testing.assert_allclose(read["items"], model.embed_corpus(), atol=1e-5)
    np.testing.assert_array_equal(read["candidates"][read["candidates"] >= 0], rows.item)
    np.testing.assert_allclose(read["scores"], ranker.score(rows), atol=1e-6)


def test_parts_come_back(
    bundle: Bundle, model: TwoTowerModel, prepared: Prepared, store: FeatureStore
) -> None:
    opened = open_bundle(bundle.path)

    assert opened.inputs == prepared.inputs
    np.testing.assert_array_equal(opened.item_embeddings, model.embed_corpus())
    assert isinstance(opened.item_embeddings, np.memmap)
    assert opened.store.id == store.id
    pd.testing.assert_frame_equal(opened.tables.interactions, prepared.tables.interactions)
    assert (opened.split.name, opened.query) == ("temporal", QUERY)
    assert opened.ranker_config == make_ranker()
    assert read_metrics(opened.path / "metrics.json") == METRICS


def test_towers_embed_any_number_of_rows(bundle: Bundle, prepared: Prepared) -> None:
    items = prepared.inputs.encode_items(prepared.tables.items, prepared.tables.item_vectors)
    for count in (1, 3):
        embedded = bundle.candidate_tower({name: values[:count] for name, values in items.items()})
        np.testing.assert_allclose(embedded, bundle.item_embeddings[:count], atol=1e-5)


def test_items_that_came_after_training_are_embedded_by_their_content(
    bundle: Bundle, prepared: Prepared
) -> None:
    """Two works like the first one in everything but their names, and a third like the second."""
    places = [0, 0, 1]
    items = prepared.tables.items.iloc[places].assign(item_id=["new-1", "new-2", "new-3"])
    vectors = {name: values[places] for name, values in prepared.tables.item_vectors.items()}
    embedded = bundle.embed_items(items, vectors)
    np.testing.assert_allclose(embedded[0], embedded[1], atol=1e-6)
    assert np.abs(embedded[0] - embedded[2]).max() > 1e-4
    assert np.abs(embedded[0] - bundle.item_embeddings[0]).max() > 1e-4


def test_holds_nothing_that_pickle_could_load(bundle: Bundle) -> None:
    files = [path for path in bundle.path.rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert kinds <= {".json", ".npy", ".cbm", ".html", ".parquet", ".pb", ".index", ".data-00000-of-00001"}
    refusals = (pickle.UnpicklingError, EOFError, ValueError, MemoryError, OverflowError)
    for path in files:
        with path.open("rb") as stream, pytest.raises(refusals):
            pickle.load(stream)
    for path in bundle.path.rglob("*.npy"):
        np.load(path, allow_pickle=False)


class TestDamage:
    @pytest.fixture
    def copy(self, bundle: Bundle, tmp_path: Path) -> Bundle:
        return open_bundle(Path(shutil.copytree(bundle.path, tmp_path / bundle.id)))

    @pytest.mark.parametrize(
        "file",
        [
            "item_embeddings.npy",
            "ranker.cbm",
            "inputs.json",
            "query_tower/saved_model.pb",
            "features/items.parquet",
        ],
    )
    def test_changed_file_is_refused_by_name(self, copy: Bundle, file: str) -> None:
        content = bytearray((copy.path / file).read_bytes())
        content[len(content) // 2] ^= 1
        (copy.path / file).write_bytes(content)
        with pytest.raises(ArtefactError, match=rf"{file}: .*changed.*Remedy: run make train"):
            open_bundle(copy.path)

    def test_missing_file_is_refused_by_name(self, copy: Bundle) -> None:
        (copy.path / "metrics.json").unlink()
        with pytest.raises(ArtefactError, match=r"metrics\.json: missing"):
            open_bundle(copy.path)

    def test_other_version_is_refused(self, copy: Bundle) -> None:
        manifest = copy.path / "manifest.json"
        manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format_version": 99}))
        with pytest.raises(ArtefactError, match="expected format_version 3, found 99"):
            open_bundle(copy.path)

    def test_no_bundle_names_the_command_that_makes_one(self, tmp_path: Path) -> None:
        with pytest.raises(ArtefactError, match="Remedy: run make train DATASET=tiny first"):
            open_current_bundle(tmp_path, "tiny")


class TestPublishing:
    @pytest.fixture
    def artifacts(self, bundle: Bundle, tmp_path: Path) -> Path:
        """A place where the bundle is the current one."""
        shutil.copytree(bundle.path.parent, tmp_path / "tiny" / "bundles")
        return tmp_path

    def test_another_model_has_another_id_and_becomes_the_current_one(
        self, publish: Publish, bundle: Bundle, prepared: Prepared, artifacts: Path
    ) -> None:
        assert open_current_bundle(artifacts, "tiny").id == bundle.id
        wider = replace(prepared.inputs, item_ids=replace(prepared.inputs.item_ids, width=2))
        changed = publish(artifacts, inputs=wider)
        assert changed.id != bundle.id
        assert open_current_bundle(artifacts, "tiny").id == changed.id
        assert open_current_bundle(artifacts, "tiny", bundle.id).inputs == prepared.inputs

    def test_the_same_model_has_the_same_id(self, publish: Publish, bundle: Bundle, artifacts: Path) -> None:
        assert publish(artifacts).id == bundle.id
        assert {path.name for path in (artifacts / "tiny" / "bundles").iterdir()} == {"current", bundle.id}

    def test_failure_leaves_the_current_bundle_and_no_trace(
        self, publish: Publish, bundle: Bundle, artifacts: Path
    ) -> None:
        def fail(path: Path) -> None:
            path.write_text("half a page")
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            publish(artifacts, report=fail, description={"config": {**CONFIG, "seed": 2}})
        assert open_current_bundle(artifacts, "tiny").id == bundle.id
        assert {path.name for path in (artifacts / "tiny" / "bundles").iterdir()} == {"current", bundle.id}
