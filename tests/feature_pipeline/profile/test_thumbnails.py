"""Thumbnails are small JPEGs of any readable image."""

import base64
from io import BytesIO

import pytest
from PIL import Image

from feature_pipeline.profile.thumbnails import SIZE, read_thumbnail


def open_thumbnail(file):
    head, data = read_thumbnail(file).split(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize("name", ["photo.jpg", "photo.png", "photo.webp"])
def test_keeps_aspect_ratio_and_colour(tmp_path, name):
    Image.new("RGB", (600, 400), (200, 30, 30)).save(tmp_path / name)
    small = open_thumbnail(tmp_path / name)
    assert small.size == (SIZE[0], SIZE[0] * 2 // 3)
    assert small.getpixel((50, 50)) == pytest.approx((200, 30, 30), abs=8)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "1", "L", "CMYK"])
def test_reads_every_mode(tmp_path, mode):
    image = Image.new(mode, (20, 30))  # smaller than a thumbnail: stays as it is
    file = tmp_path / ("x.tif" if mode == "CMYK" else "x.png")
    image.save(file)
    assert open_thumbnail(file).size == (20, 30)


def test_transparent_is_white(tmp_path):
    Image.new("RGBA", (9, 9), (0, 0, 0, 0)).save(tmp_path / "x.png")
    assert open_thumbnail(tmp_path / "x.png").getpixel((4, 4)) == pytest.approx((255, 255, 255), abs=2)


def test_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (90, 30)).save(tmp_path / "x.jpg", exif=exif)
    assert open_thumbnail(tmp_path / "x.jpg").size == (30, 90)


def test_what_is_no_image_is_none(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (tmp_path / "empty.png").touch()
    for name in ("broken.jpg", "empty.png", "absent.png", "null\0.png", ""):
        assert read_thumbnail(tmp_path / name) is None
