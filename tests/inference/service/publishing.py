"""Kills a publisher again and again: `python -m tests.inference.service.publishing SOURCE BUNDLES KILLS`.

It publishes copies of the bundle SOURCE, whose titles begin with their id, under BUNDLES, as `make train`
does. Prints the id of a last one, whose publisher is left alone.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from feature_pipeline.artefact import CURRENT, MANIFEST, compute_checksums, publish
from tests.inference.service.changed import retitle

LONGEST_LIFE = 3  # of what one publication takes
# Within this, whoever watches sees most of what was published.
PAUSE = 0.5


def publish_copy(source: Path, bundles: Path, bundle_id: str) -> None:
    """Publishes a copy of this id."""

    def write(place: Path) -> dict[str, Any]:
        shutil.copytree(source, place, dirs_exist_ok=True)
        retitle(place, bundle_id)
        manifest = json.loads((place / MANIFEST).read_text())
        (place / MANIFEST).unlink()
        return {key: value for key, value in manifest.items() if key not in ("id", "checksums")}

    publish(bundles, write, lambda checksums: bundle_id)


def start_publisher(source: Path, bundles: Path, attempt: int) -> int:
    """Forks a process that publishes copy after copy."""
    child = os.fork()
    if child:
        return child
    for number in count():
        publish_copy(source, bundles, f"{attempt}-{number}")
    return 0


def check_current(bundles: Path) -> None:
    """Checks that `current` names a bundle all of whose files are as their checksums say."""
    place = bundles / (bundles / CURRENT).read_text().strip()
    manifest = json.loads((place / MANIFEST).read_text())
    assert manifest["id"] == place.name
    assert manifest["checksums"] == compute_checksums(place), place


def main(source: Path, bundles: Path, kills: int) -> None:
    """Kills `kills` publishers at random moments; a first and a last one may finish."""
    draw = random.Random(0)
    began = time.monotonic()
    publish_copy(source, bundles, "first")
    longest = LONGEST_LIFE * (time.monotonic() - began)
    for attempt in range(kills):
        child = start_publisher(source, bundles, attempt)
        time.sleep(draw.uniform(0, longest))
        os.kill(child, signal.SIGKILL)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), "the publisher ended by itself"
        check_current(bundles)
        time.sleep(PAUSE)
    publish_copy(source, bundles, "last")
    print("last")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
