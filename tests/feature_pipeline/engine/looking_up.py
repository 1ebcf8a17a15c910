"""What a look-up must find on every engine: the latest state strictly before each row's moment."""

import numpy as np
import pandas as pd

from feature_pipeline.engine.engine import Computation, Engine, declare_table
from feature_pipeline.point_in_time import Line, accumulate
from tests.event_tables import at, run_computation, whole_numbers

ROWS = declare_table("asked", "row", "user_id", "item_id", "moment")
EVENTS = declare_table("events", "user_id", "item_id", "event_time")
KEY = ("user_id", "item_id")

# Two at one instant of day 1, one on day 3; another item, and another user, on day 2.
HAPPENED = whole_numbers(
    user_id=[1, 1, 1, 1, 2], item_id=[5, 5, 5, 6, 5], event_time=[at(1), at(1), at(3), at(2), at(2)]
)
# At the instant itself, a microsecond later, at the end; then keys of one event, and without any.
ASKED = whole_numbers(
    row=[7, 3, 5, 2, 9, 4, 8],
    user_id=[1, 1, 1, 1, 2, 2, -1],
    item_id=[5, 5, 5, 6, 5, 6, 5],
    moment=[at(1), at(1, 1), at(9), at(9), at(2, 1), at(9), at(9)],
)
FOUND = {
    7: (None, None),
    3: (2, at(1)),
    5: (3, at(3)),
    2: (1, at(2)),
    9: (1, at(2)),
    4: (None, None),
    8: (None, None),
}


def build_look_up(engine: Engine) -> Computation:
    """Looks up how many events of the key came before; the state is a step that is computed once."""
    states = accumulate(EVENTS, KEY, count=Line(EVENTS, KEY).count())
    shared = declare_table("states", "user_id", "item_id", "event_time", "count")
    found = engine.look_up(ROWS, shared, KEY, "moment", "known_")
    return Computation({"states": states}, found, engine.dialect)


def check_look_up(engine: Engine) -> None:
    """Asserts that the engine finds what is to be found, and keeps the columns of the rows."""
    computation = build_look_up(engine)
    assert computation.sources == ["asked", "events"]
    got = run_computation(engine, computation, asked=ASKED, events=HAPPENED).set_index("row")
    assert list(got) == ["user_id", "item_id", "moment", "known_event_time", "known_count"]
    pd.testing.assert_frame_equal(
        got.loc[ASKED["row"], ["user_id", "item_id", "moment"]], ASKED.set_index("row"), check_dtype=True
    )
    expected = np.array([FOUND[row] for row in ASKED["row"]], np.float64)
    np.testing.assert_array_equal(got.loc[ASKED["row"], ["known_count", "known_event_time"]], expected)
    none = run_computation(engine, computation, asked=ASKED, events=HAPPENED.iloc[:0])
    assert len(none) == len(ASKED)
    assert none[["known_event_time", "known_count"]].isna().all(axis=None)
    assert run_computation(engine, computation, asked=ASKED.iloc[:0], events=HAPPENED).empty
