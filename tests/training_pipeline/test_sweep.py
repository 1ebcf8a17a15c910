"""A sweep compares settings on validation, and goes on where it stopped."""

import json
import re
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from feature_pipeline.entry import CONF
from tests.tiny_store import write_tiny_store
from tests.training_pipeline.command import DATASET, compose_train, run_training
from training_pipeline.config import read_settings
from training_pipeline.sweep import render_results
from training_pipeline.train import name_run


def make_result(setting: str, objective: float, parameters: int = 1000) -> dict[str, Any]:
    return {
        "key": "k",
        "setting": setting,
        "validation NDCG@10": objective,
        "parameters": parameters,
        "epochs": 3,
        "seconds": 12.34,
    }


def test_best_setting_stands_first() -> None:
    results = [
        make_result("tower=small", 0.1),
        make_result("tower=base,seed=2", 0.3),
        make_result("tower=large", 0.2),
    ]
    assert render_results(results).splitlines() == [
        "validation NDCG@10  parameters  epochs  seconds  setting",
        "0.3000              1,000       3       12.3     tower=base seed=2",
        "0.2000              1,000       3       12.3     tower=large",
        "0.1000              1,000       3       12.3     tower=small",
    ]


def test_no_results_are_a_heading_alone() -> None:
    assert len(render_results([]).splitlines()) == 1


def sweep(artifacts: Path, dims: str) -> tuple[list[str], dict[str, Path]]:
    """The settings of the printed table, best first, and each setting's result file."""
    output = run_training(artifacts, "retrieval.epochs=1", f"retrieval.embedding_dim={dims}", "--multirun")
    assert output.returncode == 0, output.stderr
    heading, *lines = output.stdout.splitlines()
    assert heading.startswith("validation NDCG@10")
    files = {
        _find_dim(json.loads(file.read_text())["setting"]): file for file in artifacts.rglob("result.json")
    }
    return [_find_dim(line) for line in lines], files


def _find_dim(setting: str) -> str:
    found = re.search(r"embedding_dim=(\d+)", setting)
    assert found, setting
    return found[1]


@pytest.mark.slow
def test_sweep_goes_on_where_it_stopped(tmp_path: Path) -> None:
    write_tiny_store(tmp_path, DATASET)
    settings, files = sweep(tmp_path, "3,4,5")
    assert sorted(settings) == sorted(files) == ["3", "4", "5"]
    results = {dim: json.loads(file.read_text()) for dim, file in files.items()}
    assert settings == sorted(settings, key=lambda dim: -results[dim]["validation NDCG@10"])
    assert results["3"]["parameters"] < results["4"]["parameters"] < results["5"]["parameters"]
    assert str(tmp_path) not in results["3"]["setting"]
    assert not (tmp_path / DATASET / "bundles").exists()
    for file in files.values():
        assert {place.name for place in file.parent.iterdir()} >= {"curve.csv", "curve.png"}
    assert list((tmp_path / DATASET / "checkpoints").iterdir()) == []

    # What was finished is kept as it is, what was made with other settings or features is not.
    finished = results["3"] | {"validation NDCG@10": 0.9999}
    files["3"].write_text(json.dumps(finished))
    files["4"].write_text(json.dumps(results["4"] | {"key": "other", "validation NDCG@10": 0.9998}))
    settings, files = sweep(tmp_path, "3,4")
    assert settings == ["3", "4"]
    assert json.loads(files["3"].read_text()) == finished
    again = json.loads(files["4"].read_text())
    assert again["key"] == results["4"]["key"]
    assert again["validation NDCG@10"] == pytest.approx(results["4"]["validation NDCG@10"], abs=1e-6)


@pytest.mark.parametrize("file", sorted((CONF / "sweep").glob("*.yaml")), ids=lambda file: file.stem)
def test_every_job_of_the_sweeps_that_come_along_is_valid(file: Path) -> None:
    params = OmegaConf.load(file).hydra.sweeper.params
    choices = [[f"{name}={value}" for value in values.split(",")] for name, values in params.items()]
    names = {name_run(read_settings(compose_train(*job)), "store") for job in product(*choices)}
    assert len(names) == prod(map(len, choices)) > 1


def test_several_machines_are_refused(tmp_path: Path) -> None:
    write_tiny_store(tmp_path, DATASET)
    output = run_training(tmp_path, "strategy=multi_worker", "--multirun")
    assert output.returncode != 0
    assert "strategy: a sweep runs on one machine, expected default or mirrored" in output.stderr


def test_name_of_a_run_follows_settings_and_features_but_not_the_place() -> None:
    def name(*overrides: str, store: str = "store") -> str:
        return name_run(read_settings(compose_train(*overrides)), store)

    usual = name("artifacts=here")
    assert name("artifacts=there") == usual
    others = {name("retrieval.epochs=99"), name("seed=1"), name("query=transformer"), name(store="other")}
    assert len(others | {usual}) == 5
