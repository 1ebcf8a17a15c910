"""The typed configs of the feature pipeline: an unknown key or a wrong type is refused by name.

Hydra composes; these classes check what it composed.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from feature_pipeline.errors import UserError


class ConfigError(UserError):
    """A config names a key or a value that does not exist; the message gives the choices."""


class Strict(BaseModel):
    """Base of every config: frozen, and no key beyond the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Section = TypeVar("Section", bound=Strict)


class EngineConfig(Strict):
    """Where the feature expressions run. `threads` and `memory_limit` are DuckDB's own settings."""

    name: Literal["duckdb"]
    threads: int = Field(ge=1)
    memory_limit: str


class SplitConfig(Strict):
    """How events divide into train, validation and test.

    Attributes:
        name: `temporal` cuts the time line; `leave_last_out` takes each user's last events.
        validation_share: share of all events in the validation window (temporal).
        test_share: share of all events in the test window (temporal).
        min_events: users with fewer events only train (leave_last_out).
    """

    name: Literal["temporal", "leave_last_out"]
    validation_share: float = Field(default=0.1, gt=0, lt=0.5)
    test_share: float = Field(default=0.1, gt=0, lt=0.5)
    min_events: int = Field(default=4, ge=3)


def read_section(section: type[Section], config: DictConfig, path: str) -> Section:
    """Turns one composed section into its typed config.

    Args:
        section: the config class.
        config: the whole composed config.
        path: dotted path of the section in it, as `dataset`.

    Raises:
        ConfigError: an unknown key (the nearest known one is suggested) or a value of the wrong type.
    """
    try:
        values = OmegaConf.select(config, path)
        if isinstance(values, DictConfig):
            values = OmegaConf.to_container(values, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        place = error.full_key or path
        raise ConfigError(f"{place}: {str(error).splitlines()[0]}. Remedy: give {place}=VALUE") from None
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_describe(section, path, detail) for detail in error.errors())) from None


def _describe(section: type[BaseModel], path: str, detail: Mapping[str, Any]) -> str:
    place = ".".join(filter(None, [path, *map(str, detail["loc"])]))
    if detail["type"] == "extra_forbidden":
        return unknown_key(place, _known_keys(section, detail["loc"][:-1]))
    found = "" if isinstance(detail["input"], dict) else f", found {detail['input']!r}"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}{found}"


def _known_keys(section: type[BaseModel], loc: tuple[Any, ...]) -> list[str]:
    """Field names of the model that `loc` leads to; `loc` also passes through dictionary keys."""
    model = section
    for step in loc:
        field = model.model_fields.get(str(step))
        if field is None:
            continue
        types = (field.annotation, *get_args(field.annotation))
        model = next((t for t in types if isinstance(t, type) and issubclass(t, BaseModel)), model)
    return sorted(model.model_fields)


def unknown_key(key: str, known: list[str]) -> str:
    """One line about a mistyped key: the nearest known one, and all the choices."""
    prefix, _, leaf = key.rpartition(".")
    near = get_close_matches(leaf, known, n=1)
    hint = f", did you mean {'.'.join(filter(None, [prefix, near[0]]))!r}?" if near else "."
    return f"unknown key {key!r}{hint} Choices: {', '.join(known)}"
