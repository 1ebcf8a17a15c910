"""A sentence-transformers model, loaded when first used; the only module that imports the library."""

import sys
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from feature_pipeline.encoders import unit_rows
from feature_pipeline.encoders.checkpoint import Checkpoint
from feature_pipeline.encoders.parallel import map_batches
from feature_pipeline.encoders.precision import Precision, choose_device, resolve_precision

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


class SentenceModel:
    """Model, batch size and precision of the text and image encoders that sentence-transformers gives.

    The library is imported and the model is loaded when the first content is encoded: a run that finds every
    embedding in the cache pays for neither.

    Args:
        model: see `Checkpoint`.
        batch_size: contents in one forward pass.
        precision: of weights and arithmetic; embeddings are float32 all the same.

    Raises:
        MissingModelError: the package of the default model is not installed.
        ValueError: `batch_size` is not positive.
    """

    def __init__(self, model: str, batch_size: int, precision: Precision) -> None:
        if batch_size < 1:
            raise ValueError(f"batch_size: expected a positive number, got {batch_size}")
        self.batch_size = batch_size
        self.checkpoint = Checkpoint(model)
        self._precision = precision

    @cached_property
    def id(self) -> str:
        """Model, revision and precision."""
        return f"{self.checkpoint.id}+{resolve_precision(self._precision)}"

    def encode(self, contents: list[Any]) -> np.ndarray:
        """Encodes texts or PIL images, `batch_size` at a time in the order given.

        Returns:
            `[len(contents), dimension]` float32 rows of length one.

        Raises:
            MissingModelError: the model cannot be loaded. Install it or name another.
        """
        network = self._network
        # Some models expect words such as "query: " before every text.
        prompt = network.prompts.get(network.default_prompt_name or "")
        starts = range(0, len(contents), self.batch_size)
        batches = (network.preprocess(contents[i : i + self.batch_size], prompt=prompt) for i in starts)
        return unit_rows(map_batches(self._forward, batches, network.device.type))

    def _forward(self, batch: dict[str, Any]) -> Any:
        network = self._network
        moved = {
            name: value.to(network.device) if hasattr(value, "to") else value for name, value in batch.items()
        }
        return network(moved)["sentence_embedding"]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """How many word pieces the model reads of each text; of a model without word pieces, characters."""
        from transformers import PreTrainedTokenizerBase

        tokenizer = self._network.tokenizer
        if not isinstance(tokenizer, PreTrainedTokenizerBase):
            return [len(text) for text in texts]
        limit = self._network.max_seq_length or sys.maxsize
        pieces = tokenizer(list(texts), verbose=False)["input_ids"]
        return [min(len(ids), limit) for ids in pieces]

    @cached_property
    def _network(self) -> "SentenceTransformer":
        import torch
        from sentence_transformers import SentenceTransformer

        with self.checkpoint.explain_failure():
            network = SentenceTransformer(
                self.checkpoint.place, device=choose_device(), **self.checkpoint.options
            )
        # The whole model, not the transformer alone: layers behind it must take what it gives.
        return network.to(getattr(torch, resolve_precision(self._precision))).eval()
