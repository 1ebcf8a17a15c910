"""The negatives of one batch from all sources, with the correction of each."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from training_pipeline.config import RetrievalConfig
from training_pipeline.retrieval.negatives.frequency import Counted, Streaming
from training_pipeline.retrieval.negatives.hard import Hard
from training_pipeline.retrieval.negatives.in_batch import InBatch
from training_pipeline.retrieval.negatives.source import Source
from training_pipeline.retrieval.negatives.uniform import Uniform

HARD_DEPTH = 50


class Negatives(tf.Module):
    """Draws from all sources as if they were one.

    The expected counts of the sources add up, whichever of them an item came from (mixed negative sampling,
    Yang et al. 2020). Hard negatives are no sample of the corpus: each counts as itself.

    Args:
        sources: of the sample; all known items where there are none.
        hard: where hard negatives are wanted.
        items: positions of the items that have events in training [num_known] int32.
        corrected: whether scores are corrected for how often an item is drawn (log-Q).
    """

    def __init__(self, sources: Sequence[Source], hard: Hard | None, items: np.ndarray, corrected: bool):
        super().__init__()
        self.sources = sources
        self.hard = hard
        self.items = tf.constant(items, tf.int32)
        self.corrected = corrected

    def draw(self, chosen: tf.Tensor, draws: tf.random.Generator) -> tuple[tf.Tensor, tf.Tensor]:
        """Draws for one batch.

        Args:
            chosen: positions of the batch's chosen items [num_queries] int32.
            draws: the randomness.

        Returns:
            Positions of items [num_drawn] int32, and what is added to the score of each [num_drawn] float32.
        """
        if not self.sources:
            return self.items, tf.zeros(tf.shape(self.items))
        drawn = [source.draw(chosen, draws) for source in self.sources]
        if self.hard:
            drawn.append(self.hard.draw(chosen, draws))
        items = tf.concat(drawn, axis=0)
        if not self.corrected:
            return items, tf.zeros(tf.shape(items))
        expected = tf.add_n([source.expect(items) for source in self.sources])
        if self.hard:
            expected += tf.cast(
                tf.range(tf.shape(items)[0]) >= tf.shape(items)[0] - self.hard.count, tf.float32
            )
        return items, -tf.math.log(expected)


def build_negatives(config: RetrievalConfig, item_counts: np.ndarray, index: tf.Variable) -> Negatives:
    """The sources that the config names.

    Args:
        config: of the retriever.
        item_counts: training events of each item [num_items] int.
        index: embeddings of the corpus as of the last validation [num_items, dim] float32.
    """
    known = np.flatnonzero(item_counts)
    if config.loss == "full_softmax":
        return Negatives((), None, known, corrected=False)
    wanted, sources = config.negatives, list[Source]()
    if wanted.uniform:
        sources.append(Uniform(wanted.uniform, known))
    if wanted.in_batch:
        is_streaming = wanted.frequency == "streaming"
        frequency = Streaming(len(item_counts), config.batch_size) if is_streaming else Counted(item_counts)
        sources.append(InBatch(wanted.in_batch, frequency))
    hard = Hard(wanted.hard, min(HARD_DEPTH, len(known)), index, item_counts > 0) if wanted.hard else None
    return Negatives(tuple(sources), hard, known, wanted.log_q)
