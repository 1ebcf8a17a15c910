"""What a source of negatives is."""

from typing import Protocol

import tensorflow as tf


class Source(Protocol):
    """Draws items that all queries of a batch share as negatives."""

    def draw(self, chosen: tf.Tensor, draws: tf.random.Generator) -> tf.Tensor:
        """Positions of items [num_drawn] int32.

        Args:
            chosen: positions of the batch's chosen items [num_queries] int32.
            draws: the randomness.
        """

    def expect(self, items: tf.Tensor) -> tf.Tensor:
        """How many times each of these items [num_items] int32 is expected in one draw: float32."""
