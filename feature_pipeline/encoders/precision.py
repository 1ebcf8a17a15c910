"""Where models run and with which numbers."""

import platform
from typing import Literal

Precision = Literal["auto", "float32", "bfloat16"]


def choose_device() -> str:
    """`cuda` or `mps` where such a processor is present, else `cpu`."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def resolve_precision(precision: Precision) -> Literal["float32", "bfloat16"]:
    """Turns `auto` into bfloat16 where the processor multiplies in it, else into float32.

    bfloat16 keeps 8 of float32's 24 significant bits: embeddings turn by about half a degree, and are made in
    half the time (AVX512-BF16, AMX, NVIDIA Ampere and later).
    """
    if precision != "auto":
        return precision
    return "bfloat16" if _has_bfloat16() else "float32"


def _has_bfloat16() -> bool:
    import torch

    device = choose_device()
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Arm's library of kernels converts back and forth, which gains little.
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return device == "cpu" and is_x86 and bool(torch.cpu.get_capabilities().get("avx512_bf16"))
