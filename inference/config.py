"""The typed config of inference."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, OmegaConf
from pydantic import BeforeValidator, ConfigDict, Field, PositiveInt

from feature_pipeline.config import ConfigError, Strict, read_section
from feature_pipeline.engine.connect import EngineConfig
from inference.ask import Ask

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
        user: a user id, or `all`; None for somebody new.
        profile: what somebody new says: values by column of the users table.
        likes: items liked besides what is known, by id, the latest last.
        k: how many recommendations.
        format: `table` for people, `json` for programs.
        html: where to write a page for this user, if at all.
        out: the Parquet file that `user=all` writes.
        bundle: id of a bundle; the current one by default.
        as_of: the moment of the request, UTC; by default where the split's own queries stand.
        context: the moment's features; what is left open is taken from the user's latest event.
        filters: what items must be, see `ItemFilter`.
        exclude: items not to show, by id.
        diversity: from 0, which keeps the ranker's order, to 1.
        caps: how many of the shown items may share a value, by categorical column.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    user: str | None
    profile: dict[str, Any] | None
    likes: list[str]
    k: PositiveInt
    format: Literal["table", "json"]
    html: Path | None
    out: Path | None
    bundle: str | None
    as_of: Annotated[datetime, BeforeValidator(_read_iso)] | None
    context: dict[str, str] | None
    filters: dict[str, Any] | None
    exclude: list[str]
    diversity: float = Field(ge=0, le=1)
    caps: dict[str, int] | None

    @property
    def ask(self) -> Ask:
        """The one who asks."""
        return Ask(self.user, self.profile or {}, self.likes)


def read_request(config: DictConfig) -> Request:
    """Checks the request's keys, which stand at the top of the composed config.

    Raises:
        ConfigError: no user is named, a value is not of its type, or a file is asked for that this user
            does not get.
    """
    asked = {name: OmegaConf.select(config, name) for name in Request.model_fields}
    request = read_section(Request, OmegaConf.create(asked), "")
    if request.user is None and not request.profile and not request.likes:
        raise ConfigError(
            "user: expected a user id or all, or a profile or likes of somebody new, found nothing. "
            "Remedy: make infer USER=ID, or user=ID"
        )
    _check_files(request)
    _check_everybody(request)
    return request


def _check_files(request: Request) -> None:
    if request.user == ALL_USERS and request.out is None:
        raise ConfigError(
            "out: expected a file for user=all, found none. Remedy: make infer USER=all OUT=FILE.parquet"
        )
    if request.user == ALL_USERS and request.html is not None:
        raise ConfigError(f"html: expected one user for a page, found all. Remedy: leave {request.html} out")
    if request.user is None and request.html is not None:
        expected = "html: expected a known user for a page, found none"
        raise ConfigError(f"{expected}. Remedy: leave {request.html} out")
    if request.user != ALL_USERS and request.out is not None:
        raise ConfigError(
            f"out: expected user=all for a Parquet file, found user={request.user}. "
            "Remedy: make infer USER=all OUT=FILE.parquet; one user's are printed, FORMAT=json for programs"
        )


def _check_everybody(request: Request) -> None:
    """What is said of one user does not go with all of them."""
    if request.user != ALL_USERS:
        return
    for name in ("profile", "likes", "filters", "exclude", "diversity", "caps"):
        if getattr(request, name):
            raise ConfigError(f"{name}: expected one user, found all. Remedy: leave {name} out")


def read_engine(config: DictConfig) -> EngineConfig:
    """Checks the engine's part of the composed config."""
    return read_section(EngineConfig, config, "engine")
