"""What a graphics processor finds is what the CPU finds: every component, on every accelerator that is there."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.settings import FAMILIES, IMAGE_PRIORS, KERNEL_PRIORS
from tests.counted import observed_of, restored

pytestmark = pytest.mark.gpu

ACCELERATORS = [
    name for name, there in (("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())) if there
] or ["cuda"]
MEMBERS = [(family, kind) for family, kinds in FAMILIES.items() for kind in kinds]

# Rounding differs between devices: shares of the image's range, and of the kernel's norm.
IMAGE_TOLERANCE, KERNEL_TOLERANCE = 0.01, 0.05
# Searches that choose, step by step, go on from what rounding chose where choices are level.
SEARCHES = {"learned", "motion", "sparse", "uniform"}
AFTER_A_SEARCH = 0.1


def settings_of(family, kind, **more):
    """A component among others that it works with."""
    drawn = kind in ("by-draws", "posterior-sampling")
    chosen = {
        "image_prior": IMAGE_PRIORS["gaussian-field" if drawn else "sparse-gradients"](),
        "kernel_prior": KERNEL_PRIORS["gaussian" if family != "kernel_prior" else kind](),
    }
    optics = {"na": 0.8, "emission_um": 0.52} if kind == "microscope" else {}
    chosen[family] = FAMILIES[family][kind](**optics)
    return Settings(**chosen, **more)


def counted(shape):
    """What is observed of a shape, and the PSF that blurred it."""
    return observed_of(shape, (7, 9, 9), 2.0, 40)


def on_both(accelerator, settings, shape):
    """The results on the CPU and on the accelerator, with the range of the first."""
    observed, kernel = counted(shape)
    here, there = (
        restored(observed, kernel, dataclasses.replace(settings, device=name)) for name in ("cpu", accelerator)
    )
    assert there.report["device"].startswith(accelerator)
    return here, there, float(np.ptp(here.image))


def same_within_rounding(here, there, span, kind):
    """Whether two results are one, as far as a search can tell."""
    difference = np.sqrt(np.mean((there.image - here.image) ** 2)) / span
    if kind in SEARCHES:
        assert difference <= AFTER_A_SEARCH
    else:
        assert difference <= IMAGE_TOLERANCE
        assert np.linalg.norm(there.kernel - here.kernel) <= KERNEL_TOLERANCE * np.linalg.norm(here.kernel)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize(("family", "kind"), MEMBERS)
def test_a_component_finds_the_same_on_an_accelerator(accelerator, family, kind):
    here, there, span = on_both(accelerator, settings_of(family, kind), (56, 60))
    same_within_rounding(here, there, span, kind)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("kind", ["known", "gaussian", "microscope", "uniform"])
def test_a_volume_is_restored_alike_on_an_accelerator(accelerator, kind):
    here, there, span = on_both(accelerator, settings_of("kernel_prior", kind), (12, 40, 44))
    same_within_rounding(here, there, span, kind)
    assert set(here.maps) == set(there.maps)


@pytest.mark.parametrize("accelerator", ACCELERATORS)
def test_the_same_run_gives_the_same_pixels_and_leaves_nothing_on_the_accelerator(accelerator):
    observed, kernel = counted((24, 96, 96))
    settings = settings_of(
        "kernel_prior", "known", device=accelerator, likelihood=FAMILIES["likelihood"]["camera"](gain=1.0)
    )
    whole = deconvolve(observed, settings, psf=kernel)
    held = torch.cuda.memory_allocated() if accelerator == "cuda" else 0
    again = deconvolve(observed, settings, psf=kernel)
    np.testing.assert_array_equal(whole.image, again.image)
    if accelerator == "cuda":
        assert torch.cuda.memory_allocated() <= held
