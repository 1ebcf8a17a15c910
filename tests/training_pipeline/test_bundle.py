"""A bundle gives back in another process what was put into it, and is refused when it was changed."""

import json
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.artefact import ArtefactError
from feature_pipeline.store import FeatureStore
from tests.training_pipeline.invented import make_ranker
from tests.training_pipeline.published import CONFIG, METRICS, QUERY, Parts, make_parts
from training_pipeline.bundle import FORMAT_VERSION, Bundle, open_bundle, open_current_bundle
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.evaluation.results import read_metrics
from training_pipeline.prepare import Prepared

pytestmark = pytest.mark.slow
READ_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
import numpy as np
from training_pipeline.bundle import open_bundle
from training_pipeline.prepare import prepare
from training_pipeline.ranking.candidates import retrieve_candidates
from training_pipeline.ranking.rows import build_row_builder
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
config, embeddings = bundle.ranker_config, bundle.item_embeddings
candidates = retrieve_candidates(queries, embeddings, held_out.seen, config.candidates)
builder = build_row_builder(tables, prepared.builder, bundle.signals, config)
rows = builder.build(held_out.frame, candidates)
scores = bundle.ranker.score_candidates(rows, candidates.items)
chances = bundle.calibration.apply(scores)
found = {"queries": queries, "items": items, "candidates": candidates.items}
np.savez(sys.argv[2], **found, scores=scores, chances=chances)
"""


@pytest.fixture(scope="module")
def parts(store: FeatureStore, prepared: Prepared, validation: HeldOut) -> Parts:
    return make_parts(store, prepared, validation)


@pytest.fixture(scope="module")
def bundle(parts: Parts, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return parts.publish(tmp_path_factory.mktemp("bundle"))


def test_another_process_reads_the_same(bundle: Bundle, parts: Parts, tmp_path: Path) -> None:
    found = tmp_path / "found.npz"
    subprocess.run([sys.executable, "-c", READ_IN_ANOTHER_PROCESS, bundle.path, found], check=True)
    read = np.load(found)

    np.testing.assert_allclose(read["queries"], parts.query_embeddings, atol=1e-5)
    np.testing.assert_allclose(read["items"], parts.model.embed_corpus(), atol=1e-5)
    np.testing.assert_array_equal(read["candidates"], parts.candidates.items)
    scores = parts.ranking.fitted.ranker.score_candidates(parts.rows, parts.candidates.items)
    np.testing.assert_allclose(read["scores"], scores, atol=1e-6)
    np.testing.assert_allclose(read["chances"], parts.ranking.calibration.apply(scores), atol=1e-6)
    assert np.ptp(read["chances"]) > 0


def test_parts_come_back(bundle: Bundle, parts: Parts, prepared: Prepared, store: FeatureStore) -> None:
    opened = open_bundle(bundle.path)

    assert opened.inputs == prepared.inputs
    np.testing.assert_array_equal(opened.item_embeddings, parts.model.embed_corpus())
    assert isinstance(opened.item_embeddings, np.memmap)
    assert opened.store.id == store.id
    pd.testing.assert_frame_equal(opened.tables.interactions, prepared.tables.interactions)
    assert (opened.split.name, opened.query) == ("temporal", QUERY)
    assert opened.ranker_config == make_ranker()
    assert read_metrics(opened.path / "metrics.json") == METRICS


def test_signals_survive_to_the_last_bit(bundle: Bundle, parts: Parts) -> None:
    opened = open_bundle(bundle.path)
    assert [signal.name for signal in opened.signals] == [signal.name for signal in parts.signals]
    for read, fitted in zip(opened.signals, parts.signals, strict=True):
        assert isinstance(read.weights.base, np.memmap)
        np.testing.assert_array_equal(read.weights, fitted.weights)
        np.testing.assert_array_equal(read.places, fitted.places)
        assert (read.weights.dtype, read.spec) == (fitted.weights.dtype, fitted.spec)


def test_ranker_and_calibration_come_back(bundle: Bundle, parts: Parts) -> None:
    opened = open_bundle(bundle.path)
    assert opened.ranker is not None
    scores = parts.ranking.fitted.ranker.score(parts.rows)
    np.testing.assert_array_equal(opened.ranker.score(parts.rows), scores)
    assert opened.calibration == parts.ranking.calibration


def test_report_and_what_belongs_to_it_lie_in_the_bundle(bundle: Bundle) -> None:
    assert (bundle.path / "report.html").read_text() == "<html></html>"
    assert {"report.html", "targets.csv"} < set(bundle.manifest["checksums"])


def test_without_ranking_and_signals_there_are_none(bundle: Bundle, parts: Parts, tmp_path: Path) -> None:
    plain = open_bundle(parts.publish(tmp_path, ranking=None, signals=[]).path)
    assert (plain.ranker, plain.calibration, plain.signals) == (None, None, [])
    assert plain.id != bundle.id
    missing = set(bundle.manifest["checksums"]) - set(plain.manifest["checksums"])
    assert {file.split("/")[0] for file in missing} == {"ranker.cbm", "calibration.json", "signals"}


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
    tables = {".json", ".npy", ".cbm", ".html", ".csv", ".parquet"}
    assert kinds <= {*tables, ".pb", ".index", ".data-00000-of-00001"}
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
            "calibration.json",
            "signals/00-pair_ease/weights.npy",
            "signals/05-pair_slit/places.npy",
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
        with pytest.raises(ArtefactError, match=f"expected format_version {FORMAT_VERSION}, found 99"):
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
        self, parts: Parts, bundle: Bundle, prepared: Prepared, artifacts: Path
    ) -> None:
        assert open_current_bundle(artifacts, "tiny").id == bundle.id
        wider = replace(prepared.inputs, item_ids=replace(prepared.inputs.item_ids, width=2))
        changed = parts.publish(artifacts, inputs=wider)
        assert changed.id != bundle.id
        assert open_current_bundle(artifacts, "tiny").id == changed.id
        assert open_current_bundle(artifacts, "tiny", bundle.id).inputs == prepared.inputs

    def test_the_same_model_has_the_same_id(self, parts: Parts, bundle: Bundle, artifacts: Path) -> None:
        assert parts.publish(artifacts).id == bundle.id
        assert {path.name for path in (artifacts / "tiny" / "bundles").iterdir()} == {"current", bundle.id}

    def test_failure_leaves_the_current_bundle_and_no_trace(
        self, parts: Parts, bundle: Bundle, artifacts: Path
    ) -> None:
        def fail(place: Path) -> None:
            (place / "report.html").write_text("half a page")
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            parts.publish(artifacts, report=fail, description={"config": {**CONFIG, "seed": 2}})
        assert open_current_bundle(artifacts, "tiny").id == bundle.id
        assert {path.name for path in (artifacts / "tiny" / "bundles").iterdir()} == {"current", bundle.id}
