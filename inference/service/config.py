"""The typed config of the service, and how the processes that answer get it."""

import os
from pathlib import Path

from omegaconf import DictConfig
from pydantic import Field, PositiveInt

from feature_pipeline.config import Strict, read_section
from feature_pipeline.errors import UserError
from feature_pipeline.feedback.config import FeedbackConfig
from training_pipeline.index_config import IndexConfig, read_index

TOKEN = "TOWERBRIDGE_TOKEN"
# Where Prometheus' client keeps the numbers of several processes.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SETTINGS = "TOWERBRIDGE_SERVICE"


class Limits(Strict):
    """What one request may cost.

    Attributes:
        body_bytes: of a whole request, an upload included.
        image_bytes: of one picture's file.
        image_pixels: width times height of one picture, as its header says.
    """

    body_bytes: PositiveInt
    image_bytes: PositiveInt
    image_pixels: PositiveInt


class ServeConfig(Strict):
    """How the service runs.

    Attributes:
        host: the address it listens on.
        port: 0 for any free one.
        workers: processes that answer.
        threads: requests that one process works on at once.
        queue: requests that wait in one process; those beyond are sent away with 503.
        tensorflow_threads: of one process.
        limits: what one request may cost.
    """

    host: str
    port: int = Field(ge=0, le=65535)
    workers: PositiveInt
    threads: PositiveInt
    queue: int = Field(ge=0)
    tensorflow_threads: PositiveInt
    limits: Limits


class Settings(Strict):
    """What a process that answers needs to know.

    Attributes:
        bundles: `artifacts/<dataset>/bundles`.
        dataset: its name, for messages.
        serve: how the service runs.
        feedback: where it keeps what people do, and what that counts.
        index: how items are searched.
        token: what writers must show; None where anybody may write.
    """

    bundles: Path
    dataset: str
    serve: ServeConfig
    feedback: FeedbackConfig
    index: IndexConfig
    token: str | None = Field(default=None, repr=False)


def read_settings(config: DictConfig) -> Settings:
    """Reads the composed config and the token of the environment.

    Raises:
        ConfigError: a value is not of its type.
        UserError: the token could not be sent in a header.
    """
    bundles = Path(config.artifacts) / config.dataset.name / "bundles"
    serve = read_section(ServeConfig, config, "serve")
    return Settings(
        bundles=bundles,
        dataset=config.dataset.name,
        serve=serve,
        feedback=read_section(FeedbackConfig, config, "feedback"),
        index=read_index(config),
        token=_read_token(),
    )


def hand_over(settings: Settings) -> None:
    """Leaves the settings where the processes that this one starts will find them."""
    os.environ[_SETTINGS] = settings.model_dump_json(exclude={"token"})


def take_over() -> Settings:
    """The settings that the starting process has left."""
    return Settings.model_validate_json(os.environ[_SETTINGS]).model_copy(update={"token": _read_token()})


def _read_token() -> str | None:
    token = os.environ.get(TOKEN)
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise UserError(
            f"{TOKEN}: expected one or more ASCII characters without spaces, found something else. "
            f"Remedy: unset it, so that anybody may write, or make one: openssl rand -hex 32"
        )
    return token
