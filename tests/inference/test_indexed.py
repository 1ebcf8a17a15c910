"""The recommender over an approximate index: exact scores, and full lists whatever is left out."""

from dataclasses import asdict
from threading import Thread

import numpy as np
import pandas as pd
import pytest

from inference import certify
from inference.index.scann import ScannIndex
from inference.recommender import Recommender
from tests.inference.index.kinds import NEEDS_SCANN
from tests.tiny_store import ENGINE
from training_pipeline.index_config import ExactConfig, ScannConfig

# Lower than a config may ask for: the tiny bundle has forty items, and not all of them are to be looked at.
TINY = ScannConfig.model_construct(name="scann", leaves=8, leaves_to_search=2, reorder=4, min_recall=0.5)


@pytest.fixture
def approximate(bundle, monkeypatch) -> Recommender:
    """Asks ScaNN for ten candidates at a time."""
    pytest.importorskip("scann", reason=NEEDS_SCANN)
    monkeypatch.setattr("inference.index.scann._SCORED", 0)
    return Recommender(bundle, TINY)


@pytest.fixture
def proposals(approximate, monkeypatch) -> list[int]:
    """Notes how many items ScaNN proposes, question by question."""
    noted = []
    propose = ScannIndex._propose

    def propose_and_note(*arguments):
        noted.append(len(places := propose(*arguments)))
        return places

    monkeypatch.setattr(ScannIndex, "_propose", propose_and_note)
    return noted


@pytest.fixture
def few(bundle, monkeypatch) -> None:
    """The ranker wants so few candidates that ScaNN is asked at all."""
    config = bundle.ranker_config.model_copy(update={"candidates": 3})
    monkeypatch.setattr(type(bundle), "ranker_config", property(lambda _: config))


@pytest.mark.usefixtures("few")
class TestAsked:
    def test_items_have_the_scores_of_the_exact_index(self, approximate, proposals, recommender):
        found = approximate.recommend(["user-00", "user-01"], 3)
        assert proposals
        assert max(proposals) < 40
        everything = recommender.recommend(["user-00", "user-01"], 40)
        pairs = found.merge(everything, on=["user_id", "item_id"], suffixes=("", "_exact"))
        assert len(pairs) == len(found) == 6
        np.testing.assert_array_equal(pairs["retrieval_score"], pairs["retrieval_score_exact"])

    def test_lists_are_full_whatever_is_excluded_filtered_and_gone(self, approximate, proposals, bundle):
        ids = bundle.tables.items["item_id"]
        gone, excluded = list(ids[::7]), list(ids[1::7])
        approximate.remove_items(gone)
        found = approximate.recommend(["user-00"], 3, exclude=excluded)
        assert proposals
        assert len(found) == 3
        assert set(found["item_id"]).isdisjoint(gone + excluded)

    def test_a_new_item_is_found_without_building_anew(self, approximate, monkeypatch):
        monkeypatch.setattr("inference.index.scann.Proposer.build", None)
        approximate.add_items(pd.DataFrame([{"item_id": "item-new", "title": "New"}]))
        assert "item-new" in set(approximate.recommend(["user-00"], 41)["item_id"])

    def test_items_come_while_requests_are_answered(self, approximate):
        before = approximate.recommend(["user-00"], 3)
        answers, errors = [], []

        def ask() -> None:
            try:
                for _ in range(10):
                    answers.append(approximate.recommend(["user-00"], 3, exclude=["item-39"]))
            except Exception as error:
                errors.append(error)

        threads = [Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(5):
            approximate.add_items(pd.DataFrame([{"item_id": f"item-new-{number}", "title": "New"}]))
            approximate.remove_items([f"item-new-{number}"])
        for thread in threads:
            thread.join()
        assert errors == []
        assert all(len(answer) == 3 for answer in answers)
        pd.testing.assert_frame_equal(approximate.recommend(["user-00"], 3), before)


class TestCertificate:
    def test_an_exact_index_misses_nothing(self, bundle):
        assert certify.try_index(bundle, ENGINE, ExactConfig(name="exact")) is None

    def test_users_of_the_bundle_ask_an_approximate_one(self, bundle):
        pytest.importorskip("scann", reason=NEEDS_SCANN)
        found = certify.try_index(bundle, ENGINE, TINY)
        assert found is not None
        assert asdict(found) == {"queries": 40, "length": 100, "share": 1.0}

    def test_the_manifest_keeps_it(self, bundle):
        assert bundle.manifest["parity"]["largest_difference"] <= 1e-6
        assert bundle.manifest["recall"] is None
        assert bundle.manifest["config"]["index"] == {"name": "exact"}
