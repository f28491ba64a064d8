"""Labels and shapes as masks and regions: what they mark of an image, and that a run uses it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gui import finish, results, run, spots

from napari_blind_deconv import deconvolve, io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Gaussian, Known
from napari_blind_deconv.settings import Settings

QUICK = Settings(kernel_prior=Gaussian(), kernel_size=(5,), iterations=2, image_prior=NoPrior(), device="cpu")


@pytest.fixture
def widget(open_widget: Callable[[str], Any]) -> Any:
    widget = open_widget("Blind deconvolution")
    widget.form.set_value(QUICK)
    return widget


def turn(degrees: float, ndim: int = 2) -> np.ndarray:
    matrix, angle = np.eye(ndim), np.deg2rad(degrees)
    matrix[-2:, -2:] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return matrix


def labelled_by_hand(image: Any, layer: Any) -> np.ndarray:
    """Pixel by pixel, through the world."""
    out = np.zeros(image.data.shape, bool)
    for pixel in np.ndindex(out.shape):
        place = np.floor(np.array(layer.world_to_data(image.data_to_world(pixel))) - 1e-6 + 0.5).astype(int)
        if (place >= 0).all() and (place < layer.data.shape).all():
            out[pixel] = layer.data[tuple(place)] != 0
    return out


@pytest.mark.parametrize("seed", range(4))
def test_labels_mark_what_lies_under_them_in_the_world(seed: int) -> None:
    from napari.layers import Image, Labels

    from napari_blind_deconv._napari.drawn import drawn_on

    rng = np.random.default_rng(seed)
    ndim, fewer = 2 + seed % 2, int(rng.integers(0, 2)) * (seed % 2)

    def placed(axes: int) -> dict[str, Any]:
        turned = {"rotate": turn(float(rng.uniform(-40, 40)), axes)} if seed > 1 else {}
        return {"scale": rng.uniform(0.5, 2, axes), "translate": rng.uniform(-3, 3, axes), **turned}

    image = Image(rng.random(tuple(rng.integers(6, 14, ndim))), name="cells", **placed(ndim))
    labels = Labels(rng.integers(0, 2, tuple(rng.integers(6, 14, ndim - fewer))), name="dust", **placed(ndim - fewer))
    np.testing.assert_array_equal(drawn_on(labels, image).load(), labelled_by_hand(image, labels))


def test_units_of_length_are_converted_and_pixels_are_not() -> None:
    from napari.layers import Image, Labels

    from napari_blind_deconv._napari.drawn import drawn_on

    painted = np.zeros((10, 12), int)
    painted[2:5, 3:9] = 1
    image = Image(np.ones((10, 12)), scale=(0.2, 0.1), units="um")
    for attributes in ({"scale": (200, 100), "units": "nm"}, {"scale": (0.2, 0.1)}):
        np.testing.assert_array_equal(drawn_on(Labels(painted, **attributes), image).load(), painted > 0)


def test_shapes_mark_their_inside_in_every_plane() -> None:
    from napari.layers import Image, Shapes

    from napari_blind_deconv._napari.drawn import drawn_on

    image = Image(np.ones((3, 20, 24)), name="stack", scale=(1, 0.5, 0.5), translate=(0, 5, -2))
    corners = np.array([[1, 2, 3], [1, 2, 11], [1, 9, 11], [1, 9, 3]], float)
    world = np.array([image.data_to_world(corner) for corner in corners])
    box = drawn_on(Shapes([world], ndim=3, shape_type="rectangle"), image)
    expected = np.zeros(image.data.shape, bool)
    expected[:, 2:10, 3:12] = True
    np.testing.assert_array_equal(box.load(), expected)
    assert box.box() == np.s_[2:10, 3:12]
    flat = drawn_on(Shapes([world[:, 1:]], shape_type="ellipse"), image)
    y, x = np.ogrid[:20, :24]
    inside = ((y - 5.5) / 3.5) ** 2 + ((x - 7) / 4) ** 2 < 1
    assert (flat.load() != inside).mean() < 0.02
    assert flat.box() is None


def test_colours_are_marked_alike() -> None:
    from napari.layers import Image, Labels

    from napari_blind_deconv._napari.drawn import drawn_on

    painted = np.zeros((10, 12), int)
    painted[2:5, 3:9] = 1
    image = Image(np.ones((10, 12, 4)), rgb=True)
    np.testing.assert_array_equal(
        drawn_on(Labels(painted), image).load(), np.repeat((painted > 0)[..., None], 3, axis=2)
    )


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("more axes", "“mask” has 3 axes, but “cells” has 2"),
        ("line", "shape 1 of “mask” is a line, which has no inside"),
        ("upright", "shape 1 of “mask” was not drawn in the plane of y and x"),
        ("empty", "“mask” marks no pixel of “cells”"),
        ("beside", "“mask” marks no pixel of “cells”"),
        ("tilted", "“cells” is turned or sheared out of its planes"),
    ],
)
def test_layers_that_cannot_be_masks_are_refused_in_words(case: str, sentence: str) -> None:
    from napari.layers import Image, Labels, Shapes

    from napari_blind_deconv._napari.drawn import drawn_on

    tilted = np.eye(3)[[1, 0, 2]]
    stack = Image(np.ones((4, 10, 12)), name="cells", rotate=tilted)
    image = stack if case == "tilted" else Image(np.ones((10, 12)), name="cells")
    line, upright = [[1, 1], [5, 5]], [[0, 1, 1], [0, 1, 5], [3, 1, 5], [3, 1, 1]]
    layer = {
        "more axes": lambda: Labels(np.ones((4, 10, 12), int)),
        "line": lambda: Shapes([line], shape_type="line"),
        "upright": lambda: Shapes([upright], ndim=3, shape_type="polygon"),
        "empty": lambda: Labels(np.zeros((10, 12), int)),
        "beside": lambda: Labels(np.ones((10, 12), int), translate=(100, 0)),
        "tilted": lambda: Labels(np.ones((10, 12), int)),
    }[case]()
    layer.name = "mask"
    with pytest.raises(InputError, match=sentence) as refused:
        drawn_on(layer, image).load()
    assert "\n" not in str(refused.value)


def test_a_run_leaves_out_and_estimates_where_it_was_told(qtbot: Any, viewer: Any, widget: Any) -> None:
    frames = np.stack([spots((48, 52)), spots((48, 52))[::-1]])
    viewer.add_image(
        frames, name="movie", scale=(1, 0.5, 0.5), units=("second", "um", "um"), axis_labels=("t", "y", "x")
    )
    painted = np.zeros((48, 52), int)
    painted[40:44, 40:50] = 2
    dust = viewer.add_labels(painted.copy(), name="dust", scale=(0.5, 0.5))
    drawn = np.array([[4, 6], [4, 40], [36, 40], [36, 6]]) * 0.5
    viewer.add_shapes([drawn], name="good part", shape_type="rectangle")
    for choice, name in ((widget.masks.leave_out, "dust"), (widget.masks.region, "good part")):
        assert [layer.name for layer in choice.layers()] == ["dust", "good part"]
        choice.set_value(viewer.layers[name])
    from qtpy.QtWidgets import QApplication

    widget.copy_command()
    assert "--leave-out dust.tif --region 4:37,6:41" in QApplication.clipboard().text()
    widget.run()
    dust.data[:] = 1  # painted on while it runs
    finish(qtbot, widget)
    restored, psf = results(viewer, "movie")
    report = restored.metadata["napari-blind-deconv"]["report"]
    expected = deconvolve(
        frames, QUICK, axes="TYX", voxel_size_um=(0.5, 0.5), mask=painted == 0, region=np.s_[4:37, 6:41]
    )
    np.testing.assert_array_equal(restored.data, expected.image)
    np.testing.assert_array_equal(psf.data, expected.kernel)
    assert report["defects"]["outside"] == 2 * (painted > 0).sum()
    assert "80 pixels" in widget.panel.status.text()


def test_the_choices_follow_the_layers(qtbot: Any, viewer: Any, widget: Any, tmp_path: Path) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    masks = widget.masks
    assert masks.leave_out.value() is None
    assert masks.region.value() is None
    labels = viewer.add_labels(np.zeros((48, 52), int), name="Labels")
    masks.leave_out.set_value(labels)
    labels.name = "dust"
    assert masks.leave_out.currentText() == "dust"
    run(qtbot, widget)
    assert "“dust” marks no pixel of “cells”" in widget.panel.status.text()
    assert len(viewer.layers) == 2
    viewer.layers.remove(labels)
    assert masks.leave_out.value() is None
    assert "“dust” was removed" in widget.panel.mentioned.text()
    shapes = viewer.add_shapes([[[1, 1], [9, 9]]], shape_type="line", name="stroke")
    masks.region.set_value(shapes)
    assert "“stroke” is a line" in widget.panel.forecast.text()
    io.write(tmp_path / "k.ome.tif", io.Volume(np.ones((3, 3)) / 9, "YX"), {})
    widget.form.set_value(Settings(kernel_prior=Known(psf=str(tmp_path / "k.ome.tif"))))
    assert widget.panel.forecast.text().startswith("Ready")
    widget.form.fold.setChecked(True)
    assert masks.leave_out.isVisible()
    assert not masks.region.isVisible()
