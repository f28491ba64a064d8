"""Files: what is written comes back, what microscopes write is understood, what is broken is refused in a sentence."""

import errno
import io as streams
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.io import ome
from napari_blind_deconv.io.units import micrometres

DTYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", ">u2", ">f4", "<u2"]


@st.composite
def volumes(draw):
    """Volumes with any axes in any of the usual orders, with lengths of one among them."""
    letters = draw(
        st.sampled_from(["YX", "ZYX", "CYX", "TYX", "CZYX", "ZCYX", "TZYX", "TCZYX", "TZCYX", "PYX", "PCYX"])
    )
    colour = draw(st.sampled_from(["", "S"])) if "C" not in letters else ""
    lengths = [draw(st.integers(1, 3)) for _ in letters[:-2]] + [draw(st.integers(3, 9)) for _ in "YX"]
    shape = (*lengths, *([3] if colour else []))
    data = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    space = [letter for letter in "ZYX" if letter in letters]
    lengths_um = st.lists(st.floats(1e-3, 100), min_size=len(space), max_size=len(space)).map(tuple)
    return io.Volume(data, letters + colour, draw(st.none() | lengths_um))


@given(volume=volumes())
def test_what_is_written_comes_back(tmp_path_factory, volume):
    path = tmp_path_factory.mktemp("io") / "a.ome.tif"
    made = {"settings": {"kernel_prior": {"kind": "motion"}, "text": '<&"µ\n'}, "versions": {"numpy": "2"}}
    io.write(path, volume, made)
    back = io.read(path)
    assert back.axes == volume.axes
    assert back.data.dtype == np.float32
    np.testing.assert_array_equal(back.data, volume.data)
    assert back.voxel_size_um == (None if volume.voxel_size_um is None else pytest.approx(volume.voxel_size_um))
    assert back.description["provenance"] == made
    assert back.description["warnings"] == []
    assert io.header(path).shape == volume.data.shape
    assert [p.name for p in path.parent.iterdir()] == ["a.ome.tif"]


@pytest.mark.parametrize("axes", ["SYX", "YXZ", "ZYSX", "QZYX", "XY"])
def test_unusual_orders_keep_their_meaning(tmp_path, axes):
    data = np.random.default_rng(0).random([3, 4, 5, 6][: len(axes)] if "S" not in axes else [3] * len(axes))
    io.write(tmp_path / "a.ome.tif", io.Volume(data, axes), {})
    back = io.read(tmp_path / "a.ome.tif")
    assert sorted(back.axes) == sorted(axes)
    order = [axes.index(letter) for letter in back.axes]
    np.testing.assert_allclose(back.data, np.transpose(data, order), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_any_number_type_is_read_in_native_order(tmp_path, dtype):
    data = np.arange(42).reshape(6, 7).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", data, byteorder=">" if dtype[0] == ">" else "<")
    back = io.read(tmp_path / "a.tif").data
    assert back.dtype == np.dtype(dtype).newbyteorder("=")
    assert back.dtype.isnative
    np.testing.assert_array_equal(back, data)


@pytest.mark.parametrize(
    ("unit", "spacing", "expected"),
    [
        ("micron", 0.3, (0.3, 0.1, 0.2)),
        ("\\u00B5m", 0.3, (0.3, 0.1, 0.2)),
        ("um", 0.3, (0.3, 0.1, 0.2)),
        ("nm", 300.0, (0.3, 1e-4, 2e-4)),
        ("mm", 0.0003, (0.3, 100.0, 200.0)),
        ("inch", 1.0, (25400.0, 2540.0, 5080.0)),
        ("pixel", 1.0, None),
        (None, 0.3, None),
        ("micron", None, (None, 0.1, 0.2)),
        ("micron", -0.3, (0.3, 0.1, 0.2)),
        ("micron", 0, (None, 0.1, 0.2)),
    ],
)
def test_imagej_voxel_sizes(tmp_path, unit, spacing, expected):
    said = {
        name: value for name, value in {"axes": "ZYX", "unit": unit, "spacing": spacing}.items() if value is not None
    }
    tifffile.imwrite(tmp_path / "a.tif", np.ones((4, 5, 6), "f4"), imagej=True, resolution=(5, 10), metadata=said)
    volume = io.read(tmp_path / "a.tif")
    assert volume.axes == "ZYX"
    assert volume.voxel_size_um == close(expected)
    if unit == "micron" and not spacing:
        assert "no voxel size along Z" in volume.description["warnings"][-1]


def test_imagej_hyperstack_axes(tmp_path):
    data = np.arange(2 * 3 * 4 * 5 * 6, dtype="u2").reshape(2, 3, 4, 5, 6)
    tifffile.imwrite(tmp_path / "a.tif", data, imagej=True, metadata={"axes": "TZCYX", "finterval": 2.5})
    volume = io.read(tmp_path / "a.tif")
    assert volume.axes == "TZCYX"
    assert volume.description["time_interval_s"] == 2.5
    np.testing.assert_array_equal(volume.data, data)


@pytest.mark.parametrize("unit", ["µm", "nm", "mm", "m", "Å"])
def test_ome_voxel_sizes(tmp_path, unit):
    factor = micrometres(1.0, unit)
    sizes = {f"PhysicalSize{axis}": um / factor for axis, um in zip("ZYX", (0.3, 0.1, 0.2), strict=True)}
    units = {f"PhysicalSize{axis}Unit": unit for axis in "ZYX"}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((4, 5, 6), "u2"), metadata={"axes": "ZYX", **sizes, **units})
    assert io.read(tmp_path / "a.ome.tif").voxel_size_um == pytest.approx((0.3, 0.1, 0.2))


