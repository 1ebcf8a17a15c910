"""The certificate of a running service: it holds, until an answer is tampered with, or missing."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from feature_pipeline.arrays import Table
from inference import certify
from inference.ask import Ask
from inference.choice import Wish
from inference.parity import ParityError
from inference.served import ServiceError, name_bundle
from inference.service.app import create_app
from tests.inference.answering import answer_on_a_port
from tests.inference.composed import compose_tiny
from tests.inference.service.world import OTHER, copy_bundle, make_event, make_settings
from training_pipeline.bundle import Bundle

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def artifacts(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    artifacts = tmp_path_factory.mktemp("certified")
    copy_bundle(bundle, artifacts)
    return artifacts


@pytest.fixture(scope="module")
def app(artifacts: Path):
    return create_app(make_settings(artifacts), threading.Event())


@pytest.fixture(scope="module")
def url(app) -> Iterator[str]:
    with answer_on_a_port(app) as url:
        yield url


@pytest.fixture
def live(app, url):
    """The recommender that answers."""
    return app.state.service.live.model.recommender


@pytest.fixture
def run(artifacts: Path, capsys):
    """Runs the command; returns what it prints."""

    def run(url: str) -> str:
        certify.main(compose_tiny("certify", artifacts, f'url="{url}"'))
        return str(capsys.readouterr().out)

    return run


def tamper(monkeypatch, live, change) -> None:
    """Has the service change what it answers to one user."""
    real = live.answer

    def answer(ask: Ask, wish: Wish) -> Table:
        found = real(ask, wish)
        if ask.user_id != "user-17":
            return found
        changed = change(pd.DataFrame(found.columns))
        return Table({name: changed[name].to_numpy() for name in changed})

    monkeypatch.setattr(live, "answer", answer)


def test_it_holds_whatever_has_happened_since(run, url, app):
    assert app.state.service.live.append([make_event("since", item_id="item-07")]) == 1
    assert '"users": 40, "candidates": 1000' in run(url)


@pytest.mark.parametrize("score", ["retrieval_score", "ranking_score"])
def test_a_tampered_score(run, url, live, monkeypatch, score):
    def change(found: pd.DataFrame) -> pd.DataFrame:
        changed = found.copy()
        changed.loc[3, score] += 1e-4
        return changed

    tamper(monkeypatch, live, change)
    with pytest.raises(ParityError, match=r"user 'user-17', item 'item-.*expected a ranking score of"):
        run(url)


def test_a_missing_item(run, url, live, monkeypatch):
    tamper(monkeypatch, live, lambda found: found.drop(index=3))
    with pytest.raises(ParityError, match=r"user 'user-17': item 'item-.*' is not served"):
        run(url)


def test_another_bundle_meanwhile(run, url, live, monkeypatch, bundle):
    def change(found: pd.DataFrame) -> pd.DataFrame:
        monkeypatch.setattr("inference.service.model.Model.id", OTHER)
        return found

    tamper(monkeypatch, live, change)
    with pytest.raises(ServiceError, match=f"expected answers of bundle {bundle.id}, found one of {OTHER}"):
        run(url)


def test_nobody_answers():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ServiceError, match=r"expected a service that answers, found: .*refused.* make serve"):
        name_bundle(url)


def test_something_else_answers(url):
    with pytest.raises(ServiceError, match="expected an answer, found status 404"):
        name_bundle(url + "/docs")
