"""The specs of every feature column that a data set's config and the chosen features make."""

from feature_pipeline.config import ConfigError
from feature_pipeline.dataset_config import DatasetConfig, FeatureColumn
from feature_pipeline.encoders.load import ONE_EACH, EncoderNames, name_columns
from feature_pipeline.features.build import list_columns
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.outcome_history import build_specs as build_history_specs
from feature_pipeline.features.registry import SECTION
from feature_pipeline.schema import CONTRACT_COLUMNS, FeatureSpec, Side


def build_specs(
    dataset: DatasetConfig, features: list[Feature], encoders: EncoderNames = ONE_EACH
) -> list[FeatureSpec]:
    """Specs of every feature column of the store: declared, embedded, and computed as of each event.

    Raises:
        ConfigError: two features share a name, or one has the name of a column of the contract.
    """
    declared = [
        *_declare(dataset.users.features, "query", encoders),
        *_declare(dataset.items.features, "candidate", encoders),
        *_declare(dataset.interactions.context, "context", encoders),
    ]
    columns = list_columns(declared)
    computed = [spec for feature in features for spec in feature.list_specs(columns)]
    of_query = [spec for feature in features if feature.is_of_query for spec in feature.list_specs(columns)]
    _check_names(declared, [*computed, *_list_histories(dataset, encoders)])
    return [*declared, *of_query]


def _list_histories(dataset: DatasetConfig, encoders: EncoderNames) -> list[FeatureSpec]:
    """What later queries read of the texts that events leave behind."""
    outcomes = _declare(dataset.interactions.outcome, "query", encoders)
    return build_history_specs(spec.name for spec in outcomes if spec.kind == "embedding")


def _declare(features: dict[str, FeatureColumn], side: Side, encoders: EncoderNames) -> list[FeatureSpec]:
    specs = []
    for name, feature in features.items():
        # Only what is said of an item can speak for it.
        reason = name.replace("_", " ") if side == "candidate" else None
        specs.append(FeatureSpec(name, side, feature.kind, reason))
        if feature.kind in encoders:
            columns = name_columns(name, encoders[feature.kind]).values()
            specs += [FeatureSpec(column, side, "embedding") for column in columns]
    return specs


def _check_names(declared: list[FeatureSpec], computed: list[FeatureSpec]) -> None:
    """The ranker's rows hold users, items and context side by side, so that no name may stand twice."""
    taken = set(CONTRACT_COLUMNS)
    for spec in computed:
        if spec.name in taken:
            raise ConfigError(
                f"{SECTION}: two features make the column {spec.name!r}. Remedy: leave one of them out"
            )
        taken.add(spec.name)
    for spec in declared:
        if spec.name in taken:
            raise ConfigError(
                f"dataset: the feature name {spec.name!r} is taken. Remedy: choose another name and say "
                f"where its values stand with column: {spec.name}"
            )
        taken.add(spec.name)
