"""The typed config of the page."""

from omegaconf import DictConfig
from pydantic import Field

from feature_pipeline.config import Strict, read_section


class PageConfig(Strict):
    """Where the page is shown, and what answers it.

    Attributes:
        host: the address it listens on.
        port: of the same; 0 for any free one.
        url: of a running service that answers; None where the page opens the bundle itself.
    """

    host: str
    port: int = Field(ge=0, le=65535)
    url: str | None


def read_page_config(config: DictConfig) -> PageConfig:
    """Reads the composed config.

    Raises:
        ConfigError: a value is not of its type.
    """
    return read_section(PageConfig, config, "ui")
