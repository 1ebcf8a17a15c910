"""Writers of the files that a MovieLens folder holds."""

from pathlib import Path

GENRES = ["unknown", "Action", "Comedy", "Drama"]


def write_latin1(path: Path, *lines: str) -> None:
    path.write_bytes(("\n".join(lines) + "\n").encode("latin-1"))


def write_utf8(path: Path, *lines: str) -> None:
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))


def write_posters(root: Path, *names: str) -> None:
    (root / "posters").mkdir()
    for name in names:
        (root / "posters" / name).write_bytes(b"")
