"""Columns that alone give the target away are found, of items, users, moments and computed rows alike."""

import numpy as np
import pandas as pd
import pytest

from feature_pipeline.audit.config import AuditConfig
from feature_pipeline.audit.finding import Finding
from feature_pipeline.audit.probe import find_giveaways, judge_columns
from feature_pipeline.audit.subject import Subject
from feature_pipeline.schema import FeatureSpec
from feature_pipeline.splits import assign_split
from tests.feature_pipeline.audit.subjects import SOUND, Oracle, make_interactions, make_subject

CONFIG = AuditConfig()
EVENTS = make_interactions()
PARTS = assign_split(EVENTS, make_subject().split)
ITEM_IDS = make_subject().items["item_id"]


def find(subject: Subject, config: AuditConfig = CONFIG) -> list[Finding]:
    return find_giveaways(subject, assign_split(subject.interactions, subject.split), config)


def is_chosen(part: str) -> np.ndarray:
    return ITEM_IDS.isin(EVENTS.loc[part == PARTS, "item_id"].unique()).to_numpy()


class TestItems:
    def test_sound_columns_pass(self):
        assert find(make_subject()) == []

    @pytest.mark.parametrize("part", ["validation", "test"])
    @pytest.mark.parametrize("sign", [1.0, -1.0])
    def test_a_number_that_marks_targets(self, part: str, sign: float):
        marks = make_subject(
            items={"hint": np.where(is_chosen(part), sign, 0)},
            specs=[FeatureSpec("hint", "candidate", "numeric")],
        )
        (finding,) = find(marks)
        assert (finding.severity, finding.check, finding.column) == ("error", "probe", "hint")
        assert f"{sign} of item" in finding.example

    def test_a_number_that_only_targets_have(self):
        marks = make_subject(
            items={"hint": np.where(is_chosen("validation"), 1.0, np.nan)},
            specs=[FeatureSpec("hint", "candidate", "numeric")],
        )
        assert [finding.column for finding in find(marks)] == ["hint"]

    def test_a_time_of_the_last_sale(self):
        last = EVENTS.groupby("item_id")["event_time"].max().reindex(ITEM_IDS).to_numpy()
        sold = make_subject(items={"sold": last}, specs=[FeatureSpec("sold", "candidate", "timestamp")])
        assert [finding.column for finding in find(sold)] == ["sold"]

    def test_a_category_that_marks_targets(self):
        shelf = [["top", "red"] if chosen else ["back"] for chosen in is_chosen("validation")]
        marks = make_subject(items={"shelf": shelf}, specs=[FeatureSpec("shelf", "candidate", "categorical")])
        assert [finding.column for finding in find(marks)] == ["shelf"]

    def test_a_category_of_its_own_for_each_item_tells_nothing(self):
        own = make_subject(
            items={"shelf": [[name] for name in ITEM_IDS]},
            specs=[FeatureSpec("shelf", "candidate", "categorical")],
        )
        assert judge_columns(own, PARTS, CONFIG)["shelf"].auc == 0.5

    def test_how_much_is_believed_can_be_set(self):
        assert "price" in {finding.column for finding in find(make_subject(), AuditConfig(max_auc=0.501))}


class TestGivens:
    """What is known of the user or the moment is the same for all candidates."""

    def test_context_that_names_the_item(self):
        events = EVENTS.assign(basket=[[name] for name in EVENTS["item_id"]])
        named = make_subject(interactions=events, specs=[FeatureSpec("basket", "context", "categorical")])
        (finding,) = find(named)
        assert finding.column == "basket"
        assert events["basket"].iloc[0][0][0] in finding.example

    def test_context_that_stands_for_the_item_in_training(self):
        """A price of the event's own item, two items each: the pair is told from all other items."""
        events = EVENTS.assign(paid=EVENTS["item_id"].str[1:].astype(int) // 2 / 7)
        paid = make_subject(interactions=events, specs=[FeatureSpec("paid", "context", "numeric")])
        assert [finding.column for finding in find(paid, AuditConfig(max_auc=0.95))] == ["paid"]

    def test_user_that_names_the_next_title(self):
        first = EVENTS[PARTS == "validation"].drop_duplicates("user_id").set_index("user_id")["item_id"]
        users = make_subject().users["user_id"]
        told = ("Thing " + users.map(first)).to_numpy()
        named = make_subject(users={"note": told}, specs=[FeatureSpec("note", "query", "text")])
        (finding,) = find(named)
        assert finding.column == "note"

    def test_a_column_without_any_value(self):
        empty = make_subject(
            users={"age": np.nan, "likes": pd.Series([[]] * 80)},
            specs=[FeatureSpec("age", "query", "numeric"), FeatureSpec("likes", "query", "categorical")],
        )
        verdicts = judge_columns(empty, PARTS, CONFIG)
        assert verdicts["age"].auc == verdicts["likes"].auc == 0.5


class TestRows:
    def test_a_feature_that_knows_the_answers(self):
        place = pd.Index(ITEM_IDS).get_indexer(EVENTS["item_id"])
        by_user = EVENTS.assign(place=place).groupby("user_id")["place"]
        answers = [(items[:2].tolist(), items.tolist()) for _, items in by_user]
        (finding,) = find(make_subject((*SOUND, Oracle(answers=answers))))
        assert (finding.check, finding.column) == ("probe", "oracle")
        assert "1.0 for the chosen item" in finding.example

    def test_honest_popularity_is_believed(self):
        """Everybody buys from ten best-sellers before anything else; others' choices are as popular."""
        rng = np.random.default_rng(3)
        best = np.where(rng.random(len(EVENTS)) < 0.9, rng.integers(0, 10, len(EVENTS)), 200)
        popular = EVENTS.assign(item_id=pd.Series([f"i{n:03}" for n in best], dtype="str"))
        assert find(make_subject(interactions=popular, repeats=True)) == []


def test_too_few_queries_are_said_to_be_so():
    (finding,) = find(make_subject(interactions=EVENTS.iloc[:100]))
    assert finding.severity == "warning"
    assert "fewer than 30 validation queries" in finding.found
