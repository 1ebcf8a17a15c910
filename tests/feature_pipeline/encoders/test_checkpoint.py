"""Where models lie and which revision they are: packages, directories, the hub's own cache on this disk."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from feature_pipeline.encoders.checkpoint import Checkpoint
from tests.feature_pipeline.encoders import tiny_models

ROOT = Path(__file__).parents[3]
COMMIT = "0123456789abcdef0123456789abcdef01234567"

SCRIPT = """
from io import BytesIO
from PIL import Image
from feature_pipeline.encoders.vision import VisionEncoder

file = BytesIO()
Image.new("RGB", (40, 40), "red").save(file, "PNG")
encoder = VisionEncoder("someone/dino", precision="float32")
print(encoder.id, encoder.encode([file.getvalue()]).shape)
"""


def run_offline(script: str, hub: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"HF_HUB_CACHE": str(hub), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_model_of_the_hub_is_named_by_its_commit(tmp_path: Path) -> None:
    """As the hub's client keeps what it downloaded: refs name commits, snapshots hold their files."""
    repository = tmp_path / "models--someone--dino"
    tiny_models.save_dinov2(repository / "snapshots" / COMMIT)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)

    run = run_offline(SCRIPT, tmp_path)

    assert run.stdout == f"vision/someone/dino@{COMMIT}+float32 (1, 16)\n", run.stderr


def test_model_that_was_never_downloaded_is_named_with_the_remedy(tmp_path: Path) -> None:
    run = run_offline(SCRIPT, tmp_path)

    line = run.stderr.splitlines()[-1]
    assert run.returncode == 1
    assert "MissingModelError: model: expected 'all-MiniLM-L6-v2', the directory of a saved model" in line
    assert "got 'someone/dino', which cannot be loaded" in line
    assert line.endswith("or download the model where there is a network and give its directory.")


def test_directory_id_follows_contents_and_not_the_place(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "model", tmp_path / "b" / "model"
    first.mkdir(parents=True)
    (first / "config.json").write_text("{}")
    (first / "weights").write_bytes(b"\x00\x01")
    shutil.copytree(first, second)
    before = Checkpoint(str(first)).id
    assert before.startswith("model@")
    assert Checkpoint(str(second)).id == before
    (second / "weights").write_bytes(b"\x00\x02")
    assert Checkpoint(str(second)).id != before
