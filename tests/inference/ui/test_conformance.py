"""The library and a service answer the page alike, and keep the same logs."""

import uuid
from datetime import UTC, datetime

import numpy as np
import pytest

from feature_pipeline.errors import UserError
from feature_pipeline.events import Event
from inference.served import ServiceError
from inference.service.requests import (
    AskBody,
    NewUser,
    RecommendBody,
    SearchForm,
    SimilarBody,
    UsersBody,
)
from inference.ui.backend import Backend
from inference.ui.service import Service
from tests.inference.service.pictures import draw
from training_pipeline.bundle import Bundle


def make_like(user_id: str, item_id: str) -> Event:
    return Event(
        event_id=str(uuid.uuid4()),
        user_id=user_id,
        item_id=item_id,
        event_type="like",
        event_time=datetime.now(UTC),
        provenance="human",
    )


def test_names_the_bundle(backend: Backend, bundle: Bundle):
    assert backend.name_bundle() == bundle.id


def test_answers_are_the_same(library: Backend, service: Backend):
    wish = {"filters": {"price": {"min": 5}}, "diversity": 0.4, "exclude": ["item-30"], "reasons": True}
    body = RecommendBody.model_validate({"user_id": "user-02", "k": 6, **wish})
    ours, theirs = library.recommend(body), service.recommend(body)
    assert [row.item_id for row in ours.recommendations] == [row.item_id for row in theirs.recommendations]
    assert ours == theirs
    asks = AskBody(user_id="user-02")
    np.testing.assert_allclose(library.embed(asks).embedding, service.embed(asks).embedding, atol=1e-6)
    alike = SimilarBody(item_id="item-03", by="tower", k=4)
    assert library.similar(alike) == service.similar(alike)
    assert library.get_history("user-02", 5) == service.get_history("user-02", 5)


def test_an_event_is_there_once_and_counts(backend: Backend):
    like = make_like(f"visitor-{uuid.uuid4()}", "item-05")
    backend.register(UsersBody(users=[NewUser(user_id=like.user_id, profile={"age": 30})]))
    assert backend.append([like]).new == 1
    assert backend.append([like]).new == 0
    assert [past.item_id for past in backend.get_history(like.user_id, 9).events] == ["item-05"]
    shown = backend.recommend(RecommendBody(user_id=like.user_id, k=40)).recommendations
    assert "item-05" not in {row.item_id for row in shown}


def test_somebody_new_is_registered_once(backend: Backend):
    body = UsersBody(users=[NewUser(user_id=f"visitor-{uuid.uuid4()}", profile={"country": "Peru"})])
    assert backend.register(body).new == 1
    assert backend.register(body).new == 0
    assert backend.get_history(body.users[0].user_id, 5).events == []
    assert len(backend.recommend(RecommendBody(user_id=body.users[0].user_id, k=3)).recommendations) == 3


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (lambda b: b.recommend(RecommendBody(user_id="nobody")), "user 'nobody' is not known"),
        (lambda b: b.recommend(RecommendBody(user_id="user-02", filters={"colour": "red"})), "colour"),
        (lambda b: b.similar(SimilarBody(item_id="nothing")), "item 'nothing' is not known"),
        (lambda b: b.append([make_like("user-02", "nothing")]), "item 'nothing' is not known"),
        (lambda b: b.search(SearchForm(), b"no picture"), "JPEG, PNG or WebP"),
        (lambda b: b.search(SearchForm(), draw(200, 200)), "image: expected at most 100,000 bytes"),
        (lambda b: b.register(UsersBody(users=[NewUser(user_id="a", profile={"hat": 1})])), "hat"),
    ],
)
def test_refusals_say_what_to_do(backend: Backend, refused, words: str):
    with pytest.raises(UserError, match=r"Remedy|Choices|It knows") as refusal:
        refused(backend)
    assert words in str(refusal.value)
    assert not isinstance(refusal.value, ServiceError)


def test_a_service_that_is_not_there(artifacts):
    with pytest.raises(ServiceError, match="Remedy: start one by make serve"):
        Service("http://127.0.0.1:9").name_bundle()
