"""How every command starts: Hydra composes, and what the user got wrong is one readable line."""

import os
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf

from feature_pipeline.config import ConfigError, unknown_key
from feature_pipeline.errors import UserError

CONF = Path(__file__).resolve().parent.parent / "conf"


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
    try:
        check_overrides(config_name, sys.argv[1:])
    except UserError as error:
        _stop(error)
    hydra.main(version_base="1.3", config_path=str(CONF), config_name=config_name)(guarded)()


def _stop(error: Exception) -> None:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(2)


def check_overrides(config_name: str, arguments: list[str]) -> None:
    """Composes the config once for each choice of a sweep, to refuse a wrong override before anything runs.

    Raises:
        ConfigError: an override names an unknown group choice or key; the message gives the choices.
    """
    written = [a for a in arguments if not a.startswith("-") and ("=" in a or a.startswith("~"))]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            overrides = OverridesParser.create().parse_overrides(written)
        except HydraException as error:
            raise ConfigError(str(error).splitlines()[0]) from None
        chosen = [list(_expand(override)) for override in overrides]
        for index, choices in enumerate(chosen):
            others = [c[0] for i, c in enumerate(chosen) if i != index]
            for choice in choices:
                _try_compose(config_name, [*others, choice], choice)
        if not chosen:
            _try_compose(config_name, [], config_name)


def _expand(override: Override) -> list[str]:
    """The override once for each value it sweeps over, or itself."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    values = islice(override.sweep_string_iterator(), 100)
    return [f"{override.get_key_element()}={value}" for value in values]


def _try_compose(config_name: str, overrides: list[str], suspect: str) -> None:
    try:
        compose(config_name, overrides)
    except MissingConfigException as error:
        choices = ", ".join(sorted(error.options or []))
        raise ConfigError(f"{suspect}: no such choice. Choices: {choices}") from None
    except ConfigCompositionException as error:
        raise ConfigError(_explain(config_name, overrides, error)) from None


def _explain(config_name: str, overrides: list[str], error: Exception) -> str:
    """Finds the override whose key the config does not have."""
    base = compose(config_name, [o for o in overrides if o.split("=")[0] in ("dataset", "experiment")])
    for override in overrides:
        key = override.lstrip("+~").split("=")[0].split("@")[0]
        parent, _, leaf = key.replace("/", ".").rpartition(".")
        section = OmegaConf.select(base, parent) if parent else base
        if isinstance(section, DictConfig) and leaf not in section:
            return unknown_key(key.replace("/", "."), sorted(map(str, section)))
        if section is None:
            return unknown_key(parent, sorted(map(str, base)))
    return " ".join(str(error).split())
