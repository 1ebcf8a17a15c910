"""How fast texts are embedded, beside plain sentence-transformers, and what a second run still encodes.

    python -m benchmarks.encoding [--root FOLDER] [--limit 1000]

FOLDER holds MovieLens with `movies_text.csv` and `posters/`; without it, the built-in sample is read. The
texts are dealt into rounds. In each, both sides embed the same ones: ours by the default encoder, through an
empty cache; the other with `SentenceTransformer.encode(batch_size=32)` in float32. The median round counts,
as other programs disturb the clock. Loading the models is not measured.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from feature_pipeline.embedding_cache import EmbeddingCache
from feature_pipeline.embeddings import EmbeddingResult, embed, embed_files
from feature_pipeline.encoders.checkpoint import DEFAULT_MODEL, Checkpoint
from feature_pipeline.encoders.image import ColourTextureEncoder
from feature_pipeline.encoders.text import TextEncoder
from feature_pipeline.sources import sample

ROUNDS = 6
WARM_UP = ["a few words to wake both models up"] * 64


def read_contents(root: Path | None, limit: int | None, scratch: Path) -> tuple[list[str], list[Path]]:
    """Distinct texts and image files of the items."""
    if root:
        texts, images = pd.read_csv(root / "movies_text.csv")["plot"], (root / "posters").glob("*.jpg")
    else:
        texts = sample.read(scratch / "sample").items.frame["description"]
        images = (scratch / "sample" / "images").glob("*.png")
    distinct = texts.dropna().drop_duplicates().sample(frac=1, random_state=0)
    return distinct.tolist()[:limit], sorted(images)[:limit]


def measure(texts: list[str], cache: EmbeddingCache) -> dict[str, Any]:
    """Texts a second on both sides, and how far apart their embeddings are."""
    from sentence_transformers import SentenceTransformer

    encoder = TextEncoder()
    plain = SentenceTransformer(Checkpoint(DEFAULT_MODEL).place, local_files_only=True)
    encoder.encode(WARM_UP)
    plain.encode(WARM_UP, batch_size=32)
    rates: dict[str, list[float]] = {"ours": [], "plain": []}
    cosines = []
    for number in range(ROUNDS):
        part = texts[number::ROUNDS]
        vectors = {}
        for side in ("ours", "plain") if number % 2 else ("plain", "ours"):
            began = time.perf_counter()
            if side == "ours":
                vectors[side] = embed(encoder, part, cache).vectors
            else:
                vectors[side] = plain.encode(part, batch_size=32, normalize_embeddings=True)
            rates[side].append(len(part) / (time.perf_counter() - began))
        cosines.append((vectors["ours"] * vectors["plain"]).sum(axis=1))
        print(f"round {number + 1}/{ROUNDS}: {_show(rates)}", file=sys.stderr)
    ratios = np.array(rates["ours"]) / np.array(rates["plain"])
    return {
        **{side: round(float(np.median(values)), 1) for side, values in rates.items()},
        "ratio": round(float(np.median(ratios)), 2),
        "ratio_min": round(float(ratios.min()), 2),
        "ratio_max": round(float(ratios.max()), 2),
        "cosine_min": round(float(np.concatenate(cosines).min()), 6),
        "cosine_mean": round(float(np.concatenate(cosines).mean()), 6),
        "encoder": encoder.id,
    }


def _show(rates: dict[str, list[float]]) -> str:
    return ", ".join(f"{side} {values[-1]:.1f} texts/s" for side, values in rates.items())


def run_again(texts: list[str], images: list[Path], cache: EmbeddingCache) -> tuple[EmbeddingResult, ...]:
    """What `make features` does with contents that it met before."""
    return embed(TextEncoder(), texts, cache), embed_files(ColourTextureEncoder(), images, cache)


def main() -> None:
    """Prints a table on stderr and one JSON object on stdout."""
    parser = argparse.ArgumentParser(prog="benchmarks.encoding")
    parser.add_argument("--root", type=Path, help="folder of MovieLens; default: the built-in sample")
    parser.add_argument("--limit", type=int, help="at most so many texts and images")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        texts, images = read_contents(given.root, given.limit, Path(scratch))
        cache = EmbeddingCache(Path(scratch) / "embeddings.sqlite")
        measured = measure(texts, cache)
        began = time.perf_counter()
        first = embed_files(ColourTextureEncoder(), images, cache)
        image_seconds = time.perf_counter() - began
        began = time.perf_counter()
        again_texts, again_images = run_again(texts, images, cache)
        result = {
            "benchmark": "encoding",
            "texts": len(texts),
            "images": len(images),
            **measured,
            "images_per_second": round(first.encoded / image_seconds, 1),
            "rerun_encoded": again_texts.encoded,
            "rerun_images_encoded": again_images.encoded,
            "rerun_seconds": round(time.perf_counter() - began, 2),
        }
    for name, value in result.items():
        print(f"{name:<24}{value}", file=sys.stderr)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
