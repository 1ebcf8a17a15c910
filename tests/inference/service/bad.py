"""Bad requests without end: ids, numbers, pictures, paths and bodies that are none."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.inference.service.pictures import draw as draw_picture
from tests.inference.service.pictures import write_bomb
from tests.inference.service.world import write_event

_JSON = {"Content-Type": "application/json"}
_STEPS = (
    "..",
    "..",
    ".",
    "%2e%2e",
    "%2E.",
    "..%2f",
    "..%5c",
    "%00",
    "etc",
    "passwd",
    "proc",
    "self",
    "items",
    "\u2025",
)
_LETTERS = "az09-_.% /\\'\";:${}<>|&\x00\x01\x1f\x7f\u00a0\u200b\u202e\u0663\ufeff\ud83d\ude00\udcff"
_NUMBERS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-1",
    "0",
    "1001",
    "1.5",
    '"10"',
    "true",
    "null",
    "[]",
    "{}",
)


@dataclass(frozen=True)
class Bad:
    """A request that must be refused.

    Attributes:
        kind: what is bad about it.
        method: of HTTP.
        path: where it goes.
        content: the arguments of the test client that make its body.
    """

    kind: str
    method: str
    path: str
    content: dict[str, Any] = field(default_factory=dict)


def make_bad(seed: int) -> Iterator[Bad]:
    """Bad requests, all kinds by turns; always the same ones for a seed."""
    draw = Random(seed)
    while True:
        for make in (_odd_id, _odd_number, _odd_picture, _odd_path, _odd_body, _odd_wish):
            yield make(draw)


def _post(kind: str, path: str, body: str) -> Bad:
    # As text, since the client would not spell numbers and letters that are none.
    return Bad(kind, "POST", path, {"content": body.encode("utf-8", "surrogatepass"), "headers": _JSON})


def _odd_id(draw: Random) -> Bad:
    length = draw.choice((0, 1, 3, 20, 300, 20_000))
    odd = draw.choice(("../" * length, "".join(draw.choices(_LETTERS, k=length))))
    path, body = draw.choice(
        (
            ("/recommend", {"user_id": odd}),
            ("/recommend", {"likes": [odd]}),
            ("/recommend", {"user_id": "user-00", "exclude": [odd]}),
            ("/similar", {"item_id": odd}),
            ("/events", {"events": [write_event("odd", item_id=odd)]}),
            ("/users", {"users": [{"user_id": odd, "profile": {odd: odd}}]}),
            ("/items", {"items": [{"item_id": odd, "title": "Odd", "features": {odd: odd}}]}),
        )
    )
    return _post(f"id {odd[:20]!r}", path, json.dumps(body))


def _odd_number(draw: Random) -> Bad:
    number = draw.choice((*_NUMBERS, "9" * draw.randrange(4, 6000), "-" + "9" * draw.randrange(1, 6000)))
    place = draw.choice(('"k"', '"k"', '"diversity"', '"as_of"', '"caps": {"shape": 1}, "k"'))
    if place == '"diversity"' and number in ("0", "null", "true"):
        number = "1.1"
    if place == '"as_of"' and number == "null":
        number = "7"
    return _post(f"{place} {number[:20]}", "/recommend", f'{{"user_id": "user-00", {place}: {number}}}')


def _odd_picture(draw: Random) -> Bad:
    sound = draw_picture(40, 30, draw.choice(("PNG", "JPEG", "WEBP")))
    kind, data = draw.choice(
        (
            ("noise", draw.randbytes(draw.randrange(0, 5000))),
            ("half a picture", sound[: draw.randrange(len(sound) * 3 // 4)]),
            ("another format", draw_picture(40, 30, draw.choice(("GIF", "BMP", "TIFF", "PPM")))),
            (
                "a drawing",
                b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
            ),
            ("a bomb", write_bomb(draw.randrange(1000, 2**31), draw.randrange(1000, 2**31))),
            ("too many bytes", draw.randbytes(150_000)),
        )
    )
    return Bad(kind, "POST", "/search", {"files": {"image": ("../../a.png", data, "image/png")}})


def _odd_path(draw: Random) -> Bad:
    path = "/static/" + "/".join(draw.choices(_STEPS, k=draw.randrange(1, 8)))
    return Bad(f"path {path}", draw.choice(("GET", "POST", "DELETE", "PUT")), path)


def _odd_body(draw: Random) -> Bad:
    path = draw.choice(("/recommend", "/similar", "/search", "/events", "/items", "/users"))
    make: Callable[[], bytes] = draw.choice(
        (
            lambda: draw.randbytes(draw.randrange(0, 3000)),
            lambda: b"[" * draw.randrange(1, 100_000),
            lambda: b'{"a":' * draw.randrange(1, 20_000),
            lambda: b" " * 300_001,
            lambda: b'{"user_id": "\xff"}',
            lambda: json.dumps({f"x{n}": n for n in range(draw.randrange(1, 2000))}).encode(),
        )
    )
    kind = draw.choice(
        ("application/json", "text/plain", "multipart/form-data", "multipart/form-data; boundary=x")
    )
    return Bad(f"body of {kind}", "POST", path, {"content": make(), "headers": {"Content-Type": kind}})


def _odd_wish(draw: Random) -> Bad:
    wish = draw.choice(
        (
            {"filters": {"price": {"min": 2, "max": 1}}},
            {"filters": {"shape": "no such shape"}},
            {"filters": {"__class__": 1}},
            {"filters": {"price": "x" * draw.randrange(1, 10_000)}},
            {"caps": {"no such column": 1}},
            {"caps": {"shape": 0}},
            {"context": {"no such": "x"}},
            {"as_of": "99999-01-01"},
            {"as_of": "0001-01-01T00:00:00+14:00"},
            {"profile": {"age": 3}},
            {"exclude": ["item-00"] * 1001},
            {"no such wish": draw.random()},
        )
    )
    return _post(f"wish {next(iter(wish))}", "/recommend", json.dumps({"user_id": "user-00"} | wish))
