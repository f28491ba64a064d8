"""Every kind of image layer: where results lie, and what is refused."""

from typing import Any

import dask.array as da
import numpy as np
import pytest
import tifffile
import zarr
from gui import PLUGIN, quick, results, run, spots
from napari.layers import Image

PLACED = {
    "scale": (0.5, 0.2, 0.1),
    "translate": (3.0, -2.0, 7.0),
    "units": "um",
    "axis_labels": ("z", "y", "x"),
}


def same_place(layer: Any, other: Any) -> None:
    """Corners of the data fall on the same points of the world."""
    for corner in ((0,) * layer.ndim, tuple(n - 1 for n in layer.data.shape[: layer.ndim])):
        np.testing.assert_allclose(layer.data_to_world(corner), other.data_to_world(corner), atol=1e-9)
    assert layer.units == other.units


@pytest.mark.parametrize("shape", [(48, 52), (9, 40, 44)])
def test_restored_lies_exactly_over_the_original(qtbot: Any, viewer: Any, widget: Any, shape: tuple[int, ...]) -> None:
    ndim = len(shape)
    turn = np.eye(ndim)
    turn[-2:, -2:] = [[0.8, -0.6], [0.6, 0.8]]
    affine = np.eye(ndim + 1)
    affine[-1, -1], affine[-2, -1] = 1.0, 4.0
    placed = {name: value[-ndim:] if isinstance(value, tuple) else value for name, value in PLACED.items()}
    image = viewer.add_image(spots(shape), name="cells", rotate=turn, affine=affine, **placed)
    quick(widget, kernel_size=(3,))
    run(qtbot, widget)
    restored, psf = results(viewer, "cells")
    same_place(restored, image)
    assert restored.axis_labels == image.axis_labels
    np.testing.assert_allclose(psf.scale, image.scale)
    np.testing.assert_allclose(psf.rotate, image.rotate)
    assert psf.units == image.units


