"""Lazy Adam against Keras where both do the same, and against NumPy where rows rest."""

from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf

from training_pipeline.retrieval.lazy_adam import LazyAdam

START = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
RATE, BETAS, EPSILON = 0.1, (0.8, 0.9), 1e-7

Steps = Sequence[Sequence[int]]


def build(kind: type[tf.keras.optimizers.Adam]) -> tf.keras.optimizers.Adam:
    return kind(RATE, beta_1=BETAS[0], beta_2=BETAS[1], epsilon=EPSILON)


def draw_gradients(steps: Steps) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=(len(rows), 3)).astype(np.float32) for rows in steps]


def train(optimizer: tf.keras.optimizers.Adam, steps: Steps) -> np.ndarray:
    """Steps with sparse gradients at the rows of each."""
    table = tf.Variable(START)
    for rows, values in zip(steps, draw_gradients(steps), strict=True):
        optimizer.apply_gradients([(tf.IndexedSlices(values, tf.constant(rows), START.shape), table)])
    return table.numpy()


def train_exactly(steps: Steps) -> np.ndarray:
    """Adam row by row: a row that a step does not touch keeps its value and its moments."""
    table = START.astype(float)
    momentum, velocity = np.zeros_like(table), np.zeros_like(table)
    for number, (rows, values) in enumerate(zip(steps, draw_gradients(steps), strict=True), start=1):
        for row in set(rows):
            gradient = sum(v for r, v in zip(rows, values.astype(float), strict=True) if r == row)
            momentum[row] = BETAS[0] * momentum[row] + (1 - BETAS[0]) * gradient
            velocity[row] = BETAS[1] * velocity[row] + (1 - BETAS[1]) * gradient**2
            unbiased = np.sqrt(1 - BETAS[1] ** number) / (1 - BETAS[0] ** number)
            table[row] -= RATE * unbiased * momentum[row] / (np.sqrt(velocity[row]) + EPSILON)
    return table


def test_dense_variables_train_as_with_keras() -> None:
    tables = []
    for kind in (LazyAdam, tf.keras.optimizers.Adam):
        optimizer, table = build(kind), tf.Variable(START)
        for values in draw_gradients([range(6)] * 5):
            optimizer.apply_gradients([(tf.constant(values), table)])
        tables.append(table.numpy())
    np.testing.assert_array_equal(*tables)


def test_rows_that_every_step_touches_train_as_with_keras() -> None:
    steps = [list(range(6))] * 5
    ours, theirs = train(build(LazyAdam), steps), train(build(tf.keras.optimizers.Adam), steps)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param([[0, 2], [2, 5], [0, 1], [2]], id="some rows rest"),
        pytest.param([[3, 3, 1], [1, 3]], id="a row twice in one step"),
    ],
)
def test_equals_numpy(steps: Steps) -> None:
    np.testing.assert_allclose(train(build(LazyAdam), steps), train_exactly(steps), rtol=1e-5, atol=1e-6)


def test_untouched_rows_and_their_moments_stay() -> None:
    optimizer = build(LazyAdam)
    table = tf.Variable(START)
    optimizer.build([table])
    for rows in ([0, 2, 4], [2, 4]):
        state = [variable.numpy() for variable in (table, *optimizer.variables[1:])]
        gradient = tf.IndexedSlices(tf.ones([len(rows), 3]), tf.constant(rows), START.shape)
        optimizer.apply_gradients([(gradient, table)])
        rest = np.setdiff1d(np.arange(6), rows)
        moved = [variable.numpy() for variable in (table, *optimizer.variables[1:])]
        sized = [(b, a) for b, a in zip(state, moved, strict=True) if b.shape == START.shape]
        assert len(sized) == 3
        for before, after in sized:
            np.testing.assert_array_equal(after[rest], before[rest])
            assert (after[rows] != before[rows]).all()


def test_keras_moves_rows_that_rest() -> None:
    """What lazy Adam is there to avoid; without this the test above would show nothing."""
    steps = [[0, 2], [2]]
    assert (train(build(tf.keras.optimizers.Adam), steps)[0] != train(build(LazyAdam), steps)[0]).all()


def test_a_step_in_a_graph_equals_one_outside() -> None:
    optimizer, table = build(LazyAdam), tf.Variable(START)
    optimizer.build([table])

    @tf.function
    def step(rows: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(table, rows) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, table), table)])

    step(tf.constant([1, 4, 4]))
    # The first step of Adam is the rate, against the gradient's sign.
    expected = START - RATE * np.sign(START) * np.isin(np.arange(6), [1, 4])[:, None]
    np.testing.assert_allclose(table, expected, atol=1e-5)


def test_the_schedule_is_followed() -> None:
    """Steps of 1 and then of 0.01, against the sign of a gradient that stays the same."""
    schedule = tf.keras.optimizers.schedules.PiecewiseConstantDecay([0], [1.0, 0.01])
    optimizer, table = LazyAdam(schedule), tf.Variable(tf.zeros([2, 1]))
    moved = []
    for _ in range(2):
        optimizer.apply_gradients([(tf.IndexedSlices([[2.0]], tf.constant([0]), [2, 1]), table)])
        moved.append(float(table[0, 0]))
    assert moved == pytest.approx([-1, -1.01], abs=1e-4)