def test_channel_names_and_times_survive(tmp_path):
    said = {"axes": "TCYX", "Channel": {"Name": ["DAPI", "GFP"]}, "TimeIncrement": 1.5, "TimeIncrementUnit": "s"}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((3, 2, 5, 6), "u2"), metadata=said)
    io.write(tmp_path / "b.ome.tif", io.read(tmp_path / "a.ome.tif"), {})
    assert io.read(tmp_path / "b.ome.tif").description["channel_names"] == ["DAPI", "GFP"]
    assert io.read(tmp_path / "b.ome.tif").description["time_interval_s"] == 1.5


@pytest.mark.parametrize(("per_cm", "expected"), [(1e5, (0.1, 0.1)), (28.35, None)])
def test_a_resolution_is_a_pixel_size_only_where_it_is_not_meant_for_printing(tmp_path, per_cm, expected):
    options = {"resolution": (per_cm, per_cm), "resolutionunit": "CENTIMETER", "metadata": None}
    tifffile.imwrite(tmp_path / "a.tif", np.ones((5, 6), "u1"), **options)
    assert io.read(tmp_path / "a.tif").voxel_size_um == (expected if expected is None else pytest.approx(expected))


def test_what_the_file_leaves_open_is_said(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(np.ones((7, 5, 6), "u2"))
        file.write(np.ones((8, 9), "u2"))
    volume = io.read(tmp_path / "a.tif")
    assert volume.axes == "ZYX"
    assert volume.data.shape == (7, 5, 6)
    assert "does not name its axes" in volume.description["warnings"][0]
    assert "holds 2 images; the first" in volume.description["warnings"][1]


@pytest.mark.parametrize(
    ("length", "unit", "expected"),
    [(1, "μm", 1), (1, "Micrometre", 1), (1, "inches", 25400), (1, "cm", 1e4), (1, "Mm", None), (1, "furlong", None)],
)
def test_units(length, unit, expected):
    assert micrometres(length, unit) == expected


def close(lengths):
    """The same lengths but for rounding; approx knows no None among numbers."""
    return None if lengths is None else tuple(n if n is None else pytest.approx(n) for n in lengths)


def stack_file(form: str) -> bytes:
    data, stream = np.random.default_rng(0).random((6, 40, 50)).astype("f4"), streams.BytesIO()
    forms = {
        "plain": {},
        "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
        "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
        "deflate": {"compression": "zlib", "metadata": None},
        "strips": {"rowsperstrip": 8, "metadata": None},
        "tiles": {"tile": (16, 16), "metadata": None},
    }
    tifffile.imwrite(stream, data, **forms[form])
    return stream.getvalue()


@pytest.mark.parametrize("form", ["plain", "imagej", "ome", "deflate", "strips", "tiles"])
@pytest.mark.parametrize("part", [1e-4, 1e-3, 0.01, 0.1, 0.3, 0.5, 0.8, 0.95])
def test_a_truncated_file_is_never_read_as_a_smaller_one(tmp_path, form, part):
    whole = stack_file(form)
    (tmp_path / "a.tif").write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(InputError, match=r"a\.tif") as refused:
        io.read(tmp_path / "a.tif")
    assert "\n" not in str(refused.value)


@given(
    st.sampled_from(["plain", "ome", "deflate"]),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_damaged_header_gives_an_image_or_a_sentence(tmp_path_factory, form, changes):
    damaged = bytearray(stack_file(form))
    for place, value in changes:
        damaged[place] = value
    path = tmp_path_factory.mktemp("io") / "a.tif"
    path.write_bytes(damaged)
    try:
        size, said = io.read(path).data.size, ""
    except InputError as refused:
        size, said = 0, str(refused)
    assert size or str(path) in said


def test_files_that_are_no_image_are_refused(tmp_path, caplog, capsys):
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "picture.tif").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "folder.tif").mkdir()
    expected = {
        "missing.tif": "does not exist",
        "empty.tif": "is empty, it has 0 bytes",
        "picture.tif": "is not a TIFF file",
        "picture.png": "is no PNG or JPEG",
        "folder.tif": "is not a file",
    }
    for name, said in expected.items():
        with pytest.raises(InputError, match=said):
            io.read(tmp_path / name)
    assert capsys.readouterr() == ("", "")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path):
    (tmp_path / "a.tif").write_bytes(stack_file("plain"))
    (tmp_path / "a.tif").chmod(0)
    with pytest.raises(InputError, match="permission denied"):
        io.read(tmp_path / "a.tif")


