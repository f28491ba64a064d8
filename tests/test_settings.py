"""Settings round trip, refuse what is wrong by name, and can be addressed by path."""

import json
import math

import pytest

from napari_blind_deconv import InputError, Settings
from napari_blind_deconv.presets import SOLVERS
from napari_blind_deconv.settings import (
    ESTIMATORS,
    FAMILIES,
    IMAGE_PRIORS,
    KERNEL_PRIORS,
    RESTORERS,
    default_of,
    override,
    settings_from_dict,
    settings_to_dict,
)

MEMBERS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]


def suited(kind):
    """An image prior that a component works with: images can be drawn from few."""
    return IMAGE_PRIORS["gaussian-field" if kind in ("by-draws", "posterior-sampling") else "sparse-gradients"]()


def suited_psf(kind):
    """A kernel prior that a component works with: few have figures that may vary."""
    return KERNEL_PRIORS["gaussian" if kind == "smooth" else "uniform"]()


@pytest.mark.parametrize(("family", "kind"), MEMBERS)
def test_every_component_round_trips_through_json(family, kind):
    settings = Settings(
        **{"image_prior": suited(kind), "kernel_prior": suited_psf(kind), family: FAMILIES[family][kind]()}
    )
    assert settings_from_dict(json.loads(json.dumps(settings_to_dict(settings)))) == settings


@pytest.mark.parametrize(("family", "kind"), MEMBERS)
def test_every_component_is_chosen_by_its_kind(family, kind):
    base = settings_to_dict(Settings(image_prior=suited(kind), kernel_prior=suited_psf(kind)))
    chosen = settings_from_dict(override(base, f"{family}={kind}"))
    assert getattr(chosen, family) == FAMILIES[family][kind]()
    assert default_of(family, kind)["kind"] == kind


@pytest.mark.parametrize(("family", "kind"), MEMBERS)
def test_components_are_frozen_and_refuse_unknown_fields(family, kind):
    component = FAMILIES[family][kind]()
    with pytest.raises(AttributeError):
        component.kind = "other"
    with pytest.raises(ValueError, match=r"(?i)unexpected keyword"):
        FAMILIES[family][kind](no_such_field=1)


def test_override_reaches_a_field_and_leaves_the_rest():
    base = override({}, "kernel_prior=sparse")
    changed = settings_from_dict(override(base, "kernel_prior.concentration=0.25"))
    assert changed.kernel_prior == KERNEL_PRIORS["sparse"](concentration=0.25)
    assert settings_from_dict(override({}, "kernel_size=[15,17]")).kernel_size == (15, 17)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"kernel_sise": [3]}, "did you mean 'kernel_size'"),
        ({"kernel_prior": {"kind": "unifrm"}}, "did you mean 'uniform'"),
        ({"kernel_prior": {"kind": "sparse", "concentratoin": 1}}, "did you mean 'concentration'"),
        ({"kernel_size": [4]}, "kernel_size 4 must be a positive odd number"),
        ({"kernel_size": [-3]}, "kernel_size -3 must be a positive odd number"),
        ({"kernel_weight": 0}, "kernel_weight 0 must be greater than 0"),
        ({"kernel_weight": math.nan}, "kernel_weight nan must be a finite number"),
        ({"background": math.inf}, "background inf must be a finite number"),
        ({"iterations": 0}, "iterations 0 must be at least 1"),
        ({"device": "gpu"}, "device 'gpu' must be 'auto', 'cpu', 'cuda' or 'mps'"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(values, sentence):
    with pytest.raises(InputError) as error:
        settings_from_dict(values)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("kernel_weight", "must have the form path=value"),
        ("kernal_prior.psf=1", "did you mean 'kernel_prior'"),
        ("image_prior.strenght=1", "did you mean 'strength'"),
        ("kernel_prior=motin", "did you mean 'motion'"),
        ("kernel_weight.a=1", "has no fields of its own"),
    ],
)
def test_a_wrong_path_names_the_nearest_right_one(assignment, sentence):
    with pytest.raises(InputError, match=sentence):
        override({}, assignment)


@pytest.mark.parametrize("name", SOLVERS)
def test_a_former_solver_is_read_as_its_estimator_and_restorer(name):
    image_prior = default_of("image_prior", "gaussian-field" if name == "posterior-sampling" else "none")
    found = settings_from_dict({"solver": {"kind": name}, "image_prior": image_prior})
    assert (found.estimator.kind, found.restorer.kind) == SOLVERS[name][:2]
    for old, new in SOLVERS[name].moved.items():
        family, _, field = new.partition(".")
        changed = settings_from_dict({"solver": {"kind": name, old: 3}, "image_prior": image_prior})
        assert getattr(getattr(changed, family), field) == 3
    with pytest.raises(InputError, match="'estimator"):
        settings_from_dict({"solver": {"kind": name}, "estimatr": {}})
    with pytest.raises(InputError, match="leave one of them out"):
        settings_from_dict({"solver": name, "estimator": {"kind": "joint"}})


@pytest.mark.parametrize(
    "values",
    [
        {"estimator": ESTIMATORS["joint"](), "kernel_prior": KERNEL_PRIORS["auto"]()},
        {"estimator": ESTIMATORS["joint"](), "image_prior": IMAGE_PRIORS["deep-image"]()},
        {"estimator": ESTIMATORS["by-draws"]()},
        {"restorer": RESTORERS["posterior-sampling"]()},
        {"restorer": RESTORERS["richardson-lucy"](), "image_prior": IMAGE_PRIORS["diffusion"]()},
    ],
)
def test_what_does_not_go_together_is_refused_by_the_settings(values):
    with pytest.raises(ValueError, match="; choose "):
        Settings(**values)
    plain = {name: default_of(name, component.kind) for name, component in values.items()}
    with pytest.raises(InputError, match="; choose ") as caught:
        settings_from_dict(plain)
    assert caught.value.subject
    assert caught.value.remedy
