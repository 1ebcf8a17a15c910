"""How every command starts: Hydra composes, and what the user got wrong is one readable line."""

import os
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra._internal.utils import get_args_parser
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf

from feature_pipeline.artefact import hash_text
from feature_pipeline.config import ConfigError, unknown_key
from feature_pipeline.errors import UserError

CONF = Path(__file__).resolve().parent.parent / "conf"

# Choices of one swept key that are tried before a sweep starts.
_TRIED_CHOICES = 100
# File systems take 255 bytes for a name.
_LONGEST_NAME = 200


def run(task: Callable[[DictConfig], Any], config_name: str) -> None:
    """Runs `task` as a Hydra command with the config `conf/<config_name>.yaml`.

    An error the user can mend (`UserError`, or overrides that do not compose) ends the process with status 2
    and one line on stderr that says what the choices are. Anything else keeps its traceback.
    """
    # A sweep's job must see its own error too, not Hydra's shortened account of it.
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")

    def guarded(config: DictConfig) -> Any:
        try:
            return task(config)
        except UserError as error:
            _stop(error)

    guarded.__module__ = "__main__"
    OmegaConf.register_new_resolver("shorten", shorten, replace=True)
    try:
        check_overrides(config_name, sys.argv[1:])
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(guarded)()
    except (UserError, HydraException) as error:
        _stop(error)


def shorten(name: str) -> str:
    """A name that a folder can have: as it is, or its beginning and an id that tells it from others."""
    return name if len(name.encode()) <= _LONGEST_NAME else f"{name[:100]}~{hash_text(name)}"


def _stop(error: Exception) -> None:
    print(f"error: {_on_one_line(error)}", file=sys.stderr)
    sys.exit(2)


def _on_one_line(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines())


def check_overrides(config_name: str, arguments: list[str]) -> None:
    """Composes the config once for each choice of a sweep, to refuse a wrong override before anything runs.

    Configs that the user keeps elsewhere (`--config-dir`, `--config-name`) are left to Hydra.

    Args:
        config_name: the entry config.
        arguments: the command line after the program's name.

    Raises:
        ConfigError: an override names an unknown group choice or key; the message gives the choices.
    """
    given = get_args_parser().parse_args(arguments)
    if given.config_dir or given.config_name or given.config_path:
        return
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = [_parse(text) for text in given.overrides]
        multirun = given.multirun or any(o.key_or_group == "hydra.mode" for o in overrides)
        _check_added_keys(config_name, overrides)
        for choices in _vary_one([_expand(override, multirun) for override in overrides]):
            try:
                compose(config_name, choices)
            except (HydraException, ValueError):
                raise _find_fault(config_name, choices) from None


def _parse(text: str) -> Override:
    try:
        loader = GlobalHydra.instance().config_loader()
        return OverridesParser.create(loader).parse_overrides([text])[0]
    except HydraException as error:
        expected = "write overrides as key=value, and quote values with commas or signs"
        raise ConfigError(f"{text}: {expected} ({_on_one_line(error)})") from None


def _expand(override: Override, multirun: bool) -> list[str]:
    """The override once for each value it sweeps over, or itself."""
    text = str(override.input_line)
    if not override.is_sweep_override():
        return [text]
    if not multirun:
        raise ConfigError(
            f"{text}: several values need --multirun; a list is written key=[a,b], text key='a,b'"
        )
    values = islice(override.sweep_string_iterator(), _TRIED_CHOICES)
    return [f"{override.get_key_element()}={value}" for value in values]


def _vary_one(swept: list[list[str]]) -> Iterator[list[str]]:
    """All first choices together, then each further choice beside the first ones of the others."""
    first = [choices[0] for choices in swept]
    yield first
    for place, choices in enumerate(swept):
        for choice in choices[1:]:
            yield [*first[:place], choice, *first[place + 1 :]]


def _check_added_keys(config_name: str, overrides: list[Override]) -> None:
    """Refuses `+key=value` with a new first part, which nothing would read; sections check their own keys."""
    added = [o.key_or_group for o in overrides if o.is_add() or o.is_force_add()]
    if added:
        known = {*map(str, compose(config_name)), *GlobalHydra.instance().config_loader().list_groups("")}
        for key in added:
            if key.split(".")[0].split("/")[0] not in known:
                raise ConfigError(unknown_key(key, sorted(known)))


def _find_fault(config_name: str, overrides: list[str]) -> ConfigError:
    """Adds the overrides one by one, groups first, and explains the first that does not compose."""
    kept: list[str] = []
    for text in sorted(overrides, key=lambda text: "." in text.split("=")[0]):
        try:
            compose(config_name, [*kept, text])
        except MissingConfigException as error:
            choices = ", ".join(sorted(error.options or [])) or "none yet"
            return ConfigError(f"{text}: there is no conf/{error.missing_cfg_file}.yaml. Choices: {choices}")
        except (HydraException, ValueError) as error:
            return ConfigError(_explain(config_name, kept, text) or f"{text}: {_on_one_line(error)}")
        kept.append(text)
    raise AssertionError(f"{overrides} compose one by one, but not together")


def _explain(config_name: str, kept: list[str], text: str) -> str:
    """Says which part of the override's key the config does not have; nothing where it has them all."""
    place = OmegaConf.to_container(compose(config_name, kept, return_hydra_config=True))
    steps = _parse(text).key_or_group.replace("/", ".").split(".")
    for depth, step in enumerate(steps, start=1):
        if not isinstance(place, dict):
            break
        if step not in place:
            return unknown_key(".".join(steps[:depth]), sorted(map(str, place)))
        place = place[step]
    return ""
