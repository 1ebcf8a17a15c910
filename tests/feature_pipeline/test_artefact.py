"""Artefacts appear whole or not at all, and loading notices every damage."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from feature_pipeline import artefact
from feature_pipeline.artefact import (
    ArtefactError,
    compute_checksums,
    find_current,
    hash_text,
    publish,
    read_manifest,
)

VERSION = 3
REMEDY = "run make things first"


def publish_text(parent: Path, text: str, **notes: Any) -> Path:
    def write(place: Path) -> dict[str, Any]:
        (place / "inner").mkdir()
        (place / "inner" / "text.txt").write_text(text)
        return {"format_version": VERSION, **notes}

    return publish(parent, write, lambda checksums: hash_text(json.dumps(checksums)))


def read_error(place: Path) -> str:
    with pytest.raises(ArtefactError) as error:
        read_manifest(place, VERSION, REMEDY)
    return str(error.value)


def test_a_published_artefact_is_found_and_read(tmp_path: Path) -> None:
    place = publish_text(tmp_path / "things", "one", colour="blue")

    manifest = read_manifest(find_current(tmp_path / "things", REMEDY), VERSION, REMEDY)

    assert (place / "inner" / "text.txt").read_text() == "one"
    assert manifest["id"] == place.name
    assert manifest["colour"] == "blue"
    # SHA-256 of "one", from `printf one | sha256sum`.
    digest = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert manifest["checksums"] == {"inner/text.txt": digest}


def test_a_write_that_fails_leaves_nothing_and_the_previous_one_alive(tmp_path: Path) -> None:
    before = publish_text(tmp_path, "one")

    def write(place: Path) -> dict[str, Any]:
        (place / "half.txt").write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        publish(tmp_path, write, lambda checksums: "never")

    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([before.name, "current"])
    assert find_current(tmp_path, REMEDY) == before
    read_manifest(before, VERSION, REMEDY)


def test_the_same_content_keeps_its_directory(tmp_path: Path) -> None:
    first = publish_text(tmp_path, "one")
    made = (first / "inner" / "text.txt").stat().st_ino

    again = publish_text(tmp_path, "one")

    assert again == first
    assert (first / "inner" / "text.txt").stat().st_ino == made
    assert len(list(tmp_path.iterdir())) == 2


def test_other_content_becomes_current_beside_the_old(tmp_path: Path) -> None:
    first, second = publish_text(tmp_path, "one"), publish_text(tmp_path, "two")

    assert find_current(tmp_path, REMEDY) == second
    assert find_current(tmp_path, REMEDY, first.name) == first
    assert publish_text(tmp_path, "one") == find_current(tmp_path, REMEDY)


def test_a_damaged_directory_is_written_anew(tmp_path: Path) -> None:
    place = publish_text(tmp_path, "one")
    (place / "inner" / "text.txt").write_text("gone bad")

    assert publish_text(tmp_path, "one") == place
    assert (place / "inner" / "text.txt").read_text() == "one"


def test_a_directory_without_manifest_is_written_anew(tmp_path: Path) -> None:
    place = publish_text(tmp_path, "one")
    (place / "manifest.json").write_text("[]")

    publish_text(tmp_path, "one")

    read_manifest(place, VERSION, REMEDY)


@pytest.mark.parametrize("damage", ["change", "delete"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    place = publish_text(tmp_path, "one")
    file = place / "inner" / "text.txt"
    if damage == "change":
        file.write_text("onE")
    else:
        file.unlink()

    assert read_error(place) == f"{file}: missing or changed since it was published. Remedy: {REMEDY}"


def test_a_stray_file_does_no_harm(tmp_path: Path) -> None:
    place = publish_text(tmp_path, "one")
    (place / "notes.txt").write_text("mine")

    publish_text(tmp_path, "one")

    assert (place / "notes.txt").exists()
    read_manifest(place, VERSION, REMEDY)


def test_another_format_version_is_refused(tmp_path: Path) -> None:
    place = publish_text(tmp_path, "one")

    with pytest.raises(ArtefactError) as error:
        read_manifest(place, 4, REMEDY)

    assert str(error.value) == f"{place}: expected format_version 4, found 3. Remedy: {REMEDY}"


@pytest.mark.parametrize("text", ["", '{"format_version": 3', "[]", '{"format_version": 3}'])
def test_an_unreadable_manifest_is_named(tmp_path: Path, text: str) -> None:
    place = publish_text(tmp_path, "one")
    (place / "manifest.json").write_text(text)

    error = read_error(place)

    assert error.startswith(f"{place / 'manifest.json'}: not readable (")
    assert error.endswith(f"Remedy: {REMEDY}")


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    assert read_error(tmp_path).startswith(f"{tmp_path / 'manifest.json'}: not readable (")


@pytest.mark.parametrize("folder", [".", "nosuch"])
def test_nothing_published_gives_the_command_to_run(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ArtefactError) as error:
        find_current(tmp_path / folder, REMEDY)

    assert str(error.value) == f"{tmp_path / folder}: nothing here yet. Remedy: {REMEDY}"


def test_an_unknown_id_lists_the_known_ones(tmp_path: Path) -> None:
    ids = sorted(publish_text(tmp_path, text).name for text in ("one", "two"))

    with pytest.raises(ArtefactError) as error:
        find_current(tmp_path, REMEDY, "nosuch")

    assert str(error.value) == (
        f"{tmp_path / 'nosuch'}: no such directory; there are: {', '.join(ids)}. Remedy: {REMEDY}"
    )


def test_an_unknown_id_where_nothing_is(tmp_path: Path) -> None:
    with pytest.raises(ArtefactError, match="no such directory; there are: none"):
        find_current(tmp_path / "nosuch", REMEDY, "abc")


def test_checksums_leave_the_manifest_out_but_not_one_further_down(tmp_path: Path) -> None:
    place = publish_text(tmp_path, "one")
    (place / "inner" / "manifest.json").write_text("{}")

    assert list(compute_checksums(place)) == ["inner/manifest.json", "inner/text.txt"]


def test_versions_are_those_installed() -> None:
    import pandas as pd

    assert artefact.read_versions("pandas") == {"pandas": pd.__version__}


def test_what_a_killed_writer_left_is_cleared_away_after_a_day(tmp_path: Path) -> None:
    old, recent = tmp_path / "things" / ".writing-old", tmp_path / "things" / ".writing-recent"
    for left in (old, recent):
        left.mkdir(parents=True)
        (left / "half.txt").write_text("ha")
    day_and_more = time.time() - 25 * 3600
    os.utime(old, (day_and_more, day_and_more))

    publish_text(tmp_path / "things", "one")

    assert not old.exists()
    assert recent.exists()