@pytest.mark.parametrize(
    "xml",
    [
        '<!DOCTYPE OME [<!ENTITY a "aaaa">]><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">&a;</OME>',
        "<OME><unfinished></OME>",
        '<OME><Image><Pixels><TiffData><UUID FileName="../secret.tif"/></TiffData></Pixels></Image></OME>',
    ],
)
def test_metadata_that_could_harm_are_refused(tmp_path, xml):
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((5, 6), "f4"), description=xml, metadata=None)
    with pytest.raises(InputError, match=r"a\.ome\.tif .*save it"):
        io.read(tmp_path / "a.ome.tif")
    with pytest.raises(InputError):
        ome.parsed(xml, "file a")


def test_a_header_that_promises_too_much_is_refused_before_memory_is_taken(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.ones((5, 6), "u1"), metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["ImageLength"].overwrite(2**31 - 1)
    with pytest.raises(InputError, match="bytes of pixels expected"):
        io.read(tmp_path / "a.tif")


@pytest.mark.parametrize("dtype", ["c8", "O"])
def test_only_real_numbers_are_written(tmp_path, dtype):
    with pytest.raises(InputError, match="is no image"):
        io.write(tmp_path / "a.ome.tif", io.Volume(np.ones((4, 5)).astype(dtype), "YX"), {})
    assert not list(tmp_path.iterdir())


def half_write(error: BaseException, *paths: Path) -> None:
    """Begin to write files, and fail."""
    with io.atomic(*paths) as (temporary, *_):
        temporary.write_text("half")
        raise error


def test_a_failure_while_writing_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError):
        half_write(ZeroDivisionError(), target, tmp_path / "b.txt")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_an_interruption_while_writing_removes_what_was_begun_and_the_folder(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        half_write(KeyboardInterrupt(), tmp_path / "new" / "deep" / "a.txt")
    assert not list(tmp_path.iterdir())


def test_a_disk_too_small_is_refused_beforehand(tmp_path):
    needed = shutil.disk_usage(tmp_path).free * 3
    with (
        pytest.raises(InputError, match=rf"{tmp_path} has not enough space: \d+ MB"),
        io.atomic(tmp_path / "a", needed_bytes=needed),
    ):
        pytest.fail("nothing may be written")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "has not enough space"),
        (OSError("1000 requested and 12 written"), "has not enough space"),
        (OSError(errno.EROFS, "Read-only file system"), "is not writable"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
    ],
)
def test_what_the_system_says_becomes_a_sentence(tmp_path, error, said):
    with pytest.raises(InputError, match=said):
        half_write(error, tmp_path / "a")
    assert not list(tmp_path.iterdir())


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    io.write(Path(sys.argv[1]) / "new" / "a.ome.tif", io.Volume(np.ones((400, 400)), "YX"), {})
except InputError as refused:
    print(refused)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on file sizes")
def test_a_write_cut_short_by_the_system_leaves_nothing(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert f"output folder {tmp_path / 'new'} has not enough space: 1 MB are needed" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="output folder"):
            io.check_folder(folder)
    io.check_folder(tmp_path / "new" / "deep")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_json_comes_back(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("io") / "a.json"
    io.write_json(path, {"value": value})
    assert io.read_json(path) == {"value": value}


def test_json_has_no_numbers_that_are_not(tmp_path):
    io.write_json(tmp_path / "a.json", {"a": float("nan"), "b": np.float32(2), "c": (1, np.inf), "d": Path("x")})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": None, "b": 2.0, "c": [1, None], "d": "x"}


@pytest.mark.parametrize(
    ("text", "said"),
    [("[1]", "not an object"), ("{", "not valid JSON"), ('{"a": NaN}', "NaN"), ("\xff", "not valid JSON")],
)
def test_json_that_holds_no_settings_is_refused(tmp_path, text, said):
    (tmp_path / "a.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=said):
        io.read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("name", "stem"), [("a.ome.tif", "a"), ("a.b.TIFF", "a.b"), ("..tif", "."), ("x.OME.TIFF", "x")]
)
def test_stem(name, stem):
    assert io.stem(Path(name)) == stem
