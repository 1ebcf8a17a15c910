"""What held-out users chose, divided in what counts and what they had met before: against plain Python."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from feature_pipeline.splits import build_queries
from tests.event_tables import events, repeatable, to_interactions


@repeatable(max_examples=30)
@given(events(min_size=3, max_size=20), st.integers(0, 2**32 - 1), st.booleans())
def test_targets_and_what_was_chosen_again_are_all_that_was_chosen(
    happened: pd.DataFrame, seed: int, repeats: bool
) -> None:
    interactions = to_interactions(happened)
    is_target = np.random.default_rng(seed).random(len(interactions)) < 0.5
    queries = build_queries(interactions, is_target, [], repeats)
    asking = queries.frame["user_id"].to_numpy()[queries.target_query]
    targets = list(zip(asking, queries.target_item_id, strict=True))
    repeated = list(queries.repeated.itertuples(index=False, name=None))

    chosen, again = set(), set()
    ordered = interactions.assign(target=is_target).sort_values(["event_time", "event_order"])
    for user, own in ordered.groupby("user_id"):
        first = int(np.argmax(own["target"])) if own["target"].any() else len(own)
        before = set(own["item_id"].iloc[:first])
        wanted = {(user, item) for item in own.loc[own["target"], "item_id"]}
        chosen |= wanted
        again |= set() if repeats else {pair for pair in wanted if pair[1] in before}
    assert sorted(repeated) == sorted(again)
    assert sorted(targets) == sorted(chosen - again)
