"""The typed config of the index."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from feature_pipeline.config import Strict


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
        min_recall: recall@100 that an index must have to be of use.
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
