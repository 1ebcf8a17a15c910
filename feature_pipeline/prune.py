"""`python -m feature_pipeline.prune`: embeddings that no run uses any more leave the cache."""

from pathlib import Path

from omegaconf import DictConfig

from feature_pipeline.config import ConfigError
from feature_pipeline.embedding_cache import EmbeddingCache, find_cache
from feature_pipeline.entry import run


def main(config: DictConfig) -> None:
    """Removes what no run has used for `days` days, and prints how much that was.

    Raises:
        ConfigError: `days` is no whole number of days.
        EmbeddingCacheError: the file cannot be written.
    """
    if not isinstance(config.days, int) or isinstance(config.days, bool) or config.days < 0:
        raise ConfigError(f"days: expected a whole number, 0 or more, found {config.days!r}")
    path = find_cache(Path(config.artifacts))
    if not path.exists():
        print(f"no cache at {path}")
        return
    pruned = EmbeddingCache(path).prune(config.days)
    print(f"{pruned.entries:,} entries removed, {pruned.bytes:,} bytes freed, {path.stat().st_size:,} left")


if __name__ == "__main__":
    run(main, "prune")
