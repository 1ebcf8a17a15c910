"""The typed config of a data set: where it lies, and how its columns map to the contract."""

from string import Formatter
from typing import Literal

from pydantic import Field, model_validator

from feature_pipeline.config import Strict


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
    features: dict[str, FeatureColumn] = Field(default_factory=dict)


class ItemsMapping(Strict):
    """Raw items -> contract: the key, the column printed as title, and the declared features."""

    key: str
    title: str
    features: dict[str, FeatureColumn] = Field(default_factory=dict)


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
    context: dict[str, FeatureColumn] = Field(default_factory=dict)

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
