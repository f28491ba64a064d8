"""The form: what is put in comes out, for every component there is, and what is wrong is said in one sentence."""

import dataclasses
from typing import Any

import pytest
from qtpy.QtCore import Qt

from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.image_priors import GaussianField, NoPrior
from napari_blind_deconv.settings import ESTIMATORS, FAMILIES, IMAGE_PRIORS, KERNEL_PRIORS, RESTORERS, Settings

COMPONENTS = {kind: cls for kinds in FAMILIES.values() for kind, cls in kinds.items()}


def changed(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float)):
        return value * 2 if value else value
    return value


@pytest.mark.parametrize("kind", COMPONENTS)
def test_component_goes_through_its_form(qtbot: Any, kind: str) -> None:
    from napari_blind_deconv._napari.component_form import ComponentForm

    form = ComponentForm(COMPONENTS[kind])
    qtbot.addWidget(form)
    default = COMPONENTS[kind]()
    for value in (default, _varied(default)):
        form.set_value(value)
        assert form.value() == value


def _varied(default: Any) -> Any:
    """A component with one field at a time moved away from its default, as far as that is allowed."""
    out = default
    for field in dataclasses.fields(default):
        try:
            out = dataclasses.replace(out, **{field.name: changed(getattr(out, field.name))})
        except ValueError:
            continue
    return out


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(kernel_size=(3, 5), iterations=7, noise_sigma=0.0123, kernel_weight=1 / 3, seed=11),
        Settings(planes=True, fill_nan=True, background=-2.5, device="cpu"),
        *[Settings(kernel_prior=cls()) for cls in KERNEL_PRIORS.values()],
        *[Settings(image_prior=cls()) for cls in IMAGE_PRIORS.values()],
        *[Settings(estimator=cls(), image_prior=GaussianField()) for cls in ESTIMATORS.values()],
        *[Settings(restorer=RESTORERS[kind](), image_prior=NoPrior()) for kind in ("richardson-lucy", "photon-map")],
    ],
)
def test_settings_go_through_the_form_and_tell_once(qtbot: Any, settings: Settings) -> None:
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    told: list[bool] = []
    form.changed.connect(lambda: told.append(True))
    form.set_value(settings)
    assert form.value() == settings
    assert len(told) == (settings != Settings())
    before = form.raw()
    form.fold.setChecked(True)
    assert set(form.editors) == set(before)
    assert form.raw() == before
    assert form.value() == settings
    assert len(told) == (settings != Settings())


@pytest.mark.parametrize("made", [False, True], ids=["to be made", "made"])
def test_a_row_of_the_host_stands_in_its_form_whenever_that_is_made(qtbot: Any, made: bool) -> None:
    from qtpy.QtWidgets import QLineEdit

    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    form.show()
    if made:
        assert form.kernel_prior.forms["known"].has_rows
    row = QLineEdit()
    form.kernel_prior.add_row("known", "PSF layer", row)
    assert not row.isVisible()
    form.kernel_prior.box.setCurrentIndex(form.kernel_prior.box.findData("known"))
    assert row.isVisible()
    assert row.accessibleName() == "PSF layer"
    assert form.kernel_prior.forms["known"].isAncestorOf(row)


@pytest.mark.parametrize("by_hand", [False, True], ids=["set", "by hand"])
def test_what_the_file_says_stands_in_the_form_whenever_that_is_made(qtbot: Any, by_hand: bool) -> None:
    from napari_blind_deconv._napari.file_optics import FileOptics
    from napari_blind_deconv._napari.settings_form import SettingsForm
    from napari_blind_deconv.settings import settings_from_dict

    form = SettingsForm()
    qtbot.addWidget(form)
    form.show()
    optics, seen, grown = FileOptics(form.kernel_prior), [], []
    # As the widget does, which looks at the form whenever it changes.
    form.changed.connect(lambda: seen.append(form.raw()))
    form.grown.connect(lambda: grown.append(True))
    optics.follow({"na": 1.2, "emissions_um": [0.5]}, 1)
    assert (form.value(), seen) == (Settings(), [])
    if by_hand:
        form.kernel_prior.box.setCurrentIndex(form.kernel_prior.box.findData("microscope"))
        found = form.value().kernel_prior
        assert (found.na, found.emission_um) == (1.2, 0.5)
    else:
        given = settings_from_dict({"kernel_prior": {"kind": "microscope", "na": 1.3, "emission_um": 0.6}})
        form.set_value(given)
        assert form.value() == given
    assert seen[-1] == form.raw()
    assert grown
    assert optics.said.isVisible()
    assert "NA 1.2" in optics.said.text()


