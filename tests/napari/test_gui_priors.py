"""Image priors, and estimators and restorers that go with them: what is shown, what is refused, what a sampler adds."""

import re
from itertools import product
from typing import Any

import numpy as np
import pytest
from gui import PLUGIN, quick, results, run, spots
from qtpy.QtWidgets import QFormLayout, QLabel

from napari_blind_deconv._types import InputError
from napari_blind_deconv.estimation import Joint
from napari_blind_deconv.image_priors import Diffusion, GaussianField
from napari_blind_deconv.kernel_priors import Auto, Uniform
from napari_blind_deconv.restoration import PosteriorSampling
from napari_blind_deconv.settings import ESTIMATORS, IMAGE_PRIORS, RESTORERS


def choose(editor: Any, kind: str) -> None:
    """Choose a kind as a hand does."""
    editor.box.setCurrentIndex(editor.box.findData(kind))


def label_of(rows: QFormLayout, editor: Any) -> QLabel:
    """The label beside an editor."""
    return rows.labelForField(editor)


def test_the_strength_of_diffusion_is_a_slider_that_nobody_has_to_look_for(widget: Any) -> None:
    priors = widget.form.editors["image_prior"]
    choose(priors, "diffusion")
    form = priors.forms["diffusion"]
    strength = form.editors["strength"]
    label = label_of(form.rows, strength)
    assert not widget.form.fold.isChecked()
    assert strength.isVisible()
    assert strength.slider.isVisible()
    assert label.text() == "Diffusion strength"
    assert "0: no prior" in label.toolTip()
    assert "1: trust the prior" in strength.toolTip()
    assert not any(form.editors[name].isVisible() for name in ("weight", "denoising", "edges", "weights"))
    widget.form.fold.setChecked(True)
    assert all(form.editors[name].isVisible() for name in ("weight", "denoising", "edges", "weights"))
    choose(priors, "total-variation")
    other = priors.forms["total-variation"]
    assert not strength.isVisible()
    assert label_of(other.rows, other.editors["strength"]).text() == "Strength"


def test_slider_and_number_say_the_same_and_the_number_keeps_its_digits(qtbot: Any, widget: Any) -> None:
    quick(widget, image_prior=Diffusion(strength=0.12345))
    strength = widget.form.editors["image_prior"].forms["diffusion"].editors["strength"]
    assert widget.form.value().image_prior.strength == 0.12345
    assert strength.slider.value() == 12
    for end in (strength.slider.maximum(), strength.slider.minimum()):
        with qtbot.waitSignal(widget.form.changed):
            strength.slider.setValue(end)
        assert widget.form.value().image_prior.strength == end / strength.slider.maximum()


def refusal(*priors: Any, of: Any) -> str:
    """What an estimator says against two priors, or a restorer against one; empty where it takes them."""
    try:
        of.refuse(*priors)
    except InputError as error:
        return str(error)
    return ""


def test_what_does_not_go_together_is_said_before_run(viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    refused = 0
    parts = [("estimator", ESTIMATORS), ("restorer", RESTORERS)]
    ways = [(family, kind, cls()) for family, kinds in parts for kind, cls in kinds.items()]
    for (prior, image_prior), (family, kind, way) in product(IMAGE_PRIORS.items(), ways):
        quick(widget)
        choose(widget.form.editors["image_prior"], prior)
        choose(widget.form.editors[family], kind)
        sentence = widget.panel.forecast.text()
        priors = (Uniform(), image_prior()) if family == "estimator" else (image_prior(),)
        if not refusal(*priors, of=way):
            assert sentence.startswith("Ready")
            continue
        refused += 1
        assert "choose “" in sentence
        assert "_prior" not in sentence
        assert family not in sentence
        assert "'" not in sentence
    assert refused > len(IMAGE_PRIORS)


def test_sampling_names_the_priors_that_can_be_sampled(qtbot: Any, viewer: Any, widget: Any) -> None:
    from napari_blind_deconv._napari.words import kind_label

    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, restorer=PosteriorSampling())
    sentence = widget.panel.forecast.text()
    for kind in ("diffusion", "gaussian-field", "patch-mixture"):
        assert f"“{kind_label(kind)}”" in sentence
        assert not refusal(IMAGE_PRIORS[kind](), of=PosteriorSampling())
    run(qtbot, widget)
    assert widget.panel.forecast.text() == sentence
    assert [layer.name for layer in viewer.layers] == ["cells"]
    choose(widget.form.editors["image_prior"], "diffusion")
    assert widget.panel.forecast.text().startswith("Ready")


def test_joint_cannot_find_out_the_family(viewer: Any, widget: Any) -> None:
    viewer.add_image(spots((48, 52)), name="cells")
    quick(widget, estimator=Joint(), kernel_prior=Auto())
    sentence = widget.panel.forecast.text()
    assert sentence.startswith("“Image and PSF in turn (joint)” cannot rank families of PSFs")
    assert "kernel_prior" not in sentence


def test_no_clash_of_components_is_said_in_the_names_of_the_code() -> None:
    from napari_blind_deconv._napari.refusals import refusal_on_screen
    from napari_blind_deconv.settings import settings_from_dict

    said = set()
    for kinds in product(("auto", "uniform"), IMAGE_PRIORS, ESTIMATORS, RESTORERS):
        names = ("kernel_prior", "image_prior", "estimator", "restorer")
        try:
            settings_from_dict({name: {"kind": kind} for name, kind in zip(names, kinds, strict=True)})
        except InputError as error:
            said.add(refusal_on_screen(error))
    assert len(said) > 10
    assert not [sentence for sentence in said if re.search(r"_prior|estimator|restorer|likelihood|'|`", sentence)]


@pytest.mark.parametrize("rgb", [False, True])
def test_samples_leave_an_uncertainty_in_the_units_of_the_image(
    qtbot: Any, viewer: Any, widget: Any, rgb: bool
) -> None:
    image = spots((40, 36))
    if rgb:
        image = np.clip(np.stack([image, image / 2, image / 3], -1) / image.max(), 0, 1)
    viewer.add_image(image, name="cells", rgb=rgb)
    quick(widget, restorer=PosteriorSampling(samples=2, levels=2), image_prior=GaussianField())
    run(qtbot, widget)
    restored, _ = results(viewer, "cells")
    layer = viewer.layers["cells uncertainty (± intensity)"]
    assert layer.metadata[PLUGIN]["role"] == "uncertainty"
    assert layer.data.shape == (40, 36)
    assert not layer.visible
    assert layer.contrast_limits[0] == 0
    assert viewer.layers.index(layer) == viewer.layers.index(restored) - 1
    assert "Uncertainty of a typical pixel: ± " in widget.panel.status.text()
    assert "uncertainty (± intensity)." in widget.panel.status.text()
