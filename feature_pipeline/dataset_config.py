"""The typed config of a data set: where it lies, and how its columns map to the contract."""

import re
from collections.abc import Iterable
from string import Formatter
from typing import Literal

from pydantic import Field, model_validator

from feature_pipeline.config import Strict
from feature_pipeline.database_url import holds_password, is_postgres
from feature_pipeline.schema import CONTRACT_COLUMNS

_FIRST_CHARACTERS = re.compile(r"\.\d+")


class FeatureColumn(Strict):
    """How one feature is read from a raw table.

    Attributes:
        kind: how it is embedded.
        column: raw column; default is the feature's own name.
        template: text made of raw columns, as `"{title}. {plot}"`, or the path of an image, as
            `"images/{id:.3}/{id}.jpg"`, where `.3` takes the first 3 characters; only for these two kinds.
        separator: splits a categorical value into several.
    """

    kind: Literal["categorical", "numeric", "timestamp", "text", "image"]
    column: str | None = None
    template: str | None = None
    separator: str | None = None

    @model_validator(mode="after")
    def _check_options_fit_kind(self) -> "FeatureColumn":
        if self.template is not None and self.kind not in ("text", "image"):
            raise ValueError(f"template goes with kind text or image, not {self.kind}")
        if self.separator is not None and self.kind != "categorical":
            raise ValueError(f"separator goes with kind categorical, not {self.kind}")
        if self.template is not None and self.column is not None:
            raise ValueError("column and template exclude each other; keep one")
        if self.template is not None and not self.template_columns:
            raise ValueError(f"template {self.template!r} names no column; write it as '{{title}}. {{plot}}'")
        return self

    @property
    def template_columns(self) -> tuple[str, ...]:
        """The raw columns that the template names, each once."""
        places = list(Formatter().parse(self.template or ""))
        for _, name, spec, conversion in places:
            if name is not None and not _is_plain_place(name, spec, conversion):
                raise ValueError(f"template {self.template!r} may hold only column names in braces")
        return tuple(dict.fromkeys(name for _, name, _, _ in places if name))


def _is_plain_place(name: str, spec: str | None, conversion: str | None) -> bool:
    is_name = bool(name) and not name.isdigit() and not set(".[") & set(name)
    return is_name and not conversion and (not spec or bool(_FIRST_CHARACTERS.fullmatch(spec)))


def _raw_columns(features: dict[str, FeatureColumn]) -> Iterable[str]:
    for name, feature in features.items():
        yield from feature.template_columns or (feature.column or name,)


def _name_once(*columns: str | None, features: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, [*columns, *features])))


class Place(Strict):
    """Where a raw table lies, for the reader `tables`: in files or in a database.

    Attributes:
        file: path under the data set's root: a .csv, .tsv (each also .gz) or .parquet file, a folder of them,
            or a pattern such as `sales/*.parquet`.
        delimiter: what stands between the cells of a CSV file; by default a comma, in .tsv a tab.
        database: path of a DuckDB file under root, or `postgresql://user@host:port/name`.
        table: a table or view of the database, as `orders` or `shop.orders`.
    """

    file: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    database: str | None = None
    table: str | None = None

    @property
    def is_placed(self) -> bool:
        """Whether the table lies anywhere; else it is derived from the interactions."""
        return self.file is not None or self.database is not None

    # A check after the fields: pydantic then reports the mapping, never the URL and what it may hold.
    @model_validator(mode="after")
    def _check_place(self) -> "Place":
        if (self.database is None) != (self.table is None):
            raise ValueError("database and table go together: give both, or file alone")
        if self.file is not None and self.database is not None:
            raise ValueError("give file, or database and table, not all of them")
        if self.delimiter is not None and self.file is None:
            raise ValueError("delimiter goes with file")
        if self.database is not None:
            _check_url(self.database)
        return self


def _check_url(database: str) -> None:
    """The config is kept in manifests and logs, so that no password may stand in it."""
    if "://" in database and not is_postgres(database):
        scheme = database.split("://")[0]
        raise ValueError(f"database is a DuckDB file or a postgresql:// URL, not {scheme}://")
    if is_postgres(database) and holds_password(database):
        raise ValueError(
            "database holds a password, which would be written into manifests and logs. Remedy: take it out "
            "of the URL and give it by the environment variable PGPASSWORD or the file ~/.pgpass"
        )


