"""Layers saved and opened again: voxels, place, units, look and provenance of every kind; hostile files."""

import json
from pathlib import Path
from typing import Any

import dask.array as da
import npe2
import numpy as np
import pytest
import tifffile
from gui import PLUGIN, spots
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer
from napari.utils.colormaps import Colormap

from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv._napari.layer_record import attributes_of, recorded
from napari_blind_deconv._napari.layers import file_of, leading_axes, voxel_size
from napari_blind_deconv._napari.psf_file_words import psf_file_words
from napari_blind_deconv._napari.reader import get_reader, read_layers
from napari_blind_deconv._napari.writer import write_tiff, write_zarr
from napari_blind_deconv.batch.shared_psf import sharing_of
from napari_blind_deconv.batch.table import table_of
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.settings import settings_to_dict

NOTES = {
    "role": "restored",
    "source": "cells",
    "voxel_size_um": [0.3, 0.1, 0.1],
    "settings": settings_to_dict(Settings(seed=7, kernel_size=(5,))),
    "report": {"settings": {}, "input": {"shape": [3, 4, 5]}, "warnings": ["a <b> & “c” µm"]},
    "command": "blind-deconv run 'cells é.tif'",
}
FORMS = {"ome.tif": write_tiff, "ome.zarr": write_zarr}


def volume() -> Image:
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    return Image(
        spots((5, 12, 14)),
        name="cells restored",
        scale=(300, 0.1, 1e-7),
        units=("nm", "um", "m"),
        axis_labels=("z", "y", "x"),
        translate=(1, -2, 3),
        rotate=turn,
        affine=np.diag([1, 2, 1, 1]),
        colormap="magma",
        contrast_limits=(0.5, 7),
        gamma=0.6,
        opacity=0.7,
        blending="additive",
        metadata={PLUGIN: NOTES},
    )


def movie() -> Image:
    data = np.random.default_rng(0).integers(0, 60_000, (2, 3, 4, 12, 11), np.uint16)
    units = ("ms", "pixel", "um", "um", "um")
    labels = ("time", "channel", "z", "y", "x")
    return Image(data, name="film", scale=(40, 1, 0.3, 0.1, 0.1), units=units, axis_labels=labels, visible=False)


def colours() -> Image:
    return Image(np.random.default_rng(0).integers(0, 255, (9, 7, 4), np.uint8), rgb=True, name="photo")


def pyramid() -> Image:
    fine = spots((40, 44))
    ramp = Colormap([[0, 0, 0, 1], [0.2, 0.9, 0.1, 1]], name="of mine")
    return Image([da.from_array(fine, chunks=16), fine[::2, ::2]], multiscale=True, name="levels", colormap=ramp)


def mask() -> Labels:
    data = np.random.default_rng(0).integers(0, 9, (5, 12, 14))
    return Labels(data, name="nuclei", scale=(0.3, 0.1, 0.1), units="um", opacity=0.3)


KINDS = {"volume": volume, "movie": movie, "colours": colours, "pyramid": pyramid, "labels": mask}


def same(layer: Layer, other: Layer) -> None:
    """Voxels, place, look and notes are the same."""
    first, second = (one.data[0] if one.multiscale else one.data for one in (layer, other))
    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))
    assert type(layer) is type(other)
    assert recorded(layer) == recorded(other)
    assert layer.metadata.get(PLUGIN) == other.metadata.get(PLUGIN)


def reopened(path: Any) -> list[Layer]:
    reader = get_reader(str(path))
    assert reader is not None
    return [Layer.create(*one) for one in reader(str(path))]


