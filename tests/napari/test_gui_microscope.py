"""What is known of a microscope: numbers that are fixed, bounded or free, objectives by name, refusals in words."""

import re
from typing import Annotated, Any

import numpy as np
import pytest
from annotated_types import Ge, Le
from gui import click
from hypothesis import given
from hypothesis import strategies as st
from qtpy.QtCore import Qt

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.kernel_priors import Learned, Microscope
from napari_blind_deconv.kernel_priors.presets import DYES, OBJECTIVES
from napari_blind_deconv.kernel_priors.quantity import Quantity
from napari_blind_deconv.settings import KERNEL_PRIORS, Settings

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)
PAIRS = st.tuples(NUMBERS, NUMBERS)


@component
class Instrument:
    gain: Quantity = None
    modes: tuple[Quantity, ...] | None = None
    count: Annotated[int | None, Ge(1), Le(40)] = None
    folds: Annotated[int, Ge(2)] | None = None


@given(gain=st.none() | NUMBERS | PAIRS, modes=st.none() | st.lists(st.none() | NUMBERS | PAIRS, max_size=4))
def test_quantities_go_through_their_editors(qapp: Any, gain: Any, modes: Any) -> None:
    from napari_blind_deconv._napari.component_form import ComponentForm

    form = ComponentForm(Instrument)
    value = Instrument(gain=gain, modes=None if modes is None else tuple(modes))
    form.set_value(value)
    assert form.value() == value
    form.set_value(Instrument())
    assert form.value() == Instrument()


def test_optional_whole_numbers_keep_their_bounds(qtbot: Any) -> None:
    from napari_blind_deconv._napari.component_form import ComponentForm

    form = ComponentForm(Instrument)
    qtbot.addWidget(form)
    assert (form.editors["count"].inner.box.minimum(), form.editors["count"].inner.box.maximum()) == (1, 40)
    assert form.editors["folds"].inner.box.minimum() == 2
    form.set_value(Instrument(count=7, folds=3))
    assert form.value() == Instrument(count=7, folds=3)


@pytest.mark.parametrize(
    "value",
    [
        Microscope(),
        Microscope(modality="confocal", na=1.4, emission_um=0.52, excitation_um=(0.48, 0.5), pinhole_airy=None),
        Microscope(modality="light-sheet", na=(0.7, 0.9), sheet_um=None, immersion_index=1.333, zernike_rad=()),
        Microscope(na=0.1 + 0.2, depth_um=(0.0, 1 / 3), zernike_rad=(0.3, None, (-0.5, 0.5))),
        Learned(weights="some where/network.safetensors"),
    ],
)
def test_microscope_goes_through_the_whole_form(qtbot: Any, value: Any) -> None:
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    form.set_value(Settings(kernel_prior=value))
    assert form.value().kernel_prior == value


@pytest.fixture
def form(qtbot: Any) -> Any:
    """The settings' form, with the microscope chosen."""
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    form.show()
    choose(form.kernel_prior.box, "microscope")
    return form


def choose(box: Any, data: Any) -> None:
    """Choose an item as people do."""
    box.setCurrentIndex(box.findData(data))
    box.activated.emit(box.currentIndex())


def pick(form: Any, label: str, name: str) -> None:
    box = form.kernel_prior.forms["microscope"].presets[label]
    box.setCurrentIndex(box.findText(name))
    box.activated.emit(box.currentIndex())


def test_number_is_typed_after_fixed_is_chosen(qtbot: Any, form: Any) -> None:
    na = form.kernel_prior.forms["microscope"].editors["na"]
    assert not na.low.isVisible()
    choose(na.box, "fixed")
    with pytest.raises(InputError, match="na"):
        form.value()
    qtbot.keyClicks(na.low, "1,4")
    assert form.value().kernel_prior.na == 1.4
    choose(na.box, "between")
    qtbot.keyClicks(na.high, "1.45")
    assert form.value().kernel_prior.na == (1.4, 1.45)
    choose(na.box, "free")
    assert form.value().kernel_prior.na is None


@pytest.mark.parametrize(
    ("name", "kind", "low", "high", "sentence"),
    [
        ("na", "fixed", "", "", "NA … must be a number, two numbers (the lower one first) or “not known”"),
        ("na", "fixed", "high", "", "NA high must be a number, two numbers (the lower one first) or “not known”"),
        ("na", "fixed", "2.5", "", "NA 2.5 must be between 0.05 and 1.7; it is engraved on the objective"),
        ("emission_um", "fixed", "509", "", "Emission 509.0 must be between 0.2 and 2 µm; given in nm? write 0.509"),
        ("depth_um", "fixed", "-1", "", "Depth -1.0 must be between 0 and 500 µm"),
        ("na", "between", "1.3", "", "NA 1.3 to … must be a number, two numbers (the lower one first) or “not known”"),
        ("na", "between", "1.4", "1.2", "NA [1.4, 1.2] must be two numbers, the lower one first"),
        ("na", "fixed", "1.6", "", "NA 1.6 must be below Immersion index 1.515"),
    ],
)
def test_refusals_are_in_the_words_of_the_form(
    form: Any, name: str, kind: str, low: str, high: str, sentence: str
) -> None:
    from napari_blind_deconv._napari.refusals import refusal_on_screen

    editor = form.kernel_prior.forms["microscope"].editors[name]
    choose(editor.box, kind)
    editor.low.setText(low)
    editor.high.setText(high)
    with pytest.raises(InputError) as refused:
        form.value()
    assert refusal_on_screen(refused.value).startswith(sentence)