class UsersMapping(Place):
    """Raw users -> contract: the key column and the declared features.

    With the reader `tables`, users without a place are the distinct users of the interactions.
    """

    key: str = "user_id"
    features: dict[str, FeatureColumn] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns it names, each once."""
        return _name_once(self.key, features=_raw_columns(self.features))


class ItemsMapping(Place):
    """Raw items -> contract: the key, the column printed as title, and the declared features.

    With the reader `tables`, items without a place are the distinct items of the interactions.

    Attributes:
        title: raw column; by default the key.
    """

    key: str = "item_id"
    title: str | None = None
    features: dict[str, FeatureColumn] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns it names, each once."""
        return _name_once(self.key, self.title, features=_raw_columns(self.features))


class InteractionsMapping(Place):
    """Raw interactions -> contract.

    Attributes:
        time_unit: unit of a numeric `event_time` since 1970 (UTC); unused where the column holds dates.
        time_resolution: how exact the times are; `day` where only dates are known.
        weight: raw column; every event weighs 1 where it is absent.
        min_weight: events that weigh less are no positives and are left out, counted in the manifest.
        duplicates: what to do with an event of the same user, item and time as an earlier one: set it aside,
            or `merge` it into the earlier one, adding up the weights and counting it in the manifest.
        context: features of the moment, such as season or device.
        outcome: texts that an event leaves behind, such as a review: known only after it, so that no query
            reads its own; later queries read the mean of the user's earlier ones.
    """

    user_id: str
    item_id: str
    event_time: str
    time_unit: Literal["s", "ms", "us"] = "s"
    time_resolution: Literal["second", "day"] = "second"
    weight: str | None = None
    min_weight: float | None = None
    event_type: str | None = None
    duplicates: Literal["quarantine", "merge"] = "quarantine"
    context: dict[str, FeatureColumn] = Field(default_factory=dict)
    outcome: dict[str, FeatureColumn] = Field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The raw columns it names, each once."""
        features = [*_raw_columns(self.context), *_raw_columns(self.outcome)]
        named = (self.user_id, self.item_id, self.event_time, self.weight, self.event_type)
        return _name_once(*named, features=features)

    @model_validator(mode="after")
    def _check_features(self) -> "InteractionsMapping":
        for name, feature in self.context.items():
            if feature.kind in ("text", "image"):
                raise ValueError(f"context feature {name!r} cannot be of kind {feature.kind}")
        for name, feature in self.outcome.items():
            if feature.kind != "text":
                raise ValueError(f"outcome {name!r} must be of kind text, not {feature.kind}")
            if name in self.context or name in CONTRACT_COLUMNS:
                raise ValueError(f"the name of outcome {name!r} is taken; choose another")
        return self


class DatasetConfig(Strict):
    """One data set: which reader, where its files lie, and how its columns map to the contract.

    Attributes:
        root: folder of the raw files.
        repeats: whether a user may be recommended an item they have already met.
        max_quarantine_share: the build fails when more than this share of interactions is bad.
    """

    name: str
    reader: Literal["sample", "movielens", "amazon_reviews", "tables"]
    root: str
    repeats: bool = False
    max_quarantine_share: float = Field(default=0.05, ge=0, le=1)
    users: UsersMapping = Field(default_factory=UsersMapping)
    items: ItemsMapping = Field(default_factory=ItemsMapping)
    interactions: InteractionsMapping

    @model_validator(mode="after")
    def _check_places(self) -> "DatasetConfig":
        mappings: dict[str, UsersMapping | ItemsMapping] = {"users": self.users, "items": self.items}
        if self.reader != "tables":
            for name, mapping in {**mappings, "interactions": self.interactions}.items():
                if mapping.is_placed:
                    raise ValueError(f"{name}: file and database go with reader tables, not {self.reader}")
            return self
        if not self.interactions.is_placed:
            raise ValueError("interactions: say where they lie, with file, or with database and table")
        for name, mapping in mappings.items():
            others = set(mapping.columns) - {mapping.key}
            if others and not mapping.is_placed:
                raise ValueError(
                    f"{name}: say where {', '.join(sorted(others))} stand, with file, or with database and "
                    "table"
                )
        return self
