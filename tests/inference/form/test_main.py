"""`python -m inference.form`: what is wrong is said before a page is served."""

import socket
from contextlib import closing

import pytest

from feature_pipeline.artefact import ArtefactError
from feature_pipeline.config import ConfigError
from feature_pipeline.errors import UserError
from inference.form.__main__ import HOST, main
from inference.form.answer_log import AnswerLog, AnswerLogError
from inference.form.config import read_settings
from inference.streamlit_server import find_port
from tests.inference.composed import compose_config


def compose(gallery, *overrides):
    return compose_config("form", f"artifacts={gallery}", "dataset.name=gallery", *overrides)


def test_settings(gallery):
    form = read_settings(compose(gallery, "seed=7")).form
    assert (form.study, form.show, form.count, form.seed, form.port) == ("first", "items", 20, 7, 8502)
    assert form.answers == gallery / "gallery" / "answers.sqlite"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("form.show=films", "form.show: Input should be 'items' or 'users', found 'films'"),
        ("form.count=0", "form.count: Input should be greater than 0, found 0"),
        ("form.study=''", "form.study: String should have at least 1 character, found ''"),
        ("+form.colour=red", "unknown key 'form.colour'"),
    ],
)
def test_wrong_settings(gallery, override, message):
    with pytest.raises(ConfigError) as error:
        main(compose(gallery, override))
    assert message in str(error.value)


def test_no_store_yet(tmp_path):
    with pytest.raises(ArtefactError, match="Remedy: run make features"):
        main(compose_config("form", f"artifacts={tmp_path}"))
    assert not (tmp_path / "sample" / "answers.sqlite").exists()


def test_a_study_of_something_else(gallery, tmp_path):
    path = tmp_path / "answers.sqlite"
    with closing(AnswerLog(path)) as log:
        log.register("first", "users")
    with pytest.raises(AnswerLogError, match="is about users, found items"):
        main(compose(gallery, f"form.answers={path}"))


def test_a_port_that_is_taken(gallery, tmp_path):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"expected to listen on 127\.0\.0\.1:{port}, found: .* PORT=0"):
            main(compose(gallery, f"form.port={port}", f"form.answers={tmp_path / 'a.sqlite'}"))
    assert find_port(HOST, port) == port
    assert find_port(HOST, 0) > 0
