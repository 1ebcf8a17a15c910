"""Coarse times, keys that cross the split, and fits that saw too much."""

from dataclasses import replace

import numpy as np
import pandas as pd

from feature_pipeline.audit.crossings import find_crossings
from feature_pipeline.audit.drawn_users import draw_users
from feature_pipeline.audit.fitted import find_foreign_fits
from feature_pipeline.audit.subject import Fitted
from feature_pipeline.audit.timestamps import find_coarse_times
from tests.feature_pipeline.audit.subjects import make_dataset, make_subject

SUBJECT = make_subject()
PARTS = np.array(["train"] * 900 + ["validation"] * 150 + ["test"] * 150)


def with_times(change, **dataset):
    events = SUBJECT.interactions.assign(event_time=change(SUBJECT.interactions["event_time"]))
    return replace(SUBJECT, interactions=events, dataset=make_dataset(**dataset))


class TestTimes:
    def test_seconds_pass(self):
        assert find_coarse_times(SUBJECT) == []

    def test_midnight_where_seconds_are_declared(self):
        (finding,) = find_coarse_times(with_times(lambda times: times.dt.normalize()))
        assert (finding.severity, finding.column) == ("warning", "event_time")
        assert "midnight" in finding.found
        assert "time_resolution to day" in finding.remedy
        assert "2024-01-01 00:00:00" in finding.example

    def test_midnight_where_days_are_declared(self):
        assert find_coarse_times(with_times(lambda t: t.dt.normalize(), time_resolution="day")) == []

    def test_one_event_by_day_is_enough_to_believe_seconds(self):
        times = SUBJECT.interactions["event_time"].dt.normalize().tolist()
        times[7] += pd.Timedelta(hours=9)
        assert find_coarse_times(with_times(lambda _: times)) == []

    def test_one_time_for_all(self):
        (finding,) = find_coarse_times(with_times(lambda times: times.iloc[0], time_resolution="day"))
        assert finding.severity == "warning"
        assert "the same for all events" in finding.found

    def test_a_single_event_says_nothing(self):
        one = replace(SUBJECT, interactions=SUBJECT.interactions.iloc[:1])
        assert find_coarse_times(one) == []


class TestCrossings:
    def test_different_pairs_pass(self):
        assert find_crossings(SUBJECT, PARTS) == []

    def test_one_event_in_two_parts(self):
        rows = [*range(1200), 899]
        events = SUBJECT.interactions.iloc[rows].reset_index(drop=True)
        twice = replace(SUBJECT, interactions=events, dataset=make_dataset(repeats=True))
        (finding,) = find_crossings(twice, np.append(PARTS, "test"))
        assert (finding.severity, finding.column) == ("error", "user_id, item_id, event_time")
        assert "name 1 events" in finding.found
        assert str(events["event_time"].iloc[899]) in finding.example
        assert "train and test" in finding.example

    def test_one_event_twice_in_the_same_part(self):
        events = SUBJECT.interactions.iloc[[*range(1200), 899]].reset_index(drop=True)
        twice = replace(SUBJECT, interactions=events, dataset=make_dataset(repeats=True))
        assert find_crossings(twice, np.append(PARTS, "train")) == []

    def test_pairs_met_in_training_are_counted(self):
        """Rows 900 and 901 (validation) and 1100 (test) repeat pairs of training."""
        events = SUBJECT.interactions.copy()
        keys = ["user_id", "item_id"]
        events.loc[[900, 901, 1100], keys] = events.loc[[0, 1, 2], keys].to_numpy()
        met = replace(SUBJECT, interactions=events)
        test, validation = find_crossings(met, PARTS)
        assert "2 pairs of validation" in validation.found
        assert "1 pairs of test" in test.found
        assert {test.severity, validation.severity} == {"warning"}
        assert find_crossings(replace(met, dataset=make_dataset(repeats=True)), PARTS) == []


class TestFitted:
    def test_training_items_pass(self):
        known = SUBJECT.interactions.loc[PARTS == "train", "item_id"].unique()
        fitted = (Fitted("items.picture_embedding", "candidate", list(known)),)
        assert find_foreign_fits(replace(SUBJECT, fitted=fitted), PARTS) == []

    def test_an_item_and_a_user_that_training_does_not_know(self):
        fitted = (
            Fitted("items.picture_embedding", "candidate", ["i001", "i999", "i998"]),
            Fitted("users.profile_embedding", "query", ["u001", "u999"]),
        )
        items, users = find_foreign_fits(replace(SUBJECT, fitted=fitted), PARTS)
        assert (items.severity, items.column) == ("error", "items.picture_embedding")
        assert "2 of 3 items" in items.found
        assert "'i998'" in items.example
        assert "1 of 2 users" in users.found


class TestDrawnUsers:
    def test_all_users_where_they_fit(self):
        assert draw_users(SUBJECT.interactions["user_id"], 0, 1200).all()

    def test_whole_users_up_to_the_bound(self):
        user_ids = SUBJECT.interactions["user_id"]
        is_drawn = draw_users(user_ids, 0, 160)
        # 15 events a user: ten users fit.
        assert user_ids[is_drawn].value_counts().tolist() == [15] * 10
        assert not set(user_ids[is_drawn]) & set(user_ids[~is_drawn])

    def test_one_user_at_least(self):
        assert draw_users(SUBJECT.interactions["user_id"], 0, 1).sum() == 15
