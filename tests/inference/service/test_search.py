"""POST /similar and /search: they answer as the recommender does, unless they refuse before it is asked."""

import pytest

from inference.recommender import Recommender
from tests.inference.service.pictures import draw, write_bomb

NO_PICTURE = "image: expected a picture in JPEG, PNG or WebP, found something else. Remedy: save it as one"
TEXT = "a quiet sea"


@pytest.fixture(scope="module")
def recommender(illustrated):
    """Searches as the service should."""
    return Recommender(illustrated)


@pytest.fixture
def check(illustrated):
    """Checks that an answer tells what was found."""

    def run(answer, found):
        assert answer.json() == {"bundle": illustrated.id, "items": found.to_dict("records")}

    return run


class TestSimilar:
    @pytest.mark.parametrize(
        "wish", [{}, {"k": 2}, {"k": 40, "filters": {"shape": "square"}}, {"by": "text"}]
    )
    def test_answers(self, illustrated_reader, recommender, check, wish):
        answer = illustrated_reader.post("/similar", json={"item_id": "item-07", **wish})
        check(answer, recommender.similar("item-07", **({"by": "tower"} | wish)))

    def test_unknown_item(self, illustrated_reader, illustrated):
        answer = illustrated_reader.post("/similar", json={"item_id": "gone"})
        expected = f"item 'gone' is not known to bundle {illustrated.id}. Remedy: take one from an answer"
        assert (answer.status_code, answer.json()["message"]) == (404, expected)

    def test_unknown_space(self, illustrated_reader):
        answer = illustrated_reader.post("/similar", json={"item_id": "item-07", "by": "smell"})
        expected = "by: 'smell' is not known. Nearest: image, text, tower, both"
        assert (answer.status_code, answer.json()["message"]) == (422, expected)


class TestSearch:
    @pytest.mark.parametrize("wish", [{}, {"k": 1}, {"k": 40, "filters": {"shape": "square"}}])
    def test_text_as_json(self, illustrated_reader, recommender, check, wish):
        answer = illustrated_reader.post("/search", json={"text": TEXT, **wish})
        check(answer, recommender.search(TEXT, **wish))

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
    def test_picture(self, illustrated_reader, recommender, check, kind):
        picture = draw(kind=kind)
        answer = illustrated_reader.post("/search", files={"image": picture})
        check(answer, recommender.search(image=picture))

    def test_both_with_filters(self, illustrated_reader, recommender, check):
        picture = draw()
        fields = {"text": TEXT, "k": "3", "filters": '{"price": {"max": 20}}'}
        answer = illustrated_reader.post("/search", data=fields, files={"image": picture})
        check(answer, recommender.search(TEXT, picture, 3, {"price": {"max": 20}}))

    def test_text_alone_as_a_form(self, illustrated_reader, recommender, check):
        answer = illustrated_reader.post("/search", files={"text": (None, TEXT)})
        check(answer, recommender.search(TEXT))

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
    def test_pictures_refused(self, illustrated_reader, picture, status, message):
        answer = illustrated_reader.post("/search", files={"image": ("../../etc/passwd", picture)})
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
    def test_requests_refused(self, illustrated_reader, sent, status, message):
        answer = illustrated_reader.post("/search", **sent)
        assert (answer.status_code, answer.json()["message"]) == (status, message)
