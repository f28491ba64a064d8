"""The joint scheme does what it is there to show: it falls for the delta, and a kernel prior with an opinion helps."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from napari_blind_deconv import InputError
from napari_blind_deconv.estimation import ByEvidence, Joint, Problem
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.kernel_priors import Auto, Gaussian, Known, Uniform
from napari_blind_deconv.metrics import kernel_error
from napari_blind_deconv.pipeline.two_phase import two_phases
from napari_blind_deconv.restoration import ByData
from napari_blind_deconv.synthesis import beads, blurred, fibres, gaussian_kernel

SUPPORT = (11, 11)
KERNEL = gaussian_kernel(SUPPORT, 2.2 * np.eye(2))


def problem(**changes) -> Problem:
    rng = np.random.default_rng(1)
    shape = (48 + 10, 52 + 10)
    observed, _ = blurred(0.1 + fibres(shape, rng, count=12, width=0.7) + beads(shape, rng, count=30), KERNEL)
    noisy = torch.from_numpy(observed + rng.normal(0, 0.003, observed.shape).astype(np.float32))[None]
    base = Problem(
        observed=noisy,
        sample=noisy,
        kernel_shape=SUPPORT,
        spacing=(1.0, 1.0),
        noise=Noise.white(0.003),
        model_error=0.007,
        kernel_prior=Uniform(),
        kernel_weight=1.0,
        image_prior=SparseGradients(),
        iterations=3,
        generator=torch.Generator().manual_seed(0),
    )
    return replace(base, **changes)


def kernel_of(solver, given):
    *_, last = solver.kernels(given)
    return last.fit.kernel


def test_a_strong_image_prior_ends_at_a_delta_and_evidence_does_not():
    given = problem(image_prior=SparseGradients(strength=3.0))
    joint, two_phase = (kernel_of(solver, given) for solver in (Joint(), ByEvidence(starts=1)))
    delta = kernel_error([[1.0]], KERNEL)
    assert kernel_error(joint.numpy(), KERNEL) > 0.9 * delta
    assert kernel_error(two_phase.numpy(), KERNEL) < 0.6 * delta


def test_the_weaker_the_image_prior_the_further_from_the_delta():
    peaks = [
        float(kernel_of(Joint(), problem(image_prior=SparseGradients(strength=s))).max()) for s in (0.001, 0.03, 3.0)
    ]
    assert peaks == sorted(peaks)
    assert peaks[-1] > peaks[0] + 0.1


def test_the_weight_of_a_kernel_prior_that_is_right_mends_the_kernel():
    prior = Gaussian(sigma_px=1.45, sigma_spread=0.1, anisotropy=0.1)
    errors = [
        kernel_error(kernel_of(Joint(), problem(kernel_prior=prior, kernel_weight=w)).numpy(), KERNEL)
        for w in (1e-3, 1e4)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_with_a_known_kernel_it_is_the_restoration():
    given = problem(kernel_prior=Known(kernel=KERNEL))
    (*_, ours), (*_, theirs) = (two_phases(given, way, ByData()) for way in (Joint(), ByEvidence()))
    assert torch.equal(ours.kernel, theirs.kernel)
    assert torch.equal(ours.image, theirs.image)


def test_steps_are_rounds_and_then_the_restoration():
    estimates = list(two_phases(problem(), Joint(rounds=4), ByData()))
    assert [e.stage for e in estimates] == ["estimating the kernel"] * 4 + ["restoring"] * 3
    assert [e.step for e in estimates] == list(range(1, 8))
    assert {e.total for e in estimates} == {7}


def test_families_cannot_be_ranked():
    with pytest.raises(InputError, match="'by-evidence'"):
        Joint().refuse(Auto(), SparseGradients())
