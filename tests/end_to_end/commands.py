"""The project's commands, run as a person would run them."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_module(
    module: str, folder: Path, *overrides: str, seconds: int = 600
) -> subprocess.CompletedProcess[str]:
    """`python -m module overrides`, started in `folder`, where a relative path then leads."""
    return _run([sys.executable, "-m", module, *overrides], folder, seconds)


def run_make(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`make arguments` in the repository with the running Python, as if it had just been installed.

    Args:
        arguments: targets, options, and variables of the command line.
        variables: of the environment.
    """
    installed = [f"VENV={sys.prefix}", "--old-file", f"{sys.prefix}/.installed"]
    return _run(["make", *arguments, *installed], ROOT, 600, **variables)


def _run(
    command: list[str], folder: Path, seconds: int, **variables: str
) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**kept, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **variables}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, env=environment, timeout=seconds, check=False
    )
