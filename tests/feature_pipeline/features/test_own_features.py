"""Features of the user's own, each from a file: every base class once, and every way to get it wrong."""

from pathlib import Path
from textwrap import dedent

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.features.facts import Columns
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.registry import FeatureFileError, compute_digest, load_features, pin
from tests.event_tables import ask, at, build, compute, happen

STATE = """
    from feature_pipeline.features.feature import StateFeature
    from feature_pipeline.schema import FeatureSpec

    class UserMeanWeight(StateFeature):
        side = "query"
        key = "user"
        factor: float = 1.0

        def list_specs(self, columns):
            return [FeatureSpec("user_mean_weight", "query", "numeric")]

        def read(self, moment):
            mean = moment.add_up("weight") / moment.count().nullif(0) / 1_000_000
            return {"user_mean_weight": mean * self.factor}
"""
MOMENT = """
    from feature_pipeline.features.feature import MomentFeature
    from feature_pipeline.features.window import MICROSECONDS
    from feature_pipeline.schema import FeatureSpec

    class NightOwl(MomentFeature):
        def list_specs(self, columns):
            return [FeatureSpec("context_is_night", "context", "numeric")]

        def read(self, as_of):
            hour = as_of % MICROSECONDS["days"] / MICROSECONDS["hours"]
            return {"context_is_night": (hour < 6).cast("int64")}
"""
TABLE = """
    from feature_pipeline.features.feature import TableFeature
    from feature_pipeline.point_in_time import ROW
    from feature_pipeline.schema import EVENT_TIME, ITEM_ID, USER_ID, FeatureSpec

    class ItemUsers(TableFeature):
        side = "candidate"

        def list_specs(self, columns):
            return [FeatureSpec("item_users", "candidate", "numeric")]

        def compute(self, facts):
            events = facts.events_of_items.rename(who=USER_ID)
            met = facts.rows.inner_join(events, ITEM_ID)
            met = met.filter(met[EVENT_TIME] < met["as_of"])
            return met.group_by(ROW).aggregate(item_users=met["who"].nunique())
"""
ARRAY = """
    import numpy as np
    from feature_pipeline.features.feature import ArrayFeature
    from feature_pipeline.schema import FeatureSpec

    class PairIsRecent(ArrayFeature):
        def get_recent(self):
            return 2

        def list_specs(self, columns):
            return [FeatureSpec("pair_is_recent", "pair", "numeric")]

        def compute(self, vectors, history, candidates):
            is_recent = (history[:, -2:, None] == candidates[:, None]).any(axis=1)
            return {"pair_is_recent": is_recent.astype(np.float32)}
"""
HAPPENED = happen(
    *(
        ("ann", "a", at(0)),
        ("ann", "b", at(1)),
        ("bob", "a", at(2)),
        ("ann", "a", at(3)),
        ("ann", "c", at(5)),
    ),
    weight=[1, 2, 3, 6, 9],
)


def write(folder: Path, source: str, name: str = "own.py") -> str:
    path = folder / name
    path.write_text(dedent(source))
    return str(path)


def load(folder: Path, source: str, **parameters: object) -> Feature:
    return load_features({"own": {"file": write(folder, source), **parameters}})["own"]


@pytest.mark.parametrize(
    ("source", "parameters", "expected"),
    [
        # Ann's weights before day 4 are 1, 2 and 6; at noon it is not night; users of a were ann and bob, of
        # b ann, of z nobody; her last two items b and a.
        (STATE, {}, [3.0]),
        (STATE, {"factor": 2.0}, [6.0]),
        (MOMENT, {}, [0.0]),
        (TABLE, {}, [2.0, 1.0, np.nan]),
        (ARRAY, {}, [1.0, 1.0, 0.0]),
    ],
)
def test_each_base_class_serves(tmp_path: Path, source: str, parameters: dict, expected: list[float]):
    feature = load(tmp_path, source, **parameters)
    got = compute(feature, HAPPENED, ask(("ann", at(4.5))), "a", "b", "z")
    assert list(got) == [spec.name for spec in feature.list_specs(Columns())]
    np.testing.assert_array_equal(got.iloc[:, 0], expected)


def test_own_features_stand_beside_ours(tmp_path: Path):
    chosen = {
        "night_owl": {"file": write(tmp_path, MOMENT, "night_owl.py")},
        "item_events": {"windows": ["all"]},
        "item_users": {"file": write(tmp_path, TABLE, "item_users.py")},
    }
    builder = build(
        list(load_features(chosen).values()), HAPPENED, pd.DataFrame({"item_id": ["a", "b", "c"]})
    )
    asked = ask(("bob", at(4, 1)))
    assert builder.compute_query_features(asked).to_dict("list") == {"context_is_night": [1.0]}
    got = builder.compute_row_features(asked, np.array([[0, 1]]))
    assert got.to_dict("list") == {"item_events_before": [3, 1], "item_users": [2, 1]}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("", "expected one class that derives from .*found 0. Remedy"),
        (MOMENT + TABLE, "expected one class that derives from .*found 2. Remedy: keep one feature a file"),
        ("import numpy\nnumpy.absent", "AttributeError: .*absent.*Remedy: mend the file"),
        ("class Broken(", "SyntaxError: .*Remedy: mend the file"),
        (
            MOMENT.replace("import FeatureSpec", "import FeatureSpecs"),
            "ImportError: .*",
        ),
        (
            STATE.replace('key = "user"', ""),
            "UserMeanWeight does not say its key. Remedy: give the class key",
        ),
        (TABLE.replace('side = "candidate"', ""), "ItemUsers does not say its side. Remedy"),
        (
            STATE.replace("factor: float = 1.0", "factors: list[int] = [1]"),
            "declare a parameter .* as a tuple",
        ),
    ],
)
def test_a_file_that_does_not_hold_one_feature_says_why(tmp_path: Path, source: str, message: str):
    with pytest.raises(FeatureFileError, match=f"point_in_time.own.*{message}") as error:
        load(tmp_path, source)
    assert "\n" not in str(error.value)


def test_a_file_must_be_there_and_be_python(tmp_path: Path):
    for file, message in (
        (str(tmp_path / "absent.py"), "no such file from .*Remedy: give the path of a Python file"),
        (str(tmp_path), "no such file"),
        (write(tmp_path, MOMENT, "own.txt"), "expected a Python file. Remedy: let its name end in .py"),
    ):
        with pytest.raises(FeatureFileError, match=f"point_in_time.own.file='.*{message}"):
            load_features({"own": {"file": file}})


def test_what_was_pinned_is_refused_after_a_change(tmp_path: Path):
    file = write(tmp_path, STATE)
    pinned = pin({"own": {"file": file, "factor": 2.0}})
    assert len(pinned["own"]["digest"]) == 64
    assert repr(load_features(pinned)["own"]) == "UserMeanWeight(factor=2.0)"
    write(tmp_path, STATE.replace("factor: float = 1.0", "factor: float = 3.0"))
    with pytest.raises(FeatureFileError, match="has changed since the feature store was built"):
        load_features(pinned)


def test_the_digest_follows_the_files_content(tmp_path: Path):
    first = compute_digest([load(tmp_path, MOMENT)])
    assert compute_digest([load(tmp_path, MOMENT)]) == first
    assert compute_digest([load(tmp_path, MOMENT.replace("hour < 6", "hour < 5"))]) != first
