"""`make features` on a tiny invented film folder, with the real encoders: published once, built twice."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig
from PIL import Image

from feature_pipeline.build import build_features
from feature_pipeline.config import ConfigError
from feature_pipeline.entry import CONF
from feature_pipeline.features.registry import load_features
from feature_pipeline.features.user_events import UserEvents
from feature_pipeline.specs import build_specs
from feature_pipeline.store import FeatureStore, open_current_store
from tests.feature_pipeline.invented import make_dataset
from tests.tiny_store import DEFAULT_FEATURES

MOVIES = """movieId,title,genres
10,"Lamp, The (1971)",Comedy|Drama
20,Harbour Fog (1988),Drama
30,Nine Kites (2003),(no genres listed)
"""
TEXTS = """movie_id,plot,director,actors
10,A lighthouse keeper repairs one lamp for forty years.,A. Nobody,B. Nobody
20,Two sisters look for a ship that was never built.,C. Nobody,N/A
"""
RATINGS = """userId,movieId,rating,timestamp
2,10,5.0,1500000100
1,20,4.0,1500000000
1,10,4.5,1500000000
2,99,5.0,1500000200
1,30,2.0,1500000300
3,20,4.0,later
2,20,4.0,1500086500
"""
FEATURES = list(load_features(DEFAULT_FEATURES).values())
SETTINGS = ["dataset=movielens", "dataset.max_quarantine_share=0.5", "threads=1", "engine.threads=1"]


def write_folder(root: Path) -> None:
    (root / "posters").mkdir(parents=True)
    (root / "movies.csv").write_text(MOVIES)
    (root / "movies_text.csv").write_text(TEXTS)
    (root / "ratings.csv").write_text(RATINGS)
    for name, colour in (("10", "gold"), ("30", "navy")):
        image = Image.new("RGB", (60, 90), colour)
        image.paste("white", (10, 20, 50, 60))
        image.save(root / "posters" / f"{name}.jpg")
    whole = (root / "posters" / "30.jpg").read_bytes()
    (root / "posters" / "30.jpg").write_bytes(whole[: len(whole) // 2])


def write_overrides(folder: Path) -> list[str]:
    return [*SETTINGS, f"dataset.root={folder / 'raw'}", f"artifacts={folder / 'artifacts'}"]


def compose_features(folder: Path, *more: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("features", [*write_overrides(folder), *more])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    write_folder(folder / "raw")
    return folder


@pytest.fixture(scope="module")
def command(folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "feature_pipeline", *write_overrides(folder)]
    environment = os.environ | {"PYTHONPATH": str(CONF.parent)}
    return subprocess.run(arguments, capture_output=True, text=True, cwd=folder, env=environment, check=False)


@pytest.fixture(scope="module")
def built(folder: Path, command: subprocess.CompletedProcess[str]) -> FeatureStore:
    assert command.returncode == 0, command.stderr
    return open_current_store(folder / "artifacts", "movielens")


def test_the_command_prints_the_stores_path_alone(
    command: subprocess.CompletedProcess[str], built: FeatureStore
) -> None:
    assert command.stdout == f"{built.path}\n"


def test_the_command_tells_its_steps_on_stderr(command: subprocess.CompletedProcess[str]) -> None:
    steps = [line[:28].strip() for line in command.stderr.splitlines()]
    warned = [step for step in steps if step.startswith("warning: ")]

    assert steps == [
        "read",
        "check",
        "feedback",
        "embed users.profile",
        "embed items.description",
        "embed items.poster",
        "point-in-time features",
        "audit",
        *warned,
        "publish",
        "profile",
    ]
    assert "2 in quarantine, 1 below min_weight" in command.stderr
    assert "3 encoded, 0 reused, 0 missing" in command.stderr  # descriptions


def test_the_manifest_says_what_was_built(built: FeatureStore) -> None:
    manifest = built.manifest
    reasons = manifest["quarantine"]

    assert manifest["rows"] == {"users": 3, "items": 3, "interactions": 4, "quarantine": 3}
    assert manifest["event_time"] == {"first": "2017-07-14T02:40:00", "last": "2017-07-15T02:41:40"}
    assert manifest["below_min_weight"] == 1
    assert manifest["missing_content"] == {
        "users.profile_embedding": 3,
        "items.description_embedding": 0,
        "items.poster_embedding": 2,
    }
    assert sum(reasons.values()) == 3
    assert reasons["item_id is not in items"] == reasons["value is missing or not readable"] == 1
    assert manifest["dataset"]["name"] == "movielens"


def test_new_content_is_encoded_as_the_films_were(folder: Path, built: FeatureStore) -> None:
    ids = {
        kind: {name: chosen.encoder.id for name, chosen in named.items()}
        for kind, named in built.encoders.items()
    }
    text, picture = built.encoders["text"]["minilm"], built.encoders["image"]["colour_texture"]
    files = [(folder / "raw" / "posters" / "10.jpg").read_bytes()]

    assert ids == built.encoder_ids
    vectors = built.read_vectors("items")
    np.testing.assert_allclose(
        text.encoder.encode(built.read_table("items")["description"].tolist()),
        vectors["description_embedding"],
        atol=1e-6,
    )
    np.testing.assert_array_equal(picture.encoder.encode(files), vectors["poster_embedding"][:1])


def test_the_tables_hold_the_films(built: FeatureStore) -> None:
    items = built.read_table("items")

    assert list(items["item_id"]) == ["10", "20", "30"]
    assert list(items["title"]) == ["The Lamp", "Harbour Fog", "Nine Kites"]
    assert [list(genres) for genres in items["genres"]] == [["Comedy", "Drama"], ["Drama"], []]
    assert items["description"][0] == "The Lamp. A lighthouse keeper repairs one lamp for forty years."
    assert list(items["year"]) == [1971, 1988, 2003]


def test_events_are_in_order_and_know_what_was_known_before(built: FeatureStore) -> None:
    events = built.read_table("interactions")

    assert list(zip(events["user_id"], events["item_id"], strict=True)) == [
        ("1", "20"),  # line 3, before line 4 of the same second
        ("1", "10"),
        ("2", "10"),
        ("2", "20"),
    ]
    assert list(events["user_events_before"]) == [0, 0, 0, 1]
    assert events["user_days_since_last"][3] == pytest.approx(1.0)  # 86,400 s


def test_content_is_embedded_and_what_failed_is_told(built: FeatureStore) -> None:
    vectors = built.read_vectors("items")
    lengths = {name: np.linalg.norm(rows, axis=1).round(5).tolist() for name, rows in vectors.items()}
    quarantine = built.read_table("quarantine").set_index("table")

    assert lengths == {"description_embedding": [1, 1, 1], "poster_embedding": [1, 0, 0]}
    assert list(quarantine.loc["interactions", "row"]) == [5, 7]
    assert quarantine.loc["items", ["row", "column", "value"]].tolist() == [4, "poster", "posters/30.jpg"]
    assert quarantine.loc["items", "reason"].startswith("not readable: damaged image file")


def test_every_spec_is_a_column_of_a_table(built: FeatureStore) -> None:
    columns = [spec.name for table in ("users", "items", "interactions") for spec in built.get_specs(table)]

    assert sorted(columns) == sorted(spec.name for spec in built.specs)


def test_a_second_run_encodes_nothing_and_gives_the_same_store(
    folder: Path, built: FeatureStore, capsys: pytest.CaptureFixture[str]
) -> None:
    again = build_features(compose_features(folder))

    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("embed")]
    assert again.path == built.path
    assert len(told) == 3
    assert all(" 0 encoded, " in line for line in told)


def test_another_mapping_is_another_store_beside_the_first(folder: Path, built: FeatureStore) -> None:
    other = build_features(compose_features(folder, "dataset.interactions.min_weight=4.5"))

    assert other.id != built.id
    assert len(other.read_table("interactions")) == 2
    assert built.path.exists()


@pytest.mark.parametrize("name", ["item_id", "title", "weight", "item_age_days", "pair_share_kinds", "age"])
def test_a_feature_name_that_is_taken_is_refused(name: str) -> None:
    features = {"kinds": {"kind": "categorical"}, name: {"kind": "numeric"}}

    with pytest.raises(ConfigError) as error:
        build_specs(make_dataset(items={"key": "sku", "title": "name", "features": features}), FEATURES)

    assert str(error.value) == (
        f"dataset: the feature name {name!r} is taken. Remedy: choose another name and say where its values "
        f"stand with column: {name}"
    )


def test_two_features_with_one_column_are_refused() -> None:
    with pytest.raises(ConfigError) as error:
        build_specs(make_dataset(), [UserEvents(), UserEvents(windows=("30d",))])

    assert str(error.value) == (
        "point_in_time: two features make the column 'user_events_30d'. Remedy: leave one of them out"
    )


def test_specs_are_declared_embedded_and_computed() -> None:
    specs = build_specs(make_dataset(), FEATURES)
    kinds = [(spec.name, spec.side, spec.kind) for spec in specs]

    assert kinds[:6] == [
        ("age", "query", "numeric"),
        ("kinds", "candidate", "categorical"),
        ("text", "candidate", "text"),
        ("text_embedding", "candidate", "embedding"),
        ("picture", "candidate", "image"),
        ("picture_embedding", "candidate", "embedding"),
    ]
    assert ("user_events_before", "query", "numeric") in kinds
    assert pd.Index(spec.name for spec in specs).is_unique
