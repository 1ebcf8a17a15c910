"""Hot reload: another bundle answers once it is ready to, a bad one never, and no answer is of two."""

import json
import logging
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature_pipeline.artefact import MANIFEST, set_current
from feature_pipeline.errors import UserError
from inference.service import state
from inference.service.reload import open_first
from inference.service.ticker import Ticker
from tests.inference.service.changed import seal
from tests.inference.service.world import OTHER, damage, write_event, write_other
from training_pipeline.bundle import FORMAT_VERSION

SECONDS = 60


@pytest.fixture
def bundles(artifacts):
    return artifacts / "tiny" / "bundles"


def ask(client, k=5):
    return client.post("/recommend", json={"user_id": "user-00", "k": k})


def wait_for(is_so):
    deadline = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def list_first_words(answer):
    return {row["title"].split()[0] for row in answer["recommendations"]}


def refusals(caplog):
    return [record.fields for record in caplog.records if record.getMessage() == "bundle refused"]


def test_another_bundle_answers_and_knows_the_events(client, bundles, bundle):
    client.post("/events", json={"events": [write_event("a")]})
    write_other(bundle, bundles)
    assert ask(client).json()["bundle"] == bundle.id
    set_current(bundles, OTHER)
    wait_for(lambda: ask(client).json()["bundle"] == OTHER)
    answer = ask(client, 40).json()
    assert list_first_words(answer) == {"Other"}
    assert "item-39" not in [row["item_id"] for row in answer["recommendations"]]
    assert f'towerbridge_workers{{bundle="{OTHER}"}} 1.0' in client.get("/metrics").text


def test_no_answer_fails_and_none_is_mixed(client, bundles, bundle):
    write_other(bundle, bundles)
    is_over = threading.Event()
    words = {bundle.id: {"Thing"}, OTHER: {"Other"}}

    def go_on():
        seen = []
        while not is_over.is_set():
            answer = ask(client)
            assert answer.status_code == 200
            assert list_first_words(answer.json()) == words[answer.json()["bundle"]]
            seen.append(answer.json()["bundle"])
        return seen

    with ThreadPoolExecutor(3) as pool:
        asking = [pool.submit(go_on) for _ in range(3)]
        for bundle_id in (OTHER, bundle.id, OTHER):
            set_current(bundles, bundle_id)
            wait_for(lambda wanted=bundle_id: client.get("/ready").json()["bundle"] == wanted)
        is_over.set()
        seen = [answered.result() for answered in asking]
    assert {bundle_id for each in seen for bundle_id in each} == {bundle.id, OTHER}


def spoil_ranker(place):
    """Sound by its checksums, but nothing can be read from it."""
    (place / "ranker.cbm").write_bytes(b"no ranker")
    seal(place)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (
            damage,
            "item_embeddings.npy: missing or changed since it was published. Remedy: run make train for",
        ),
        (lambda place: seal(place, format_version=1), f"expected format_version {FORMAT_VERSION}, found 1."),
        (lambda place: (place / MANIFEST).unlink(), "manifest.json: not readable"),
        (shutil.rmtree, "manifest.json: not readable"),
        (spoil_ranker, "CatBoostError < "),
    ],
)
def test_a_bad_bundle_is_refused_once(client, bundles, bundle, caplog, spoil, error):
    caplog.set_level(logging.INFO, "inference.service")
    spoil(write_other(bundle, bundles))
    set_current(bundles, OTHER)
    wait_for(lambda: refusals(caplog))
    time.sleep(2.5)
    (refusal,) = refusals(caplog)
    assert refusal["bundle"] == OTHER
    assert error in refusal["error"]
    assert ask(client).json()["bundle"] == bundle.id


def test_after_a_bad_bundle_a_good_one(client, bundles, bundle, caplog):
    damage(write_other(bundle, bundles))
    write_other(bundle, bundles, "ba9876543210")
    set_current(bundles, OTHER)
    wait_for(lambda: refusals(caplog))
    assert 'towerbridge_reloads_total{outcome="refused"}' in client.get("/metrics").text
    set_current(bundles, "ba9876543210")
    wait_for(lambda: ask(client).json()["bundle"] == "ba9876543210")


def test_looks_at_once_when_told(monkeypatch, start, bundles, bundle):
    monkeypatch.setattr(state, "_LOOK_SECONDS", 3600)
    client = start()
    write_other(bundle, bundles)
    set_current(bundles, OTHER)
    time.sleep(1.5)
    assert ask(client).json()["bundle"] == bundle.id
    client.app.state.look.set()
    wait_for(lambda: ask(client).json()["bundle"] == OTHER)


def test_a_worker_that_starts_upon_a_bad_bundle_takes_the_one_before(start, bundles, bundle, caplog):
    damage(write_other(bundle, bundles))
    set_current(bundles, OTHER)
    client = start()
    assert ask(client).json()["bundle"] == bundle.id
    time.sleep(1.5)
    assert {refusal["bundle"] for refusal in refusals(caplog)} == {OTHER}


def test_none_that_can_be_opened(bundles, bundle):
    damage(bundles / bundle.id)

    def fail(place):
        raise UserError("damaged")

    with pytest.raises(UserError) as error:
        open_first(bundles, fail)
    expected = f"{bundles}: expected a bundle that can be opened, found none. Remedy: run make train"
    assert str(error.value) == expected


def test_a_ticker_goes_on_after_a_failure_and_tells_it_once(caplog):
    calls, wake = [], threading.Event()

    def task():
        calls.append(None)
        if len(calls) < 4:
            raise RuntimeError("about secret-person")

    ticker = Ticker("work", task, 0.01, wake)
    ticker.start()
    wait_for(lambda: len(calls) > 5)
    ticker.stop()
    (record,) = caplog.records
    assert record.fields["task"] == "work"
    assert record.fields["error"].startswith("RuntimeError < test_reload.py:")
    assert "secret" not in json.dumps(record.fields)
