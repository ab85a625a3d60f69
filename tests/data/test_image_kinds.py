"""Images as phones, scanners and sensors write them: deep, turned, HEIC, AVIF, GIF."""

import io
import struct
import sys

import cv2
import numpy as np
import pytest

from edgefkp.data.images import decoded, read_image
from edgefkp.data.phone_images import oriented, upright
from edgefkp.errors import EdgefkpError

GRAY = ((np.add.outer(np.arange(60), np.arange(90)) * 1.7) % 256).astype(np.uint8)
RGB = np.dstack([GRAY, GRAY[::-1], 255 - GRAY])
CORNERS = np.full((40, 64, 3), 90, np.uint8)  # which way up it is can be seen
CORNERS[:20, :32], CORNERS[20:, 32:] = (250, 10, 10), (10, 10, 250)


def encoded(suffix, image):
    plain = [cv2.IMWRITE_TIFF_COMPRESSION, 1] if suffix == ".tif" else []
    _, content = cv2.imencode(suffix, image, plain)
    return content.tobytes()


@pytest.mark.parametrize("colors", ["rgb", "gray"])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jp2", ".pgm"])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
def test_an_image_of_any_bits_looks_as_its_8_bits_do(suffix, bits, colors):
    deep = GRAY.astype(np.uint16) * 2 ** (bits - 8)
    deep[0, 0] = 2**16 - 1  # a hot pixel
    if suffix == ".jp2":
        deep[0, 0] = 0  # as a wave it would color its neighbors
    found = decoded(encoded(suffix, deep), colors)
    wanted = GRAY if colors == "gray" else cv2.cvtColor(GRAY, cv2.COLOR_GRAY2BGR)
    assert found.dtype == np.uint8
    assert np.array_equal(found[1:], wanted[1:])


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("colors", ["rgb", "gray"])
def test_all_16_bits_are_read_as_ever(suffix, colors):
    content = encoded(suffix, RGB.astype(np.uint16) * 257)
    mode = cv2.IMREAD_GRAYSCALE if colors == "gray" else cv2.IMREAD_COLOR
    assert np.array_equal(decoded(content, colors), cv2.imdecode(np.frombuffer(content, np.uint8), mode))


def test_a_thermal_image_far_from_zero_uses_all_grays():
    warm = decoded(encoded(".png", 7000 + GRAY.astype(np.uint16) * 4), "gray")
    assert (warm.min(), warm.max()) == (0, 255)
    assert (
        np.abs(warm.astype(float) - cv2.normalize(GRAY, None, 0, 255, cv2.NORM_MINMAX)).max() <= 6
    )  # the rarest ends are cut


@pytest.mark.parametrize("image", [GRAY, RGB])
@pytest.mark.parametrize("divisor", [255, 1])
@pytest.mark.parametrize("colors", ["rgb", "gray"])
def test_a_tiff_of_fractions_is_an_image(tmp_path, image, divisor, colors):
    path = tmp_path / "a.tif"
    path.write_bytes(encoded(".tif", image.astype(np.float32) / divisor))
    found, wanted = read_image(path, colors), read_image(written(tmp_path / "b.png", image), colors)
    assert found.shape == wanted.shape
    assert np.abs(found.astype(int) - wanted).max() <= 1


def written(path, image):
    path.write_bytes(encoded(path.suffix, image))
    return path


def test_fractions_that_are_no_numbers_are_black():
    image = GRAY.astype(np.float32) / 255
    image[5:9] = np.nan
    found = decoded(encoded(".tif", image), "gray")
    assert (found[5:9] == 0).all()
    assert np.array_equal(found[10:], GRAY[10:])


def exif(orientation):
    return b"II*\0" + struct.pack("<IHHHII", 8, 1, 0x112, 3, 1, orientation)


