"""What may be learned at each stage, and what is fitted on it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.config import SplitConfig
from feature_pipeline.splits import SplitError
from feature_pipeline.store import FeatureStore
from tests.tiny_store import ENGINE, LATE_ITEMS, NUM_ITEMS, NUM_USERS, SILENT_USER, UNMET_ITEM
from tests.training_pipeline.invented import MEAN
from training_pipeline.prepare import Prepared, prepare


@pytest.fixture(scope="module")
def final(prepared: Prepared) -> Prepared:
    return prepared.learn("train", "validation")


def select(prepared: Prepared, *parts: str) -> pd.DataFrame:
    return prepared.tables.interactions[np.isin(prepared.parts, parts)]


def test_training_window_ends_before_validation_and_validation_before_test(prepared: Prepared) -> None:
    train, validation, test = (
        select(prepared, part)["event_time"] for part in ("train", "validation", "test")
    )
    assert train.max() < validation.min() <= validation.max() < test.min()


def test_first_the_training_window_is_learned_then_validation_too(
    prepared: Prepared, final: Prepared
) -> None:
    for stage, parts in ((prepared, ("train",)), (final, ("train", "validation"))):
        learned = select(prepared, *parts)
        training = stage.build_training_examples()
        users = prepared.tables.users["user_id"].iloc[training.examples.user]
        ids = prepared.tables.items["item_id"].iloc[training.target[:, 0]]
        pairs = sorted(zip(users, ids, strict=True))
        assert pairs == sorted(zip(learned["user_id"], learned["item_id"], strict=True))
        expected = learned["item_id"].value_counts().reindex(prepared.tables.items["item_id"]).fillna(0)
        assert stage.count_events().tolist() == expected.tolist()


def test_inputs_are_fitted_on_what_is_learned(prepared: Prepared, final: Prepared) -> None:
    learned = select(prepared, "train", "validation")
    assert final.inputs.item_ids.values == sorted(learned["item_id"].unique())
    squashed = np.log1p(learned["user_events_before"])
    scale = final.inputs.moment.scales["user_events_before"]
    assert (scale.mean, scale.deviation) == pytest.approx((squashed.mean(), squashed.std(ddof=0)))
    assert prepared.inputs.moment.scales["user_events_before"].mean < scale.mean
    assert not {*LATE_ITEMS, UNMET_ITEM} & set(final.inputs.item_ids.values)


def test_matrix_counts_events_of_user_and_item(prepared: Prepared, final: Prepared) -> None:
    for stage, parts in ((prepared, ("train",)), (final, ("train", "validation"))):
        expected = np.zeros((NUM_USERS, NUM_ITEMS))
        for user, item in select(prepared, *parts)[["user_id", "item_id"]].itertuples(index=False):
            expected[int(user[-2:]), int(item[-2:])] += 1
        np.testing.assert_array_equal(stage.build_matrix().toarray(), expected)


def test_repeated_events_add_up(prepared: Prepared) -> None:
    events = prepared.tables.interactions
    twice = replace(prepared.tables, interactions=pd.concat([events, events], ignore_index=True))
    doubled = replace(prepared, tables=twice, parts=np.tile(prepared.parts, 2))
    np.testing.assert_array_equal(doubled.build_matrix().toarray(), 2 * prepared.build_matrix().toarray())
    np.testing.assert_array_equal(doubled.count_events(), 2 * prepared.count_events())


def test_items_learned_in_validation_are_no_longer_cold(prepared: Prepared, final: Prepared) -> None:
    events = prepared.tables.interactions
    parts = np.where(events["item_id"] == "item-00", "validation", prepared.parts)
    moved = replace(prepared, parts=parts)
    assert moved.build_held_out("validation").popularity[0] == 0
    learned = moved.learn("train", "validation").build_held_out("test")
    assert learned.popularity[0] == (events["item_id"] == "item-00").sum() > 0


def test_user_without_events_asks_nothing(prepared: Prepared) -> None:
    for split in ("validation", "test"):
        assert SILENT_USER not in set(prepared.build_held_out(split).frame["user_id"])


def test_leave_last_out_holds_each_users_last_events_out(store: FeatureStore) -> None:
    left_out = prepare(store, SplitConfig(name="leave_last_out"), ENGINE, MEAN)
    events = left_out.tables.interactions
    for _, rows in events.groupby("user_id"):
        expected = ["train"] * (len(rows) - 2) + ["validation", "test"] if len(rows) > 3 else ["train"] * 3
        assert left_out.parts[rows.index].tolist() == expected


def test_split_without_test_events_is_an_error(store: FeatureStore) -> None:
    with pytest.raises(SplitError, match="leaves no validation events"):
        prepare(store, SplitConfig(name="leave_last_out", min_events=100), ENGINE, MEAN)


def test_a_window_without_anything_new_is_refused(prepared: Prepared) -> None:
    nothing_held_out = replace(prepared, parts=np.full(len(prepared.parts), "train"))
    with pytest.raises(SplitError, match=r"the test window holds nothing .* Remedy: give more events"):
        nothing_held_out.build_held_out("test")
