"""Adam whose work does not grow with the vocabulary."""

from typing import Any

import tensorflow as tf


class LazyAdam(tf.keras.optimizers.Adam):
    """Adam (Kingma and Ba 2015) that leaves the rows of an embedding table alone that a step does not touch.

    Keras decays the moments of every row at every step, which costs the whole table and moves rows that no
    example asked for. Here a row's moments are those of the steps that touched it.
    """

    def update_step(self, gradient: Any, variable: tf.Variable) -> None:
        """Updates one variable; the rows of a sparse gradient are distinct already."""
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable)
            return
        step = tf.cast(self.iterations + 1, variable.dtype)
        unbias = tf.sqrt(1 - tf.pow(self.beta_2, step)) / (1 - tf.pow(self.beta_1, step))
        place = self._index_dict[self._var_key(variable)]
        rows, values = gradient.indices, gradient.values
        momentum = _average(self._momentums[place], rows, values, self.beta_1)
        velocity = _average(self._velocities[place], rows, tf.square(values), self.beta_2)
        rate = tf.cast(self.learning_rate, variable.dtype) * unbias
        variable.scatter_sub(tf.IndexedSlices(rate * momentum / (tf.sqrt(velocity) + self.epsilon), rows))


def _average(table: tf.Variable, rows: tf.Tensor, values: tf.Tensor, keep: float) -> tf.Tensor:
    """Moves the moving averages at `rows` towards `values`, and returns them."""
    moved = tf.gather(table, rows) * keep + values * (1 - keep)
    table.scatter_update(tf.IndexedSlices(moved, rows))
    return moved
