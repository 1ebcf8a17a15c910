"""One reader a data set: raw files in, raw tables out."""

from pathlib import Path

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.sources import movielens, sample
from feature_pipeline.sources.raw import RawTables

_READERS = {"sample": sample.read, "movielens": movielens.read}


def read_source(config: DatasetConfig) -> RawTables:
    """Reads the raw tables of a data set with the reader that its YAML names.

    Raises:
        SchemaError: the folder does not hold the files the reader needs.
    """
    return _READERS[config.reader](Path(config.root))
