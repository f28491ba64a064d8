"""Files that are part of a recording, or of one that was stopped: their own planes, or a refusal."""

import numpy as np
import pytest
import tifffile
from recordings import OME, UUID, image, micromanager, stack, tiff_data, warned, write, write_imagej

from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv.kernel_priors import Known

# One file of several


def test_each_position_of_a_recording_is_its_own_file(tmp_path):
    positions = [stack(3, 16, 20, mean=100 * (p + 1)) for p in range(3)]
    places = [{"Z": z} for z in range(3)]
    images = "".join(image(tiff_data(places, file=(f"p{p}.ome.tif", p)), Z=3, name=f"Pos{p}") for p in range(3))
    for p, planes in enumerate(positions):
        write(tmp_path / f"p{p}.ome.tif", planes, OME.format(f' UUID="{UUID}{p}"', images))
    # Renamed, it is still known by its identifier; with all others gone, too.
    (tmp_path / "p1.ome.tif").rename(tmp_path / "mine.tif")
    for p, name in enumerate(["p0.ome.tif", "mine.tif", "p2.ome.tif"]):
        read = io.read(tmp_path / name)
        np.testing.assert_array_equal(read.data, positions[p])
        assert (read.axes, warned(read)) == ("ZYX", "")
        for other in tmp_path.iterdir():
            if other.name == "p0.ome.tif" and name != other.name:
                other.unlink()


@pytest.mark.parametrize("identifier", [True, False], ids=["own identifiers", "one for all"])
def test_each_camera_of_a_recording_gives_its_own_channel(tmp_path, identifier):
    data = stack(2, 3, 16, 20)
    entries = [tiff_data([{"C": c, "Z": z} for z in range(3)], file=(f"c{c}.ome.tif", c)) for c in range(2)]
    for c in range(2):
        xml = OME.format(f' UUID="{UUID}{c if identifier else 0}"', image("".join(entries), Z=3, C=2))
        write(tmp_path / f"c{c}.ome.tif", data[c], xml)
    for c in range(2):
        read = io.read(tmp_path / f"c{c}.ome.tif")
        np.testing.assert_array_equal(read.data, data[c])
        assert read.axes == "ZYX"
        assert read.description["channel_names"] == [f"c{c}"]
        assert "one file of several" in warned(read)
        assert "1 of 2 along C" in warned(read)


def test_a_file_described_elsewhere_gives_its_own_planes(tmp_path):
    data = stack(2, 3, 16, 20)
    entries = [tiff_data([{"T": t, "Z": z} for z in range(3)], file=(f"t{t}.ome.tif", t)) for t in range(2)]
    whole = OME.format("", image("".join(entries), Z=3, T=2, more=' PhysicalSizeX="0.1" PhysicalSizeY="0.1"'))
    binary = '<BinaryOnly MetadataFile="all.companion.ome" UUID="' + UUID + '9"/>'
    for t in range(2):
        write(tmp_path / f"t{t}.ome.tif", data[t], OME.format(f' UUID="{UUID}{t}"', binary))
    alone = io.read(tmp_path / "t1.ome.tif")
    np.testing.assert_array_equal(alone.data, data[1])
    assert "all.companion.ome, which is missing" in warned(alone)
    (tmp_path / "all.companion.ome").write_text(whole)
    for t in range(2):
        read = io.read(tmp_path / f"t{t}.ome.tif")
        np.testing.assert_array_equal(read.data, data[t])
        assert (read.axes, read.voxel_size_um) == ("ZYX", (None, 0.1, 0.1))
    (tmp_path / "all.companion.ome").write_text('<!DOCTYPE OME [<!ENTITY a "b">]><OME>&a;</OME>')
    with pytest.raises(InputError, match="document type"):
        io.read(tmp_path / "t0.ome.tif")


