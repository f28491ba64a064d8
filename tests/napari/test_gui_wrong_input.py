"""Wrong input: one sentence in the widget and in napari's notifications, and no layer."""

from typing import Any

import numpy as np
import pytest
from gui import quick, run, spots
from napari.utils.notifications import notification_manager


def with_nan() -> Any:
    image = spots((48, 52))
    image[3, 4:7] = np.nan
    return image


WRONG = {
    "constant": (np.full((48, 52), 3.0, np.float32), "constant"),
    "all NaN": (np.full((48, 52), np.nan, np.float32), "no finite value"),
    "too small": (spots((2, 52)), "at least 3"),
    "boolean": (spots((48, 52)) > 1, "bool"),
    "smaller than the PSF": (spots((4, 52)), "larger than the image"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_image_is_answered_in_one_sentence(qtbot: Any, viewer: Any, widget: Any, case: str) -> None:
    data, words = WRONG[case]
    viewer.add_image(data, name="wrong", contrast_limits=(0, 1))
    seen = len(notification_manager.records)
    run(qtbot, widget)
    sentence = widget.panel.status.text()
    assert words in sentence
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert "--" not in sentence  # the words of a command line mean nothing here
    assert [record.message for record in list(notification_manager.records)[seen:]] == [sentence]
    assert [layer.name for layer in viewer.layers] == ["wrong"]
    assert widget.panel.run.isEnabled()


def test_what_was_wrong_with_one_image_is_not_said_of_the_next(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(np.full((30, 30), np.nan, np.float32), name="nothing", contrast_limits=(0, 1))
    run(qtbot, widget)
    assert widget.panel.status.is_alarm
    viewer.add_image(spots((40, 44)), name="cells")
    qtbot.waitUntil(lambda: widget.input.layer_choice.value().name == "cells")
    assert not widget.panel.status.text()


def test_no_image_at_all(qtbot: Any, viewer: Any, widget: Any) -> None:
    run(qtbot, widget)
    assert "no image" in widget.panel.forecast.text()


@pytest.mark.parametrize(
    ("typed", "words"), [("0.1, abc", "'abc' is not a number"), ("0.1, -1", "positive"), ("1", "1 lengths")]
)
def test_wrong_voxel_size(qtbot: Any, viewer: Any, widget: Any, typed: str, words: str) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    qtbot.keyClicks(widget.input.voxel_size.box, typed)
    run(qtbot, widget)
    assert words in widget.panel.forecast.text()
    assert "--" not in widget.panel.forecast.text()
    assert len(viewer.layers) == 1


def test_even_psf_size_is_said_while_it_is_typed(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    widget.form.editors["kernel_size"].set_value([4])
    assert "PSF size 4 must be a positive odd number" in widget.panel.forecast.text()
    widget.form.editors["kernel_size"].set_value([5])
    assert widget.panel.forecast.text().startswith("Ready")


def test_known_psf_that_is_missing(qtbot: Any, viewer: Any, widget: Any) -> None:
    from napari_blind_deconv.kernel_priors import Known
    from napari_blind_deconv.restoration import RichardsonLucyRestorer

    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, kernel_prior=Known())
    run(qtbot, widget)
    assert "there is no PSF yet; choose a PSF layer" in widget.panel.forecast.text()
    quick(widget, kernel_prior=Known(psf="nowhere.tif"), restorer=RichardsonLucyRestorer())
    run(qtbot, widget)
    assert "nowhere.tif" in widget.panel.forecast.text()
    assert widget.panel.forecast.is_alarm
    assert len(viewer.layers) == 1


def test_missing_pixels_are_left_out_with_a_warning(qtbot: Any, viewer: Any, widget: Any) -> None:
    viewer.add_image(with_nan(), name="holes", contrast_limits=(0, 1))
    run(qtbot, widget)
    assert "3 pixels are NaN or infinite" in widget.panel.status.text()
