"""Features that read the future, or depend on what else is asked, are found; sound ones are not."""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.future import find_changes
from feature_pipeline.audit.questions import find_differences
from feature_pipeline.features.feature import Feature
from feature_pipeline.features.outcome_history import compute
from tests.feature_pipeline.audit.subjects import (
    SOUND,
    ItemTotal,
    LastAsked,
    RankInBatch,
    SameInstant,
    UserLast,
    make_interactions,
    make_subject,
)

CONFIG = AuditConfig(queries=60)


@cache
def find(*leaks: Feature) -> dict[str, Finding]:
    """Findings by column in a shop with leaks among sound features."""
    return {finding.column: finding for finding in find_changes(make_subject((*SOUND, *leaks)), CONFIG)}


class TestFuture:
    leaks = (ItemTotal(), UserLast(), SameInstant())

    def test_sound_features_pass(self):
        assert find() == {}

    def test_every_leak_is_found_and_nothing_else(self):
        found = find(*self.leaks)
        assert set(found) == {"itemtotal", "userlast", "sameinstant"}
        assert {(f.severity, f.check) for f in found.values()} == {("error", "future")}

    def test_the_example_can_be_looked_up(self):
        """Counted by hand at the example: with the event of the instant, and without it."""
        example = find(*self.leaks)["sameinstant"].example
        user, moment = re.match(r"user '(.*)' as of (.*): ", example).groups()
        events = make_interactions()
        times = events.loc[events["user_id"] == user, "event_time"]
        before = (times < moment).sum()
        assert f": {(times <= moment).sum():.1f} with all events, " in example
        assert f", {before or np.nan:.1f} without events from " in example

    def test_the_same_seed_finds_the_same(self):
        assert find.__wrapped__(*self.leaks) == find(*self.leaks)

    def test_one_query_is_enough_to_ask(self):
        assert find_changes(make_subject(), AuditConfig(queries=1)) == []


class TestServing:
    def test_what_depends_on_other_queries(self):
        found = find(LastAsked(), RankInBatch())
        assert set(found) == {"lastasked", "rankinbatch"}
        assert {(f.severity, f.check) for f in found.values()} == {("error", "serving")}

    def test_a_stored_value_that_is_not_the_computed_one(self):
        subject = make_subject()
        stale = subject.computed.assign(user_days_since_last=lambda f: f["user_days_since_last"] + 1)
        (finding,) = find_changes(replace(subject, computed=stale), CONFIG)
        assert (finding.check, finding.column) == ("serving", "user_days_since_last")

    def test_only_rows_about_to_be_stored_are_compared(self):
        """An incremental build computes the last months; the sample then stands there."""
        subject = make_subject()
        last = subject.computed.iloc[-300:]
        assert find_changes(replace(subject, computed=last), CONFIG) == []
        (finding,) = find_changes(replace(subject, computed=last + 1), CONFIG)
        assert finding.check == "serving"

    def test_a_build_without_new_rows(self):
        subject = make_subject()
        assert find_changes(replace(subject, computed=subject.computed.iloc[:0]), CONFIG) == []


class TestFindDifferences:
    def test_whole_numbers_are_exact_and_others_to_a_billionth(self):
        one = pd.DataFrame({"count": [1e12, 2.0], "share": [0.5, 0.1]})
        other = pd.DataFrame({"count": [1e12, 3.0], "share": [0.5, 0.1 + 1e-12]})
        assert find_differences(one, other) == {"count": 1}
        large = find_differences(one, one.assign(count=[1e12 + 1, 2.0]))
        assert large == {"count": 0}

    def test_missing_equals_missing_only(self):
        one = pd.DataFrame({"x": [np.nan, np.nan]})
        assert find_differences(one, one) == {}
        assert find_differences(one, pd.DataFrame({"x": [np.nan, 0.0]})) == {"x": 1}


class TestOutcomes:
    def test_a_review_of_the_very_instant_is_found(self, monkeypatch: pytest.MonkeyPatch):
        """Reviews are embeddings of the user's side, and are watched like any other feature."""
        subject = make_subject()
        reviews = np.random.default_rng(0).normal(size=(len(subject.interactions), 3)).astype("float32")

        def make_builder(altered: pd.DataFrame):
            builder = subject.make_builder(altered)
            builder._events._outcomes = {"review_embedding": reviews[altered.index]}
            return builder

        sound = replace(subject, make_builder=make_builder)
        assert find_changes(sound, CONFIG) == []
        late = "feature_pipeline.features.outcome_history.compute"
        monkeypatch.setattr(
            late, lambda queries, *rest: compute(queries.assign(as_of=queries["as_of"] + 1), *rest)
        )
        (finding,) = find_changes(replace(subject, make_builder=make_builder), CONFIG)
        assert (finding.check, finding.column) == ("future", "review_history_embedding")
