"""Query embeddings do not depend on how many are embedded at once."""

import numpy as np
import pytest

from tests.training_pipeline.invented import make_model
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.embed import embed_queries


@pytest.mark.parametrize("batch_size", [1, 7])
def test_batches_do_not_matter(prepared: Prepared, validation: HeldOut, batch_size: int) -> None:
    model = make_model(prepared)
    corpus = model.embed_corpus().numpy()
    examples = prepared.build_held_out_examples(validation)
    users = prepared.inputs.user.encode(prepared.tables.users, {})

    whole = embed_queries(model.query_tower, examples, users, corpus)
    in_parts = embed_queries(model.query_tower, examples, users, corpus, batch_size)
    assert whole.shape == (len(validation.frame), 4)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(in_parts, whole, atol=1e-6)


def test_no_queries_give_no_embeddings(prepared: Prepared, validation: HeldOut) -> None:
    model = make_model(prepared)
    examples = prepared.build_held_out_examples(validation.take(np.array([], int)))
    embedded = embed_queries(model.query_tower, examples, {}, model.embed_corpus().numpy())
    assert embedded.shape == (0, 4)
