"""Tiny models with random weights, saved as the hub keeps them: a few kilobytes each, no network."""

import json
from pathlib import Path

import torch
from transformers import (
    BitImageProcessor,
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    Dinov2Config,
    Dinov2Model,
    FlavaConfig,
    FlavaImageProcessor,
    FlavaModel,
    ResNetConfig,
    ResNetModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessor,
)

SIDE = 32
SHAPE = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
VISION = {**SHAPE, "image_size": SIDE, "patch_size": 8}
SIZES = {"size": {"height": SIDE, "width": SIDE}}
WORDS = ["<|startoftext|>", "<|endoftext|>"]
LETTERS = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]


def save_clip(directory: Path) -> Path:
    """Image and text in one space of 12 dimensions; words are spelt out in letters."""
    torch.manual_seed(1)
    directory.mkdir(parents=True)
    vocabulary = [*LETTERS, *[f"{letter}</w>" for letter in LETTERS], *WORDS]
    (directory / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(vocabulary)}))
    (directory / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(directory)
    text = {**SHAPE, "vocab_size": len(vocabulary), "max_position_embeddings": 20}
    ends = {"bos_token_id": len(vocabulary) - 2, "eos_token_id": len(vocabulary) - 1}
    config = CLIPConfig(text_config={**text, **ends}, vision_config=VISION, projection_dim=12)
    crop = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    CLIPModel(config).save_pretrained(directory)
    CLIPProcessor(CLIPImageProcessor(**crop), tokenizer).save_pretrained(directory)
    return directory


def save_sentence_clip(directory: Path) -> Path:
    """`save_clip`'s model as sentence-transformers keeps it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Transformer

    plain = save_clip(directory / "plain")
    SentenceTransformer(modules=[Transformer(str(plain))], device="cpu").save(str(directory / "sentence"))
    return directory / "sentence"


def save_flava(directory: Path) -> Path:
    """Image features of 16 dimensions for each patch and the class."""
    torch.manual_seed(2)
    config = FlavaConfig(
        text_config={**SHAPE, "vocab_size": 10},
        image_config=VISION,
        multimodal_config=SHAPE,
        hidden_size=16,
        projection_dim=16,
    )
    FlavaModel(config).save_pretrained(directory)
    FlavaImageProcessor(**SIZES, crop_size=SIZES["size"]).save_pretrained(directory)
    return directory


def save_dinov2(directory: Path) -> Path:
    """Gives the normalised class vector of 16 dimensions as its pooled output."""
    torch.manual_seed(3)
    Dinov2Model(Dinov2Config(**VISION)).save_pretrained(directory)
    crop = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}}
    BitImageProcessor(**crop).save_pretrained(directory)
    return directory


def save_vit_classifier(directory: Path) -> Path:
    """A classifier: its file holds no weights of the pooled output that the bare model would add."""
    torch.manual_seed(4)
    ViTForImageClassification(ViTConfig(**VISION)).save_pretrained(directory)
    ViTImageProcessor(**SIZES).save_pretrained(directory)
    return directory


def save_resnet(directory: Path) -> Path:
    """Convolutions: the pooled output has the shape `[batch, 16, 1, 1]`."""
    torch.manual_seed(5)
    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    ResNetModel(config).save_pretrained(directory)
    ViTImageProcessor(**SIZES).save_pretrained(directory)
    return directory
