"""One reader a data set: raw files in, raw tables out."""

from pathlib import Path

from feature_pipeline.dataset_config import DatasetConfig
from feature_pipeline.sources import amazon_reviews, movielens, sample, tables
from feature_pipeline.sources.raw import RawTables

_FOLDER_READERS = {"sample": sample.read, "movielens": movielens.read, "amazon_reviews": amazon_reviews.read}


def read_source(config: DatasetConfig) -> RawTables:
    """Reads the raw tables of a data set with the reader that its YAML names.

    Raises:
        UserError: the files, tables or columns that the reader needs are not there or cannot be read.
    """
    if config.reader == "tables":
        return tables.read(config)
    return _FOLDER_READERS[config.reader](Path(config.root))
