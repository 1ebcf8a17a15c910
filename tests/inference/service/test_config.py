"""The typed config of the service, and how a worker gets it."""

from pathlib import Path

import pytest

from feature_pipeline.config import ConfigError
from inference.service.config import TOKEN, hand_over, read_settings, take_over
from tests.inference.composed import compose_config


def read(*overrides):
    return read_settings(compose_config("serve", *overrides))


def test_defaults(monkeypatch):
    monkeypatch.delenv(TOKEN, raising=False)
    settings = read()
    assert (settings.dataset, settings.bundles) == ("sample", Path("artifacts/sample/bundles"))
    assert (settings.serve.host, settings.serve.port, settings.serve.workers) == ("127.0.0.1", 8000, 1)
    assert settings.feedback.events == "artifacts/sample/events.sqlite"
    assert settings.feedback.weights.model_dump() == {"like": 1.0, "click": 0.5}
    assert settings.token is None


def test_workers_get_it_whole_and_the_token_by_its_own_way(monkeypatch):
    monkeypatch.setenv(TOKEN, "open-sesame")
    monkeypatch.setenv("TOWERBRIDGE_SERVICE", "")
    settings = read("serve.workers=2", "artifacts=here")
    hand_over(settings)
    assert take_over() == settings
    assert settings.token == "open-sesame"
    assert "sesame" not in repr(settings)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("serve.port=99999", "serve.port: Input should be less than or equal to 65535, found 99999"),
        ("serve.workers=0", "serve.workers: Input should be greater than 0, found 0"),
        ("feedback.weights.like=-1", "feedback.weights.like: Input should be greater than 0, found -1"),
        (
            "+feedback.weights.buy=1",
            "unknown key 'feedback.weights.buy'. Choices: click, like",
        ),
        (
            "+serve.limits.body=1",
            "unknown key 'serve.limits.body'. Choices: body_bytes, image_bytes, image_pixels",
        ),
    ],
)
def test_wrong(override, message):
    with pytest.raises(ConfigError) as error:
        read(override)
    assert str(error.value) == message