@pytest.mark.parametrize("end", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_comes_back_as_it_was(kind: str, end: str, tmp_path: Any) -> None:
    layer = KINDS[kind]()
    [path] = FORMS[end](str(tmp_path / f"one.{end}"), [layer.as_layer_data_tuple()])
    [again] = reopened(path)
    same(again, layer)
    if layer.data[0].dtype != np.int64:
        assert (again.data[0] if again.multiscale else again.data).dtype == np.asarray(layer.data[0]).dtype


@pytest.mark.parametrize("end", FORMS)
def test_layers_saved_together_come_back_one_by_one_with_their_own_files(end: str, tmp_path: Any) -> None:
    layers = [make() for make in KINDS.values()]
    [path] = FORMS[end](str(tmp_path / f"all.{end}"), [layer.as_layer_data_tuple() for layer in layers])
    again = reopened(path)
    assert len(again) == len(layers)
    for layer, other in zip(layers, again, strict=True):
        same(other, layer)
        if not isinstance(layer, Labels) and not layer.rgb:
            # Its own image of the file, not the file's first, answers for axes and lengths.
            file, number = file_of(other)
            found = io.open(file, number) if number is not None else io.open(file)
            assert leading_axes(other) == found.axes[:-2]
            assert voxel_size(other, found.axes)[0] == (found.voxel_size_um and pytest.approx(found.voxel_size_um))


def test_other_programs_read_layers_that_were_saved_together(tmp_path: Any) -> None:
    layers = [layer.as_layer_data_tuple() for layer in (volume(), movie())]
    [path] = write_tiff(str(tmp_path / "two.ome.tif"), layers)
    with tifffile.TiffFile(path) as file:
        assert [series.name for series in file.series] == ["cells restored", "film"]
        assert [series.axes for series in file.series] == ["ZYX", "TCZYX"]
        np.testing.assert_array_equal(file.series[1].asarray(), movie().data)
    [path] = write_zarr(str(tmp_path / "two.ome.zarr"), layers)
    series = json.loads((tmp_path / "two.ome.zarr/OME/zarr.json").read_text())["attributes"]["ome"]["series"]
    assert series == ["0", "1"]
    image = json.loads((tmp_path / "two.ome.zarr/0/zarr.json").read_text())["attributes"]["ome"]["multiscales"][0]
    assert image["name"] == "cells restored"
    moves = image["datasets"][0]["coordinateTransformations"]
    assert moves[0]["scale"] == pytest.approx([0.3, 0.1, 0.1])
    assert moves[1]["translation"] == pytest.approx([1e-3, -2, 3e6])


def test_napari_offers_reader_and_writers(tmp_path: Any) -> None:
    npe2.PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.add_image(spots((20, 22)), name="a", scale=(0.2, 0.1), units="um", axis_labels=("y", "x"))
    viewer.add_image(spots((4, 20, 22)), name="b", metadata={PLUGIN: NOTES})
    viewer.add_labels(np.ones((20, 22), np.int32), name="c")
    before = list(viewer.layers)
    for end in FORMS:
        [path] = viewer.layers.save(str(tmp_path / f"all.{end}"), plugin=PLUGIN)
        viewer.layers.clear()
        viewer.open(path, plugin=PLUGIN)
        for layer, other in zip(viewer.layers, before, strict=True):
            same(layer, other)
        assert viewer.layers["b"].source.path == path


def test_a_name_without_an_end_gets_one(tmp_path: Any) -> None:
    layer = volume().as_layer_data_tuple()
    assert write_tiff(str(tmp_path / "cells"), [layer]) == [str(tmp_path / "cells.ome.tif")]
    assert write_zarr(str(tmp_path / "v1.2"), [layer]) == [str(tmp_path / "v1.2.ome.zarr")]


def test_what_other_programs_will_not_see_is_said(tmp_path: Any, said: list[str]) -> None:
    layer = volume()
    layer.metadata["another"] = object()
    write_tiff(str(tmp_path / "a.ome.tif"), [layer.as_layer_data_tuple(), mask().as_layer_data_tuple()])
    assert said == [
        "“cells restored”: its position and its rotation, shear or affine will be seen by this plugin only, not by "
        "other programs.",
        "“cells restored”: metadata of other plugins were not saved (another).",
    ]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings of reader and writer."""
    found: list[str] = []
    for module in ("reader", "writer"):
        monkeypatch.setattr(f"napari_blind_deconv._napari.{module}.show_warning", found.append)
    return found


def test_integers_that_a_tiff_cannot_hold_are_refused(tmp_path: Any) -> None:
    layer = Labels(np.array([[0, 2**40], [1, 2]]), name="big")
    with pytest.raises(InputError, match=r"ends in \.ome\.zarr"):
        write_tiff(str(tmp_path / "a.ome.tif"), [layer.as_layer_data_tuple()])
    assert list(tmp_path.iterdir()) == []
    [path] = write_zarr(str(tmp_path / "a.ome.zarr"), [layer.as_layer_data_tuple()])
    assert reopened(path)[0].data.max() == 2**40


def test_files_of_a_batch_come_with_units_roles_and_report(tmp_path: Any) -> None:
    made = {"role": "restored image", "settings": NOTES["settings"], "input": {"axes": "ZYX", "shape": [4, 9, 8]}}
    report = {**made, "warnings": []}
    io.write(tmp_path / "a_restored.ome.tif", io.Volume(spots((4, 9, 8)), "ZYX", (0.3, 0.1, 0.2)), made)
    io.write_json(tmp_path / "a_report.json", report)
    [layer] = reopened(tmp_path / "a_restored.ome.tif")
    assert layer.name == "a_restored"
    assert layer.scale.tolist() == pytest.approx([0.3, 0.1, 0.2])
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    notes = layer.metadata[PLUGIN]
    assert notes["role"] == "restored"
    assert notes["settings"] == NOTES["settings"]
    assert notes["report"] == report


def test_other_files_and_folders_are_left_to_others(tmp_path: Any) -> None:
    (tmp_path / "folder").mkdir()
    assert get_reader(str(tmp_path / "folder")) is None
    assert get_reader(str(tmp_path / "picture.png")) is None
    assert get_reader([str(tmp_path / "a.ome.tif"), str(tmp_path / "b.ome.tif")]) is None


RECORDS: list[Any] = [
    17,
    {"scale": [0, 1], "units": ["um**99999999", "__import__('os')"], "name": ["x"], "axis_labels": ["y", "y"]},
    {"scale": [1e400, 1], "rotate": [[1, 1], [1, 1]], "affine": [[1]], "translate": ["1", True], "shear": {}},
    {"colormap": {"colors": [[0, 0, 0, 2], [1, 1, 1, 1]], "controls": [0, 1]}, "contrast_limits": [3, 3]},
    {"colormap": "../../x", "gamma": -1, "opacity": 1e9, "visible": "no", "blending": "what", "rendering": 3},
]


@pytest.mark.parametrize("end", FORMS)
@pytest.mark.parametrize("record", RECORDS)
def test_records_that_cannot_be_right_are_left_out(record: Any, end: str, tmp_path: Any, said: list[str]) -> None:
    made = {"layer": record, "role": "restored", "settings": {"seed": -1}, "report": 3, "voxel_size_um": "wide"}
    io.write(tmp_path / f"a.{end}", io.Volume(spots((9, 8)), "YX", (0.1, 0.2)), made)
    [layer] = reopened(tmp_path / f"a.{end}")
    assert layer.scale.tolist() == pytest.approx([0.1, 0.2])
    assert layer.metadata[PLUGIN] == {"role": "restored", "voxel_size_um": None}
    assert [sentence for sentence in said if "settings were left out" in sentence]


def test_damaged_files_are_refused_in_a_sentence(tmp_path: Any) -> None:
    [path] = write_tiff(str(tmp_path / "a.ome.tif"), [volume().as_layer_data_tuple(), movie().as_layer_data_tuple()])
    content = (tmp_path / "a.ome.tif").read_bytes()
    (tmp_path / "b.ome.tif").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError):
        read_layers(str(tmp_path / "b.ome.tif"))
    xml = tifffile.tiffcomment(path)
    tifffile.tiffcomment(path, ('<!DOCTYPE x [<!ENTITY a "b">]>' + xml[40:]).encode())
    with pytest.raises(InputError, match="document type"):
        read_layers(path)


def test_a_name_from_a_file_is_printable() -> None:
    assert attributes_of({"name": "a\x1b[31m\u202e" + "x" * 10_000}, 2)["name"].isprintable()


@pytest.mark.parametrize("end", [".ome.tif", ".ome.zarr"])
def test_a_psf_layer_that_was_saved_is_a_psf_to_files_and_settings(end: str, tmp_path: Any) -> None:
    steps, taps = (0.3, 0.1, 0.1), spots((5, 7, 9)).astype("float32")
    layer = Image(taps / taps.sum(), name="k", scale=steps, units="um", metadata={PLUGIN: {"role": "psf"}})
    [path] = (write_tiff if end == ".ome.tif" else write_zarr)(str(tmp_path / f"k{end}"), [layer.as_layer_data_tuple()])
    header = io.header(Path(path))
    assert io.role_of(header.description) == "point spread function"
    assert header.voxel_size_um == pytest.approx(steps)
    io.write(tmp_path / "cells.ome.tif", io.Volume(spots((6, 30, 32)), "ZYX", steps), {})
    table = table_of([tmp_path])
    assert [item.path.name for item in table.items] == ["cells.ome.tif"]
    assert any("point spread function" in reason for _, reason in table.left_out)
    sharing = sharing_of(path, Settings(), tmp_path / "out")
    assert (sharing.mode, sharing.path) == ("known", Path(path))
    words, wrong = psf_file_words(Path(path))
    assert not wrong
    assert "point spread function" in words
    assert "0.3, 0.1, 0.1 µm" in words


def test_a_restored_layer_is_no_psf(tmp_path: Any) -> None:
    layer = Image(spots((5, 7, 9)), name="r", metadata={PLUGIN: {"role": "restored"}})
    [path] = write_tiff(str(tmp_path / "r.ome.tif"), [layer.as_layer_data_tuple()])
    words, wrong = psf_file_words(Path(path))
    assert wrong
    assert "not a PSF" in words
    run = deconvolve(spots((20, 24, 26)), Settings(kernel_prior=Known(psf=path), iterations=2))
    assert any("not a PSF" in sentence for sentence in run.report["warnings"])
