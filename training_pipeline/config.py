"""The typed configs of training."""

from typing import Annotated, Literal

from omegaconf import DictConfig
from pydantic import Field, NonNegativeInt, PositiveInt, ValidationError, model_validator

from feature_pipeline.config import (
    ConfigError,
    SplitConfig,
    Strict,
    check_section,
    read_section,
    read_values,
)
from feature_pipeline.engine.connect import EngineConfig
from training_pipeline.index_config import IndexConfig, read_index

HistoryItems = Literal["candidate", "own"]


class TowerConfig(Strict):
    """Widths of the hidden layers of both towers; each ends in a layer of `retrieval.embedding_dim`."""

    query: list[PositiveInt]
    candidate: list[PositiveInt]


class MeanConfig(Strict):
    """The history as the mean of the last `length` items, weighted by how many came after each."""

    history: Literal["mean"]
    length: PositiveInt
    items: HistoryItems

    @property
    def targets(self) -> int:
        """Events that one window of a history predicts."""
        return 1


class TransformerConfig(Strict):
    """The history read by a causal transformer, every place of which trains.

    Attributes:
        length: items at most; longer histories are cut into windows of so many.
        items: whether the history's items enter as the candidate tower embeds them, or by their own table.
        blocks: of attention and hidden layer.
        heads: of the attention; they divide `retrieval.embedding_dim`.
        with_mean: whether the mean of the whole history is added, as a long-term part.
    """

    history: Literal["transformer"]
    length: PositiveInt
    items: HistoryItems
    blocks: PositiveInt
    heads: PositiveInt
    with_mean: bool

    @property
    def targets(self) -> int:
        """Events that one window of a history predicts."""
        return self.length


QueryConfig = Annotated[MeanConfig | TransformerConfig, Field(discriminator="history")]


class NegativesConfig(Strict):
    """Whom a chosen item must outscore, in items a batch, shared by its queries.

    Attributes:
        uniform: any items that have events in training.
        in_batch: items chosen by other queries of the batch.
        hard: neighbours of chosen items in the index of the last validation.
        log_q: whether scores are corrected for how often an item is drawn.
        frequency: how often an item is chosen: `counted` beforehand, or estimated from `streaming` batches.
    """

    uniform: NonNegativeInt
    in_batch: NonNegativeInt
    hard: NonNegativeInt
    log_q: bool
    frequency: Literal["counted", "streaming"]


class RetrievalConfig(Strict):
    """How the two towers learn.

    Attributes:
        embedding_dim: width of both towers' output.
        temperature: divides the scores before the softmax.
        loss: `sampled_softmax` over the negatives, or `full_softmax` over all items with events.
        negatives: of the sampled softmax.
        batch_size: events to predict a step; 0 for as many as suit their number, see `choose_batch_size`.
        epochs: at most.
        patience: epochs without a better validation NDCG@10 before training stops.
        learning_rate: of Adam, after the warm-up.
        schedule: `constant`, or `cosine`, which falls to nothing over all epochs.
        id_dropout: share of item ids hidden in training, so that content learns to stand in (DropoutNet).
        history_dropout: share of histories hidden in training, so that profile and moment learn to stand in.
        moment_dropout: share of queries in training of which nobody knows when they are asked, as of requests
            without `as_of` under the split `leave_last_out`; under others, which know the moment, of none.
        dropout: of the hidden layers.
        precision: `float32`, or `mixed_bfloat16` for the products of hidden layers.
    """

    embedding_dim: PositiveInt
    temperature: float = Field(gt=0)
    loss: Literal["sampled_softmax", "full_softmax"]
    negatives: NegativesConfig
    batch_size: NonNegativeInt
    epochs: PositiveInt
    patience: PositiveInt
    learning_rate: float = Field(gt=0)
    schedule: Literal["constant", "cosine"]
    id_dropout: float = Field(ge=0, lt=1)
    history_dropout: float = Field(ge=0, lt=1)
    moment_dropout: float = Field(ge=0, lt=1)
    dropout: float = Field(ge=0, lt=1)
    precision: Literal["float32", "mixed_bfloat16"]

    @model_validator(mode="after")
    def _check_negatives(self) -> "RetrievalConfig":
        if self.loss == "sampled_softmax" and not self.negatives.uniform + self.negatives.in_batch:
            raise ValueError("sampled_softmax needs negatives: set negatives.uniform or negatives.in_batch")
        return self


