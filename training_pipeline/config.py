"""The typed configs of training."""

from typing import Literal

from omegaconf import DictConfig
from pydantic import Field, PositiveInt, ValidationError

from feature_pipeline.config import ConfigError, SplitConfig, Strict, read_section
from feature_pipeline.engine.connect import EngineConfig


class TowerConfig(Strict):
    """Widths of the hidden layers of both towers; each ends in a layer of `retrieval.embedding_dim`."""

    query: list[PositiveInt]
    candidate: list[PositiveInt]


class QueryConfig(Strict):
    """The history encoder of the query tower: the mean of the last `length` items."""

    history: Literal["mean"]
    length: PositiveInt


class RetrievalConfig(Strict):
    """How the two towers learn.

    Attributes:
        embedding_dim: width of both towers' output.
        temperature: divides the scores before the softmax.
        batch_size: queries a step; their items are each other's negatives.
        epochs: at most.
        patience: epochs without a better validation NDCG@10 before training stops.
        learning_rate: of Adam.
        id_dropout: share of item ids hidden in training, so that content learns to stand in (DropoutNet).
        dropout: of the hidden layers.
    """

    embedding_dim: PositiveInt
    temperature: float = Field(gt=0)
    batch_size: int = Field(ge=2)
    epochs: PositiveInt
    patience: PositiveInt
    learning_rate: float = Field(gt=0)
    id_dropout: float = Field(ge=0, lt=1)
    dropout: float = Field(ge=0, lt=1)


class RankerConfig(Strict):
    """The CatBoost ranker.

    Attributes:
        loss: a CatBoost ranking loss.
        candidates: how many the retriever hands over for each query.
        negatives: how many of a query's retrieved negatives train, drawn at random.
        iterations: trees at most; fewer where the held-out queries stop improving.
        depth: of each tree.
        learning_rate: shrinkage of each tree.
        patience: trees without improvement before training stops.
    """

    loss: Literal["QuerySoftMax", "YetiRank"]
    candidates: int = Field(ge=2)
    negatives: PositiveInt
    iterations: PositiveInt
    depth: int = Field(ge=1, le=16)
    learning_rate: float = Field(gt=0)
    patience: PositiveInt


class Settings(Strict):
    """Everything that decides a training run.

    Attributes:
        dataset: name of the data set, whose live feature store is read.
        artifacts: folder of feature stores, bundles and runs.
        seed: fixes shuffles, initial weights, dropout, negatives and bootstrap.
        threads: of TensorFlow and CatBoost; on one thread results repeat to 1e-6.
    """

    dataset: str
    artifacts: str
    seed: int
    threads: PositiveInt
    engine: EngineConfig
    split: SplitConfig
    tower: TowerConfig
    query: QueryConfig
    retrieval: RetrievalConfig
    ranker: RankerConfig


_SECTIONS: dict[str, type[Strict]] = {
    "engine": EngineConfig,
    "split": SplitConfig,
    "tower": TowerConfig,
    "query": QueryConfig,
    "retrieval": RetrievalConfig,
    "ranker": RankerConfig,
}


def read_settings(config: DictConfig) -> Settings:
    """Checks the composed config section by section.

    Raises:
        ConfigError: an unknown key or a wrong value, named with the choices.
    """
    sections = {name: read_section(section, config, name) for name, section in _SECTIONS.items()}
    plain = {name: config[name] for name in ("artifacts", "seed", "threads")}
    try:
        return Settings.model_validate({"dataset": config.dataset.name, **plain, **sections})
    except ValidationError as error:
        problems = (
            f"{detail['loc'][0]}: {detail['msg']}, found {detail['input']!r}" for detail in error.errors()
        )
        raise ConfigError("; ".join(problems)) from None
