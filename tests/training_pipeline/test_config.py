"""The settings of a run: composed as the command composes them, refused by name where they are wrong."""

import pytest

from feature_pipeline.config import ConfigError
from tests.training_pipeline.command import compose_train
from training_pipeline.config import TransformerConfig, read_settings


def test_usual_settings_are_valid() -> None:
    settings = read_settings(compose_train("artifacts=somewhere"))
    assert (settings.dataset, settings.artifacts) == ("sample", "somewhere")
    assert settings.split.name == "temporal"


def test_overrides_arrive() -> None:
    settings = read_settings(
        compose_train("tower=small", "tower.query=[7,5]", "retrieval.temperature=0.1", "seed=3", "threads=1")
    )
    assert settings.tower.query == [7, 5]
    assert settings.tower.candidate == [64]
    assert (settings.retrieval.temperature, settings.seed, settings.threads) == (0.1, 3, 1)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "+retrieval.temprature=1",
            r"unknown key 'retrieval\.temprature', did you mean 'retrieval\.temperature'",
        ),
        ("+tower.depth=2", r"unknown key 'tower\.depth'.*Choices: candidate, query"),
        ("ranker.loss=RMSE", r"ranker\.loss: .*'QuerySoftMax', 'YetiRank' or 'Logloss', found 'RMSE'"),
        ("ranker.folds=1", r"ranker\.folds: .*greater than or equal to 2, found 1"),
        ("ranker.negatives=0", r"ranker\.negatives: .*greater than 0, found 0"),
        ("+ranker.monotone.price=2", r"ranker\.monotone\.price: .*-1 or 1, found 2"),
        ("ranker.calibration=beta", r"ranker\.calibration: .*'isotonic' or 'platt', found 'beta'"),
        ("retrieval.epochs=0", r"retrieval\.epochs: .*greater than 0, found 0"),
        ("retrieval.batch_size=-1", r"retrieval\.batch_size: .*greater than or equal to 0, found -1"),
        ("retrieval.id_dropout=1", r"retrieval\.id_dropout: .*less than 1, found 1"),
        ("retrieval.moment_dropout=1", r"retrieval\.moment_dropout: .*less than 1, found 1"),
        ("retrieval.precision=float16", r"retrieval\.precision: .*'float32' or 'mixed_bfloat16', found"),
        (
            "retrieval.negatives.hard=-1",
            r"retrieval\.negatives\.hard: .*greater than or equal to 0, found -1",
        ),
        ("retrieval.negatives.uniform=0", r"^retrieval: .*set negatives\.uniform or negatives\.in_batch"),
        ("tower.query=[8,0]", r"tower\.query\.1: .*greater than 0, found 0"),
        ("query.length=-1", r"query\.length: .*greater than 0, found -1"),
        ("query.items=all", r"query\..*items: .*'candidate' or 'own', found 'all'"),
        ("+query.heads=2", r"unknown key 'query\.heads'"),
        ("query.history=lstm", r"query: .*'lstm'.*'mean', 'transformer'"),
        ("strategy=clever", r"^strategy: .*'default', 'mirrored' or 'multi_worker', found 'clever'$"),
        ("split.test_share=0.7", r"split\.test_share: .*less than 0\.5, found 0\.7"),
        ("threads=0", r"^threads: .*greater than 0, found 0$"),
        ("seed=lucky", r"^seed: .*valid integer.*, found 'lucky'$"),
    ],
)
def test_wrong_settings_are_refused_by_name(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_settings(compose_train(override))


@pytest.mark.parametrize("folder", ["runs[1]", "run*", "what?"])
def test_a_folder_that_tensorflow_reads_as_a_pattern_is_refused(folder: str) -> None:
    with pytest.raises(
        ConfigError, match=r"^artifacts=.* holds one of \[ \] \* \?.* Remedy: name another folder$"
    ):
        read_settings(compose_train(f"artifacts='{folder}'"))


def test_all_wrong_plain_settings_are_named_at_once() -> None:
    with pytest.raises(ConfigError, match=r"seed: .*; threads: "):
        read_settings(compose_train("seed=lucky", "threads=0"))


def test_the_history_encoder_is_chosen_whole() -> None:
    settings = read_settings(compose_train("query=transformer", "query.length=7"))
    assert isinstance(settings.query, TransformerConfig)
    assert settings.query.length == settings.query.targets == 7
    assert read_settings(compose_train()).query.targets == 1


def test_heads_must_divide_the_embedding() -> None:
    with pytest.raises(ConfigError, match=r"^query\.heads=3 must divide retrieval\.embedding_dim=64$"):
        read_settings(compose_train("query=transformer", "query.heads=3"))


def test_full_softmax_needs_no_negatives() -> None:
    settings = read_settings(compose_train("retrieval.loss=full_softmax", "retrieval.negatives.uniform=0"))
    assert settings.retrieval.loss == "full_softmax"
