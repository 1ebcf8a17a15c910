"""The typed configs of the feature pipeline: an unknown key or a wrong type is refused by name.

Hydra composes; these classes check what it composed.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from string import Formatter
from typing import Any, Literal, TypeVar, get_args

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from feature_pipeline.errors import UserError


class ConfigError(UserError):
    """A config names a key or a value that does not exist; the message gives the choices."""


class Strict(BaseModel):
    """Base of every config: frozen, and no key beyond the declared ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Section = TypeVar("Section", bound=Strict)


class FeatureColumn(Strict):
    """How one feature is read from a raw table.

    Attributes:
        kind: how it is embedded.
        column: raw column; default is the feature's own name.
        template: text made of raw columns, as `"{title}. {plot}"`; only for kind text.
        separator: splits a categorical value into several.
    """

    kind: Literal["categorical", "numeric", "timestamp", "text", "image"]
    column: str | None = None
    template: str | None = None
    separator: str | None = None

    @model_validator(mode="after")
    def _check_options_fit_kind(self) -> "FeatureColumn":
        if self.template is not None and self.kind != "text":
            raise ValueError(f"template goes with kind text, not {self.kind}")
        if self.separator is not None and self.kind != "categorical":
            raise ValueError(f"separator goes with kind categorical, not {self.kind}")
        if self.template is not None and not self.template_columns:
            raise ValueError(f"template {self.template!r} names no column; write it as '{{title}}. {{plot}}'")
        return self

    @property
    def template_columns(self) -> tuple[str, ...]:
        """The raw columns that the template names, each once."""
        places = list(Formatter().parse(self.template or ""))
        for _, name, spec, conversion in places:
            if name is not None and (
                spec or conversion or not name or name.isdigit() or set(".[") & set(name)
            ):
                raise ValueError(f"template {self.template!r} may hold only column names in braces")
        return tuple(dict.fromkeys(name for _, name, _, _ in places if name))


class UsersMapping(Strict):
    """Raw users -> contract: the key column and the declared features."""

    key: str
    features: dict[str, FeatureColumn] = {}


class ItemsMapping(Strict):
    """Raw items -> contract: the key, the column printed as title, and the declared features."""

    key: str
    title: str
    features: dict[str, FeatureColumn] = {}


class InteractionsMapping(Strict):
    """Raw interactions -> contract.

    Attributes:
        time_unit: unit of a numeric `event_time` since 1970 (UTC); unused where the column holds dates.
        weight: raw column; every event weighs 1 where it is absent.
        min_weight: events that weigh less are no positives and are left out, counted in the manifest.
        context: features of the moment, such as season or device.
    """

    user_id: str
    item_id: str
    event_time: str
    time_unit: Literal["s", "ms", "us"] = "s"
    weight: str | None = None
    min_weight: float | None = None
    event_type: str | None = None
    context: dict[str, FeatureColumn] = {}

    @model_validator(mode="after")
    def _check_context_needs_no_encoder(self) -> "InteractionsMapping":
        for name, feature in self.context.items():
            if feature.kind in ("text", "image"):
                raise ValueError(f"context feature {name!r} cannot be of kind {feature.kind}")
        return self


class DatasetConfig(Strict):
    """One data set: which reader, where its files lie, and how its columns map to the contract.

    Attributes:
        root: folder of the raw files.
        repeats: whether a user may be recommended an item they have already met.
        max_quarantine_share: the build fails when more than this share of interactions is bad.
    """

    name: str
    reader: Literal["sample", "movielens"]
    root: str
    repeats: bool = False
    max_quarantine_share: float = Field(default=0.05, ge=0, le=1)
    users: UsersMapping
    items: ItemsMapping
    interactions: InteractionsMapping


class EngineConfig(Strict):
    """Where the feature expressions run. `threads` and `memory_limit` are DuckDB's own settings."""

    name: Literal["duckdb"]
    threads: int = Field(ge=1)
    memory_limit: str


class TextEncoderConfig(Strict):
    """The sentence-transformers model of the text features."""

    model: str
    batch_size: int = Field(ge=1)


class ImageEncoderConfig(Strict):
    """The image descriptor of the image features."""

    model: Literal["colour_texture"]


class EncoderConfig(Strict):
    """One encoder for each content kind."""

    text: TextEncoderConfig
    image: ImageEncoderConfig


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
