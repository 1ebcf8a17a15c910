"""POST /similar and /search: what reaches the recommender, and what is refused before it does."""

import pytest

from tests.inference.service.pictures import draw, write_bomb

NO_PICTURE = "image: expected a picture in JPEG, PNG or WebP, found something else. Remedy: save it as one"


@pytest.fixture
def asked(future_reader):
    """The recommender, which notes what it is asked."""
    return future_reader.app.state.service.live.model.recommender


class TestSimilar:
    def test_answers(self, future_reader, bundle, asked):
        body = {"item_id": "item-07", "k": 2, "filters": {"shape": "round"}}
        answer = future_reader.post("/similar", json=body)
        assert answer.json() == {
            "bundle": bundle.id,
            "items": [
                {"item_id": "item-00", "title": "Thing 0", "rank": 1, "score": 1.0},
                {"item_id": "item-01", "title": "Thing 1", "rank": 2, "score": 0.5},
            ],
        }
        assert asked.wishes == {"filters": {"shape": "round"}}

    def test_unknown_item(self, future_reader, bundle):
        answer = future_reader.post("/similar", json={"item_id": "gone"})
        expected = f"item 'gone' is not known to bundle {bundle.id}. Remedy: take one from an answer"
        assert (answer.status_code, answer.json()["message"]) == (404, expected)

    def test_unknown_space(self, future_reader):
        answer = future_reader.post("/similar", json={"item_id": "item-07", "by": "smell"})
        assert (answer.status_code, answer.json()["message"]) == (
            422,
            "by 'smell' is unknown. Choices: tower",
        )

    def test_for_real(self, reader):
        assert reader.post("/similar", json={"item_id": "item-07"}).status_code == 200


class TestSearch:
    def test_text_as_json(self, future_reader, bundle, asked):
        answer = future_reader.post("/search", json={"text": "a quiet sea", "k": 1})
        first = {"item_id": "item-00", "title": "Thing 0", "rank": 1, "score": 1.0}
        assert answer.json() == {"bundle": bundle.id, "items": [first]}
        assert asked.searched == ("a quiet sea", None)
        assert asked.wishes == {"filters": None}

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    def test_picture(self, future_reader, asked, kind):
        picture = draw(kind=kind)
        answer = future_reader.post("/search", files={"image": picture})
        assert len(answer.json()["items"]) == 10
        assert asked.searched == (None, picture)

    def test_both_with_filters(self, future_reader, asked):
        picture = draw()
        fields = {"text": "a quiet sea", "k": "3", "filters": '{"price": {"max": 5}}'}
        answer = future_reader.post("/search", data=fields, files={"image": picture})
        assert len(answer.json()["items"]) == 3
        assert asked.searched == ("a quiet sea", picture)
        assert asked.wishes == {"filters": {"price": {"max": 5}}}

    def test_text_alone_as_a_form(self, future_reader, asked):
        answer = future_reader.post("/search", files={"text": (None, "a quiet sea")})
        assert answer.status_code == 200
        assert asked.searched == ("a quiet sea", None)

    @pytest.mark.parametrize(
        ("picture", "status", "message"),
        [
            (
                b"hello",
                422,
                NO_PICTURE,
            ),
            (
                draw(kind="GIF"),
                422,
                NO_PICTURE,
            ),
            (
                draw()[:-100],
                422,
                "image: the file is damaged. Remedy: save it again as JPEG, PNG or WebP",
            ),
            (
                write_bomb(1000, 1000),
                413,
                "image: expected at most 250,000 pixels, found 1000 x 1000. Remedy: shrink it",
            ),
            (
                write_bomb(2**31 - 1, 2**31 - 1),
                413,
                "image: expected fewer pixels. Remedy: shrink it",
            ),
            (
                draw(300, 300),
                413,
                "image: expected at most 100,000 bytes, found {size:,}. Remedy: shrink it",
            ),
            (
                b"",
                422,
                NO_PICTURE,
            ),
        ],
    )
    def test_pictures_refused(self, future_reader, picture, status, message):
        answer = future_reader.post("/search", files={"image": ("../../etc/passwd", picture)})
        expected = message.format(size=len(picture))
        assert (answer.status_code, answer.json()["message"]) == (status, expected)

    @pytest.mark.parametrize(
        ("sent", "status", "message"),
        [
            (
                {"content": b"text=sea", "headers": {"Content-Type": "text/plain"}},
                415,
                "expected application/json or multipart/form-data. Remedy: send one of them as Content-Type",
            ),
            (
                {"content": b"{"},
                415,
                "expected application/json or multipart/form-data. Remedy: send one of them as Content-Type",
            ),
            ({"json": {}}, 422, "text: Field required"),
            ({"json": {"text": ""}}, 422, "text: String should have at least 1 character"),
            ({"json": {"text": "x" * 2001}}, 422, "text: String should have at most 2000 characters"),
            (
                {"files": {"k": (None, "3")}},
                422,
                "expected text, image or both, found neither. Remedy: send one of them",
            ),
            (
                {"files": {"image": (None, "picture.png")}},
                422,
                "image: expected a file, found a text. Remedy: send it as a file: -F image=@FILE",
            ),
            (
                {"files": [("text", (None, "a")), ("text", (None, "b"))]},
                422,
                "expected each field once, found one more often. Remedy: send one",
            ),
            (
                {"files": {"text": (None, "a"), "filters": (None, "{")}},
                422,
                'filters: expected JSON, found something else. Remedy: as {"year": 1990}',
            ),
            (
                {"files": {"text": (None, "a"), "size": (None, "3")}},
                422,
                "size: Extra inputs are not permitted",
            ),
            (
                {"files": {"text": (None, "a"), "k": (None, "3.5")}},
                422,
                "k: Input should be a valid integer, unable to parse string as an integer",
            ),
            (
                {"files": [("image", draw()), ("image", draw())]},
                400,
                "Too many files. Maximum number of files is 1.",
            ),
            (
                {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
                400,
                "Missing boundary in multipart.",
            ),
        ],
    )
    def test_requests_refused(self, future_reader, sent, status, message):
        answer = future_reader.post("/search", **sent)
        assert (answer.status_code, answer.json()["message"]) == (status, message)
