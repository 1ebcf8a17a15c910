"""Interactions with their features: months that cannot have changed come from the live store."""

from pathlib import Path

import pandas as pd

from feature_pipeline.artefact import ArtefactError, find_current
from feature_pipeline.features.build import FeatureBuilder
from feature_pipeline.partitions import count_unchanged, divide
from feature_pipeline.point_in_time import AS_OF
from feature_pipeline.schema import EVENT_TIME
from feature_pipeline.store import FeatureStore, Interactions, open_store


def find_earlier(parent: Path) -> FeatureStore | None:
    """The live store under `parent`, if there is a sound one to take unchanged months from."""
    try:
        return open_store(find_current(parent, "make features"))
    except ArtefactError:
        return None


def build_interactions(
    contract: pd.DataFrame, builder: FeatureBuilder, earlier: FeatureStore | None
) -> Interactions:
    """Adds to the events of the changed months what was known of user and moment just before each.

    Args:
        contract: the contract table, sorted by time.
        builder: of query features, over the same interactions.
        earlier: a store to take unchanged months from.
    """
    partitions = divide(contract, builder.compute_foundation())
    unchanged = count_unchanged(partitions, earlier.partitions if earlier else {})
    kept = [earlier.get_partition(p.name) for p in partitions[:unchanged]] if earlier else []
    start = partitions[unchanged].rows.start if unchanged < len(partitions) else len(contract)
    rows = contract.iloc[start:]
    computed = builder.compute_query_features(rows.rename(columns={EVENT_TIME: AS_OF}))
    return Interactions(partitions, kept, pd.concat([rows, computed.set_index(rows.index)], axis=1))