@pytest.mark.parametrize("shape", [(48, 52), (11, 40, 44)])
def test_psf_stands_beside_the_image_and_stretches_nothing(
    qtbot: Any, viewer: Any, widget: Any, shape: tuple[int, ...]
) -> None:
    placed = {name: value[-len(shape) :] if isinstance(value, tuple) else value for name, value in PLACED.items()}
    image = viewer.add_image(spots(shape), name="cells", **placed)
    if len(shape) == 3:
        viewer.dims.set_current_step(0, 2)
    camera = viewer.scene.camera.center, viewer.scene.camera.zoom
    step, ranges = viewer.dims.current_step, viewer.dims.range
    quick(widget, kernel_size=(5,))
    run(qtbot, widget)
    _, psf = results(viewer, "cells")
    assert (viewer.scene.camera.center, viewer.scene.camera.zoom) == camera
    assert viewer.dims.current_step == step
    assert len(viewer.dims.range) == len(ranges)
    for after, before in list(zip(viewer.dims.range, ranges, strict=True))[:-1]:
        np.testing.assert_allclose(after, before)
    left = psf.data_to_world((0,) * psf.ndim)[-1]
    right = image.data_to_world(tuple(n - 1 for n in shape))[-1]
    assert left > right
    middle = psf.data_to_world(tuple(n // 2 for n in psf.data.shape))
    expected = image.data_to_world(tuple(n // 2 for n in shape))
    np.testing.assert_allclose(middle[:-1], expected[:-1], atol=1e-9)


def test_voxel_size_is_filled_in_from_the_layer(viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((9, 40, 44)), name="stack", scale=(500, 100, 100), units="nm")
    assert widget.input.lengths() == pytest.approx((0.5, 0.1, 0.1))
    assert not widget.input.voxel_size.isEnabled()
    assert widget.input.letters() == "ZYX"
    assert "9 × 40 × 44 (z, y, x)" in widget.input.shape.text()


def test_voxel_size_is_typed_where_the_layer_counts_pixels(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    assert widget.input.lengths() is None
    assert widget.input.voxel_size.isEnabled()
    qtbot.keyClicks(widget.input.voxel_size.box, "0.2, 0.25")
    run(qtbot, widget)
    restored, _ = results(viewer, "cells")
    assert restored.metadata["napari-blind-deconv"]["report"]["input"]["voxel_size_um"] == [0.2, 0.25]
    np.testing.assert_allclose(restored.scale, 1)


def test_axes_and_voxel_size_come_from_the_file(viewer: Any, widget: Any, tmp_path: Any) -> None:
    from napari_blind_deconv import io

    data = np.stack([spots((7, 40, 44))] * 2, axis=1)
    io.write(tmp_path / "stack.ome.tif", io.Volume(data, "ZCYX", (0.4, 0.1, 0.1)), {})
    found = io.read(tmp_path / "stack.ome.tif")
    viewer.open(tmp_path / "stack.ome.tif", plugin="napari")
    assert viewer.layers[0].data.shape == found.data.shape
    assert widget.input.letters() == found.axes
    assert widget.input.lengths() == pytest.approx((0.4, 0.1, 0.1))


def test_colours_share_one_psf_and_keep_their_type(qtbot: Any, viewer: Any, widget: Any) -> None:
    grey = np.clip(spots((48, 52)) * 3, 0, 200).astype(np.uint8)
    image = viewer.add_image(np.stack([grey, grey // 2, grey // 3], -1), name="photo", rgb=True)
    run(qtbot, widget)
    restored, psf = results(viewer, "photo")
    assert restored.rgb
    assert restored.data.dtype == np.uint8
    assert restored.data.shape == image.data.shape
    assert psf.data.shape == (5, 5)
    same_place(restored, image)


def test_opacity_is_left_as_it_is(qtbot: Any, viewer: Any, widget: Any) -> None:
    grey = np.clip(spots((48, 52)) * 3, 0, 200).astype(np.uint8)
    opacity = np.full_like(grey, 77)
    viewer.add_image(np.stack([grey, grey // 2, grey // 3, opacity], -1), name="photo", rgb=True)
    run(qtbot, widget)
    restored, _ = results(viewer, "photo")
    np.testing.assert_array_equal(restored.data[..., 3], opacity)


def test_the_finest_resolution_level_is_used_and_said_so(qtbot: Any, viewer: Any, widget: Any) -> None:
    fine = spots((64, 64))
    viewer.add_image([fine, fine[::2, ::2]], name="pyramid", multiscale=True)
    assert "the finest of 2 resolution levels" in widget.input.shape.text()
    run(qtbot, widget)
    assert results(viewer, "pyramid")[0].data.shape == (64, 64)


def test_lazy_data_are_computed(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(da.from_array(spots((48, 52)), chunks=16), name="lazy")
    run(qtbot, widget)
    assert isinstance(results(viewer, "lazy")[0].data, np.ndarray)


@pytest.mark.parametrize("kind", ["dask", "zarr", "levels"])
def test_lazy_layers_are_read_region_by_region_at_the_finest_level(kind: str, tmp_path: Any) -> None:
    from napari_blind_deconv._napari.layers import source_of

    whole, asked = np.random.default_rng(0).random((8, 40, 44), np.float32), []
    stored = zarr.create_array(str(tmp_path / "a.zarr"), shape=whole.shape, dtype="f4", chunks=(2, 40, 44))
    stored[...] = whole

    def counted(block: Any, block_info: Any) -> Any:
        asked.append(block_info[0]["chunk-location"][0])
        return block

    lazy = da.from_array(whole, chunks=(2, 40, 44)).map_blocks(counted, dtype="f4", meta=np.zeros((0, 0, 0), "f4"))
    data = {"dask": lazy, "zarr": stored, "levels": [lazy, lazy[:, ::2, ::2]]}[kind]
    layer = Image(data, name="a", contrast_limits=(0, 1), multiscale=kind == "levels")
    asked.clear()
    source = source_of(layer, "ZYX", (0.3, 0.1, None), planes=False).lazily()
    region = (slice(3, 5), slice(7, 20), slice(1, 44))
    np.testing.assert_array_equal(source.read(region), whole[region])
    assert sorted(asked) == ([] if kind == "zarr" else [1, 2])
    assert (source.shape, source.dtype, source.axes) == (whole.shape, np.float32, "ZYX")
    assert source.voxel_size_um == (0.3, 0.1, None)


def test_opacity_is_no_part_of_a_lazy_source() -> None:
    from napari_blind_deconv._napari.layers import source_of

    data = np.random.default_rng(0).integers(0, 255, (20, 22, 4), np.uint8)
    source = source_of(Image(data, rgb=True), "YXS", None, planes=False).lazily()
    assert source.shape == (20, 22, 3)
    np.testing.assert_array_equal(source.read((slice(2, 5), slice(0, 9), slice(1, 3))), data[2:5, :9, 1:3])


def test_layers_are_saved_as_ome_zarr(viewer: Any, tmp_path: Any) -> None:
    from napari_blind_deconv import io

    data = spots((7, 40, 44))
    layer = viewer.add_image(da.from_array(data, chunks=20), name="cells", **PLACED)
    layer.save(str(tmp_path / "cells.ome.zarr"), plugin=PLUGIN)
    found = io.read(tmp_path / "cells.ome.zarr")
    assert found.axes == "ZYX"
    assert found.voxel_size_um == pytest.approx((0.5, 0.2, 0.1))
    np.testing.assert_array_equal(found.data, data.astype(np.float32))


def test_lazy_data_that_do_not_fit_are_refused_by_size(qtbot: Any, viewer: Any, widget: Any) -> None:
    lazy = da.zeros((400_000, 300, 300), chunks=(100, 300, 300), dtype=np.float32)
    viewer.add_image(lazy, name="huge", contrast_limits=(0, 1))
    run(qtbot, widget)
    assert "400000 × 300 × 300" in widget.panel.status.text()
    assert "GB" in widget.panel.status.text()
    assert len(viewer.layers) == 1


def test_frames_share_one_psf(qtbot: Any, viewer: Any, widget: Any) -> None:
    movie = np.stack([spots((40, 44)), spots((40, 44))[::-1]])
    image = viewer.add_image(movie, name="movie", axis_labels=("t", "y", "x"))
    assert widget.input.letters() == "TYX"
    run(qtbot, widget)
    restored, psf = results(viewer, "movie")
    assert restored.data.shape == movie.shape
    assert psf.data.shape == (5, 5)
    same_place(restored, image)


@pytest.mark.parametrize(
    ("meaning", "kernel_shape"), [("Z", (3, 3, 3)), ("planes", (3, 3)), ("T", (3, 3)), ("C", (4, 3, 3))]
)
def test_the_first_axis_is_what_it_is_said_to_be(
    qtbot: Any, viewer: Any, widget: Any, meaning: str, kernel_shape: tuple[int, ...]
) -> None:
    data = spots((4, 40, 44))
    image = viewer.add_image(data, name="stack")
    quick(widget, kernel_size=(3,))
    box = widget.input.axes.boxes[0]
    box.setCurrentIndex(box.findData(meaning))
    assert widget.form.value().planes == (meaning == "planes")
    run(qtbot, widget)
    restored, psf = results(viewer, "stack")
    assert psf.data.shape == kernel_shape
    same_place(restored, image)


def test_channels_among_depth_have_a_psf_each(qtbot: Any, viewer: Any, widget: Any) -> None:
    data = np.stack([spots((6, 40, 44)), spots((6, 40, 44), blur=2.0)], axis=1)
    image = viewer.add_image(data, name="two", axis_labels=("z", "c", "y", "x"))
    quick(widget, kernel_size=(3,))
    run(qtbot, widget)
    restored, psf = results(viewer, "two")
    assert psf.data.shape == (3, 2, 3, 3)
    assert restored.data.shape == data.shape
    same_place(restored, image)


def test_two_axes_of_one_meaning_are_refused(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(np.stack([spots((5, 40, 44))] * 6), name="four")
    for box in widget.input.axes.boxes:
        box.setCurrentIndex(box.findData("T"))
    run(qtbot, widget)
    assert "twice" in widget.panel.status.text()
    assert len(viewer.layers) == 1


def test_only_image_layers_are_offered(viewer: Any, widget: Any) -> None:
    viewer.add_labels(np.ones((48, 52), int))
    viewer.add_points(np.ones((3, 2)))
    assert widget.input.layer_choice.layers() == []
    image = viewer.add_image(spots((48, 52)), name="cells")
    assert widget.input.layer_choice.layers() == [image]
    image.name = "renamed"
    assert widget.input.layer_choice.currentText() == "renamed"


def test_saved_results_keep_voxel_size_axes_and_settings(qtbot: Any, viewer: Any, widget: Any, tmp_path: Any) -> None:
    from napari_blind_deconv import io

    viewer.add_image(spots((7, 40, 44)), name="stack", **PLACED)
    quick(widget, kernel_size=(3,))
    run(qtbot, widget)
    restored, _ = results(viewer, "stack")
    [path] = restored.save(str(tmp_path / "restored.ome.tif"))
    volume = io.read(tmp_path / "restored.ome.tif")
    assert path.endswith("restored.ome.tif")
    assert volume.axes == "ZYX"
    assert volume.voxel_size_um == pytest.approx((0.5, 0.2, 0.1))
    np.testing.assert_allclose(volume.data, restored.data)
    assert volume.description["provenance"]["settings"]["kernel_size"] == [3]


def test_voxel_size_of_the_file_survives_a_layer_that_counts_pixels(
    qtbot: Any, viewer: Any, widget: Any, tmp_path: Any
) -> None:
    from napari_blind_deconv import io

    quick(widget, kernel_size=(3, 3, 3))
    path = tmp_path / "stack.tif"
    pixels = np.round(spots((6, 2, 32, 32)) + 10).astype(np.uint16)
    tifffile.imwrite(
        path, pixels, imagej=True, resolution=(10, 10), metadata={"axes": "ZCYX", "unit": "um", "spacing": 0.3}
    )
    viewer.open(str(path), plugin="napari")
    run(qtbot, widget)
    for layer in results(viewer, "stack"):
        saved = tmp_path / f"{layer.name}.ome.tif"
        layer.save(str(saved), plugin=PLUGIN)
        volume = io.read(saved)
        assert volume.axes == "ZCYX"
        assert volume.voxel_size_um == pytest.approx((0.3, 0.1, 0.1))


def test_lengths_that_are_known_along_some_axes_only_are_kept(
    qtbot: Any, viewer: Any, open_widget: Any, tmp_path: Any
) -> None:
    from napari_blind_deconv import io

    path = tmp_path / "stack.tif"
    options = {"resolution": (1e5, 1e5), "resolutionunit": "CENTIMETER", "photometric": "minisblack"}
    tifffile.imwrite(path, np.round(spots((6, 32, 32)) + 10).astype(np.uint16), **options)
    viewer.open(str(path), plugin="napari")
    widget = open_widget("Blind deconvolution")
    quick(widget, kernel_size=(3,))
    assert widget.input.voxel_size.box.text() == "?, 0.1, 0.1"
    assert widget.job().source.voxel_size_um == (None, 0.1, 0.1)
    widget.form.kernel_prior.box.setCurrentIndex(widget.form.kernel_prior.box.findData("microscope"))
    assert "needs the voxel size" in widget.panel.forecast.text()
    assert "needed" in widget.input.origin.text()
    widget.form.kernel_prior.box.setCurrentIndex(widget.form.kernel_prior.box.findData("uniform"))
    run(qtbot, widget)
    for layer in results(viewer, "stack"):
        layer.save(str(tmp_path / f"{layer.name}.ome.tif"), plugin=PLUGIN)
        assert io.read(tmp_path / f"{layer.name}.ome.tif").voxel_size_um == (
            None,
            pytest.approx(0.1),
            pytest.approx(0.1),
        )