def test_only_the_fields_of_the_chosen_kernel_prior_are_shown(qtbot: Any) -> None:
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    form.show()
    for kind in KERNEL_PRIORS:
        form.kernel_prior.box.setCurrentIndex(form.kernel_prior.box.findData(kind))
        others = [other for other in KERNEL_PRIORS if other != kind]
        assert not any(form.kernel_prior.forms[other].isVisible() for other in others)
        assert form.kernel_prior.forms[kind].isVisible() == form.kernel_prior.forms[kind].has_rows


@pytest.mark.parametrize(
    ("family", "kinds"), [("kernel_prior", KERNEL_PRIORS), ("image_prior", IMAGE_PRIORS), ("estimator", ESTIMATORS)]
)
def test_a_kind_that_is_chosen_by_hand_starts_at_its_defaults(qtbot: Any, family: str, kinds: Any) -> None:
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    # Images can be drawn from some priors only, as some estimators do.
    if family != "image_prior":
        form.editors["image_prior"].set_value(GaussianField())
    box = form.editors[family].box
    for kind, cls in kinds.items():
        box.setCurrentIndex(box.findData(kind))
        assert getattr(form.value(), family) == cls()


def test_rare_fields_wait_under_advanced(qtbot: Any) -> None:
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    form.show()
    form.kernel_prior.box.setCurrentIndex(form.kernel_prior.box.findData("gaussian"))
    gaussian, motion = (form.kernel_prior.forms[kind].editors for kind in ("gaussian", "motion"))
    assert not gaussian["sigma_px"].isVisible()
    qtbot.mouseClick(form.fold, Qt.MouseButton.LeftButton)
    assert gaussian["sigma_px"].isVisible()
    assert not motion["turn_rad"].isVisible()


def test_what_the_settings_refuse_is_said_in_their_words(qtbot: Any) -> None:
    from napari_blind_deconv._napari.settings_form import SettingsForm

    form = SettingsForm()
    qtbot.addWidget(form)
    form.editors["kernel_size"].set_value([4])
    with pytest.raises(InputError, match="kernel_size 4 must be a positive odd number"):
        form.value()
    form.editors["kernel_size"].set_value(["abc"])
    with pytest.raises(InputError, match="abc"):
        form.value()


def test_components_within_components_have_forms(qtbot: Any) -> None:
    from napari_blind_deconv._napari.component_form import ComponentForm

    form = ComponentForm(Outer)
    qtbot.addWidget(form)
    value = Outer(inner=Inner(depth=3.25, offsets=(1.0, -2.5), mode="b"), note=None)
    form.set_value(value)
    assert form.value() == value


@component
class Inner:
    depth: float = 1.0
    offsets: tuple[float, ...] = ()
    mode: str = "a"


@component
class Outer:
    inner: Inner = Inner()
    note: str | None = "x"


def test_command_line_says_every_setting_that_is_not_the_default() -> None:
    from napari_blind_deconv._napari.command import command_line
    from napari_blind_deconv.estimation import BlindRichardsonLucy
    from napari_blind_deconv.kernel_priors import Sparse

    settings = Settings(
        kernel_prior=Sparse(sparsity=0.5),
        estimator=BlindRichardsonLucy(kernel_steps=2),
        kernel_size=(9, 15, 15),
        planes=True,
        noise_sigma=2.0,
    )
    line = command_line(settings, image="a b.tif", voxel_size_um=(0.3, 0.1, 0.1))
    assert line == (
        "blind-deconv run 'a b.tif' --output restored --kernel-prior sparse --set kernel_prior.sparsity=0.5 "
        "--estimator blind-richardson-lucy --set estimator.kernel_steps=2 --kernel-size 9,15,15 --noise-sigma 2.0 "
        "--set planes=true --voxel-size-um 0.3,0.1,0.1"
    )
