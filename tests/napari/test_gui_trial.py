"""A trial on a region: the run of the crop, in its place over the image."""

from typing import Any

import numpy as np
import pytest
from gui import click, finish, spots

from napari_blind_deconv import deconvolve


def test_a_trial_is_the_run_of_the_box(qtbot: Any, viewer: Any, widget: Any) -> None:
    data = spots((60, 66))
    viewer.add_image(data, name="cells", scale=(0.5, 0.25), translate=(3, -2), units=("um", "um"))
    corners = np.array([[10, 12], [10, 49], [45, 49], [45, 12]])
    viewer.add_shapes([corners * (0.5, 0.25) + (3, -2)], shape_type="rectangle", name="here", units=("um", "um"))
    click(qtbot, widget.panel.trial)
    finish(qtbot, widget)
    restored = viewer.layers["cells trial restored"]
    expected = deconvolve(data[10:46, 12:50], widget.form.value(), axes="YX", voxel_size_um=(0.5, 0.25))
    np.testing.assert_array_equal(restored.data, expected.image)
    np.testing.assert_allclose(restored.translate, (3 + 10 * 0.5, -2 + 12 * 0.25))
    np.testing.assert_allclose(restored.scale, (0.5, 0.25))
    line = restored.metadata["napari-blind-deconv"]["command"]
    assert "--crop Y=10:46,X=12:50" in line
    assert "cells.tif" in line


def test_without_a_shape_one_is_put_in_the_middle_of_the_view(viewer: Any, widget: Any) -> None:
    volume = np.zeros((2, 5, 300, 400), np.float32)
    viewer.add_image(volume, name="movie", axis_labels=("t", "z", "y", "x"), contrast_limits=(0, 1))
    viewer.dims.set_current_step(0, 1)
    getattr(viewer, "scene", viewer).camera.center = (0, 150, 250)
    job = widget.trial_job()
    assert job.source.cut == (slice(1, 2), slice(0, 5), slice(86, 214), slice(186, 314))
    shapes = viewer.layers["movie trial region"]
    assert shapes.mode == "select"
    assert widget.input.layer_choice.value().name == "movie"
    shapes.data = [shapes.data[0] + (0, 40)]
    assert widget.trial_job().source.cut[3] == slice(226, 354)
    shapes.data = [shapes.data[0] + (0, 400)]
    widget.try_region()
    assert "draw a larger rectangle" in widget.panel.forecast.text()
    assert not widget.is_running


@pytest.mark.parametrize("side", [256, 40])
def test_the_box_lies_within_the_image(viewer: Any, widget: Any, side: int) -> None:
    from napari_blind_deconv._napari.trial import middle_box

    layer = viewer.add_image(np.zeros((120, 90)), contrast_limits=(0, 1))
    getattr(viewer, "scene", viewer).camera.center = (0, 118, 3)
    down, across = middle_box(viewer, layer, side)
    assert (down.stop - down.start, across.stop - across.start) == (min(side, 120), min(side, 90))
    assert 0 <= down.start < down.stop <= 120
    assert 0 <= across.start < across.stop <= 90
