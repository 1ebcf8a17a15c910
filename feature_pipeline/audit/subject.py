"""What is audited: the tables and features of a build that is about to be published."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from feature_pipeline.config import SplitConfig
from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.schema import FeatureSpec


@dataclass(frozen=True)
class Fitted:
    """Something that was fitted on a table's rows, such as the PCA of an embedding.

    Attributes:
        column: what it makes, as `items.poster_embedding`.
        side: `query` where it was fitted on users, `candidate` where on items.
        entity_ids: the users or items it was fitted on.
    """

    column: str
    side: Literal["query", "candidate"]
    entity_ids: Sequence[str]


@dataclass(frozen=True)
class Subject:
    """A feature store before it is published.

    Attributes:
        dataset: the data set's config.
        split: how events will divide into train, validation and test.
        users: contract table.
        items: contract table, whose row numbers are the item positions.
        interactions: contract table without computed columns, sorted by `event_time, event_order`; its index
            is unique.
        specs: the declared features.
        make_builder: builds the features' builder on other interactions, all else equal. The index of those
            says which row of `interactions` each stands for, whose outcome (the review, say) it keeps.
        computed: the query features about to be stored; its index says of which rows of `interactions`.
        fitted: all that was fitted on data.
    """

    dataset: DatasetConfig
    split: SplitConfig
    users: pd.DataFrame
    items: pd.DataFrame
    interactions: pd.DataFrame
    specs: Sequence[FeatureSpec]
    make_builder: Callable[[pd.DataFrame], FeatureBuilder]
    computed: pd.DataFrame
    fitted: Sequence[Fitted] = field(default=())

    def keep_events(self, is_kept: np.ndarray) -> "Subject":
        """The same subject with some of the interactions [num_events] bool, and what is stored of those."""
        interactions = self.interactions[is_kept]
        computed = self.computed.loc[self.computed.index.intersection(interactions.index)]
        return replace(self, interactions=interactions, computed=computed)

    @cached_property
    def builder(self) -> FeatureBuilder:
        """The features' builder on the interactions as they are."""
        return self.make_builder(self.interactions)
