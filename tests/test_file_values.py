"""What the numbers in files mean: compressed, calibrated, turned around; and how long their voxels are."""

from pathlib import Path

import numpy as np
import pytest
import tifffile
from recordings import OME, image, stack, tiff_data, warned, write, write_imagej

from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv.batch import plan, read_references, run_batch
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.physical_checks import voxel_doubts

# Compressions


@pytest.mark.parametrize("compression", ["lzw", "zlib", "packbits", "zstd", "lzma", "jpegxl", "jpeg2000", "webp"])
def test_common_compressions_are_read(tmp_path, compression):
    data = stack(3, 16, 20).astype(np.uint8 if compression == "webp" else np.uint16)
    shape = {"webp": (3, 16, 20, 3)}.get(compression, data.shape)
    data = np.broadcast_to(data[..., None], shape) if compression == "webp" else data
    options = {"predictor": True} if compression in {"lzw", "zlib", "zstd"} else {}
    exact = {
        "jpegxl": {"lossless": True},
        "jpeg2000": {"level": 0, "reversible": True},
        "webp": {"lossless": True},
    }
    if compression in exact:
        options["compressionargs"] = exact[compression]
    tifffile.imwrite(tmp_path / "a.tif", data, compression=compression, metadata=None, **options)
    np.testing.assert_array_equal(io.read(tmp_path / "a.tif").data, data)


