"""Picture files, sound and not."""

import struct
import zlib
from io import BytesIO

import numpy as np
from PIL import Image


def draw(width: int = 60, height: int = 40, kind: str = "PNG") -> bytes:
    """A picture of noise, so that compression does not make it small."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def write_bomb(width: int, height: int) -> bytes:
    """A small PNG file that claims to be huge."""

    def write_chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + write_chunk(b"IHDR", header)
        + write_chunk(b"IDAT", rows)
        + write_chunk(b"IEND", b"")
    )
