"""POST /recommend: the recommender's own answers, and what is refused."""

import pytest

from tests.tiny_store import SILENT_USER

COLUMNS = ["item_id", "title", "rank", "retrieval_score", "ranking_score", "chance", "reasons"]


def test_answers_as_the_recommender_does(reader, recommender, bundle):
    answer = reader.post("/recommend", json={"user_id": "user-00", "k": 5, "reasons": True})
    assert answer.status_code == 200
    content = answer.json()
    assert (content["bundle"], content["user_id"]) == (bundle.id, "user-00")
    expected = recommender.recommend(["user-00"], 5, explain=True).drop(columns="user_id")
    assert list(content["recommendations"][0]) == COLUMNS
    assert content["recommendations"] == expected.to_dict("records")


def test_ten_without_reasons_by_default(reader):
    rows = reader.post("/recommend", json={"user_id": "user-00"}).json()["recommendations"]
    assert [row["rank"] for row in rows] == list(range(1, 11))
    assert rows[0]["reasons"] is None


def test_moment_context_and_excluded_items_count(reader):
    usual = {"user_id": "user-00", "k": 40}
    ask = lambda **more: reader.post("/recommend", json=usual | more).json()["recommendations"]  # noqa: E731
    items = [row["item_id"] for row in ask()]
    assert len(ask(as_of="2024-01-01T00:00:00Z")) == 40
    assert ask(as_of="2024-03-01T12:00:00") == ask(as_of="2024-03-01T14:00:00+02:00")
    assert ask(context={"device": "phone"}) != ask(context={"device": "desk"})
    assert [row["item_id"] for row in ask(exclude=items[:2])] == items[2:]


def test_somebody_new_by_profile_and_likes(reader, recommender):
    answer = reader.post("/recommend", json={"profile": {"age": 33, "country": "Peru"}, "likes": ["item-01"]})
    content = answer.json()
    assert content["user_id"] is None
    assert "item-01" not in [row["item_id"] for row in content["recommendations"]]
    other = reader.post("/recommend", json={"profile": {"age": 33, "country": "Peru"}, "likes": ["item-21"]})
    assert other.json() != content


def test_a_bundle_without_a_ranker_has_no_chances(unranked_artifacts, start, artifacts, unranked):
    (artifacts / "tiny" / "bundles").rename(artifacts / "away")
    (artifacts / "tiny" / "bundles").symlink_to(unranked_artifacts / "tiny" / "bundles")
    rows = start().post("/recommend", json={"user_id": SILENT_USER}).json()["recommendations"]
    assert [row["chance"] for row in rows] == [None] * 10


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (
            {"user_id": "nobody"},
            404,
            "user 'nobody' is not known to bundle {id} of tiny. It knows 40 users, among them "
            "user-00, user-01, user-02, user-03, user-04",
        ),
        ({}, 422, "expected a user_id, a profile, or liked items, found nothing of them"),
        (
            {"user_id": "user-00", "profile": {"age": 3}},
            422,
            "profile: expected none for a known user, found one. Remedy: leave user_id out",
        ),
        (
            {"profile": {"agee": 3}},
            422,
            "profile: unknown key 'agee', did you mean 'age'? Choices: age, country",
        ),
        ({"profile": {"age": "old"}}, 422, "profile age: expected a number, found 'old'"),
        (
            {"likes": ["gone"]},
            422,
            "item: 'gone' is not known. Nearest: item-39, item-38, item-37, item-36, item-35",
        ),
        (
            {"user_id": "user-00", "exclude": ["gone"]},
            422,
            "item: 'gone' is not known. Nearest: item-39, item-38, item-37, item-36, item-35",
        ),
        (
            {"user_id": "user-00", "context": {"devise": "x"}},
            422,
            "context 'devise' is unknown. Choices: device",
        ),
        ({"user_id": "user-00", "k": 0}, 422, "k: Input should be greater than or equal to 1"),
        ({"user_id": "user-00", "k": 1001}, 422, "k: Input should be less than or equal to 1000"),
        ({"user_id": "user-00", "k": True}, 422, "k: Input should be a valid integer"),
        ({"user_id": 7}, 422, "user_id: Input should be a valid string"),
        ({"user_id": ""}, 422, "user_id: String should have at least 1 character"),
        ({"user_id": "x" * 501}, 422, "user_id: String should have at most 500 characters"),
        (
            {"user_id": "a\x00b"},
            422,
            "user_id: expected no control characters, found '\\x00' at place 2",
        ),
        ({"user": "user-00"}, 422, "user: Extra inputs are not permitted"),
        (
            {"user_id": "user-00", "as_of": "soon"},
            422,
            "as_of: expected a time in ISO 8601, as 2024-05-01T12:00:00Z",
        ),
        (
            {"user_id": "user-00", "as_of": "9999-12-31"},
            422,
            "as_of: expected a time in the years 1900 to 2200",
        ),
        (
            {"user_id": "user-00", "likes": ["item-01"] * 101},
            422,
            "likes: List should have at most 100 items after validation, not 101",
        ),
        ({"user_id": "user-00", "diversity": 1.5}, 422, "diversity: Input should be less than or equal to 1"),
    ],
)
def test_refused(reader, bundle, body, status, message):
    answer = reader.post("/recommend", json=body)
    assert (answer.status_code, answer.json()["message"]) == (status, message.format(id=bundle.id))
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_moments_far_away(reader):
    for moment in ("1900-01-01", "2200-12-31T23:59:59Z"):
        assert reader.post("/recommend", json={"user_id": "user-00", "as_of": moment}).status_code == 200


def test_wishes_reach_the_recommender(reader, recommender):
    wishes = {
        "filters": {"price": {"min": 3}},
        "diversity": 0.5,
        "caps": {"shape": 2},
        "exclude": ["item-20"],
    }
    answer = reader.post("/recommend", json={"user_id": "user-00", "k": 6, **wishes})
    found = recommender.recommend(["user-00"], 6, **wishes)
    assert [row["item_id"] for row in answer.json()["recommendations"]] == list(found["item_id"])
    assert list(found["item_id"]) != list(recommender.recommend(["user-00"], 6)["item_id"])


@pytest.mark.parametrize(
    "wish", [{"filters": {"price": {"min": 3}}}, {"diversity": 0.5}, {"caps": {"shape": 2}}]
)
def test_wishes_are_heard(reader, wish):
    assert reader.post("/recommend", json={"user_id": "user-00"} | wish).status_code == 200
