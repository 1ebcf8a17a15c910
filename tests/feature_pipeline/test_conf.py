"""Every config composes: each choice of each group, with each entry config, through its typed sections."""

import subprocess
import sys
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from feature_pipeline.config import SplitConfig, read_section
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.encoders.config import EncoderConfig
from feature_pipeline.engine.connect import EngineConfig
from feature_pipeline.entry import CONF, check_overrides
from feature_pipeline.features.registry import read_features
from feature_pipeline.specs import build_specs
from training_pipeline.config import read_settings

ENTRIES = sorted(path.stem for path in CONF.glob("*.yaml") if path.stem != "project")


def find_groups(entry: str) -> set[str]:
    """The groups in the defaults list of an entry config, and of the project's where it includes that."""
    groups: set[str] = set()
    for default in OmegaConf.load(CONF / f"{entry}.yaml").defaults:
        if default == "project":
            groups |= find_groups("project")
        elif isinstance(default, DictConfig):
            groups |= {str(group) for group in default if not str(group).startswith("override ")}
    return groups


def find_choices(entry: str) -> list[str]:
    """Overrides, one for each file of each group that the entry has."""
    return [
        f"{group}={path.stem}"
        for group in sorted(find_groups(entry))
        for path in sorted((CONF / group).glob("*.yaml"))
    ]


CHOICES = [(entry, override) for entry in ENTRIES for override in find_choices(entry)]
SWEEPS = sorted(path.stem for path in (CONF / "sweep").glob("*.yaml"))


def compose_entry(entry: str, *overrides: str) -> DictConfig:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose(entry, list(overrides), return_hydra_config=True)


def test_no_file_is_left_out() -> None:
    """A file that no entry can choose would be dead, and untested here."""
    files = {path.relative_to(CONF).with_suffix("") for path in CONF.glob("*/**/*.yaml")}
    chosen = {Path(override.replace("=", "/")) for _, override in CHOICES}

    assert {path for path in files if path.parts[0] != "hydra"} == chosen
    assert {"features", "train"} <= set(ENTRIES)


@pytest.mark.parametrize(("entry", "override"), CHOICES)
def test_every_choice_composes_and_passes_its_typed_section(entry: str, override: str) -> None:
    config = compose_entry(entry, override)
    for key in OmegaConf.missing_keys(config.dataset):  # what the user must give
        OmegaConf.update(config, key, "given")

    dataset = read_section(DatasetConfig, config, "dataset")
    assert build_specs(dataset, list(read_features(config).values()))
    read_section(EngineConfig, config, "engine")
    read_section(EncoderConfig, config, "encoder")
    read_section(SplitConfig, config, "split")
    settings = read_settings(config)
    assert settings.dataset == dataset.name


@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_value_of_a_sweep_composes(sweep: str) -> None:
    config = compose_entry("train", f"sweep={sweep}")
    swept = [f"{key}={values}" for key, values in config.hydra.sweeper.params.items()]

    assert swept
    check_overrides("train", ["--multirun", f"sweep={sweep}", *swept])


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_logs_to_stderr_and_never_to_stdout(entry: str) -> None:
    config = compose_entry(entry)

    for logging in (config.hydra.job_logging, config.hydra.hydra_logging):
        streams = [handler.stream for handler in logging.handlers.values()]
        assert streams == ["ext://sys.stderr"]
    assert config.hydra.job_logging.root.level == "WARNING"


def test_a_data_set_may_choose_its_split() -> None:
    assert compose_entry("features", "dataset=sample").split.name == "temporal"
    assert compose_entry("features", "dataset=movielens").split.name == "leave_last_out"
    assert compose_entry("features", "dataset=movielens", "split=temporal").split.name == "temporal"


def test_each_pipeline_names_its_run_after_the_data_set() -> None:
    config = compose_entry("features", "dataset=movielens", "artifacts=/there")

    assert config.hydra.run.dir.startswith("/there/movielens/runs/features-")


def test_a_data_set_may_live_in_the_users_own_folder(tmp_path: Path) -> None:
    """As `make features DATASET=mine ARGS="--config-dir my_conf"` calls it."""
    (tmp_path / "dataset").mkdir()
    (tmp_path / "dataset" / "mine.yaml").write_text("defaults: [tables]\nname: mine\nroot: raw\n")
    command = [
        sys.executable,
        "-m",
        "feature_pipeline",
        "dataset=mine",
        "seed=7",
        "--config-dir",
        str(tmp_path),
    ]

    shown = subprocess.run([*command, "--cfg", "job"], capture_output=True, text=True, check=True).stdout

    config = OmegaConf.create(shown)
    assert (config.dataset.name, config.dataset.reader, config.seed) == ("mine", "tables", 7)
