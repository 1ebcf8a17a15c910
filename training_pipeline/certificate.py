"""The proof that serving gives what was evaluated, by serving's own command, before publication."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from feature_pipeline.errors import UserError
from training_pipeline.index_config import IndexConfig

# Serving builds on training and not the other way round, so that it is asked in a process of its own, which
# reads the bundle from disk as every service will.
_COMMAND = [sys.executable, "-m", "inference.certify"]


class CertificateError(UserError):
    """A bundle is not served as it was evaluated, and is not published."""


def certify(place: Path, threads: int, index: IndexConfig) -> dict[str, Any]:
    """Serves users from a bundle and compares their scores with those of training's code; tries the index.

    Args:
        place: folder of a whole bundle.
        threads: of the engine.
        index: the index that is to serve.

    Returns:
        What the manifest keeps. `parity`: how many users and candidates were compared, and the largest
        difference; `recall`: see `inference.index.recall`, None where the index is exact.

    Raises:
        CertificateError: scores differ, the index misses too much, or the bundle cannot be served; the
            message says how.
    """
    chosen = index.model_dump()
    settings = [f"index.{name}={json.dumps(value)}" for name, value in chosen.items() if name != "name"]
    command = [*_COMMAND, f'path="{place}"', f"engine.threads={threads}", f"index={index.name}", *settings]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it said nothing"]
        raise CertificateError(f"the bundle is not published, as it is not served right: {said[-1]}")
    certificate: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return certificate