def test_a_compression_that_nobody_reads_is_named(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", stack(16, 20), metadata=None, photometric="minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["Compression"].overwrite(34676)  # SGI LogLuv
    with pytest.raises(InputError, match="compressed in a way that is not read"):
        io.read(tmp_path / "a.tif")


# What the numbers mean


@pytest.mark.parametrize(
    ("stored", "said", "meant"),
    [
        (lambda v: v + 32768, "cf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n", lambda v: v.astype("i4")),
        (lambda v: v.astype("i2"), "cf=0\nc0=-32768.0\nc1=1.0\nvunit=Gray Value\n", lambda v: v.astype("i4")),
        (lambda v: v.astype("i2") - 200, "", lambda v: v.astype("i4") - 200),
        (lambda v: v, "cf=0\nc0=-1.5\nc1=0.25\nvunit=photons\n", lambda v: -1.5 + 0.25 * v),
        (lambda v: v.astype("u1"), "cf=0\nc0=255.0\nc1=-1.0\nvunit=a\n", lambda v: 255 - v.astype("i4")),
        (lambda v: v.astype("f4"), "cf=0\nc0=1\nc1=2\n", lambda v: v.astype("f4")),
        (lambda v: v, "cf=20\nvunit=Gray Value\n", lambda v: v.astype("i4")),
    ],
    ids=["signed", "signed on disk", "signed without calibration", "photons", "inverted", "32 bits have none", "none"],
)
def test_straight_calibrations_are_undone(tmp_path, stored, said, meant):
    values = stack(3, 16, 20)
    path = write_imagej(tmp_path / "a.tif", stored(values), f"images=3\nslices=3\nunit=micron\nspacing=0.3\n{said}")
    read = io.read(path)
    np.testing.assert_allclose(read.data, meant(values), rtol=1e-6)
    assert io.header(path).dtype == read.data.dtype
    assert warned(read) == ""


@pytest.mark.parametrize(
    ("said", "words"), [("cf=7\nc0=1\nc1=2\n", "curve"), ("cf=0\nc0=1\nc1=0\n", "which is not valid")]
)
def test_calibrations_that_are_no_straight_line_are_left_and_said(tmp_path, said, words):
    values = stack(16, 20)
    read = io.read(write_imagej(tmp_path / "a.tif", [values], f"{said}vunit=OD\n"))
    np.testing.assert_array_equal(read.data, values)
    assert words in warned(read)


@pytest.mark.parametrize(("dtype", "top"), [("u1", 255), ("u2", 65535), ("i2", -1)])
def test_where_white_is_the_lowest_value_light_counts_from_there(tmp_path, dtype, top):
    light = stack(16, 20, mean=50).astype("i4")
    tifffile.imwrite(tmp_path / "a.tif", (top - light).astype(dtype), photometric="miniswhite", metadata=None)
    read = io.read(tmp_path / "a.tif")
    np.testing.assert_array_equal(read.data, light)
    assert read.data.dtype == np.dtype(dtype)
    assert "inverted" in warned(read)


def test_a_mask_of_one_bit_in_which_white_is_0_is_turned_around(tmp_path):
    chosen = stack(16, 20) > 100
    tifffile.imwrite(tmp_path / "a.tif", ~chosen, photometric="miniswhite", metadata=None)
    read = io.read(tmp_path / "a.tif")
    assert read.data.dtype == bool
    np.testing.assert_array_equal(read.data, chosen)


def test_imagejs_inverted_display_leaves_the_numbers(tmp_path):
    # A display that is turned around, which ImageJ stores as white being 0: the light of these is bright as it is.
    values = stack(16, 20, mean=50).astype("u1")
    read = io.read(write_imagej(tmp_path / "a.tif", [values], "unit=micron\n", photometric="miniswhite"))
    np.testing.assert_array_equal(read.data, values)


@pytest.mark.parametrize("photometric", ["separated", "cfa", "cielab"])
def test_numbers_that_are_no_light_are_refused(tmp_path, photometric):
    data = stack(16, 20).astype("u1") if photometric == "cfa" else np.ones((16, 20, 3), "u1")
    code = {"separated": 5, "cfa": 32803, "cielab": 8}[photometric]
    tifffile.imwrite(tmp_path / "a.tif", data, metadata=None, photometric="rgb" if data.ndim == 3 else "minisblack")
    with tifffile.TiffFile(tmp_path / "a.tif", mode="r+") as file:
        file.pages.first.tags["PhotometricInterpretation"].overwrite(code)
    with pytest.raises(InputError, match="not amounts of light"):
        io.read(tmp_path / "a.tif")


# Lengths


@pytest.mark.parametrize(
    ("said", "per_unit", "expected"),
    [
        ("unit=micron\nyunit=micron\nzunit=nm\nspacing=300.0\n", (10, 10), (0.3, 0.1, 0.1)),
        ("unit=micron\nyunit=nm\nzunit=mm\nspacing=0.0003\n", (10, 0.01), (0.3, 0.1, 0.1)),
        ("unit=inch\nyunit=cm\nzunit=\\u00C5\nspacing=3000\n", (254000, 1e5), (0.3, 0.1, 0.1)),
        ("unit=micron\nzunit=pixel\nspacing=3\n", (10, 10), (None, 0.1, 0.1)),
        ("unit=micron\n", (10, 10), (1.0, 0.1, 0.1)),
        ("unit=micron\nzunit=nm\n", (10, 10), (0.001, 0.1, 0.1)),
        ("unit=micron\nspacing=1.0\n", (10, 10), (1.0, 0.1, 0.1)),
        ("unit=micron\nspacing=0.0\n", (10, 10), (None, 0.1, 0.1)),
        ("unit=micron\nspacing=-0.3\n", (10, 10), (0.3, 0.1, 0.1)),
        ("unit=micron\nspacing=NaN\n", (10, 10), (None, 0.1, 0.1)),
        ("unit=pixel\nspacing=0.3\n", (10, 10), None),
        ("", (10, 10), None),
    ],
)
def test_imagej_lengths_have_a_unit_per_axis(tmp_path, said, per_unit, expected):
    text = f"images=9\nslices=9\n{said}"
    read = io.read(write_imagej(tmp_path / "a.tif", stack(9, 16, 20), text, resolution=per_unit))
    assert read.voxel_size_um == (
        expected if expected is None else tuple(n if n is None else pytest.approx(n) for n in expected)
    )
    silent = "spacing=300" in said or "spacing=0.0003" in said or "3000" in said or "=1.0" in said or expected is None
    assert (warned(read) == "") == silent


def test_only_imagej_leaves_a_step_of_1_out(tmp_path):
    text = "images=9\nslices=9\nunit=micron\n"
    ours = io.read(write_imagej(tmp_path / "a.tif", stack(9, 16, 20), text))
    assert (ours.voxel_size_um[0], "1 micron was assumed" in warned(ours)) == (1.0, True)
    assert io.read(write_imagej(tmp_path / "b.tif", stack(9, 16, 20), text, version="1.11a")).voxel_size_um[0] is None


@pytest.mark.parametrize(
    ("sizes", "expected", "words"),
    [
        ({"X": (100, "nm"), "Y": (0.0001, "mm"), "Z": (0.3, None)}, (0.3, 0.1, 0.1), ""),
        ({"X": (0.1, None), "Y": (0.1, None), "Z": (0, None)}, (None, 0.1, 0.1), "not a length"),
        ({"X": (0.1, None), "Y": (0.1, None), "Z": (-0.3, None)}, (0.3, 0.1, 0.1), "its absolute value was used"),
        ({"X": (0.1, None), "Y": (0.1, None), "Z": (5, "pixel")}, (None, 0.1, 0.1), "no voxel size along Z"),
        ({"Z": (0.3, None)}, (0.3, None, None), "no voxel size along Y, X"),
    ],
)
def test_ome_lengths_have_a_unit_per_axis(tmp_path, sizes, expected, words):
    said = [f' PhysicalSize{a}="{n}"' + (f' PhysicalSize{a}Unit="{u}"' if u else "") for a, (n, u) in sizes.items()]
    xml = OME.format("", image(tiff_data([{"Z": z} for z in range(3)]), Z=3, more="".join(said)))
    read = io.read(write(tmp_path / "a.ome.tif", stack(3, 16, 20), xml))
    assert read.voxel_size_um == tuple(n if n is None else pytest.approx(n) for n in expected)
    assert words in warned(read)
    assert bool(words) == bool(warned(read))


def test_a_resolution_says_nothing_of_z_and_is_kept(tmp_path):
    options = {"resolution": (254000, 254000), "resolutionunit": "INCH"}
    tifffile.imwrite(tmp_path / "a.tif", stack(9, 16, 20), photometric="minisblack", **options)
    read = io.read(tmp_path / "a.tif")
    assert read.voxel_size_um == (None, pytest.approx(0.1), pytest.approx(0.1))
    io.write(tmp_path / "b.ome.tif", read, {})
    back = io.read(tmp_path / "b.ome.tif")
    assert back.voxel_size_um == read.voxel_size_um
    assert voxel_doubts(read.voxel_size_um) == []


@pytest.mark.parametrize("axes", [None, "TYX"], ids=["a volume", "frames"])
def test_lengths_that_are_known_reach_what_is_written(tmp_path, axes):
    options = {"resolution": (1e5, 1e5), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(tmp_path / "a.tif", stack(9, 24, 24), photometric="minisblack", **options)
    psf = np.zeros((3, 3, 3) if axes is None else (3, 3))
    psf[(1,) * psf.ndim], psf[(0,) * psf.ndim] = 0.9, 0.1
    # Its own axes and lengths are not known either, of which nothing needs to be said.
    tifffile.imwrite(tmp_path / "k.tif", psf, metadata=None)
    settings = Settings(kernel_prior=Known(), iterations=1)
    jobs = plan([tmp_path / "a.tif"], tmp_path / "out")
    *_, done = run_batch(jobs, settings, read_references(psf=tmp_path / "k.tif"), axes=axes)
    assert done.status == "done", done.message
    known = (pytest.approx(0.1), pytest.approx(0.1))
    wanted = (None, *known) if axes is None else known
    assert io.read(tmp_path / "out" / "a_restored.ome.tif").voxel_size_um == wanted
    assert io.read(tmp_path / "out" / "a_psf.ome.tif").voxel_size_um == wanted
    assert done.report["input"]["voxel_size_um"] == list(wanted)
    assert not any("k.tif" in sentence for sentence in done.report["warnings"])


def test_what_needs_a_length_that_is_not_known_says_which(tmp_path):
    with pytest.raises(InputError, match="not known along Z"):
        deconvolve(stack(9, 24, 24), Settings(kernel_prior={"kind": "microscope"}), voxel_size_um=(None, 0.1, 0.1))


def test_file_names_are_not_taken_for_settings(tmp_path):
    from napari_blind_deconv.cli.names import refusal_in_options

    for name in ("mask.tif", "kernel_prior=known.tif", "psf.tif"):
        with pytest.raises(InputError) as refused:
            io.read(Path(name))
        assert refusal_in_options(refused.value) == str(refused.value) == f"file {name} does not exist; check the path"