def test_a_file_whose_part_of_a_recording_is_unknown_gives_its_own_pages(tmp_path):
    entries = tiff_data([{"T": 0}], file=("t0.ome.tif", 0)) + tiff_data([{"C": 1}, {"T": 1}], file=("t1.ome.tif", 1))
    data = stack(3, 16, 20)
    read = io.read(write(tmp_path / "renamed.ome.tif", data, OME.format("", image(entries, C=2, T=2))))
    np.testing.assert_array_equal(read.data, data)
    assert "does not say which planes its pages are" in warned(read)


def test_a_micromanager_stack_gives_its_own_planes(tmp_path):
    summary = {"MicroManagerVersion": "2.0", "Frames": 4, "Slices": 3, "Channels": 1, "Positions": 1}
    summary |= {"PixelSize_um": 0.1, "z-step_um": -0.3, "Prefix": "a"}
    data = stack(4, 3, 16, 20)
    for part in range(2):
        places = [(0, z, t, 0) for t in range(2 * part, 2 * part + 2) for z in range(3)]
        name = "a_MMStack" + ("_1" if part else "") + ".tif"
        micromanager(tmp_path / name, data[2 * part : 2 * part + 2].reshape(-1, 16, 20), places, summary)
    for part, name in enumerate(["a_MMStack.tif", "a_MMStack_1.tif"]):
        read = io.read(tmp_path / name)
        np.testing.assert_array_equal(read.data, data[2 * part : 2 * part + 2])
        assert (read.axes, read.voxel_size_um) == ("TZYX", (0.3, 0.1, 0.1))
        assert "2 of 4 along T" in warned(read)


# Missing planes and companions


