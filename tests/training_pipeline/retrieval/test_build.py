"""The model is the one that the settings describe, and settings that do not fit are refused beforehand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from feature_pipeline.config import ConfigError
from tests.tiny_store import NUM_ITEMS
from tests.training_pipeline.command import compose_train
from tests.training_pipeline.invented import HISTORY_LENGTH, MEAN, make_model, make_transformer
from training_pipeline.config import QueryConfig, read_settings
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.history import MeanHistory, TransformerHistory
from training_pipeline.retrieval.model import TwoTowerModel

TRANSFORMER = make_transformer(blocks=3, with_mean=True)


def take_windows(prepared: Prepared, query: QueryConfig, count: int = 20) -> dict[str, Any]:
    """A batch of training windows."""
    windows = replace(prepared, query=query).build_training_examples()
    return tf.nest.map_structure(tf.constant, windows.take(np.arange(count)))


def find_trained(model: TwoTowerModel, batch: dict[str, Any]) -> set[Any]:
    """References to the variables that the loss of a batch moves."""
    with tf.GradientTape() as tape:
        loss = model.compute_loss(batch, training=True)
    assert np.isfinite(loss)
    variables = model.trainable_variables
    return {
        variable.ref()
        for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True)
        if gradient is not None and np.any(tf.convert_to_tensor(gradient))
    }


class TestHistory:
    def test_is_the_mean(self, prepared: Prepared) -> None:
        assert isinstance(make_model(prepared, query=MEAN).query_tower.history, MeanHistory)

    def test_is_the_transformer_with_the_parts_asked_for(self, prepared: Prepared) -> None:
        history = make_model(prepared, query=TRANSFORMER).query_tower.history
        assert isinstance(history, TransformerHistory)
        assert len(history.blocks) == 3
        assert isinstance(history.mean, MeanHistory)
        assert history.places.shape == [HISTORY_LENGTH, 4]
        assert make_model(prepared, query=make_transformer()).query_tower.history.mean is None

    @pytest.mark.parametrize(("query", "targets"), [(MEAN, 1), (TRANSFORMER, HISTORY_LENGTH)])
    def test_each_of_its_targets_is_embedded(
        self, prepared: Prepared, query: QueryConfig, targets: int
    ) -> None:
        model, batch = make_model(prepared, query=query), take_windows(prepared, query)
        vectors = tf.gather(model.embed_corpus(), tf.maximum(batch["history"], 0))
        embedded = model.embed_queries(batch, vectors, training=False)
        assert embedded.shape == [20, targets, 4]


class TestItemsOfTheHistory:
    @pytest.mark.parametrize("query", [MEAN, TRANSFORMER])
    def test_enter_by_the_candidate_tower_or_by_a_table_of_their_own(
        self, prepared: Prepared, query: QueryConfig
    ) -> None:
        shared = make_model(prepared, query=query.model_copy(update={"items": "candidate"}))
        own = make_model(prepared, query=query.model_copy(update={"items": "own"}))
        batch = take_windows(prepared, query)
        assert shared.query_tower.items is None
        trained = find_trained(own, batch)
        assert own.query_tower.items.embeddings.ref() in trained
        assert own.query_tower.items.embeddings.shape == own.candidate_tower.ids.embeddings.shape

    def test_of_their_own_do_not_read_the_candidate_tower(self, prepared: Prepared) -> None:
        own = MEAN.model_copy(update={"items": "own"})
        batch = take_windows(prepared, own)
        for query, reads in ((MEAN, True), (own, False)):
            model = make_model(prepared, query=query)
            vectors = tf.gather(model.embed_corpus(), tf.maximum(batch["history"], 0))
            one, other = (
                model.embed_queries(batch, given, training=False) for given in (vectors, vectors + 1)
            )
            assert np.allclose(one, other) != reads


@pytest.mark.parametrize("query", [MEAN, TRANSFORMER])
def test_every_part_learns(prepared: Prepared, query: QueryConfig) -> None:
    """One variable may rest at a rectified unit; every part as a whole moves."""
    model, batch = make_model(prepared, query=query), take_windows(prepared, query, count=60)
    trained = find_trained(model, batch)
    asks, offers = model.query_tower, model.candidate_tower
    parts = [asks.user, asks.moment, asks.mlp, offers.ids, offers.features, offers.mlp]
    if query is TRANSFORMER:
        parts += asks.history.blocks
        assert {asks.history.places.ref(), asks.history.gaps.ref()} <= trained
    for part in parts:
        assert trained & {variable.ref() for variable in part.trainable_variables}, part.name


def test_the_corpus_and_what_is_drawn_from_it_fit_the_store(prepared: Prepared) -> None:
    model = make_model(prepared, negatives={"uniform": 7, "in_batch": 0, "hard": 2}, temperature=0.5)
    assert model.top_k.candidates.shape == [NUM_ITEMS, 4]
    known = np.flatnonzero(prepared.count_events())
    np.testing.assert_array_equal(model.negatives.items, known)
    assert model.negatives.hard.index is model.top_k.candidates
    assert model.temperature == 0.5


def test_the_same_seed_builds_the_same_model(prepared: Prepared) -> None:
    batch, losses = take_windows(prepared, TRANSFORMER), []
    for seed in (1, 1, 2):
        tf.keras.utils.set_random_seed(seed)
        model = make_model(prepared, query=TRANSFORMER, seed=seed, negatives={"uniform": 5})
        losses.append(float(model.compute_loss(batch)))
    assert losses[0] == losses[1] != losses[2]


class TestHeads:
    def test_that_do_not_divide_the_width_are_refused(self) -> None:
        message = r"^query\.heads=3 must divide retrieval\.embedding_dim=64$"
        with pytest.raises(ConfigError, match=message):
            read_settings(compose_train("query=transformer", "query.heads=3"))

    def test_that_divide_it_are_not(self) -> None:
        settings = read_settings(compose_train("query=transformer", "query.heads=4"))
        assert (settings.query.heads, settings.query.targets) == (4, settings.query.length)

    def test_are_unknown_to_the_mean(self) -> None:
        with pytest.raises(ConfigError, match=r"unknown key 'query\..*heads'"):
            read_settings(compose_train("query=mean", "+query.heads=2"))
