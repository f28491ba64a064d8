"""The device follows the tensor: no component mixes tensors of two devices; tried on a pretended accelerator."""

import importlib

import numpy as np
import pytest
import torch

from napari_blind_deconv import Settings
from napari_blind_deconv.settings import ESTIMATORS, FAMILIES, IMAGE_PRIORS, KERNEL_PRIORS
from tests.counted import observed_of, restored
from tests.pretended import accelerator

# All that a descent works with is there after a step.
pytestmark = pytest.mark.usefixtures("one_step_descents")

MEMBERS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]

# Every step goes through Python there, so few are taken.
SHORT = {
    "blind-richardson-lucy": {"rounds": 2, "kernel_steps": 1, "image_steps": 1},
    "by-draws": {"rounds": 1, "levels": 2},
    "by-evidence": {"starts": 1, "rounds": 1, "refinements": 1},
    "diffusion": {"strength": 1.0},
    "deep-image": {"widths": (4, 8)},
    "joint": {"rounds": 2, "image_steps": 1},
    "posterior-sampling": {"samples": 2, "levels": 3},
}


def settings_of(family, kind):
    """A component among others that it works with."""
    # What draws begins with an estimate by evidence, which needs few steps for a PSF of few figures.
    pairs = {"by-draws": "gaussian"}
    drawn = kind in ("by-draws", "posterior-sampling")
    chosen = {
        "image_prior": IMAGE_PRIORS["gaussian-field" if drawn else "sparse-gradients"](),
        "kernel_prior": KERNEL_PRIORS["gaussian" if kind == "smooth" else "known"](),
        "estimator": ESTIMATORS["by-evidence"](**SHORT["by-evidence"]),
    }
    if family in ("kernel_prior", "estimator"):
        chosen["kernel_prior"] = KERNEL_PRIORS[pairs.get(kind, "sparse") if family == "estimator" else kind]()
    if family != "kernel_prior":
        chosen[family] = FAMILIES[family][kind](**SHORT.get(kind, {}))
    if kind == "photon-map":
        chosen["likelihood"] = FAMILIES["likelihood"]["camera"](gain=1.0)
    if kind == "microscope":
        chosen["kernel_prior"] = KERNEL_PRIORS[kind](na=0.8, emission_um=0.52, zernike_rad=())
    return Settings(**chosen, iterations=2)


def restored_there(monkeypatch, settings, shape):
    """A run on the pretended accelerator."""
    observed, kernel = observed_of(shape, (5, 7, 7), 1.5, 20)
    with accelerator() as device:
        for name in ("recipe", "preparation"):
            module = importlib.import_module(f"napari_blind_deconv.pipeline.{name}")
            monkeypatch.setattr(module, "device_of", lambda _: device)
        return restored(observed, kernel, settings)


@pytest.mark.slow
@pytest.mark.parametrize(("family", "kind"), MEMBERS)
def test_a_component_keeps_to_one_device(monkeypatch, family, kind):
    result = restored_there(monkeypatch, settings_of(family, kind), (40, 44))
    assert result.report["device"].startswith("pretended")
    assert np.isfinite(result.image).all()


@pytest.mark.parametrize("kind", ["known", "gaussian"])
def test_a_volume_keeps_to_one_device(monkeypatch, kind):
    result = restored_there(monkeypatch, settings_of("kernel_prior", kind), (8, 28, 30))
    assert result.report["device"].startswith("pretended")


def test_what_mixes_devices_fails_there():
    with accelerator() as device:
        there = torch.ones(3).to(device)
        assert float((there * torch.tensor(2.0)).sum()) == 6
        with pytest.raises(RuntimeError, match=r"on pretended and, of shapes \[\(3,\)\], on the CPU"):
            _ = there + torch.ones(3)
        with pytest.raises(RuntimeError, match="a generator on the CPU draws nothing on pretended"):
            torch.rand(3, device=device, generator=torch.Generator())
