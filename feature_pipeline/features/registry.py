"""Features by name, as YAML chooses them: ours, and those in files of the user's own."""

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from omegaconf import DictConfig

from feature_pipeline import point_in_time
from feature_pipeline.config import ConfigError, check_section, read_values, unknown_key
from feature_pipeline.errors import UserError
from feature_pipeline.features import calendar, facts, feature, numbered, state, steps, timeline, window
from feature_pipeline.features.context_celebrations import ContextCelebrations
from feature_pipeline.features.context_clock import ContextClock
from feature_pipeline.features.context_season import ContextSeason
from feature_pipeline.features.context_session import ContextSession
from feature_pipeline.features.feature import (
    ArrayFeature,
    Feature,
    MomentFeature,
    StateFeature,
    TableFeature,
)
from feature_pipeline.features.item_age import ItemAge
from feature_pipeline.features.item_events import ItemEvents
from feature_pipeline.features.item_trend import ItemTrend
from feature_pipeline.features.item_weight import ItemWeight
from feature_pipeline.features.pair_category import PairCategory
from feature_pipeline.features.pair_closeness import PairCloseness
from feature_pipeline.features.pair_cooccurrence import PairCooccurrence
from feature_pipeline.features.pair_met import PairMet
from feature_pipeline.features.pair_similarity import PairSimilarity
from feature_pipeline.features.pair_transitions import PairTransitions
from feature_pipeline.features.user_distinct_items import UserDistinctItems
from feature_pipeline.features.user_events import UserEvents
from feature_pipeline.features.user_mean_gap import UserMeanGap
from feature_pipeline.features.user_recency import UserRecency

FEATURES: dict[str, type[Feature]] = {
    "user_events": UserEvents,
    "user_recency": UserRecency,
    "user_mean_gap": UserMeanGap,
    "user_distinct_items": UserDistinctItems,
    "item_events": ItemEvents,
    "item_trend": ItemTrend,
    "item_age": ItemAge,
    "item_weight": ItemWeight,
    "pair_met": PairMet,
    "pair_category": PairCategory,
    "pair_transitions": PairTransitions,
    "pair_cooccurrence": PairCooccurrence,
    "pair_closeness": PairCloseness,
    "pair_similarity": PairSimilarity,
    "context_clock": ContextClock,
    "context_season": ContextSeason,
    "context_celebrations": ContextCelebrations,
    "context_session": ContextSession,
}
SECTION = "point_in_time"
FILE = "file"
DIGEST = "digest"

# What all values rest on; a change here makes earlier ones worthless.
_FOUNDATION: tuple[ModuleType, ...] = (
    point_in_time,
    facts,
    feature,
    numbered,
    state,
    steps,
    timeline,
    calendar,
    window,
)
_BASES = (StateFeature, MomentFeature, TableFeature, ArrayFeature)


class FeatureFileError(UserError):
    """A feature of the user's own cannot be loaded, or is not the one that a store was built with."""


def read_features(config: DictConfig) -> dict[str, Feature]:
    """The features that `config.point_in_time` chooses, in its order.

    Raises:
        ConfigError: an unknown feature or parameter; the nearest known one is suggested.
        FeatureFileError: a file that is absent, broken, or does not hold exactly one feature.
    """
    return load_features(read_values(config, SECTION) or {})


def load_features(chosen: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Feature]:
    """The features of plain values, as YAML and a store's manifest hold them; see `read_features`."""
    return {name: _load(name, {} if given is None else given) for name, given in chosen.items()}


def pin(chosen: Mapping[str, Mapping[str, Any] | None]) -> dict[str, dict[str, Any]]:
    """What a manifest keeps: the chosen features, and the digest of each file of the user's own.

    Whoever loads them later runs the very code that the store was built with, or is told.
    """
    pinned = {name: dict(given or {}) for name, given in chosen.items()}
    for given in pinned.values():
        if FILE in given:
            given[DIGEST] = _digest_file(Path(given[FILE]))
    return pinned


def compute_digest(features: Sequence[Feature]) -> str:
    """A digest of the features' code and parameters: another one means that values may differ."""
    modules = {inspect.getmodule(type(feature)) for feature in features} | set(_FOUNDATION)
    sources = sorted(inspect.getsource(module) for module in modules if module)
    chosen = [repr(feature) for feature in features]
    return hashlib.sha256("\n".join([*chosen, *sources]).encode()).hexdigest()


def _load(name: str, given: Any) -> Feature:
    place = f"{SECTION}.{name}"
    if not isinstance(given, Mapping):
        raise ConfigError(f"{place}: expected parameters by name, as {{unit: days}}, found {given!r}")
    parameters = dict(given)
    kind = _find(name, parameters.pop(FILE, None), parameters.pop(DIGEST, None))
    loaded = check_section(kind, parameters, place)
    try:
        hash(loaded)
    except TypeError as error:
        raise FeatureFileError(
            f"{place}: {error}, and computations are kept by their features. Remedy: declare a parameter of "
            "many values as a tuple"
        ) from None
    return loaded


def _find(name: str, file: str | None, digest: str | None) -> type[Feature]:
    if file is not None:
        return _load_file(name, Path(file), digest)
    if name not in FEATURES:
        own = f"; or give {SECTION}.{name}.file a file of your own"
        raise ConfigError(unknown_key(f"{SECTION}.{name}", sorted(FEATURES)) + own)
    return FEATURES[name]


def _digest_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load_file(name: str, path: Path, digest: str | None) -> type[Feature]:
    place = f"{SECTION}.{name}.file={str(path)!r}"
    if not path.is_file():
        raise FeatureFileError(
            f"{place}: no such file from {Path.cwd()}. Remedy: give the path of a Python file"
        )
    if digest is not None and digest != _digest_file(path):
        raise FeatureFileError(
            f"{place}: it has changed since the feature store was built. Remedy: run make features again, or "
            "put the earlier file back"
        )
    spec = importlib.util.spec_from_file_location(f"towerbridge_feature_{name}", path)
    if spec is None or spec.loader is None:
        raise FeatureFileError(f"{place}: expected a Python file. Remedy: let its name end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # inspect finds sources of registered modules only
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's own code raises
        raise FeatureFileError(f"{place}: {type(error).__name__}: {error}. Remedy: mend the file") from error
    found = [value for value in vars(module).values() if _is_feature_of(value, spec.name)]
    if len(found) != 1:
        raise FeatureFileError(
            f"{place}: expected one class that derives from StateFeature, MomentFeature, TableFeature or "
            f"ArrayFeature, found {len(found)}. Remedy: keep one feature a file"
        )
    kind: type[Feature] = found[0]
    _check_complete(kind, place)
    return kind


def _check_complete(kind: type[Feature], place: str) -> None:
    needed = ("side", "key") if issubclass(kind, StateFeature) else ("side",)
    for name in needed:
        if not hasattr(kind, name):
            raise FeatureFileError(
                f"{place}: {kind.__name__} does not say its {name}. Remedy: give the class {name} = ..., see "
                "feature_pipeline/features/feature.py"
            )


def _is_feature_of(value: object, module: str) -> bool:
    return inspect.isclass(value) and issubclass(value, _BASES) and value.__module__ == module
