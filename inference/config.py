"""The typed config of inference."""

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import ConfigDict, PositiveInt, ValidationError

from feature_pipeline.config import ConfigError, EngineConfig, Strict, read_section

ALL_USERS = "all"


class Request(Strict):
    """What is asked of inference.

    Attributes:
        user: a user id, or `all`.
        k: how many recommendations.
        format: `table` for people, `json` for programs.
        html: where to write a page for this user, if at all.
        out: the Parquet file that `user=all` writes.
        bundle: id of a bundle; the current one by default.
        as_of: the moment of the request, UTC; by default where the split's own queries stand.
        context: the moment's features; what is left open is taken from the user's latest event.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    user: str
    k: PositiveInt
    format: Literal["table", "json"]
    html: Path | None
    out: Path | None
    bundle: str | None
    as_of: datetime | None
    context: dict[str, str]


def read_request(config: DictConfig) -> Request:
    """Checks the request's part of the composed config.

    Raises:
        ConfigError: no user is named, or a value is not of its type.
    """
    if OmegaConf.is_missing(config, "user"):
        raise ConfigError("user: expected a user id or all, found nothing. Remedy: make infer USER=ID, or user=ID")
    values: dict[str, Any] = {name: OmegaConf.to_container(OmegaConf.create({"v": config[name]}))["v"] for name in Request.model_fields}  # type: ignore[index]
    try:
        request = Request.model_validate(values)
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}, found {e['input']!r}" for e in error.errors())
        raise ConfigError("; ".join(problems)) from None
    if request.user == ALL_USERS and request.out is None:
        raise ConfigError("out: expected a file for user=all. Remedy: make infer USER=all OUT=FILE.parquet")
    return request


def read_engine(config: DictConfig) -> EngineConfig:
    """Checks the engine's part of the composed config."""
    return read_section(EngineConfig, config, "engine")
