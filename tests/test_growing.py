"""An automatic PSF size grows until the PSF fits, and one that was asked for stays."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.estimation.growing import next_size, on_wider_supports, wider
from napari_blind_deconv.estimation.problem import Found
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Fit, Gaussian
from napari_blind_deconv.synthesis import beads, blurred, fibres, gaussian_kernel
from napari_blind_deconv.trust.kernel import kernel_checks


def gauss(shape, sigma):
    axes = [torch.arange(n) - n // 2 for n in shape]
    squares = sum((axis / s) ** 2 for axis, s in zip(torch.meshgrid(*axes, indexing="ij"), sigma, strict=True))
    kernel = torch.exp(-squares / 2)
    return kernel / kernel.sum()


@pytest.mark.parametrize("seed", range(4))
def test_only_the_axes_that_cut_the_kernel_grow(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(2 * n + 1) for n in rng.integers(4, 12, 3))
    wide = rng.random(3) < 0.5
    sigma = [n if w else n / 12 for n, w in zip(shape, wide, strict=True)]
    problem = SimpleNamespace(kernel_shape=shape, largest_kernel=tuple(n + 20 for n in shape))
    grown = wider(gauss(shape, sigma), problem, 0.02)
    expected = tuple(next_size(n, n + 20) if w else n for n, w in zip(shape, wide, strict=True))
    assert grown == (expected if wide.any() else None)


def test_a_support_that_was_asked_for_or_is_the_largest_stays():
    kernel = torch.full((7, 7), 1 / 49)
    assert wider(kernel, SimpleNamespace(kernel_shape=(7, 7), largest_kernel=None), 0.05) is None
    assert wider(kernel, SimpleNamespace(kernel_shape=(7, 7), largest_kernel=(7, 7)), 0.05) is None


@dataclass(frozen=True)
class Supported:
    kernel_shape: tuple
    largest_kernel: tuple


def test_it_grows_to_the_largest_and_counts_all_steps():
    def kernels(problem):
        for step in (1, 2):
            yield Found(Fit(torch.full(problem.kernel_shape, 1.0)), step)

    found = list(on_wider_supports(Supported((7,), (19,)), kernels, 0.01))
    sizes = [tuple(one.fit.kernel.shape) for one in found]
    assert sizes[0] == (7,)
    assert sizes[-1] == (19,)
    assert [one.total for one in found] == sorted(one.total for one in found)
    assert found[-1].total == len(found)


def test_a_wide_gaussian_is_found_better_on_a_support_that_grew():
    rng, kernel = np.random.default_rng(5), gaussian_kernel((61, 61), 64 * np.eye(2))
    shape = (160 + 60, 160 + 60)
    sharp = 0.1 + fibres(shape, rng, 12, 0.7) + beads(shape, rng, 24)
    observed = blurred(sharp, kernel)[0][:160, :160]
    observed = (observed + rng.normal(0, 0.004, observed.shape)).astype(np.float32)
    usual = Settings(kernel_prior=Gaussian(), image_prior=NoPrior(), iterations=1, device="cpu")
    grown, fixed = deconvolve(observed, usual), deconvolve(observed, replace(usual, kernel_size=(31,)))
    assert grown.kernel.shape > fixed.kernel.shape == (31, 31)
    assert _error(grown) < _error(fixed)


def test_a_size_that_nobody_chose_is_not_blamed():
    even = torch.full((9, 9), 1 / 81)
    asked = kernel_checks(even, given=False)[1].sentence
    automatic = kernel_checks(even, given=False, largest=(9, 9))[1].sentence
    assert "kernel_size" in asked
    assert "kernel_size" not in automatic
    assert "9 x 9 pixels" in automatic
    assert "kernel_size" in kernel_checks(even, given=False, largest=(15, 15))[1].sentence


def _error(result):
    figures = result.report["kernel"]["parameters"]
    return abs(figures["sigma_1_px"]["value"] - 8)
