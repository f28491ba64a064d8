"""A PSF from beads: the core's own average as a layer in the right place, every bead ringed, the figures in words."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, RUN_MS, click
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv.beads import measure_psf

STEPS = (0.3, 0.1, 0.1)


@pytest.fixture
def dock(open_widget: Callable[[str], Any]) -> Any:
    return open_widget("PSF from beads")


def beads(*places: tuple[int, ...], shape: tuple[int, ...] = (21, 96, 96)) -> NDArray[np.float32]:
    """Gaussian beads on a noisy background."""
    scene = np.zeros(shape)
    for number, place in enumerate(places):
        scene[place] = 1e5 * (1 + number / 10)
    blurred = ndimage.gaussian_filter(scene, (1.5, 1.7, 1.7)[-len(shape) :])
    return np.random.default_rng(0).poisson(blurred + 50).astype(np.float32)


ALONE = [(10, 20, 20), (10, 20, 60), (11, 60, 25), (9, 70, 70)]
PAIR = [(10, 40, 80), (10, 44, 83)]


def measure(qtbot: Any, dock: Any) -> None:
    click(qtbot, dock.run)
    qtbot.waitUntil(lambda: not dock.is_running, timeout=RUN_MS)


def test_psf_is_the_cores_on_the_voxels_of_the_stack(qtbot: Any, viewer: Any, dock: Any) -> None:
    stack = beads(*ALONE, *PAIR)
    viewer.add_image(stack, name="beads", scale=STEPS, translate=(1, 2, 3), units="um")
    measure(qtbot, dock)
    expected = measure_psf(stack, voxel_size_um=STEPS)
    layer = viewer.layers["beads measured PSF"]
    np.testing.assert_array_equal(layer.data, expected.kernel)
    np.testing.assert_allclose(layer.scale, STEPS)
    assert [str(unit) for unit in layer.units] == ["micrometer"] * 3
    assert layer.translate[2] >= 3 + 96 * STEPS[2]
    assert layer.metadata[PLUGIN]["report"]["beads"] == expected.to_dict()
    found = expected.to_dict()
    said = dock.status.text().splitlines()
    assert said[0] == f"{found['found']} beads found, {found['used']} used."
    assert found["used"] == 4
    assert found["rejected"]
    assert all(f"{count} ({reason})" in said[1] for reason, count in found["rejected"].items())
    assert "±" in dock.status.text()


def test_every_bead_is_ringed_with_its_reason(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(beads(*ALONE, *PAIR), name="beads", scale=STEPS, units="um")
    measure(qtbot, dock)
    rings = viewer.layers["beads found"]
    places = {tuple(place) for place in np.rint(rings.data).astype(int)}
    assert {place[1:] for place in ALONE} < places
    used = rings.features["bead"] == "used"
    assert (rings.features["reason"][used] == "").all()
    assert (rings.features["reason"][~used] != "").all()
    colours = {tuple(colour) for colour in rings.border_color[used]}
    assert len(colours) == 1
    assert not colours & {tuple(colour) for colour in rings.border_color[~used]}
    np.testing.assert_allclose(rings.scale, STEPS[1:])


def test_size_and_diameter_reach_the_core(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(beads(*ALONE), name="beads", scale=STEPS, units="um")
    dock.size.set_value([9, 15, 17])
    dock.diameter.set_value(0.5)
    measure(qtbot, dock)
    assert viewer.layers["beads measured PSF"].data.shape == (9, 15, 17)
    assert "•" in dock.status.text()


def test_plane_without_voxel_size_is_measured_in_pixels(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(beads((20, 20), (60, 40), (70, 75), shape=(96, 96)), name="beads")
    measure(qtbot, dock)
    assert "FWHM y, x" in dock.status.text()
    assert "px" in dock.status.text()


def test_what_holds_no_bead_is_refused(qtbot: Any, viewer: Any, dock: Any) -> None:
    assert "no image" in dock.status.text()
    viewer.add_image(np.full((32, 32), 7.0, np.float32), name="flat")
    measure(qtbot, dock)
    assert "constant" in dock.status.text()
    assert len(viewer.layers) == 1
    viewer.add_image(beads(*ALONE), name="beads", scale=STEPS, units="um")
    dock.input.layer_choice.set_value(viewer.layers["beads"])
    dock.size.set_value([8])
    measure(qtbot, dock)
    assert dock.status.text().startswith("PSF size")
    dock.size.set_value(["wide"])
    click(qtbot, dock.run)
    assert not dock.is_running
    assert "PSF size" in dock.status.text()


def test_other_axes_are_refused_with_the_way_out(qtbot: Any, viewer: Any, dock: Any) -> None:
    viewer.add_image(np.stack([beads(*ALONE)] * 2), name="beads", axis_labels=("c", "z", "y", "x"))
    assert "Split Stack" in dock.status.text()
    click(qtbot, dock.run)
    assert not dock.is_running


def test_measured_psf_is_compared_at_once(
    qtbot: Any, viewer: Any, dock: Any, open_widget: Callable[[str], Any]
) -> None:
    compare = open_widget("Compare PSFs")
    viewer.add_image(beads(*ALONE), name="January", scale=STEPS, units="um")
    measure(qtbot, dock)
    qtbot.waitUntil(lambda: compare.is_settled and compare.found.table is not None, timeout=RUN_MS)
    assert [row.name for row in compare.found.table.rows] == ["January measured PSF"]
