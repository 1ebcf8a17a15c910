"""What is hidden is gone, and nothing else is."""

import numpy as np
import pytest

from feature_pipeline.schema import FeatureSpec
from tests.training_pipeline.invented import make_model
from training_pipeline.evaluation.protocol import HeldOut
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.candidate_tower import ITEM_INDEX
from training_pipeline.retrieval.inputs import UNKNOWN, Arrays
from training_pipeline.retrieval.masked import hide_columns, hide_content, hide_history, list_masks

SHAPE = FeatureSpec("shape", "candidate", "categorical")
TEXT = [FeatureSpec("plot", "candidate", "text"), FeatureSpec("plot_embedding", "candidate", "embedding")]
IMAGE = [FeatureSpec("still", "candidate", "image"), FeatureSpec("still_embedding", "candidate", "embedding")]
TITLE = [FeatureSpec("name", "candidate", "text"), FeatureSpec("name_embedding", "candidate", "embedding")]


@pytest.fixture
def items(prepared: Prepared) -> Arrays:
    return prepared.inputs.encode_items(prepared.tables.items, prepared.tables.item_vectors)


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


def test_without_content_items_are_as_ones_of_which_nothing_is_known(
    prepared: Prepared, items: Arrays
) -> None:
    hidden = hide_content(items)

    assert hidden.keys() == items.keys()
    np.testing.assert_array_equal(hidden[ITEM_INDEX], items[ITEM_INDEX])
    price = prepared.inputs.item.scales["price"].encode(np.array([np.nan]))
    np.testing.assert_array_equal(hidden["numeric"], np.repeat(price, len(hidden[ITEM_INDEX]), axis=0))
    assert not hidden["text_embedding"].any()
    assert not hidden["shape"].any()


def test_without_content_unseen_items_cannot_be_told_apart(prepared: Prepared, items: Arrays) -> None:
    model = make_model(prepared)
    unseen = np.flatnonzero(items[ITEM_INDEX] == UNKNOWN)

    shown, hidden = (model.embed_items(given).numpy()[unseen] for given in (items, hide_content(items)))
    assert len(unseen) > 1
    assert np.ptp(hidden, axis=0).max() == 0
    assert np.ptp(shown, axis=0).max() > 0


@pytest.mark.parametrize("names", [[], ["shape"], ["text_embedding"], ["numeric", "shape"]])
def test_columns_not_named_stay_as_they_are(items: Arrays, names: list[str]) -> None:
    before = {name: values.copy() for name, values in items.items()}
    hidden = hide_columns(items, names)
    assert hidden.keys() == items.keys()
    for name, values in hidden.items():
        assert np.array_equal(values, before[name]) == (name not in names), name
        assert (values.dtype, values.shape) == (before[name].dtype, before[name].shape)
        np.testing.assert_array_equal(items[name], before[name])


def test_hidden_numbers_are_missing_ones() -> None:
    numeric = np.array([[1.5, 0, -2, 0], [0, 1, 3, 0]], np.float32)
    hidden = hide_columns({"numeric": numeric}, ["numeric"])["numeric"]
    np.testing.assert_array_equal(hidden, [[0, 1, 0, 1], [0, 1, 0, 1]])


class TestListMasks:
    @pytest.mark.parametrize(
        ("specs", "expected"),
        [
            ([SHAPE, *TEXT], {"text": ["plot_embedding"]}),
            ([*IMAGE, SHAPE], {"image": ["still_embedding"]}),
            (
                [*TEXT, SHAPE, *IMAGE, *TITLE],
                {
                    "text": ["plot_embedding", "name_embedding"],
                    "image": ["still_embedding"],
                    "text and image": ["plot_embedding", "name_embedding", "still_embedding"],
                },
            ),
            ([SHAPE], {}),
        ],
        ids=["text", "image", "both", "neither"],
    )
    def test_each_kind_of_content_has_one(
        self, specs: list[FeatureSpec], expected: dict[str, list[str]]
    ) -> None:
        encoded = ["shape", *(spec.name for spec in specs if spec.kind == "embedding")]
        masks = list_masks(specs, {name: np.zeros((1, 1)) for name in (ITEM_INDEX, *encoded)})
        assert masks == {**expected, "content": encoded}
        assert list(masks) == [*expected, "content"]

    def test_where_items_are_ids_alone_there_is_nothing_to_hide(self) -> None:
        assert list_masks([], {ITEM_INDEX: np.zeros(1)}) == {}

    def test_names_columns_of_the_encoded_items(self, prepared: Prepared, items: Arrays) -> None:
        masks = list_masks(prepared.tables.specs["items"], items)
        assert masks["text"] == ["text_embedding"]
        assert set(masks) == {"text", "content"}
        everything = hide_columns(items, masks["content"])
        for name, values in hide_content(items).items():
            np.testing.assert_array_equal(everything[name], values)
