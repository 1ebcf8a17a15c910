"""The typed config of inference."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import BeforeValidator, ConfigDict, PositiveInt

from feature_pipeline.config import ConfigError, Strict, check_section, read_section, read_values
from feature_pipeline.engine.connect import EngineConfig
from inference.index.config import IndexConfig, IndexSection

ALL_USERS = "all"


def _read_iso(value: Any) -> datetime:
    """ISO 8601 alone; pydantic would count a bare `2024` as seconds since 1970."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise ValueError("expected a time in ISO 8601, as 2024-05-01T12:00:00") from None


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
    as_of: Annotated[datetime, BeforeValidator(_read_iso)] | None
    context: dict[str, str] | None


def read_request(config: DictConfig) -> Request:
    """Checks the request's keys, which stand at the top of the composed config.

    Raises:
        ConfigError: no user is named, a value is not of its type, or a file is asked for that this user
            does not get.
    """
    if OmegaConf.is_missing(config, "user"):
        raise ConfigError(
            "user: expected a user id or all, found nothing. Remedy: make infer USER=ID, or user=ID"
        )
    asked = {name: OmegaConf.select(config, name) for name in Request.model_fields}
    request = read_section(Request, OmegaConf.create(asked), "")
    _check_files(request)
    return request


def _check_files(request: Request) -> None:
    if request.user == ALL_USERS and request.out is None:
        raise ConfigError(
            "out: expected a file for user=all, found none. Remedy: make infer USER=all OUT=FILE.parquet"
        )
    if request.user == ALL_USERS and request.html is not None:
        raise ConfigError(f"html: expected one user for a page, found all. Remedy: leave {request.html} out")
    if request.user != ALL_USERS and request.out is not None:
        raise ConfigError(
            f"out: expected user=all for a Parquet file, found user={request.user}. "
            "Remedy: make infer USER=all OUT=FILE.parquet; one user's are printed, FORMAT=json for programs"
        )


def read_engine(config: DictConfig) -> EngineConfig:
    """Checks the engine's part of the composed config."""
    return read_section(EngineConfig, config, "engine")


def read_index(config: DictConfig) -> IndexConfig:
    """Checks the index's part of the composed config."""
    return check_section(IndexSection, {"index": read_values(config, "index")}, "").index
