"""The typed configs of the feature pipeline: an unknown key or a wrong type is refused by name.

Hydra composes; these classes check what it composed.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

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


class SplitConfig(Strict):
    """How events divide into train, validation and test.

    Attributes:
        name: `temporal` cuts the time line; `leave_last_out` takes each user's last events; `cold_items`
            takes all events of some items.
        validation_share: share of all events (temporal), or items (cold_items), that validate.
        test_share: share of all events (temporal), or items (cold_items), that test.
        min_events: users with fewer events only train (leave_last_out).
    """

    name: Literal["temporal", "leave_last_out", "cold_items"]
    validation_share: float = Field(default=0.1, gt=0, lt=0.5)
    test_share: float = Field(default=0.1, gt=0, lt=0.5)
    min_events: int = Field(default=4, ge=3)

    @property
    def leaves_moments_open(self) -> bool:
        """Whether a request that says no moment has an unknown one: some time after its user's last event."""
        return self.name == "leave_last_out"


def read_section(section: type[Section], config: DictConfig, path: str) -> Section:
    """Turns one composed section into its typed config.

    Args:
        section: the config class.
        config: the whole composed config.
        path: dotted path of the section in it, as `dataset`.

    Raises:
        ConfigError: an unknown key (the nearest known one is suggested) or a value of the wrong type.
    """
    return check_section(section, read_values(config, path), path)


def read_values(config: DictConfig, path: str) -> Any:
    """One composed section as plain values, every reference resolved.

    Raises:
        ConfigError: a value that must be given is not.
    """
    try:
        values = OmegaConf.select(config, path)
        if isinstance(values, DictConfig):
            values = OmegaConf.to_container(values, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        place = error.full_key or path
        raise ConfigError(f"{place}: {str(error).splitlines()[0]}. Remedy: give {place}=VALUE") from None
    return values


def check_section(section: type[Section], values: Any, path: str) -> Section:
    """Turns plain values into a typed config; see `read_section`."""
    try:
        return section.model_validate(values)
    except ValidationError as error:
        raise ConfigError("; ".join(_describe(section, path, detail) for detail in error.errors())) from None


def _describe(section: type[BaseModel], path: str, detail: Mapping[str, Any]) -> str:
    steps, _ = _follow(section, detail["loc"])
    place = ".".join(filter(None, [path, *steps]))
    if detail["type"] == "extra_forbidden":
        _, model = _follow(section, detail["loc"][:-1])
        return unknown_key(place, sorted(model.model_fields))
    found = "" if isinstance(detail["input"], dict) else f", found {detail['input']!r}"
    return f"{place}: {detail['msg'].removeprefix('Value error, ')}{found}"


def _follow(annotation: Any, loc: tuple[Any, ...]) -> tuple[list[str], Any]:
    """The way to a value as the user writes it, and the type at its end.

    `loc` is pydantic's: it passes through dictionary keys, and names the member of a union that was checked.
    """
    steps: list[str] = []
    for step in map(str, loc):
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            field = annotation.model_fields.get(step)
            annotation = _strip(field.annotation) if field else None
        elif get_origin(annotation) is dict:
            annotation = _strip(get_args(annotation)[1])
        elif member := _find_member(annotation, step):
            annotation = member
            continue
        steps.append(step)
    return steps, annotation


def _strip(annotation: Any) -> Any:
    """`X` of `X | None` and of `Annotated[X, ...]`."""
    if get_origin(annotation) is Annotated:
        return _strip(get_args(annotation)[0])
    given = [part for part in get_args(annotation) if part is not NoneType]
    return given[0] if len(given) == 1 and NoneType in get_args(annotation) else annotation


def _find_member(union: Any, tag: str) -> type[BaseModel] | None:
    """The model of a union that says `Literal[tag]` in one of its fields."""
    models = [part for part in get_args(union) if isinstance(part, type) and issubclass(part, BaseModel)]
    tags = {model: [get_args(field.annotation) for field in model.model_fields.values()] for model in models}
    return next((model for model in models if (tag,) in tags[model]), None)


def unknown_key(key: str, known: list[str]) -> str:
    """One line about a mistyped key: the nearest known one, and all the choices."""
    prefix, _, leaf = key.rpartition(".")
    near = get_close_matches(leaf, known, n=1)
    hint = f", did you mean {'.'.join(filter(None, [prefix, near[0]]))!r}?" if near else "."
    return f"unknown key {key!r}{hint} Choices: {', '.join(known)}"