class RankerConfig(Strict):
    """The CatBoost ranker.

    Attributes:
        loss: `QuerySoftMax`, `YetiRank`, or `Logloss`, which looks at each candidate alone.
        candidates: how many the retriever hands over for each query.
        negatives: how many of a query's retrieved negatives train, drawn at random; null for all.
        iterations: trees at most; fewer where the queries left out stop improving.
        depth: of each tree.
        learning_rate: shrinkage of each tree.
        borders: thresholds that are tried for a number.
        patience: trees without improvement before training stops.
        folds: of the queries; each is left out once.
        embeddings: whether CatBoost also reads the candidates' text and image embeddings, by their nearest
            neighbours among the rows it learns from; slow, minutes for ten thousand rows.
        monotone: numeric columns whose score may only rise (1) or only fall (-1) with them.
        calibration: how scores become chances.
    """

    loss: Literal["QuerySoftMax", "YetiRank", "Logloss"]
    candidates: int = Field(ge=2)
    negatives: PositiveInt | None
    iterations: PositiveInt
    depth: int = Field(ge=1, le=16)
    learning_rate: float = Field(gt=0)
    borders: int = Field(ge=1, le=65535)
    patience: PositiveInt
    folds: int = Field(ge=2)
    embeddings: bool
    monotone: dict[str, Literal[-1, 1]]
    calibration: Literal["isotonic", "platt"]


class Settings(Strict):
    """Everything that decides a training run.

    Attributes:
        dataset: name of the data set, whose live feature store is read.
        artifacts: folder of feature stores, bundles and runs.
        seed: fixes shuffles, initial weights, dropout, negatives and bootstrap.
        threads: of TensorFlow and CatBoost; on one thread results repeat to 1e-6.
        strategy: the `tf.distribute` strategy of the towers; `multi_worker` reads TF_CONFIG.
        tensorboard: whether curves are written for TensorBoard too.
        index: the index that is tried before the bundle is published.
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
    strategy: Literal["default", "mirrored", "multi_worker"]
    tensorboard: bool
    index: IndexConfig

    @model_validator(mode="after")
    def _check_artifacts(self) -> "Settings":
        if set(self.artifacts) & set("[]*?"):
            raise ValueError(
                f"artifacts={self.artifacts} holds one of [ ] * ?, which TensorFlow takes for patterns in "
                "the paths of checkpoints. Remedy: name another folder"
            )
        return self

    @model_validator(mode="after")
    def _check_heads(self) -> "Settings":
        dim, query = self.retrieval.embedding_dim, self.query
        if isinstance(query, TransformerConfig) and dim % query.heads:
            raise ValueError(f"query.heads={query.heads} must divide retrieval.embedding_dim={dim}")
        return self


class QuerySection(Strict):
    """The section of the history encoder, whichever it is."""

    query: QueryConfig


_SECTIONS: dict[str, type[Strict]] = {
    "engine": EngineConfig,
    "split": SplitConfig,
    "tower": TowerConfig,
    "retrieval": RetrievalConfig,
    "ranker": RankerConfig,
}


def read_settings(config: DictConfig) -> Settings:
    """Checks the composed config section by section.

    Raises:
        ConfigError: an unknown key or a wrong value, named with the choices.
    """
    sections = {name: read_section(section, config, name) for name, section in _SECTIONS.items()}
    query = check_section(QuerySection, {"query": read_values(config, "query")}, "").query
    index = read_index(config)
    plain = {name: config[name] for name in ("artifacts", "seed", "threads", "strategy", "tensorboard")}
    try:
        return Settings.model_validate(
            {"dataset": config.dataset.name, **plain, "query": query, "index": index, **sections}
        )
    except ValidationError as error:
        problems = (
            f"{detail['loc'][0]}: {detail['msg']}, found {detail['input']!r}"
            if detail["loc"]
            else detail["msg"].removeprefix("Value error, ")
            for detail in error.errors()
        )
        raise ConfigError("; ".join(problems)) from None
