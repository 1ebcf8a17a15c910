"""Query embeddings do not depend on how many are embedded at once."""

import numpy as np
import pytest
import tensorflow as tf

from tests.training_pipeline.invented import MEAN, make_model, make_transformer
from training_pipeline.config import QueryConfig
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.embed import embed_queries


@pytest.mark.parametrize("query", [MEAN, make_transformer(items="own")], ids=["mean", "transformer"])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_batches_do_not_matter(
    prepared: Prepared, validation: HeldOut, batch_size: int, query: QueryConfig
) -> None:
    tf.keras.utils.set_random_seed(0)
    model = make_model(prepared, query)
    corpus = model.embed_corpus().numpy()
    examples = prepared.build_held_out_examples(validation)
    users = prepared.inputs.user.encode(prepared.tables.users, {})

    index = prepared.inputs.index_items(prepared.tables.items)

    whole = embed_queries(model.query_tower, examples, users, corpus, index)
    in_parts = embed_queries(model.query_tower, examples, users, corpus, index, batch_size)
    assert whole.shape == (len(validation.frame), 4)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(in_parts, whole, atol=1e-5)


def test_no_queries_give_no_embeddings(prepared: Prepared, validation: HeldOut) -> None:
    model = make_model(prepared)
    examples = prepared.build_held_out_examples(validation.take(np.array([], int)))
    corpus, index = model.embed_corpus().numpy(), prepared.inputs.index_items(prepared.tables.items)
    embedded = embed_queries(model.query_tower, examples, {}, corpus, index)
    assert embedded.shape == (0, 4)
