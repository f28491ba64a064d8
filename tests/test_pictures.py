"""PNG and JPEG: pictures come in as they are stored, or are refused in one sentence."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import Batch, prepared
from napari_blind_deconv.settings import Settings


def drawn(mode: str, size: tuple[int, int], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    samples = {"L": (), "I;16": (), "RGB": (3,), "RGBA": (4,)}[mode]
    dtype = np.uint16 if mode == "I;16" else np.uint8
    return rng.integers(0, np.iinfo(dtype).max, (*size, *samples), dtype)


@given(
    mode=st.sampled_from(["L", "I;16", "RGB", "RGBA"]),
    size=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    seed=st.integers(0, 99),
)
def test_png_comes_in_as_it_was_saved(
    tmp_path_factory: pytest.TempPathFactory, mode: str, size: tuple[int, int], seed: int
) -> None:
    path = tmp_path_factory.mktemp("png") / "a.PNG"
    pixels = drawn(mode, size, seed)
    Image.fromarray(pixels).save(path)
    source = io.open(path)
    assert (source.shape, source.dtype) == (pixels.shape, pixels.dtype)
    assert source.axes == ("YXS" if pixels.ndim == 3 else "YX")
    assert io.header(path) == source.header
    np.testing.assert_array_equal(source.read(), pixels)
    half = tuple(slice(n // 2, n) for n in pixels.shape)
    np.testing.assert_array_equal(source.read(half), pixels[half])
    assert io.images(path) == [(path, None)]


def test_jpeg_is_that_of_pillow_and_a_turned_one_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(drawn("RGB", (24, 30), 0)).save(path, exif=exif)
    source = io.open(path)
    np.testing.assert_array_equal(source.read(), np.asarray(Image.open(path)))
    assert "turn the picture" in source.description["warnings"][0]


def test_palettes_are_colours(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(drawn("RGB", (9, 8), 1)).quantize(16).save(path)
    np.testing.assert_array_equal(io.read(path).data, np.asarray(Image.open(path).convert("RGB")))


def animated(path: Path) -> None:
    frames = [Image.fromarray(drawn("L", (8, 8), seed)) for seed in (0, 1)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


def of_16_bits(path: Path) -> None:
    # Pillow cannot write RGB of 16 bits: the depth is changed in the header, which is all that is looked at.
    Image.fromarray(drawn("RGB", (8, 8), 0)).save(path)
    data = bytearray(path.read_bytes())
    data[24] = 16
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    path.write_bytes(bytes(data))


BAD: dict[str, tuple[Any, str]] = {
    "animated": (animated, "animated"),
    "sixteen": (of_16_bits, "16 bits"),
    "cmyk": (lambda path: Image.new("CMYK", (8, 8)).save(path, format="JPEG"), "CMYK"),
    "none": (lambda path: path.write_bytes(b"no picture"), "no PNG or JPEG"),
    "empty": (lambda path: path.write_bytes(b""), "no PNG or JPEG"),
    "folder": (lambda path: path.mkdir(), "not a file"),
    "missing": (lambda path: None, "does not exist"),
    "tiff": (lambda path: Image.new("L", (8, 8)).save(path, format="TIFF"), "no PNG or JPEG"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    make, words = BAD[name]
    path = tmp_path / "a.png"
    make(path)
    with pytest.raises(InputError, match=words):
        io.header(path)


def test_cut_off_pictures_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(drawn("RGB", (40, 40), 0)).save(path)
    path.write_bytes(path.read_bytes()[:2000])
    source = io.open(path)
    with pytest.raises(InputError, match="damaged"):
        source.read()


def test_pictures_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not written"):
        io.write(tmp_path / "a.png", io.Volume(np.ones((4, 4)), "YX"), {})


def test_pictures_in_a_folder_are_left_out_unless_they_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    io.write(folder / "a.tif", io.Volume(np.ones((24, 24)), "YX"), {})
    Image.fromarray(drawn("L", (24, 24), 0)).save(folder / "b.png")
    found = prepared(Batch((str(folder),), tmp_path / "out", Settings()))
    assert [work.job.path.name for work in found.works] == ["a.tif"]
    assert [(path.name, "a picture" in why) for path, why in found.table.left_out] == [("b.png", True)]
    found = prepared(Batch((str(folder / "*.png"),), tmp_path / "out", Settings()))
    assert [work.job.path.name for work in found.works] == ["b.png"]