def test_objectives_and_dyes_are_microscopes() -> None:
    for objective in OBJECTIVES:
        assert re.search(rf"/{objective.fields['na']:g} ", objective.name)
        for dye in DYES:
            prior = Microscope(modality="confocal", **objective.fields, **dye.fields)
            assert prior.excitation_um < prior.emission_um
    for presets in (OBJECTIVES, DYES):
        assert len({preset.name for preset in presets}) == len(presets)


def test_objective_fills_in_aperture_and_immersion(form: Any) -> None:
    told: list[bool] = []
    form.changed.connect(lambda: told.append(True))
    pick(form, "Objective", "60x/1.2 water")
    prior = form.value().kernel_prior
    assert (prior.na, prior.immersion_index) == (1.2, 1.333)
    assert len(told) == 1
    inner = form.kernel_prior.forms["microscope"]
    inner.editors["na"].low.setText("1.19")
    assert inner.presets["Objective"].currentIndex() == 0
    inner.editors["na"].low.setText("1.2")
    assert inner.presets["Objective"].currentText() == "60x/1.2 water"
    form.set_value(Settings(kernel_prior=Microscope(**OBJECTIVES[1].fields)))
    assert inner.presets["Objective"].currentText() == OBJECTIVES[1].name


def test_one_of_two_equal_objectives_stays(form: Any) -> None:
    for name in ("60x/1.4 oil", "63x/1.4 oil"):
        pick(form, "Objective", name)
        assert form.kernel_prior.forms["microscope"].presets["Objective"].currentText() == name


def test_laser_is_that_of_the_dye_once_it_matters(form: Any) -> None:
    inner = form.kernel_prior.forms["microscope"]
    pick(form, "Dye", "EGFP")
    assert form.value().kernel_prior == Microscope(emission_um=0.509)
    choose(inner.editors["modality"].box, "confocal")
    assert form.value().kernel_prior == Microscope(modality="confocal", emission_um=0.509, excitation_um=0.488)
    assert inner.presets["Dye"].currentText() == "EGFP"


@pytest.mark.parametrize(
    ("modality", "shown"),
    [("widefield", set()), ("confocal", {"excitation_um", "pinhole_airy"}), ("light-sheet", {"sheet_um"})],
)
def test_only_fields_that_mean_something_are_shown(form: Any, modality: str, shown: set[str]) -> None:
    inner = form.kernel_prior.forms["microscope"]
    choose(inner.editors["modality"].box, modality)
    special = {"excitation_um", "pinhole_airy", "sheet_um"}
    assert {name for name in special if inner.editors[name].isVisible()} == shown


def test_every_family_is_offered_in_the_ladders_order_and_explained(form: Any) -> None:
    box = form.kernel_prior.box
    assert [box.itemData(i) for i in range(box.count())] == list(KERNEL_PRIORS)
    said = set()
    for i in range(box.count()):
        box.setCurrentIndex(i)
        said.add(form.kernel_prior.meaning.text())
        assert form.kernel_prior.meaning.text() == box.itemData(i, Qt.ItemDataRole.ToolTipRole)
    assert len(said) == box.count()
    assert "" not in said


def test_missing_voxel_size_is_asked_for_at_its_field(qtbot: Any, viewer: Any, open_widget: Any) -> None:
    viewer.add_image(np.random.default_rng(0).random((9, 24, 24), np.float32), name="stack")
    widget = open_widget("Blind deconvolution")
    assert "pixels" in widget.input.origin.text()
    choose(widget.form.kernel_prior.box, "microscope")
    assert "needed" in widget.input.origin.text()
    assert widget.panel.forecast.text() == (
        "“I know my microscope” needs the voxel size; fill it in above, in µm, such as 0.3, 0.1, 0.1"
    )
    click(qtbot, widget.panel.run)
    assert not widget.is_running
    widget.input.voxel_size.set_value([0.3, 0.1, 0.1])
    assert widget.panel.forecast.text().startswith("Ready")
    assert "typed in" in widget.input.origin.text()
    choose(widget.form.kernel_prior.box, "uniform")
    widget.input.voxel_size.set_value([])
    assert widget.panel.forecast.text().startswith("Ready")
