"""Which image is chosen: what is opened or selected, unless somebody chose by hand; what was typed about it stays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, spots


@pytest.fixture
def widget(open_widget: Callable[[str], Any]) -> Any:
    return open_widget("Blind deconvolution")


def chosen(widget: Any) -> str | None:
    layer = widget.input.layer_choice.value()
    return None if layer is None else layer.name


def choose_by_hand(widget: Any, name: str) -> None:
    box = widget.input.layer_choice
    box.setCurrentIndex(box.findText(name))
    box.activated.emit(box.currentIndex())


def test_choice_follows_what_is_opened_and_selected(viewer: Any, widget: Any) -> None:
    assert chosen(widget) is None
    for name in ("one", "two", "three"):
        viewer.add_image(spots((32, 36)), name=name)
        assert chosen(widget) == name
    viewer.layers.selection.active = viewer.layers["one"]
    assert chosen(widget) == "one"


def test_results_and_psfs_are_not_chosen_by_themselves(viewer: Any, widget: Any) -> None:
    for role in ("restored", "psf", "preview", "residual", "true psf"):
        viewer.add_image(spots((32, 36)), name=role, metadata={PLUGIN: {"role": role}})
        assert chosen(widget) is None
    assert "no image" in widget.panel.forecast.text()
    viewer.add_image(spots((32, 36)), name="cells")
    assert chosen(widget) == "cells"
    viewer.add_image(spots((32, 36)), name="cells restored", metadata={PLUGIN: {"role": "restored"}})
    viewer.layers.selection.active = viewer.layers["restored"]
    assert chosen(widget) == "cells"
    choose_by_hand(widget, "restored")
    assert chosen(widget) == "restored"


def test_a_choice_by_hand_outlasts_layers_that_go(qtbot: Any, viewer: Any, widget: Any) -> None:
    for name in ("one", "two", "three"):
        viewer.add_image(spots((32, 36)), name=name)
    choose_by_hand(widget, "one")
    viewer.layers.remove(viewer.layers["three"])
    viewer.layers.selection.active = viewer.layers["two"]  # as napari does by itself
    assert chosen(widget) == "one"
    qtbot.wait(10)
    viewer.layers.selection.active = viewer.layers["one"]
    viewer.layers.selection.active = viewer.layers["two"]
    assert chosen(widget) == "two"


def test_a_psf_that_was_opened_is_no_image_to_restore(viewer: Any, widget: Any) -> None:
    for name, shape in (("cells", (32, 36)), ("measured", (5, 5))):
        viewer.add_image(spots(shape), name=name)
    assert chosen(widget) == "measured"
    widget.psf_choice.set_value(viewer.layers["measured"])
    assert chosen(widget) == "cells"


def test_what_was_typed_is_kept_per_layer(qtbot: Any, viewer: Any, widget: Any) -> None:
    for name in ("one", "two"):
        viewer.add_image(spots((5, 32, 36)), name=name)
    lengths = widget.input.voxel_size.box
    qtbot.keyClicks(lengths, "0.3, 0.1, 0.1")
    viewer.layers.selection.active = viewer.layers["one"]
    assert lengths.text() == ""
    box = widget.input.axes.boxes[0]
    box.setCurrentIndex(box.findData("T"))
    qtbot.keyClicks(lengths, "0.2, 0.2")
    viewer.layers.selection.active = viewer.layers["two"]
    assert (widget.input.letters(), lengths.text()) == ("ZYX", "0.3, 0.1, 0.1")
    viewer.layers.selection.active = viewer.layers["one"]
    assert (widget.input.letters(), lengths.text()) == ("TYX", "0.2, 0.2")
    assert "typed in" in widget.input.origin.text()


def test_findings_stay_while_the_form_is_changed(viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((32, 36)), name="cells")
    widget.panel.say("Fitted: NA = 1.31 ± 0.02.")
    widget.form.editors["kernel_size"].set_value([4])
    assert widget.form.editors["kernel_size"].complaint.startswith("PSF size 4 must be")
    widget.form.editors["kernel_size"].set_value([5])
    assert widget.form.editors["kernel_size"].complaint == ""
    widget.copy_command()
    assert widget.panel.mentioned.isVisible()
    assert widget.panel.status.text() == "Fitted: NA = 1.31 ± 0.02."


def test_contradictions_are_said_at_their_fields(viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((9, 32, 36)), name="stack", scale=(0.2, 0.05, 0.05), units=("um",) * 3)
    box = widget.form.kernel_prior.box
    box.setCurrentIndex(box.findData("microscope"))
    fields = widget.form.kernel_prior.forms["microscope"].editors
    fields["na"].set_value(1.4)
    assert "exceeds the index of the sample, 1.33, which is assumed" in fields["na"].complaint
    assert "Warning: NA 1.4 exceeds" in widget.panel.forecast.text()
    assert widget.panel.forecast.text().startswith("Ready")
    fields["sample_index"].set_value(1.47)
    assert fields["na"].complaint == ""
    fields["na"].set_value(1.6)
    assert "below" in fields["na"].complaint
    assert widget.panel.forecast.is_alarm


def test_one_channel_is_restored_in_its_place(viewer: Any, widget: Any) -> None:
    data = np.stack([spots((5, 32, 36)) + 10 * c for c in range(3)])
    layer = viewer.add_image(data, name="cells", axis_labels=("c", "z", "y", "x"), scale=(1, 0.3, 0.1, 0.1))
    layer.translate = (0, 5, 0, 0)
    assert widget.input.channel.names == ("channel 1", "channel 2", "channel 3")
    assert widget.job().source.data.shape == (3, 5, 32, 36)
    widget.input.channel.setCurrentIndex(2)
    source = widget.job().source
    np.testing.assert_array_equal(source.data, data[1:2])
    np.testing.assert_allclose(source.placement.translate, (1, 5, 0, 0))
    assert source.name == "cells channel 2"


def test_three_colours_have_three_wavelengths(viewer: Any, widget: Any) -> None:
    viewer.add_image(
        np.stack([spots((5, 32, 36))] * 3),
        name="cells",
        axis_labels=("c", "z", "y", "x"),
        scale=(1, 0.2, 0.05, 0.05),
        units=("pixel", "um", "um", "um"),
    )
    box = widget.form.kernel_prior.box
    box.setCurrentIndex(box.findData("microscope"))
    field = widget.form.kernel_prior.forms["microscope"].editors["emissions_um"]
    field.set_value([0.46, 0.52])
    assert "of 2 channels, but the image has 3 channels" in field.complaint
    field.set_value([0.46, 0.52, 0.61])
    assert widget.job().settings.kernel_prior.emissions_um == (0.46, 0.52, 0.61)
    widget.input.channel.setCurrentIndex(3)
    assert widget.job().settings.kernel_prior.emission_um == 0.61
    assert widget.job().settings.kernel_prior.emissions_um is None
