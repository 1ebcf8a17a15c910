"""The typed config of the index: training writes it into the bundle's manifest, serving builds by it."""

from importlib.util import find_spec
from typing import Annotated, Literal

from omegaconf import DictConfig
from pydantic import Field, PositiveInt

from feature_pipeline.config import Strict, check_section, read_values
from feature_pipeline.errors import UserError


class ExactConfig(Strict):
    """Every item is looked at."""

    name: Literal["exact"]


class ScannConfig(Strict):
    """Items are divided into leaves, and a query looks into the nearest (extra `scann`).

    Attributes:
        leaves: how many; four times the square root of the number of items where it is null.
        leaves_to_search: how many of them a query looks into; chosen by the number of items where it is null.
        reorder: how many candidates are compared once more by finer codes, if twice as many as are wanted are
            not more. Of no more items than these every one is looked at.
        min_recall: recall@100 without which a bundle is not published.
    """

    name: Literal["scann"]
    leaves: PositiveInt | None
    leaves_to_search: PositiveInt | None
    reorder: int = Field(ge=100)
    min_recall: float = Field(gt=0, le=1)


IndexConfig = Annotated[ExactConfig | ScannConfig, Field(discriminator="name")]


class IndexSection(Strict):
    """The section of the index, whichever it is."""

    index: IndexConfig


def read_index(config: DictConfig) -> IndexConfig:
    """Checks the index's part of the composed config.

    Raises:
        ConfigError: an unknown key or a wrong value, named with the choices.
        UserError: scann is asked for and not installed.
    """
    index = check_section(IndexSection, {"index": read_values(config, "index")}, "").index
    if isinstance(index, ScannConfig) and find_spec("scann") is None:
        raise UserError(
            "index=scann: expected the package scann, found none. Remedy: make extras, or "
            "pip install 'towerbridge[scann]'"
        )
    return index
