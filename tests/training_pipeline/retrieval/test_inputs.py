"""Table columns become the arrays that a reader can work out by hand."""

import json
from dataclasses import replace
from math import e, log, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.schema import FeatureSpec
from training_pipeline.prepare import Prepared
from training_pipeline.retrieval.dataset import TowerInputs, fit_tower_inputs
from training_pipeline.retrieval.inputs import (
    MAX_VALUES,
    Scale,
    SideInputs,
    Vocabulary,
    fit_inputs,
)

TIMES = pd.Series(np.array(["1970-01-02", "NaT", "1970-01-01T12:00"], "datetime64[us]"))
FRAME = pd.DataFrame(
    {
        "kinds": [["cup", "blue"], [], ["cup"]],
        "price": [0.0, np.nan, e - 1],
        "made": TIMES,
        "text": ["a cup", None, "another"],
    }
)
SPECS = [
    FeatureSpec("kinds", "candidate", "categorical"),
    FeatureSpec("price", "candidate", "numeric"),
    FeatureSpec("made", "candidate", "timestamp"),
    FeatureSpec("text", "candidate", "text"),
    FeatureSpec("text_embedding", "candidate", "embedding"),
]
VECTORS = {"text_embedding": np.arange(6, dtype=np.float32).reshape(3, 2)}


class TestVocabulary:
    def test_pads_with_0_and_knows_unknown_as_1(self) -> None:
        encoded = Vocabulary(["blue", "red"], width=3).encode([["red"], ["blue", "green", "red"], []])

        np.testing.assert_array_equal(encoded, [[3, 0, 0], [2, 1, 3], [0, 0, 0]])
        assert encoded.dtype == np.int32

    def test_cuts_values_beyond_its_width(self) -> None:
        assert Vocabulary(["a", "b"], width=1).encode([["b", "a"]]).tolist() == [[3]]

    def test_every_index_is_below_its_size(self) -> None:
        vocabulary = Vocabulary(["a", "b", "c"], width=1)
        assert vocabulary.size == 5
        assert vocabulary.encode([["c"]]).max() == vocabulary.size - 1

    def test_learns_sorted_values_and_the_longest_row(self) -> None:
        fitted = fit_inputs(FRAME, VECTORS, SPECS)
        assert fitted.vocabularies == {"kinds": Vocabulary(["blue", "cup"], width=2)}

    def test_width_has_a_limit(self) -> None:
        frame = pd.DataFrame({"kinds": [[str(number) for number in range(MAX_VALUES + 4)]]})
        assert fit_inputs(frame, {}, SPECS[:1]).vocabularies["kinds"].width == MAX_VALUES

    @pytest.mark.parametrize("rows", [[], [[], []]])
    def test_nothing_known_still_has_a_column(self, rows: list[list[str]]) -> None:
        frame = pd.DataFrame({"kinds": pd.Series(rows, dtype=object)})
        assert fit_inputs(frame, {}, SPECS[:1]).vocabularies["kinds"] == Vocabulary([], width=1)


class TestScale:
    def test_standardises_the_logarithm(self) -> None:
        # log(1 + |x|) of 0 and e - 1 is 0 and 1: mean 1/2, deviation 1/2; that of 1 - e is -1.
        scale = fit_inputs(FRAME, VECTORS, SPECS).scales["price"]

        assert (scale.mean, scale.deviation) == pytest.approx((0.5, 0.5))
        encoded = scale.encode(np.array([0.0, e - 1, 1 - e, np.nan]))
        np.testing.assert_allclose(encoded, [[-1, 0], [1, 0], [-3, 0], [0, 1]], atol=1e-6)
        assert encoded.dtype == np.float32

    def test_timestamps_count_days_since_1970(self) -> None:
        scale = fit_inputs(FRAME, VECTORS, SPECS).scales["made"]
        assert scale.mean == pytest.approx((log(2) + log(1.5)) / 2)
        assert scale.deviation == pytest.approx((log(2) - log(1.5)) / 2)

    @given(value=st.floats(-1e9, 1e9), count=st.integers(1, 50))
    def test_constant_column_leaves_other_values_in_bounds(self, value: float, count: int) -> None:
        frame = pd.DataFrame({"price": np.full(count, value)})
        scale = fit_inputs(frame, {}, SPECS[1:2]).scales["price"]
        assert np.abs(scale.encode(np.array([value, 0.0, 1.0]))).max() <= log(1e9 + 1) + 1

    def test_column_without_values_is_left_as_it_is(self) -> None:
        frame = pd.DataFrame({"price": [np.nan, np.nan]})
        assert fit_inputs(frame, {}, SPECS[1:2]).scales["price"] == Scale(0.0, 1.0)

    def test_negative_numbers_mirror_positive_ones(self) -> None:
        values = np.array([3.0, -3.0])
        above, below = Scale(0.0, sqrt(2)).encode(values)[:, 0]
        assert above == -below == pytest.approx(log(4) / sqrt(2))


class TestSideInputs:
    def test_encodes_by_kind(self) -> None:
        encoded = fit_inputs(FRAME, VECTORS, SPECS).encode(FRAME, VECTORS)

        assert set(encoded) == {"kinds", "numeric", "text_embedding"}
        np.testing.assert_array_equal(encoded["kinds"], [[3, 2], [0, 0], [3, 0]])
        # price, price is missing, made, made is missing
        np.testing.assert_allclose(
            encoded["numeric"], [[-1, 0, 1, 0], [0, 1, 0, 1], [1, 0, -1, 0]], atol=1e-6
        )
        assert encoded["text_embedding"] is VECTORS["text_embedding"]

    def test_without_numbers_there_is_no_numeric_array(self) -> None:
        assert set(fit_inputs(FRAME, VECTORS, SPECS[:1]).encode(FRAME, VECTORS)) == {"kinds"}

    def test_survives_json(self) -> None:
        fitted = fit_inputs(FRAME, VECTORS, SPECS)
        assert SideInputs.from_json(json.loads(json.dumps(fitted.to_json()))) == fitted


class TestTowerInputs:
    def test_survives_json(self, prepared: Prepared) -> None:
        content = json.loads(json.dumps(prepared.inputs.to_json()))
        assert TowerInputs.from_json(content) == prepared.inputs

    def test_item_without_training_events_gets_the_unknown_id(self, prepared: Prepared) -> None:
        index = prepared.inputs.encode_items(prepared.tables.items, prepared.tables.item_vectors)[
            "item_index"
        ]

        late = [18, 38, 39]
        assert index[late].tolist() == [1, 1, 1]
        assert sorted(np.delete(index, late)) == list(range(2, 39))

    def test_nothing_is_learned_from_what_appears_later(self, prepared: Prepared) -> None:
        """Whatever late rows hold, the fitted inputs are the same; what is new in them is unknown."""
        tables, is_train = prepared.tables, prepared.parts == "train"
        items, users, events = tables.items.copy(), tables.users.copy(), tables.interactions.copy()
        items.at[18, "shape"] = ["star"]
        items.loc[[18, 38, 39], "price"] = 1e6
        users.loc[[38, 39], "age"] = 1e6
        users.at[38, "country"] = ["Fiji"]
        late = events.index[~is_train]
        events.loc[late, "user_events_before"] = 10**6
        events.at[late[0], "device"] = ["watch"]

        changed = replace(tables, items=items, users=users, interactions=events)
        assert fit_tower_inputs(changed, is_train) == prepared.inputs
        assert prepared.inputs.item.encode(items, tables.item_vectors)["shape"][18].tolist() == [1]
        assert prepared.inputs.user.encode(users, {})["country"][38].tolist() == [1]
