"""The towers' shared layers, against numbers worked by hand."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.training_pipeline.invented import NOTHING
from training_pipeline.retrieval.inputs import Scale, SideInputs, Vocabulary
from training_pipeline.retrieval.layers import (
    CATEGORY_DIM,
    ContentProjection,
    Dropout,
    FeatureEmbedding,
    build_mlp,
    masked_mean,
    small_normal,
)

SIDE = SideInputs(
    vocabularies={"kinds": Vocabulary(["blue", "cup"], width=3)},
    scales={"price": Scale(0.0, 1.0)},
    embeddings={"text_embedding": 2},
)
FEATURES = {
    "kinds": tf.constant([[2, 3, 0], [0, 0, 0]]),
    "numeric": tf.constant([[0.5, 0.0], [0.0, 1.0]]),
    "text_embedding": tf.constant([[1.0, 2.0], [0.0, 0.0]]),
}


def test_masked_mean_leaves_masked_vectors_out() -> None:
    vectors = tf.constant([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], [[7.0, 8.0], [9.0, 9.0], [9.0, 9.0]]])
    mask = tf.constant([[True, False, True], [True, False, False]])

    np.testing.assert_allclose(masked_mean(vectors, mask), [[3, 4], [7, 8]])


def test_masked_mean_of_nothing_is_zero() -> None:
    mean = masked_mean(tf.ones([2, 3, 4]), tf.zeros([2, 3], tf.bool))
    np.testing.assert_array_equal(mean, np.zeros([2, 4]))


def test_features_stand_side_by_side() -> None:
    embed = FeatureEmbedding(SIDE, embedding_dim=3)
    vectors = embed(FEATURES).numpy()

    category, content, numbers = np.split(vectors, [CATEGORY_DIM, CATEGORY_DIM + 3], axis=1)
    table = embed.categories["kinds"].embeddings.numpy()
    projection = embed.projections["text_embedding"]
    dense, gate = (layer.kernel.numpy() for layer in (projection.dense, projection.gate))
    np.testing.assert_allclose(category, [(table[2] + table[3]) / 2, np.zeros(CATEGORY_DIM)], rtol=1e-6)
    gated = (dense[0] + 2 * dense[1]) / (1 + np.exp(-gate[0] - 2 * gate[1]))
    np.testing.assert_allclose(content, [gated, projection.missing], rtol=1e-5)
    np.testing.assert_array_equal(numbers, FEATURES["numeric"])


def test_missing_content_learns_a_vector_of_its_own() -> None:
    """Of the sum of all outputs, the gradient is one a row and place: two rows are missing, one is there.

    Its gate is half open.
    """
    projection = ContentProjection(3)
    projection.build([None, 2])
    projection(tf.ones([1, 2]))
    projection.gate.kernel.assign(tf.zeros([2, 3]))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(projection(tf.constant([[0.0, 0.0], [0.0, -2.0], [0.0, 0.0]])))
    kernel, bias, missing = tape.gradient(
        total, [projection.dense.kernel, projection.dense.bias, projection.missing]
    )

    np.testing.assert_allclose(kernel, [[0, 0, 0], [-1, -1, -1]])
    np.testing.assert_allclose(bias, [0.5, 0.5, 0.5])
    np.testing.assert_allclose(missing, [2, 2, 2])
    assert np.any(projection.missing.numpy() != 0)


def test_missing_vector_is_saved_and_reloaded(tmp_path: Path) -> None:
    model = tf.keras.Sequential([tf.keras.layers.Input([2]), ContentProjection(3)])
    model.layers[0].missing.assign([5.0, 6.0, 7.0])
    model.layers[0].dense.bias.assign([1.0, 1.0, 1.0])
    vectors = tf.constant([[0.0, 0.0], [1.0, 0.0]])
    expected = model(vectors).numpy()
    tf.saved_model.save(model, str(tmp_path / "model"))

    reloaded = tf.saved_model.load(str(tmp_path / "model"))

    np.testing.assert_array_equal(expected[0], [5, 6, 7])
    np.testing.assert_allclose(reloaded(vectors), expected, rtol=1e-6)


def test_side_without_features_gives_nothing() -> None:
    assert FeatureEmbedding(NOTHING, embedding_dim=3)({}) is None


@pytest.mark.parametrize("widths", [[], [7], [7, 5]])
def test_mlp_has_the_widths_asked_for(widths: list[int]) -> None:
    mlp = build_mlp(widths, 3, dropout=0.0, name="mlp")
    assert mlp(tf.ones([2, 4])).shape == [2, 3]
    assert [tuple(kernel.shape) for kernel in mlp.weights[::2]] == list(
        zip([4, *widths], [*widths, 3], strict=True)
    )


def test_hidden_layers_are_rectified_and_the_output_is_not() -> None:
    mlp = build_mlp([2], 1, dropout=0.0, name="mlp")
    mlp.build([None, 1])
    mlp.set_weights([np.array([[1.0, -1.0]]), np.zeros(2), np.array([[-3.0], [5.0]]), np.array([0.5])])

    # 2 reaches the first unit only: -3 * 2 + 0.5; -2 the second only: 5 * 2 + 0.5.
    np.testing.assert_allclose(mlp(tf.constant([[2.0], [-2.0]])), [[-5.5], [10.5]])


def test_hidden_units_are_dropped_in_training_only() -> None:
    mlp = build_mlp([64], 3, dropout=0.5, name="mlp")
    inputs = tf.ones([1, 4])
    at_rest = mlp(inputs, training=False)
    np.testing.assert_array_equal(mlp(inputs, training=False), at_rest)
    assert not np.allclose(mlp(inputs, training=True), at_rest, atol=1e-4)


class TestDropout:
    def test_share_dropped_is_the_one_asked_for_and_the_mean_stays(self) -> None:
        dropped = Dropout(0.3)(tf.ones([10_000]), training=True).numpy()
        # Three standard deviations of a binomial share.
        assert np.mean(dropped == 0) == pytest.approx(0.3, abs=0.014)
        np.testing.assert_allclose(dropped[dropped != 0], 1 / 0.7, rtol=1e-6)

    def test_every_call_draws_anew(self) -> None:
        drop = Dropout(0.5)
        first, second = (drop(tf.ones([100]), training=True).numpy() for _ in range(2))
        assert not np.array_equal(first, second)

    def test_two_layers_draw_apart(self) -> None:
        first, second = (Dropout(0.5)(tf.ones([100]), training=True).numpy() for _ in range(2))
        assert not np.array_equal(first, second)

    def test_the_seed_fixes_what_is_drawn(self) -> None:
        drawn = []
        for _ in range(2):
            tf.keras.utils.set_random_seed(5)
            drawn.append(Dropout(0.5)(tf.ones([100]), training=True))
        np.testing.assert_array_equal(*drawn)

    def test_a_checkpoint_holds_the_randomness(self, tmp_path: Path) -> None:
        drop = Dropout(0.5)
        drop(tf.ones([3]), training=True)
        place = tf.train.Checkpoint(drop=drop).write(str(tmp_path / "state"))
        expected = drop(tf.ones([100]), training=True)
        other = Dropout(0.5)
        tf.train.Checkpoint(drop=other).read(place).assert_consumed()
        np.testing.assert_array_equal(other(tf.ones([100]), training=True), expected)


def test_the_last_layer_of_an_mlp_can_start_small() -> None:
    inputs = tf.random.stateless_normal([100, 16], seed=[0, 0])
    outputs = build_mlp([64], 8, dropout=0.0, name="mlp", last_kernel=small_normal())(inputs)
    assert 0 < np.std(outputs) < 0.2
