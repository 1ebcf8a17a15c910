"""Directories that appear whole or not at all, with checksums that loading verifies.

Both artefacts on disk, the feature store and the model bundle, are published by this one module.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from feature_pipeline.errors import UserError

MANIFEST = "manifest.json"
CURRENT = "current"

_WORK = ".writing-"
_ABANDONED_AFTER_SECONDS = 24 * 3600


class ArtefactError(UserError):
    """An artefact is missing, damaged or of another version; the message names the command that makes it."""


def publish(
    parent: Path,
    write: Callable[[Path], dict[str, Any]],
    identity: Callable[[dict[str, str]], str],
    check: Callable[[Path], dict[str, Any]] | None = None,
) -> Path:
    """Writes a directory beside its final place and renames it in, then lets `current` name it.

    Args:
        parent: where artefacts of this kind live, as `artifacts/sample/features`.
        write: fills an empty directory and returns the manifest's own part.
        identity: from the checksums of the files (by relative path) to the artefact's id.
        check: tries the whole directory before anybody else sees it, and returns more for the manifest;
            nothing is published where it raises.

    Returns:
        The published directory `parent/<id>`. One that is already there and sound is kept.
    """
    parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(parent)
    work = Path(tempfile.mkdtemp(prefix=_WORK, dir=parent))
    try:
        manifest = write(work)
        checksums = compute_checksums(work)
        artefact_id = identity(checksums)
        content = {"id": artefact_id, **manifest, "checksums": checksums}
        _write_manifest(work, content)
        if check is not None:
            _write_manifest(work, {**content, **check(work)})
        place = parent / artefact_id
        if place.exists() and not _is_sound(place):
            shutil.rmtree(place)
        if place.exists():
            (place / MANIFEST).touch()  # published last
        else:
            work.chmod(0o755)
            work.rename(place)
        set_current(parent, artefact_id)
        return place
    finally:
        shutil.rmtree(work, ignore_errors=True)


def find_current(parent: Path, remedy: str, artefact_id: str | None = None) -> Path:
    """Finds the live artefact under `parent`, or the one named.

    Raises:
        ArtefactError: there is none; `remedy` says which command makes one.
    """
    pointer = parent / CURRENT
    if artefact_id is None and not pointer.exists():
        raise ArtefactError(f"{parent}: nothing here yet. Remedy: {remedy}")
    place = parent / (artefact_id or pointer.read_text().strip())
    if not place.is_dir():
        known = sorted(p.name for p in parent.iterdir() if (p / MANIFEST).exists()) if parent.exists() else []
        raise ArtefactError(
            f"{place}: no such directory; there are: {', '.join(known) or 'none'}. Remedy: {remedy}"
        )
    return place


def read_manifest(place: Path, format_version: int, remedy: str) -> dict[str, Any]:
    """Reads and checks a manifest: it is there, of this version, and every file has its checksum.

    Raises:
        ArtefactError: something is missing or changed; the message names the file.
    """
    try:
        manifest = _read_json(place)
    except (OSError, ValueError) as error:
        raise ArtefactError(f"{place / MANIFEST}: not readable ({error}). Remedy: {remedy}") from None
    expected, version_found = f"expected format_version {format_version}", manifest.get("format_version")
    if version_found != format_version:
        raise ArtefactError(f"{place}: {expected}, found {version_found}. Remedy: {remedy}")
    damaged = _find_damaged(place, manifest)
    if damaged:
        raise ArtefactError(
            f"{place / damaged[0]}: missing or changed since it was published. Remedy: {remedy}"
        )
    return manifest


def compute_checksums(place: Path) -> dict[str, str]:
    """SHA-256 of every file under `place` but the manifest, by relative path, sorted."""
    files = sorted(p for p in place.rglob("*") if p.is_file() and p != place / MANIFEST)
    return {file.relative_to(place).as_posix(): _sha256(file) for file in files}


def hash_text(text: str) -> str:
    """A short id from content: the first 12 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def read_versions(*packages: str) -> dict[str, str]:
    """Versions of installed packages, for a manifest."""
    return {package: version(package) for package in packages}


def _write_manifest(place: Path, content: dict[str, Any]) -> None:
    (place / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_json(place: Path) -> dict[str, Any]:
    manifest = json.loads((place / MANIFEST).read_text())
    if not isinstance(manifest, dict) or "checksums" not in manifest:
        raise ValueError("no checksums in it")
    return manifest


def _is_sound(place: Path) -> bool:
    try:
        return not _find_damaged(place, _read_json(place))
    except (OSError, ValueError):
        return False


def _find_damaged(place: Path, manifest: dict[str, Any]) -> list[str]:
    """Files of the manifest that are absent or have another checksum; further files do no harm."""
    found = compute_checksums(place)
    return [file for file, checksum in manifest["checksums"].items() if found.get(file) != checksum]


def _remove_abandoned(parent: Path) -> None:
    """Clears away what killed writers left; a day is longer than any writer works on one file."""
    for work in parent.glob(f"{_WORK}*"):
        if time.time() - work.stat().st_mtime > _ABANDONED_AFTER_SECONDS:
            shutil.rmtree(work, ignore_errors=True)


def set_current(parent: Path, artefact_id: str) -> None:
    """Lets `current` name another artefact, from one moment to the next.

    Args:
        parent: where artefacts of this kind live.
        artefact_id: one that is there.
    """
    pointer = parent / f".{CURRENT}-{os.getpid()}"
    pointer.write_text(artefact_id + "\n")
    pointer.replace(parent / CURRENT)
