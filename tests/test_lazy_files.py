"""Images that are read and written region by region, and how much memory that takes."""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import tifffile
import yaozarrs
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.io.pyramid import factors, means
from napari_blind_deconv.io.runs import runs

TYPES = {
    "ome-tiff": ["u1", "u2", "u4", "i1", "i2", "i4", "f4", "f8"],
    "ome-zarr": ["b1", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"],
}
TYPES["ome-zarr-0.4"] = TYPES["ome-zarr"]
AXES = ["YX", "ZYX", "TYX", "CYX", "CZYX", "TZYX", "TCYX", "TCZYX", "PZYX"]


@st.composite
def regions(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Ranges within a shape, none empty."""
    starts = [draw(st.integers(0, n - 1)) for n in shape]
    return tuple(slice(i, draw(st.integers(i + 1, n))) for i, n in zip(starts, shape, strict=True))


def numbers(shape: tuple[int, ...], dtype: str, seed: int) -> np.ndarray:
    """Numbers that fill their type."""
    drawn = np.random.default_rng(seed)
    if dtype[0] == "f":
        return (drawn.standard_normal(shape) * 1000).astype(dtype)
    return drawn.integers(0, 256, (*shape, np.dtype(dtype).itemsize), "u1").view(f"u{dtype[1]}")[..., 0].astype(dtype)


def header(data: np.ndarray, axes: str, voxels=None, **description) -> io.Header:
    return io.Header(data.shape, data.dtype, axes, voxels, description)


def made(path: Path, data: np.ndarray, axes: str, form: str, voxels=None, **description) -> Path:
    io.save(path, io.ArraySource(data, axes, voxels, description), {"settings": {"seed": 1}}, form)
    return path


@settings(max_examples=15)
@given(st.data(), st.sampled_from(sorted(TYPES)))
def test_what_is_written_comes_back_region_by_region(tmp_path_factory, draw, form):
    axes, dtype = draw.draw(st.sampled_from(AXES)), draw.draw(st.sampled_from(TYPES[form]))
    shape = tuple(draw.draw(st.integers(1 if a not in "YX" else 2, 9)) for a in axes)
    lengths = [draw.draw(st.none() | st.floats(1e-3, 10)) for a in axes if a in "ZYX"]
    data = numbers(shape, dtype, draw.draw(st.integers(0, 99)))
    names = [f"channel {i}" for i in range(shape[axes.index("C")])] if "C" in axes else None
    path = tmp_path_factory.mktemp("io") / f"a{io.WRITERS[form].suffix}"
    made(path, data, axes, form, tuple(lengths), channel_names=names, time_interval_s=0.5 if "T" in axes else None)
    source = io.open(path)
    assert (source.shape, source.axes, source.dtype) == (shape, axes, np.dtype(dtype))
    expected = None if set(lengths) == {None} else tuple(n if n is None else pytest.approx(n) for n in lengths)
    assert source.voxel_size_um == expected
    assert source.description["provenance"] == {"settings": {"seed": 1}}
    assert source.description.get("channel_names") == names
    assert source.description.get("time_interval_s") == (0.5 if "T" in axes else None)
    region = draw.draw(regions(shape))
    values = source.read(region)
    assert values.dtype == source.dtype
    np.testing.assert_array_equal(values, data[region])
    np.testing.assert_array_equal(io.read(path).data, data)
    if form != "ome-tiff":
        yaozarrs.validate_zarr_store(str(path))


@settings(max_examples=10)
@given(st.data(), st.sampled_from(["ome-tiff", "ome-zarr"]), st.sampled_from(["ZYX", "YXS", "XYZ", "TCYX"]))
def test_blocks_may_come_in_any_order(tmp_path_factory, draw, form, axes):
    shape = tuple(3 if a == "S" else draw.draw(st.integers(2, 12)) for a in axes)
    data = numbers(shape, "f4", 0)
    grain = tuple(draw.draw(st.integers(1, n)) for n in shape)
    blocks = draw.draw(st.permutations(list(io.tiles(io.checked_region(None, shape), grain, 1, most=1))))
    path = tmp_path_factory.mktemp("io") / f"a{io.WRITERS[form].suffix}"
    with io.atomic(path) as (temporary,), io.create(temporary, header(data, axes), {"first": 1}, form) as sink:
        for block in blocks:
            sink.write(block, data[block].astype("f8"))
        sink.record({"last": "µ<&"})
        assert not path.exists()
    back = io.read(path)
    np.testing.assert_array_equal(back.data, np.transpose(data, [axes.index(a) for a in back.axes]))
    assert back.description["provenance"] == {"first": 1, "last": "µ<&"}


@given(st.data(), st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple), st.sampled_from([1.0, 4.0]))
def test_runs_and_tiles_cover_a_region_once(draw, shape, waste):
    region = draw.draw(regions(shape))
    data, found = np.arange(np.prod(shape)), np.full([s.stop - s.start for s in region], -1)
    for run in runs(shape, region, 2, waste=waste):
        found[run.place] = data[run.start : run.start + run.size].reshape(run.shape)[run.cut]
    np.testing.assert_array_equal(found, data.reshape(shape)[region])
    grain = tuple(draw.draw(st.integers(1, 4)) for _ in shape)
    count = np.zeros(shape, int)
    for tile in io.tiles(region, grain, 1, most=8):
        count[tile] += 1
        assert all(s.stop - s.start <= max(8, n) for s, n in zip(tile, grain, strict=True))
    assert count[region].min() == 1
    assert count.sum() == count[region].sum()


FORMS = {
    "plain": {},
    "big-endian": {"byteorder": ">"},
    "big": {"bigtiff": True},
    "strips": {"rowsperstrip": 7},
    "deflate": {"compression": "zlib", "predictor": True},
    "deflate in strips": {"compression": "zlib", "rowsperstrip": 7},
    "zstd tiles": {"compression": "zstd", "tile": (16, 32)},
    "lzw": {"compression": "lzw"},
    "tiles": {"tile": (16, 16)},
    "white is 0": {"photometric": "miniswhite"},
    "imagej": {"imagej": True, "metadata": {"axes": "ZYX"}},
    "ome": {"ome": True, "metadata": {"axes": "ZYX"}},
}


@given(draw=st.data())
@pytest.mark.parametrize("form", sorted(FORMS))
def test_a_region_of_a_tiff_is_that_of_the_whole(tmp_path_factory, draw, form):
    path = tmp_path_factory.getbasetemp() / f"{form}.tif"
    data = numbers((5, 37, 45), "u2", 1)
    if not path.exists():
        tifffile.imwrite(path, data, **({"metadata": None} | FORMS[form]))
    if form == "white is 0":
        data = 65535 - data
    region = draw.draw(regions(data.shape))
    np.testing.assert_array_equal(io.open(path).read(region), data[region])


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "tile": (16, 16)}, {"compression": "jpeg"}])
def test_regions_of_colours(tmp_path, planar, options):
    shape = (2, 40, 50, 3) if planar == "contig" else (2, 3, 40, 50)
    data = numbers(shape, "u1", 2)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar, metadata=None, **options)
    source = io.open(tmp_path / "a.tif")
    whole = tifffile.imread(tmp_path / "a.tif")
    rows = (slice(1, 2), slice(13, 29), slice(3, 40), slice(0, 2))
    region = rows if planar == "contig" else (rows[0], rows[3], *rows[1:3])
    np.testing.assert_array_equal(source.read(region), whole[region])


def test_a_source_goes_to_other_processes_in_other_folders(tmp_path, monkeypatch):
    data = numbers((3, 20, 30), "u2", 3)
    tifffile.imwrite(tmp_path / "a.tif", data, compression="zlib", photometric="minisblack", metadata=None)
    made(tmp_path / "a.zarr", data, "ZYX", "ome-zarr")
    (tmp_path / "elsewhere").mkdir()
    for name in ("a.tif", "a.zarr"):
        monkeypatch.chdir(tmp_path)
        sent = pickle.dumps(io.open(Path(name)))
        monkeypatch.chdir(tmp_path / "elsewhere")
        np.testing.assert_array_equal(pickle.loads(sent).read(), data)


@pytest.mark.parametrize(
    "region",
    [
        (slice(0, 3),),
        (slice(0, 3), slice(2, 2)),
        (slice(0, 4), slice(0, 5)),
        (slice(-1, 3), slice(0, 5)),
        (slice(0, 3, 2), slice(0, 5)),
    ],
)
def test_a_region_outside_is_refused(region):
    with pytest.raises(InputError, match="must be one range per axis within \\(3, 5\\)"):
        io.ArraySource(np.ones((3, 5)), "YX").read(region)


def test_an_image_larger_than_memory_is_refused_as_a_whole_only():
    source = io.ArraySource(da.zeros((10**6, 10**6, 10**4), chunks=(100, 100, 100), dtype="f4"), "ZYX")
    assert source.read((slice(5, 7), slice(0, 3), slice(9, 10))).shape == (2, 3, 1)
    with pytest.raises(InputError, match="does not fit into memory"):
        source.read()


@pytest.mark.parametrize("form", ["ome-tiff", "ome-zarr"])
@pytest.mark.parametrize(
    ("values", "dtype"), [(np.ones((2, 2)), "f4"), (np.ones((3, 4), "f8"), "u2"), (np.ones((3, 4), "u4"), "u2")]
)
def test_values_that_would_be_lost_are_refused(tmp_path, form, values, dtype):
    sink = io.create(tmp_path / "a", header(np.ones((3, 4), dtype), "YX"), {}, form)
    with pytest.raises(InputError, match=r"must be of shape \(3, 4\) and type"):
        sink.write(None, values)


@pytest.mark.parametrize(
    ("axes", "dtype", "form", "said"),
    [
        ("YX", "i8", "ome-tiff", "save them as OME-Zarr"),
        ("TPCZYX", "f4", "ome-zarr", "cannot all be stored in OME-Zarr"),
        ("PCYX", "f4", "ome-zarr", "cannot all be stored in OME-Zarr"),
        ("ZY", "f4", "ome-zarr", "is no image"),
        ("YX", "c8", "ome-zarr", "is no image"),
    ],
)
def test_what_a_format_does_not_have_is_refused(tmp_path, axes, dtype, form, said):
    data = np.ones((2,) * len(axes), dtype)
    with pytest.raises(InputError, match=said):
        made(tmp_path / "out" / "a", data, axes, form)
    assert not list(tmp_path.iterdir())


def test_a_tiff_above_the_limit_of_the_classic_form_is_a_big_one(tmp_path):
    huge = io.Header((3, 2**15, 2**15), np.dtype("f4"), "ZYX", None, {})
    place = tuple(slice(n - 1, n) for n in huge.shape)
    with io.create(tmp_path / "a.ome.tif", huge, {}) as sink:
        sink.write(place, [[[7]]])
    assert io.open(tmp_path / "a.ome.tif").read(place).item() == 7
    with (tmp_path / "a.ome.tif").open("rb") as file:
        assert file.read(4) == b"II\x2b\x00"


def test_a_pyramid_is_of_local_means_and_keeps_the_middle_of_pixels(tmp_path):
    data = np.random.default_rng(0).random((6, 300, 513), np.float32)
    made(tmp_path / "a.zarr", data, "ZYX", "ome-zarr", (0.3, 0.1, 0.2))
    image = json.loads((tmp_path / "a.zarr" / "zarr.json").read_text())["attributes"]["ome"]["multiscales"][0]
    assert [d["path"] for d in image["datasets"]] == ["0", "1", "2"]
    scale, shift = (image["datasets"][1]["coordinateTransformations"][i] for i in range(2))
    # z voxels are 1.5 times as long as x: they are halved as well.
    assert scale["scale"] == pytest.approx([0.6, 0.2, 0.4])
    assert shift["translation"] == pytest.approx([0.15, 0.05, 0.1])
    assert {a["unit"] for a in image["axes"]} == {"micrometer"}
    level = io.read(tmp_path / "a.zarr" / "1").data
    assert level.shape == (3, 150, 257)
    np.testing.assert_allclose(level[:, :, :256], data[:, :, :512].reshape(3, 2, 150, 2, 256, 2).mean((1, 3, 5)), 1e-5)


@given(st.data(), st.sampled_from(["u1", "i2", "f4"]))
def test_means_lie_between_the_extremes_and_keep_constants(draw, dtype):
    shape = tuple(draw.draw(st.integers(1, 9)) for _ in range(3))
    factor = tuple(draw.draw(st.integers(1, 2)) for _ in range(3))
    data = numbers(shape, dtype, draw.draw(st.integers(0, 99)))
    found = means(data, factor)
    assert found.shape == tuple(-(-n // f) for n, f in zip(shape, factor, strict=True))
    assert data.min() <= found.min() <= found.max() <= data.max()
    assert (means(np.full_like(data, 7), factor) == 7).all()


@pytest.mark.parametrize(
    ("voxels", "along_z"),
    [((0.3, 0.1, 0.1), [1, 1, 2]), ((0.1, 0.1, 0.1), [1, 2, 4]), ((None, 0.1, 0.1), [1, 1, 1]), (None, [1, 1, 1])],
)
def test_z_is_halved_where_voxels_are_known_to_be_cubes(voxels, along_z):
    assert [f[0] for f in factors((40, 1024, 900), "ZYX", voxels)] == along_z


def test_channels_keep_colours_and_windows(tmp_path):
    channels = [
        {"label": "DAPI", "color": "0000FF", "window": {"start": 1, "end": 9, "min": 0, "max": 10}, "active": False},
        {"label": "GFP", "color": "00FF00", "window": {"start": 2, "end": 8, "min": 0, "max": 10}, "active": True},
    ]
    made(tmp_path / "a.zarr", np.ones((2, 5, 6), "f4"), "CYX", "ome-zarr", channels=channels)
    first = io.open(tmp_path / "a.zarr")
    assert first.description["channels"] == channels
    for form in ("ome-zarr-0.4", "ome-zarr"):
        io.save(tmp_path / f"{form}.zarr", first, {}, form)
        again = io.open(tmp_path / f"{form}.zarr").description
        assert (again["channels"], again["channel_names"]) == (channels, ["DAPI", "GFP"])


def test_only_what_is_asked_for_is_computed():
    asked = []

    def block(block_info):
        asked.append(block_info[None]["chunk-location"])
        return np.zeros(block_info[None]["chunk-shape"])

    lazy = da.map_blocks(block, chunks=((4,) * 5, (4,) * 5), dtype="f8", meta=np.zeros((0, 0)))
    io.ArraySource(lazy, "YX").read((slice(5, 9), slice(0, 4)))
    assert sorted(asked) == [(1, 0), (2, 0)]


def test_the_libraries_of_zarr_are_imported_when_they_are_needed():
    code = "import sys, napari_blind_deconv.io; print(*{'zarr', 'numcodecs', 'yaozarrs'} & set(sys.modules))"
    assert not subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
import tifffile, zarr, yaozarrs
from napari_blind_deconv import io

def peak():
    status = Path("/proc/self/status")
    if status.exists():  # where the system's other figure begins with the parent's memory
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)

path, task = Path(sys.argv[1]), sys.argv[2]
planes = slice(100, 228)
start = peak()
if task == "write":
    made = io.Header((128, 1024, 1024), np.dtype("u2"), "ZYX", (0.3, 0.1, 0.1), {})
    block = np.full((16, 256, 512), 7, "u2")
    with io.create(path, made, {}) as sink:
        for tile in io.tiles(io.checked_region(None, made.shape), block.shape, 2, most=block.nbytes):
            sink.write(tile, block)
else:
    values = io.open(path).read((planes, slice(300, 812), slice(400, 912)))
    assert values.nbytes == 2**26
    assert (values[:, 5, 7] == np.arange(100, 228)).all()
print(peak() - start)
"""


def grown(path: Path, task: str) -> float:
    """By how many MB a process grew, as the system measured it."""
    command = [sys.executable, "-c", MEMORY, str(path), task]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def filled_in_part(path: Path) -> None:
    """1 GB of numbers of 16 bits, of which the planes that are read later are written."""
    shape, planes = (512, 1024, 1024), np.arange(100, 228, dtype="u2")
    if path.suffix == ".tif":
        offset, _ = tifffile.imwrite(path, shape=shape, dtype="u2", metadata=None, bigtiff=True, returnoffset=True)
        there = np.memmap(path, "u2", "r+", offset, shape)
    else:
        there = zarr.create_array(str(path), shape=shape, dtype="u2", chunks=(4, 512, 512), compressors=None)
    there[100:228] = np.broadcast_to(planes[:, None, None], (128, *shape[1:]))


memory_is_told = pytest.mark.skipif(sys.platform == "win32", reason="the system does not say what a process took")


@memory_is_told
@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
def test_a_region_of_a_large_file_takes_its_own_memory_and_little_more(tmp_path, name):
    filled_in_part(tmp_path / name)
    assert 64 < grown(tmp_path / name, "read") < 100


@memory_is_told
@pytest.mark.parametrize("name", ["a.ome.tif", "a.ome.zarr"])
def test_writing_takes_the_memory_of_some_blocks(tmp_path, name):
    assert grown(tmp_path / name, "write") < 170  # of 256
