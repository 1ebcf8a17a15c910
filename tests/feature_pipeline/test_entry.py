"""Wrong overrides end in one readable line; right ones pass, however they are written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from feature_pipeline.config import ConfigError
from feature_pipeline.entry import CONF, check_overrides, shorten

ROOT = CONF.parent
TOWERS = ", ".join(sorted(path.stem for path in (CONF / "tower").glob("*.yaml")))
NO_TOWER = f"tower=nosuch: there is no conf/tower/nosuch.yaml. Choices: {TOWERS}"


def run_features(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "feature_pipeline", *arguments]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"}
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)


def read_error(*arguments: str) -> str:
    with pytest.raises(ConfigError) as error:
        check_overrides("features", list(arguments))
    return str(error.value)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["tower=small"],
        ["tower=small", "retrieval.embedding_dim=3", "seed=7"],
        ["encoder/text=minilm", "split=temporal"],
        ["dataset=movielens", "dataset.root=/some where/else", "dataset.interactions.min_weight=3"],
        ["dataset.items.features.genres.separator=';'", "dataset=movielens"],
        ["dataset.root='a, b c=d'"],
        ["dataset.root="],
        ["dataset.max_quarantine_share=0.2", "dataset.repeats=true"],
        ["+dataset.items.features.size={kind: numeric}"],
        ["tower.query=[64,32]"],
        ["hydra.run.dir=/tmp/x"],
        ["--cfg", "job", "tower=small"],
        ["-m", "tower=small,large"],
        ["-m", "tower=glob(*)", "retrieval.epochs=range(1,3)"],
        ["hydra.mode=MULTIRUN", "tower=small,large"],
        ["--multirun", "dataset.root='a, b','c d'"],
    ],
)
def test_right_overrides_pass(arguments: list[str]) -> None:
    check_overrides("features", arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tower=nosuch"], NO_TOWER),
        (["tower=nosuch", "seed=3", "retrieval.epochs=2"], NO_TOWER),
        (["-m", "seed=1,2", "tower=small,nosuch"], NO_TOWER),
        (
            ["encoder/text=nosuch"],
            "encoder/text=nosuch: there is no conf/encoder/text/nosuch.yaml. Choices: clip, minilm",
        ),
        (
            ["encoder/txt=minilm"],
            "unknown key 'encoder.txt', did you mean 'encoder.text'? Choices: image, text",
        ),
        (
            ["dataset=movielens", "dataset.items.features.genres.separater=3"],
            "unknown key 'dataset.items.features.genres.separater', did you mean "
            "'dataset.items.features.genres.separator'? Choices: kind, separator",
        ),
        (
            ["dataset.interaction.weight=x"],
            "unknown key 'dataset.interaction', did you mean 'dataset.interactions'? Choices: interactions, "
            "items, max_quarantine_share, name, reader, repeats, root, users",
        ),
        (
            ["tower=small,large"],
            "tower=small,large: several values need --multirun; a list is written key=[a,b], text key='a,b'",
        ),
    ],
)
def test_wrong_overrides_are_refused_with_the_choices(arguments: list[str], message: str) -> None:
    assert read_error(*arguments) == message


def test_a_mistyped_group_is_refused_with_the_nearest() -> None:
    message = read_error("towr=small")

    assert message.startswith(
        "unknown key 'towr', did you mean 'tower'? Choices: artifacts, audit, dataset, "
    )
    assert message.endswith(", tower")
    assert read_error("~nosuch").startswith("unknown key 'nosuch'. Choices: artifacts, audit, dataset, ")


def test_a_mistyped_key_of_a_section_is_refused_with_the_nearest() -> None:
    start = "unknown key 'retrieval.embeding_dim', did you mean 'retrieval.embedding_dim'? Choices: "

    assert read_error("retrieval.embeding_dim=3").startswith(start)
    assert read_error("-m", "retrieval.embeding_dim=3,4", "tower=small,base").startswith(start)
    assert "batch_size, " in read_error("retrieval.embeding_dim=3")


@pytest.mark.parametrize("override", ["+x=1", "++x=1"])
def test_an_added_key_that_nothing_reads_is_refused(override: str) -> None:
    message = read_error("tower=small", override)

    assert message.startswith("unknown key 'x'. Choices: artifacts, audit, dataset, encoder, ")


@pytest.mark.parametrize("text", ["bla", "dataset.root=/a=b", "a=${b"])
def test_text_that_is_no_override_is_refused(text: str) -> None:
    start = f"{text}: write overrides as key=value, and quote values with commas or signs ("

    assert read_error("tower=small", text).startswith(start)


def test_configs_kept_elsewhere_are_left_to_hydra(tmp_path: Path) -> None:
    check_overrides("features", ["--config-dir", str(tmp_path), "dataset=mine"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["bla"], "error: bla: write overrides as key=value"),
        (
            ["-m", "tower=small,nosuch"],
            "error: tower=nosuch: there is no conf/tower/nosuch.yaml. Choices: base",
        ),
        # What composes may still be wrong; the task's own UserError ends in the same way.
        (
            ["dataset=movielens"],
            "error: dataset.root: Missing mandatory value: root. Remedy: give",
        ),
        # Hydra's own complaint, which no check of ours foresees.
        (["--config-name", "nosuch"], "error: Cannot find primary config 'nosuch'."),
    ],
)
def test_a_command_ends_with_one_line_on_stderr(tmp_path: Path, arguments: list[str], start: str) -> None:
    run_dir = [f"hydra.run.dir={tmp_path / 'run'}"] if arguments[0].startswith("dataset") else []

    done = run_features(*arguments, *run_dir)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(start)


@pytest.mark.slow
def test_logs_go_to_stderr_and_stdout_is_for_results() -> None:
    done = run_features("--cfg", "hydra", "-p", "hydra")

    assert done.returncode == 0
    assert "ext://sys.stderr" in done.stdout
    assert "ext://sys.stdout" not in done.stdout
    assert done.stderr == ""


def test_names_that_fit_a_folder_stay_and_others_are_told_apart() -> None:
    fits, longer = "x" * 200, "x" * 300
    assert shorten(fits) == fits
    names = {shorten(longer), shorten(longer + "a"), shorten("ü" * 150)}
    assert len(names) == 3
    assert all(len(name.encode()) <= 255 and name[:100] in ("x" * 100, "ü" * 100) for name in names)
