"""What is hidden is gone, and nothing else is."""

import numpy as np

from tests.training_pipeline.invented import make_model
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.inputs import UNKNOWN
from training_pipeline.retrieval.masked import hide_content, hide_history


def test_without_history_users_keep_profile_and_moment(prepared: Prepared, validation: HeldOut) -> None:
    shown, hidden = prepared.build_held_out_examples(validation), hide_history(prepared, validation)

    assert (shown.history >= 0).any()
    assert (hidden.history == -1).all()
    assert (hidden.times[:, :-1] == 0).all()
    np.testing.assert_array_equal(hidden.times[:, -1], shown.times[:, -1])
    np.testing.assert_array_equal(hidden.user, shown.user)
    np.testing.assert_array_equal(hidden.moment["device"], shown.moment["device"])


def test_without_history_nothing_is_known_of_earlier_activity(
    prepared: Prepared, validation: HeldOut
) -> None:
    place = list(prepared.inputs.moment.scales).index("user_events_before")
    scale = prepared.inputs.moment.scales["user_events_before"]
    hidden = hide_history(prepared, validation).moment["numeric"][:, 0, 2 * place]
    np.testing.assert_allclose(hidden, scale.encode(np.zeros(1))[0, 0], rtol=1e-6)


def test_without_content_items_are_as_ones_of_which_nothing_is_known(prepared: Prepared) -> None:
    items = prepared.inputs.encode_items(prepared.tables.items, prepared.tables.item_vectors)
    hidden = hide_content(items)

    assert hidden.keys() == items.keys()
    np.testing.assert_array_equal(hidden[ITEM_INDEX], items[ITEM_INDEX])
    price = prepared.inputs.item.scales["price"].encode(np.array([np.nan]))
    np.testing.assert_array_equal(hidden["numeric"], np.repeat(price, len(hidden[ITEM_INDEX]), axis=0))
    assert not hidden["text_embedding"].any()
    assert not hidden["shape"].any()


def test_without_content_unseen_items_cannot_be_told_apart(prepared: Prepared) -> None:
    model = make_model(prepared)
    items = prepared.inputs.encode_items(prepared.tables.items, prepared.tables.item_vectors)
    unseen = np.flatnonzero(items[ITEM_INDEX] == UNKNOWN)

    shown, hidden = (model.embed_items(given).numpy()[unseen] for given in (items, hide_content(items)))
    assert len(unseen) > 1
    assert np.ptp(hidden, axis=0).max() == 0
    assert np.ptp(shown, axis=0).max() > 0
