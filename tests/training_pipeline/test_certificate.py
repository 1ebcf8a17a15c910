"""What serving's command is asked, and what becomes of its answer."""

import sys
from pathlib import Path

import pytest

from training_pipeline import certificate
from training_pipeline.certificate import CertificateError, certify
from training_pipeline.index_config import ExactConfig, ScannConfig

SCANN = ScannConfig(name="scann", leaves=None, leaves_to_search=9, reorder=500, min_recall=0.9)


def say(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Lets Python run this in place of the command."""
    monkeypatch.setattr(certificate, "_COMMAND", [sys.executable, "-c", f"import json, sys; {code}"])


def test_the_index_is_handed_on_setting_by_setting(monkeypatch):
    say(monkeypatch, "print(json.dumps(sys.argv[1:]))")
    assert certify(Path("a=b"), 3, SCANN) == [
        'path="a=b"',
        "engine.threads=3",
        "index=scann",
        "index.leaves=null",
        "index.leaves_to_search=9",
        "index.reorder=500",
        "index.min_recall=0.9",
    ]


def test_an_exact_index_has_no_settings(monkeypatch):
    say(monkeypatch, "print(json.dumps(sys.argv[3:]))")
    assert certify(Path("b"), 1, ExactConfig(name="exact")) == ["index=exact"]


def test_the_last_line_is_the_certificate(monkeypatch):
    say(monkeypatch, "print('talk'); print('{\"recall\": null}')")
    assert certify(Path("b"), 1, SCANN) == {"recall": None}


def test_what_stopped_it_is_told(monkeypatch):
    say(monkeypatch, "print('certify b', file=sys.stderr); sys.exit('error: expected recall@100')")
    with pytest.raises(CertificateError) as error:
        certify(Path("b"), 1, SCANN)
    assert str(error.value) == (
        "the bundle is not published, as it is not served right: error: expected recall@100"
    )