def test_a_movie_that_was_stopped_ends_with_its_last_complete_frame(tmp_path):
    data = stack(8, 16, 20)
    places = [{"T": i // 3, "Z": i % 3} for i in range(8)]
    read = io.read(write(tmp_path / "a.ome.tif", data, OME.format("", image(tiff_data(places), Z=3, T=4))))
    np.testing.assert_array_equal(read.data, data[:6].reshape(2, 3, 16, 20))
    assert "2 of 4 along T" in warned(read)
    read = io.read(write_imagej(tmp_path / "b.tif", data, "images=12\nslices=3\nframes=4\nhyperstack=true\n"))
    np.testing.assert_array_equal(read.data, data[:6].reshape(2, 3, 16, 20))
    assert "2 of 4 along T" in warned(read)


def test_what_was_recorded_before_a_stack_was_stopped_is_read(tmp_path):
    data = stack(7, 16, 20)
    read = io.read(write_imagej(tmp_path / "a.tif", data, "images=10\nchannels=2\nslices=5\nhyperstack=true\n"))
    np.testing.assert_array_equal(read.data, data[:6].reshape(3, 2, 16, 20))
    assert (read.axes, "3 of 5 along Z" in warned(read)) == ("ZCYX", True)
    read = io.read(write_imagej(tmp_path / "one.tif", data[:1], "images=5\nframes=5\n"))
    np.testing.assert_array_equal(read.data, data[0])
    assert "1 of 5 along T" in warned(read)
    for whole in (True, False):
        options = {"description": "ImageJ=1.54f\nimages=5\nframes=5\n", "metadata": None, "photometric": "minisblack"}
        tifffile.imwrite(tmp_path / "virtual.tif", data[0], **options)
        with (tmp_path / "virtual.tif").open("ab") as file:
            file.write(data[1 : 5 if whole else 4].tobytes())
        if whole:
            np.testing.assert_array_equal(io.read(tmp_path / "virtual.tif").data, data[:5])
        else:
            with pytest.raises(InputError, match="truncated or damaged"):
                io.read(tmp_path / "virtual.tif")
    read = io.read(write_imagej(tmp_path / "plain.tif", data, "images=10\n"))
    assert read.data.shape == (7, 16, 20)
    assert "7 of 10 along Z" in warned(read)


def test_a_description_that_does_not_fit_the_pages_yields_to_them(tmp_path):
    data = stack(7, 16, 20)
    read = io.read(write_imagej(tmp_path / "a.tif", data, "images=6\nchannels=2\nslices=3\nhyperstack=true\n"))
    np.testing.assert_array_equal(read.data, data[:6].reshape(3, 2, 16, 20))
    assert "7 pages, of which its metadata describe 6" in warned(read)
    read = io.read(write(tmp_path / "a.ome.tif", data, OME.format("", image("<TiffData/>", (99, 99), Z=7))))
    np.testing.assert_array_equal(read.data, data)


def test_a_plane_that_is_missing_within_a_stack_leaves_its_place_and_the_rest_is_restored(tmp_path):
    data = stack(9, 24, 24)
    kept = [0, 1, 2, 4, 5, 6, 7, 8]
    xml = OME.format("", image(tiff_data([{"Z": z} for z in kept]), (24, 24), Z=9))
    path = write(tmp_path / "a.ome.tif", data[kept], xml)
    read = io.read(path)
    assert read.data.shape == data.shape
    assert np.isnan(read.data[3]).all()
    np.testing.assert_array_equal(read.data[kept], data[kept])
    assert io.header(path).dtype == read.data.dtype == np.float32
    assert "1 missing within the stack" in warned(read)
    result = deconvolve(read.data, Settings(kernel_prior=Known(), iterations=1), axes=read.axes, psf=np.ones((3, 3, 3)))
    assert np.isfinite(result.image).all()


def test_planes_that_are_no_neighbours_are_refused(tmp_path):
    entries = tiff_data([{"Z": z} for z in (0, 4, 8)], file=("a.ome.tif", 0))
    entries += tiff_data([{"Z": z} for z in (1, 2, 3, 5, 6, 7)], file=("b.ome.tif", 1))
    path = write(tmp_path / "a.ome.tif", stack(3, 16, 20), OME.format("", image(entries, Z=9)))
    with pytest.raises(InputError, match="3 of 9 neighbouring planes") as refused:
        io.read(path)
    assert refused.value.remedy


def test_a_missing_companion_is_named_and_a_file_renamed_is_read(tmp_path):
    data = stack(4, 16, 20)
    entries = tiff_data([{"C": 0, "Z": z} for z in range(4)], file=("left.ome.tif", 0))
    entries += tiff_data([{"C": 1, "Z": z} for z in range(4)], file=("right.ome.tif", 1))
    xml = OME.format(f' UUID="{UUID}0"', image(entries, Z=4, C=2))
    read = io.read(write(tmp_path / "left.ome.tif", data, xml))
    np.testing.assert_array_equal(read.data, data)
    assert "missing files: right.ome.tif" in warned(read)
    alone = OME.format("", image(tiff_data([{"Z": z} for z in range(4)], file=("old.ome.tif", 0)), Z=4))
    # Another file has the old name: its pixels must not be taken.
    write(tmp_path / "old.ome.tif", data + 1000, alone)
    read = io.read(write(tmp_path / "new.ome.tif", data, alone))
    np.testing.assert_array_equal(read.data, data)
    assert "is called old.ome.tif" in warned(read)


@pytest.mark.parametrize("part", [0.35, 0.6, 0.97])
def test_a_part_of_a_recording_that_is_cut_off_is_still_refused(tmp_path, part):
    entries = tiff_data([{"Z": z} for z in range(4)], file=("a.ome.tif", 0)) + tiff_data(
        [{"C": 1}], file=("b.ome.tif", 1)
    )
    path = write(tmp_path / "a.ome.tif", stack(4, 16, 20), OME.format("", image(entries, Z=4, C=2)))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    with pytest.raises(InputError, match="truncated or damaged"):
        io.read(path)


def test_sizes_that_no_image_has_are_refused_at_once(tmp_path):
    xml = OME.format("", image(tiff_data([{"Z": 0}], file=("b.ome.tif", 1)), Z=10**9, T=10**9))
    with pytest.raises(InputError, match="which images do not have"):
        io.read(write(tmp_path / "a.ome.tif", stack(1, 16, 20), xml))