def turned_webp(image, orientation):
    """A WebP with EXIF's orientation, made by hand: no encoder of OpenCV writes one."""
    plain = encoded(".webp", image)
    height, width = image.shape[:2]
    canvas = bytes([8, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + chunk(b"VP8X", canvas) + plain[12:] + chunk(b"EXIF", exif(orientation))
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def chunk(name, content):
    return name + len(content).to_bytes(4, "little") + content + b"\0" * (len(content) % 2)


# How a camera that was held so stores the upright image: EXIF's definition, in turns of numpy.
STORED = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: np.rot90(image, 2),
    4: lambda image: image[::-1],
    5: lambda image: image.swapaxes(0, 1),
    6: lambda image: np.rot90(image),
    7: lambda image: np.rot90(image, 2).swapaxes(0, 1),
    8: lambda image: np.rot90(image, -1),
}


@pytest.mark.parametrize("orientation", STORED)
def test_a_turned_webp_is_upright_with_every_opencv(orientation):
    stored = np.ascontiguousarray(STORED[orientation](CORNERS))
    assert np.array_equal(oriented(stored, orientation), CORNERS)
    content = turned_webp(stored, orientation)
    assert np.abs(decoded(content).astype(int) - CORNERS).max() < 12
    assert np.array_equal(upright(stored, content, "4.11.0"), CORNERS)  # as OpenCV before 4.13 leaves it
    assert np.array_equal(upright(CORNERS, content, "4.13.0"), CORNERS)


@pytest.mark.parametrize("orientation", STORED)
def test_a_turned_avif_is_upright(orientation):
    pil = pytest.importorskip("PIL.Image")
    features = pytest.importorskip("PIL.features")
    if not features.check("avif") or not cv2.haveImageWriter("a.avif"):
        pytest.skip("nothing here writes or reads AVIF")
    stored = np.ascontiguousarray(STORED[orientation](CORNERS))
    stream, note = io.BytesIO(), pil.Exif()
    note[0x112] = orientation
    pil.fromarray(stored[..., ::-1]).save(stream, "AVIF", exif=note.tobytes(), quality=95)
    found = decoded(stream.getvalue())
    assert found.shape == CORNERS.shape
    assert np.median(np.abs(found.astype(int) - CORNERS)) < 6


def heic(image, orientation=1):
    pillow_heif = pytest.importorskip("pillow_heif")
    pil = pytest.importorskip("PIL.Image")
    pillow_heif.register_heif_opener()
    stream, note = io.BytesIO(), pil.Exif()
    note[0x112] = orientation
    pil.fromarray(np.ascontiguousarray(image[..., ::-1])).save(stream, "HEIF", exif=note.tobytes(), quality=95)
    return stream.getvalue()


@pytest.mark.parametrize("orientation", STORED)
def test_a_phones_heic_is_upright_under_any_name(tmp_path, orientation):
    path = tmp_path / "a.jpg"
    path.write_bytes(heic(STORED[orientation](CORNERS), orientation))
    found = read_image(path)
    assert found.shape == CORNERS.shape
    assert np.median(np.abs(found.astype(int) - CORNERS)) < 6
    assert read_image(path, "gray").shape == CORNERS.shape[:2]


def test_a_heic_that_was_cut_off_or_is_too_large_is_no_image(monkeypatch):
    content = heic(CORNERS)
    with pytest.raises(EdgefkpError, match="not an image"):
        decoded(content[: len(content) // 2])
    monkeypatch.setattr("edgefkp.data.images.MOST_PIXELS", 100)
    with pytest.raises(EdgefkpError, match="million pixels"):
        decoded(content)


def test_without_pillow_heif_a_heic_names_the_line_that_installs_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    content = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(EdgefkpError) as caught:
        decoded(content)
    assert "pip install 'edgefkp[heic]'" in str(caught.value)


def test_the_first_frame_of_a_gif_is_its_image(tmp_path):
    path = tmp_path / "a.gif"
    frames = b"".join(gif_frame(level) for level in (3, 1))
    palette = b"".join(bytes([level] * 3) for level in (0, 60, 120, 240))
    path.write_bytes(b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0b10000001, 0, 0) + palette + frames + b";")
    found = read_image(path)
    assert found.shape == (8, 8, 3)
    assert (found == 240).all()


def gif_frame(level):
    """8x8 pixels of one level, 2 bits each: after each one the table of codes is cleared, so that it needs no coder."""
    codes = [value for _ in range(64) for value in (4, level)] + [5]
    bits = sum(code << 3 * place for place, code in enumerate(codes)).to_bytes(-(-3 * len(codes) // 8), "little")
    return (
        b"\x21\xf9\x04\0\x0a\0\0\0,"
        + struct.pack("<HHHHB", 0, 0, 8, 8, 0)
        + b"\x02"
        + bytes([len(bits)])
        + bits
        + b"\0"
    )
