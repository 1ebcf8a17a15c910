"""The feature store gives back what was written, under an id that its content decides."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from feature_pipeline import store
from feature_pipeline.artefact import ArtefactError
from feature_pipeline.encoders.config import ProjectionConfig
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.features.user_events import UserEvents
from feature_pipeline.partitions import divide
from feature_pipeline.schema import FeatureSpec
from feature_pipeline.store import FeatureStore, Interactions, open_current_store, open_store, write_store
from feature_pipeline.tables import Quarantine
from tests.feature_pipeline.invented import make_dataset
from tests.tiny_store import ENCODER

TIMES = np.array(["2024-01-01T00:00:00.000001", "2024-02-01"], "datetime64[us]")
USERS = pd.DataFrame({"user_id": ["007", "7"], "age": [31.0, np.nan]}, index=[4, 2])
ITEMS = pd.DataFrame({"item_id": ["a", "b"], "kinds": [["cup", "blue"], []], "text": pd.Series(["x", None])})
EVENTS = pd.DataFrame(
    {"user_id": ["7", "7"], "item_id": ["a", "b"], "event_time": TIMES, "event_order": [0, 1]}
)
SPECS = [
    FeatureSpec("age", "query", "numeric", "age"),
    FeatureSpec("kinds", "candidate", "categorical", "kinds"),
    FeatureSpec("text", "candidate", "text"),
    FeatureSpec("text_embedding", "candidate", "embedding"),
]
VECTORS = np.array([[0.6, 0.8, 0.0], [9.0, 9.0, 9.0]], np.float32)
MISSING = np.array([False, True])

PINNED = {"config": ENCODER.model_dump(), "ids": {"text": {"minilm": "minilm@1+float32"}}}


def write(parent: Path, **changes: Any) -> FeatureStore:
    tables = {"users": USERS, "items": ITEMS, "quarantine": Quarantine().build_table()}
    given = {
        "tables": tables | changes.pop("tables", {}),
        "interactions": Interactions(divide(EVENTS, "none"), [], EVENTS),
        "vectors": {"items": {"text_embedding": (VECTORS, MISSING)}},
        "outcomes": {},
        "projections": {},
        "dataset": make_dataset(),
        "specs": SPECS,
        "features": {"user_events": {}},
        "encoders": PINNED,
        "notes": {"below_min_weight": 5},
    }
    return write_store(parent, **(given | changes))


def test_tables_come_back_as_they_were(tmp_path: Path) -> None:
    opened = open_store(write(tmp_path).path)

    pd.testing.assert_frame_equal(opened.read_table("users"), USERS.reset_index(drop=True))
    pd.testing.assert_frame_equal(opened.read_table("interactions"), EVENTS)
    items = opened.read_table("items")
    assert list(items.columns) == ["item_id", "kinds", "text"]
    assert [list(kinds) for kinds in items["kinds"]] == [["cup", "blue"], []]
    assert items["text"].isna().tolist() == [False, True]


def test_vectors_come_back_and_missing_rows_are_zero(tmp_path: Path) -> None:
    vectors = write(tmp_path).read_vectors("items")

    assert list(vectors) == ["text_embedding"]
    assert vectors["text_embedding"].dtype == np.float32
    np.testing.assert_array_equal(vectors["text_embedding"], np.float32([[0.6, 0.8, 0], [0, 0, 0]]))


def test_vectors_that_are_all_missing_are_all_zero(tmp_path: Path) -> None:
    vectors = {"items": {"text_embedding": (VECTORS, np.array([True, True]))}}

    read = write(tmp_path, vectors=vectors).read_vectors("items")

    np.testing.assert_array_equal(read["text_embedding"], np.zeros((2, 3), np.float32))


def test_outcomes_come_back(tmp_path: Path) -> None:
    assert write(tmp_path).read_outcomes() == {}

    written = write(tmp_path, outcomes={"review_embedding": (VECTORS, MISSING)})

    np.testing.assert_array_equal(
        written.read_outcomes()["review_embedding"], np.float32([[0.6, 0.8, 0], [0, 0, 0]])
    )
    assert "review_embedding" not in written.read_table("interactions")


def test_the_computed_features_come_back_ready(tmp_path: Path) -> None:
    features = write(tmp_path, features={"user_events": {"windows": ["all", "9d"]}}).features

    assert features == [UserEvents(windows=("all", "9d"))]


def test_the_encoders_come_back_with_their_settings(tmp_path: Path) -> None:
    projection = {"kind": "pca", "dimension": 3}
    image = {"colour_texture": {"library": "colour_texture", "projection": projection}}
    config = ENCODER.model_validate({**PINNED["config"], "image": image})

    opened = open_store(write(tmp_path, encoders={**PINNED, "config": config.model_dump()}).path)

    assert opened.encoder_ids == {"text": {"minilm": "minilm@1+float32"}}
    assert isinstance(opened.encoders["text"]["minilm"].encoder, TextEncoder)
    chosen = opened.encoders["image"]["colour_texture"]
    assert isinstance(chosen.encoder, ColourTextureEncoder)
    assert chosen.projection == ProjectionConfig(**projection)


def test_a_table_without_embeddings_has_no_vectors(tmp_path: Path) -> None:
    assert write(tmp_path).read_vectors("users") == {}


def test_specs_and_data_set_come_back(tmp_path: Path) -> None:
    opened = open_store(write(tmp_path).path)

    assert opened.specs == SPECS
    assert opened.get_specs("users") == SPECS[:1]
    assert opened.get_specs("items") == SPECS[1:]
    assert opened.dataset == make_dataset()


def test_the_manifest_says_what_the_store_holds(tmp_path: Path) -> None:
    manifest = write(tmp_path).manifest

    assert manifest["format_version"] == store.FORMAT_VERSION
    assert manifest["rows"] == {"users": 2, "items": 2, "interactions": 2, "quarantine": 0}
    assert manifest["below_min_weight"] == 5
    assert manifest["versions"]["pandas"] == pd.__version__
    months = ["interactions/2024-01.parquet", "interactions/2024-02.parquet"]
    assert sorted(manifest["checksums"]) == [*months, "items.parquet", "quarantine.parquet", "users.parquet"]
    assert list(manifest["partitions"]) == ["2024-01", "2024-02"]


def test_the_same_input_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = write(tmp_path / "one"), write(tmp_path / "two")

    assert first.id == second.id == first.path.name
    assert first.manifest == second.manifest  # the checksums of all files are in it


@pytest.mark.parametrize(
    "changes",
    [
        {"tables": {"users": USERS.assign(age=[31.0, 32.0])}},
        {"dataset": make_dataset(repeats=True)},
        {"specs": [*SPECS[:3], FeatureSpec("text_embedding", "candidate", "embedding", "alike")]},
        {"vectors": {"items": {"text_embedding": (VECTORS, np.array([False, False]))}}},
        {"encoders": {**PINNED, "ids": {"text": {"minilm": "minilm@2+float32"}}}},
    ],
)
def test_other_content_has_another_id(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert write(tmp_path).id != write(tmp_path, **changes).id


def test_a_new_format_version_is_another_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = write(tmp_path)
    monkeypatch.setattr(store, "FORMAT_VERSION", store.FORMAT_VERSION + 1)

    assert write(tmp_path).id != old.id
    with pytest.raises(ArtefactError) as error:
        open_store(old.path)
    assert str(error.value) == (
        f"{old.path}: expected format_version {store.FORMAT_VERSION}, found {store.FORMAT_VERSION - 1}. "
        "Remedy: run make features for this data set again"
    )


def test_categories_are_lists_of_strings_even_if_all_are_empty(tmp_path: Path) -> None:
    items = ITEMS.assign(kinds=[[], []], text=pd.Series([None, None], dtype="str"))

    written = write(tmp_path, tables={"items": items})

    types = pq.read_schema(written.path / "items.parquet")
    assert str(types.field("kinds").type) == "list<element: string>"
    assert str(types.field("text").type) in ("string", "large_string")


def test_the_current_store_is_the_last_one_written(tmp_path: Path) -> None:
    parent = tmp_path / "shop" / "features"
    write(parent)
    last = write(parent, dataset=make_dataset(repeats=True))

    assert open_current_store(tmp_path, "shop").path == last.path


def test_no_store_names_the_command_that_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError) as error:
        open_current_store(tmp_path, "shop")

    assert str(error.value) == (
        f"{tmp_path / 'shop' / 'features'}: nothing here yet. Remedy: run make features DATASET=shop first"
    )


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    file = write(tmp_path).path / "items.parquet"
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(ArtefactError) as error:
        open_store(file.parent)

    assert str(error.value) == (
        f"{file}: missing or changed since it was published. "
        "Remedy: run make features for this data set again"
    )
