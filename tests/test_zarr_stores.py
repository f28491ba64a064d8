"""Zarr stores as others write them, and as nobody should."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import find_inputs, plan, refuse_replacing, run_batch
from napari_blind_deconv.settings import Settings

DATA = np.random.default_rng(0).integers(0, 60000, (7, 30, 40), "u2")
AXES = [{"name": a, "type": "space", "unit": "micrometer"} for a in "zyx"]
PART = (slice(2, 5), slice(7, 19), slice(0, 33))


def multiscale(scale=(0.3, 0.1, 0.1), axes=AXES, **more: Any) -> dict[str, Any]:
    level = {"path": "0", "coordinateTransformations": [{"type": "scale", "scale": list(scale)}]}
    return {"axes": list(axes), "datasets": [level], **more}


def image(
    path: Path, ome: dict[str, Any] | None = None, form: int = 3, data: np.ndarray = DATA, **options: Any
) -> Path:
    """A store as other programs write it."""
    options = {"chunks": (3, 16, 16)[-data.ndim :]} | options
    array = zarr.create_array(str(path), name="0", shape=data.shape, dtype=data.dtype, zarr_format=form, **options)
    array[...] = data
    described = {"multiscales": [multiscale(version="0.4")]} if ome is None else ome
    group(path, described, form)
    return path


def group(path: Path, ome: dict[str, Any], form: int = 3) -> None:
    path.mkdir(parents=True, exist_ok=True)
    if form == 3:
        attributes = {"ome": {"version": "0.5", **ome}}
        (path / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes}))
    else:
        (path / ".zgroup").write_text('{"zarr_format": 2}')
        (path / ".zattrs").write_text(json.dumps(ome))


def edit(path: Path, change) -> None:
    """Change a file of metadata."""
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))


VARIANTS: dict[str, dict[str, Any]] = {
    "2, dots, blosc": {"form": 2, "compressors": numcodecs.Blosc(), "chunk_key_encoding": ("v2", ".")},
    "2, slashes, zstd": {"form": 2, "compressors": numcodecs.Zstd(), "chunk_key_encoding": ("v2", "/")},
    "2, gzip": {"form": 2, "compressors": numcodecs.GZip(), "chunk_key_encoding": ("v2", "/")},
    "2, zlib": {"form": 2, "compressors": numcodecs.Zlib(), "chunk_key_encoding": ("v2", "/")},
    "2, lz4, delta": {"form": 2, "compressors": numcodecs.LZ4(), "filters": [numcodecs.Delta("u2")]},
    "2, plain, columns first": {"form": 2, "compressors": None, "order": "F"},
    "2, big-endian": {"form": 2, "data": DATA.astype(">u2")},
    "3, blosc": {"compressors": BloscCodec()},
    "3, zstd": {"compressors": ZstdCodec()},
    "3, gzip, dots": {"compressors": GzipCodec(), "chunk_key_encoding": ("default", ".")},
    "3, keys of 2": {"chunk_key_encoding": ("v2", "/")},
    "3, plain": {"compressors": None},
    "3, sharded": {"shards": (6, 32, 32)},
}


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_stores_of_all_kinds_are_read_by_regions(tmp_path, variant):
    options = dict(VARIANTS[variant])
    if "chunk_key_encoding" in options:
        options["chunk_key_encoding"] = dict(zip(("name", "separator"), options["chunk_key_encoding"], strict=True))
    source = io.open(image(tmp_path / "a.zarr", **options))
    assert (source.shape, source.axes, source.dtype) == (DATA.shape, "ZYX", np.dtype("u2"))
    assert source.voxel_size_um == (0.3, 0.1, 0.1)
    assert source.description["warnings"] == []
    np.testing.assert_array_equal(source.read(PART), DATA[PART])
    np.testing.assert_array_equal(source.read(), DATA)


@pytest.mark.parametrize("form", [2, 3])
def test_missing_chunks_hold_the_fill_value(tmp_path, form):
    array = zarr.create_array(
        str(tmp_path / "a.zarr"), name="0", shape=(4, 6), dtype="f4", chunks=(2, 3), fill_value=np.nan, zarr_format=form
    )
    group(tmp_path / "a.zarr", {"multiscales": [multiscale((1, 1), AXES[1:], version="0.4")]}, form)
    empty = io.open(tmp_path / "a.zarr")
    assert "holds no chunks: every pixel is its fill value" in empty.description["warnings"][0]
    assert np.isnan(empty.read()).all()
    array[2:, 3:] = 5
    found = io.read(tmp_path / "a.zarr")
    assert found.description["warnings"] == []
    assert (np.isnan(found.data).sum(), np.nansum(found.data)) == (18, 30)


@pytest.mark.parametrize(
    ("axes", "scale", "expected", "said"),
    [
        ([{"name": "z", "type": "space", "unit": "nanometer"}, *AXES[1:]], (250, 0.1, 0.1), (0.25, 0.1, 0.1), ""),
        (
            [{"name": "z", "type": "space"}, *AXES[1:]],
            (2, 0.1, 0.1),
            (None, 0.1, 0.1),
            "scale of 2 along Z without a unit",
        ),
        ([{"name": "z", "type": "space"}, *AXES[1:]], (1, 0.1, 0.1), (None, 0.1, 0.1), "no voxel size along Z"),
        (AXES, (0, 0.1, 0.1), (None, 0.1, 0.1), "a step of 0.0 micrometer along Z, which is not a length"),
        (AXES, (-0.3, 0.1, 0.1), (0.3, 0.1, 0.1), "its absolute value was used"),
        (["z", "y", "x"], (1, 1, 1), None, ""),
        ([{"name": "t", "type": "time", "unit": "millisecond"}, *AXES[1:]], (250, 0.1, 0.1), (0.1, 0.1), ""),
    ],
)
def test_axes_and_lengths(tmp_path, axes, scale, expected, said):
    image(tmp_path / "a.zarr", {"multiscales": [multiscale(scale, axes)]})
    source = io.open(tmp_path / "a.zarr")
    assert source.voxel_size_um == expected
    assert said in " ".join(source.description["warnings"])
    assert source.description.get("time_interval_s") == (0.25 if source.axes == "TYX" else None)


def test_the_scale_of_a_level_and_that_of_the_image_are_both_meant(tmp_path):
    whole = [{"type": "scale", "scale": [2, 1, 1]}, {"type": "translation", "translation": [5, 5, 5]}]
    image(tmp_path / "a.zarr", {"multiscales": [multiscale(coordinateTransformations=whole)]})
    assert io.open(tmp_path / "a.zarr").voxel_size_um == (0.6, 0.1, 0.1)


def test_versions_without_axes_and_plain_arrays(tmp_path):
    five = DATA.reshape(1, 1, *DATA.shape)
    old = {"multiscales": [{"version": "0.1", "datasets": [{"path": "0"}]}]}
    image(tmp_path / "a.zarr", old, 2, five, chunks=(1, 1, 3, 16, 16))
    found = io.open(tmp_path / "a.zarr")
    assert (found.axes, found.description["format"]) == ("TCZYX", "OME-Zarr 0.1")
    plain = io.open(tmp_path / "a.zarr" / "0")
    assert "does not name its axes" in plain.description["warnings"][0]
    zarr.create_array(str(tmp_path / "b.zarr"), shape=(3, 4, 5), dtype="u1", dimension_names=["time", "y", "x"])
    assert io.open(tmp_path / "b.zarr").axes == "TYX"


def plate(path: Path) -> None:
    group(path, {"plate": {"wells": [{"path": "A/1"}, {"path": "B/1"}]}})
    group(path / "A" / "1", {"well": {"images": [{"path": "field0"}]}})
    image(path / "A" / "1" / "field0")


def test_groups_of_several_images_name_one(tmp_path):
    plate(tmp_path / "p.zarr")
    image(tmp_path / "i.zarr")
    group(tmp_path / "i.zarr" / "labels", {"labels": ["cells"]})
    group(tmp_path / "g.zarr", {})
    image(tmp_path / "g.zarr" / "one")
    expected = {
        "p.zarr": "is a plate of 2 wells, not one image; name one of its images, such as .*p.zarr/A/1/field0",
        "p.zarr/A/1": "is a well of 1 images, not one image; .*p.zarr/A/1/field0",
        "i.zarr/labels": "is a group of labels, not of intensities; name the image .*i.zarr",
        "g.zarr": "without an OME-Zarr image; .* such as .*g.zarr/one",
    }
    for name, said in expected.items():
        with pytest.raises(InputError, match=said):
            io.open(tmp_path / name)
    np.testing.assert_array_equal(io.read(tmp_path / "p.zarr" / "A" / "1" / "field0").data, DATA)
    assert io.stem(tmp_path / "p.zarr" / "A" / "1" / "field0") == "p_A_1_field0"


def test_the_first_of_a_converters_images_is_taken_and_said(tmp_path):
    group(tmp_path / "a.zarr", {"bioformats2raw.layout": 3})
    for name in "01":
        image(tmp_path / "a.zarr" / name)
    source = io.open(tmp_path / "a.zarr")
    assert source.description["warnings"] == ["a.zarr holds 2 images; the first, 0, was taken"]
    np.testing.assert_array_equal(source.read(PART), DATA[PART])


def test_displays_that_are_wrong_are_left_out_and_said(tmp_path):
    image(tmp_path / "a.zarr", {"multiscales": [multiscale()], "omero": {"channels": [{"label": "a"}, {"label": "b"}]}})
    described = io.open(tmp_path / "a.zarr").description
    assert "describes 2 channels of 1; these descriptions were ignored" in described["warnings"][0]
    assert "channel_names" not in described


def hostile(path: Path, secret: Path) -> dict[str, Any]:
    """What is done to a store, and what is said."""
    meta, root = path / "0" / "zarr.json", path / "zarr.json"

    def level(name: Any):
        return lambda: edit(root, lambda f: f["attributes"]["ome"]["multiscales"][0]["datasets"][0].update(path=name))

    def array(**changes: Any):
        return lambda: edit(meta, lambda f: f.update(changes))

    def chunk(act):
        def done() -> None:
            place = path / "0" / "c" / "0" / "0" / "0"
            place.unlink()
            act(place)

        return done

    grid = {"name": "regular", "configuration": {"chunk_shape": [10**4, 10**4, 10**4]}}
    shards = {"name": "sharding_indexed", "configuration": {"chunk_shape": [1, 1, 1], "codecs": [], "index_codecs": []}}
    return {
        "path upwards": (level("../secret.zarr/0"), "refers to '../secret.zarr/0' outside its folder"),
        "absolute path": (level(str(secret / "0")), "outside its folder"),
        "path to itself": (level("."), "outside its folder|is no"),
        "no path": (level(None), "refers to None"),
        "path to nothing": (level("7"), "does not exist"),
        "level is a link": (lambda: (path / "out").symlink_to(secret / "0"), None),
        "chunk is a link": (
            chunk(lambda p: p.symlink_to(secret / "0" / "c" / "0" / "0" / "0")),
            "to a place outside the store",
        ),
        "chunk is a loop": (chunk(lambda p: p.symlink_to(p)), "loop of links|cannot be read"),
        "chunk is a pipe": (chunk(os.mkfifo), "is not a regular file"),
        "chunk is too large": (chunk(lambda p: p.write_bytes(bytes(10**6))), "more than a chunk can have"),
        "chunk is noise": (chunk(lambda p: p.write_bytes(b"noise" * 99)), "array that cannot be read"),
        "chunk is cut": (chunk(lambda p: p.write_bytes(b"")), "array that cannot be read"),
        "chunk of a terabyte": (array(chunk_grid=grid), "chunks of .*, 2e\\+03 GB each, more than 2.1 GB"),
        "shard of many": (array(chunk_grid=grid, codecs=[shards]), "shards of"),
        "image without end": (array(shape=[2**40, 2**40, 2**40]), "make no image"),
        "negative": (array(shape=[7, -30, 40]), "make no image"),
        "pickle": (array(codecs=[{"name": "numcodecs.pickle", "configuration": {}}]), "codec 'pickle'"),
        "objects": (array(data_type="object"), "values of type 'object'"),
        "separator": (
            array(chunk_key_encoding={"name": "default", "configuration": {"separator": "/../"}}),
            "chunk keys",
        ),
        "misnamed chunks": (
            array(chunk_key_encoding={"name": "v2", "configuration": {"separator": "."}}),
            "named like 'c'",
        ),
        "no codecs": (array(codecs=7), "no list"),
        "no metadata": (lambda: root.unlink(), "without zarr metadata"),
        "no JSON": (lambda: root.write_text("{"), "is no JSON"),
        "deep JSON": (lambda: root.write_text("[" * 10**5), "is no JSON"),
        "a newer version": (
            lambda: edit(root, lambda f: f["attributes"]["ome"].update(version="0.6")),
            "is OME-Zarr 0.6",
        ),
        "axes": (
            lambda: edit(root, lambda f: f["attributes"]["ome"]["multiscales"][0]["axes"].pop()),
            "2 axes for an array",
        ),
        "scale": (
            lambda: edit(
                root,
                lambda f: f["attributes"]["ome"]["multiscales"][0].update(
                    coordinateTransformations=[{"type": "affine"}]
                ),
            ),
            "not known",
        ),
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_stores_that_lie_are_refused_in_words(tmp_path):
    secret = image(tmp_path / "secret.zarr")
    for number, name in enumerate(hostile(tmp_path, secret)):
        path = image(tmp_path / f"{number}.zarr")
        act, said = hostile(path, secret)[name]
        act()
        if name == "level is a link":
            edit(
                path / "zarr.json", lambda f: f["attributes"]["ome"]["multiscales"][0]["datasets"][0].update(path="out")
            )
            said = "outside its folder"
        with pytest.raises(InputError, match=said) as refused:
            io.read(path)
        assert "\n" not in str(refused.value), name


def test_objects_of_the_second_version_are_refused(tmp_path):
    changes = [{"filters": [{"id": "pickle"}]}, {"dtype": "|O"}, {"dtype": [["a", "<i4"]]}, {"compressor": {"id": "x"}}]
    for number, change in enumerate(changes):
        path = image(tmp_path / f"{number}.zarr", form=2)
        edit(path / "0" / ".zarray", lambda f, change=change: f.update(change))
        with pytest.raises(InputError, match=r"is not read|which are not intensities"):
            io.open(path)


def places(found: Any, before: tuple = ()) -> list[tuple]:
    """Every place in JSON."""
    inner = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [before, *(place for key, value in inner for place in places(value, (*before, key)))]


STRANGE = st.sampled_from(
    [None, True, -1, 0, 2**70, 0.5, "", "..", "x" * 99, [], {}, [[]], {"name": "regular"}, [1, 2]]
)


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("stores")
    return {"zarr.json": image(folder / "3.zarr", shards=(6, 32, 32)), ".zarray": image(folder / "2.zarr", form=2)}


@given(st.data(), st.sampled_from(["zarr.json", ".zarray"]), st.booleans())
def test_damaged_metadata_give_an_image_or_a_sentence(stores, draw, kind, of_group):
    root = stores[kind]
    path = root / (kind if kind == "zarr.json" else ".zattrs") if of_group else root / "0" / kind
    original = path.read_text()
    damaged = copy.deepcopy(json.loads(original))
    *way, last = draw.draw(st.sampled_from(places(damaged)[1:]))
    inner = damaged
    for key in way:
        inner = inner[key]
    if draw.draw(st.booleans()) and isinstance(inner, dict):
        del inner[last]
    else:
        inner[last] = draw.draw(STRANGE)
    path.write_text(json.dumps(damaged))
    try:
        assert io.open(root).read(tuple(slice(0, 1) for _ in io.open(root).shape)).size == 1
    except InputError as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - either outcome is right
    finally:
        path.write_text(original)


@pytest.mark.parametrize("name", ["s3://bucket/a.zarr", "https://example.org/a.ome.tif", "file:///a.zarr"])
def test_addresses_are_refused(name, tmp_path):
    with pytest.raises(InputError, match="is an address on a network"):
        io.open(Path(name))
    with pytest.raises(InputError, match="is an address on a network"):
        plan([tmp_path / "a.tif"], Path(name))


def test_stores_are_inputs_by_themselves_in_folders_and_in_patterns(tmp_path):
    stores = [image(tmp_path / "in" / name) for name in ("a.zarr", "b.ome.zarr", "c_restored.ome.zarr")]
    expected = ["a.zarr", "b.ome.zarr"]
    assert [p.name for p in find_inputs([tmp_path / "in"])] == expected
    assert [p.name for p in find_inputs([str(tmp_path / "in" / "*.zarr")])] == expected
    assert find_inputs([stores[2]]) == [stores[2]]
    assert find_inputs([stores[0] / "0"]) == [stores[0] / "0"]


def small(path: Path) -> Path:
    return image(path, {"multiscales": [multiscale((0.2, 0.1), AXES[1:])]}, data=DATA[0, :24, :25])


@pytest.mark.parametrize("form", ["ome-zarr", "ome-zarr-0.4"])
def test_a_store_is_restored_into_a_store(tmp_path, form):
    settings = Settings(kernel_size=(5,), iterations=2)
    jobs = plan([small(tmp_path / "a.zarr")], tmp_path / "out", form=form, maps=True)
    *_, report = run_batch(jobs, settings)
    assert report.status == "done", report.message
    names = ["a_prior_share.ome.zarr", "a_psf.ome.tif", "a_report.json", "a_residual.ome.zarr", "a_restored.ome.zarr"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == names
    made = io.read(tmp_path / "out" / "a_restored.ome.zarr")
    assert (made.axes, made.data.shape, made.voxel_size_um) == ("YX", (24, 25), (0.2, 0.1))
    assert made.description["provenance"]["settings"] == io.read_json(tmp_path / "out" / "a_report.json")["settings"]


def test_another_format_leaves_no_result_of_the_first(tmp_path):
    settings = Settings(kernel_size=(5,), iterations=2)
    store, out = small(tmp_path / "a.zarr"), tmp_path / "out"
    for form, suffix in (("ome-zarr", "zarr"), ("ome-tiff", "tif"), ("ome-zarr", "zarr"), ("ome-zarr", "zarr")):
        *_, report = run_batch(plan([store], out, form=form, overwrite=True), settings)
        assert report.status == "done", report.message
        assert sorted(p.name for p in out.iterdir()) == ["a_psf.ome.tif", "a_report.json", f"a_restored.ome.{suffix}"]
    with pytest.raises(InputError, match=r"is there already"):
        plan([store], out)


def test_nothing_is_written_into_a_store_that_is_read(tmp_path):
    store = small(tmp_path / "a.zarr")
    with pytest.raises(InputError, match="is an input and would be overwritten"):
        plan([store], store, overwrite=True)
    with pytest.raises(InputError, match="is an input and would be overwritten"):
        refuse_replacing([store], [store], overwrite=True)
    with pytest.raises(InputError, match="not a format that can be written"):
        plan([store], tmp_path / "out", form="tiff")
