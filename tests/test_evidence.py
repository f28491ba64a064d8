"""Laws of the evidence: slopes by hand, windows, the descent, and what is given up early."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.evidence.known_scene import under
from napari_blind_deconv.evidence.pieces import KNOWN, overlap_gain, pieces, window_for
from napari_blind_deconv.evidence.whittle import smeared
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import hann, transfer
from napari_blind_deconv.image_priors import GaussianField
from napari_blind_deconv.kernel_priors import Airy, Gaussian
from napari_blind_deconv.kernel_priors.airy import airy
from napari_blind_deconv.kernel_priors.descent import descend, lowest
from napari_blind_deconv.kernel_priors.gaussian import gaussian
from napari_blind_deconv.kernel_priors.spot_model import SpotModel
from napari_blind_deconv.kernel_priors.spot_search import _COMPLETED, _FIRST_SPOTS, _REFINED, searched


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(24,), (13, 18), (8, 9, 12)])
def test_slopes_are_those_of_differences(shape):
    ndim = len(shape)
    model = NaturalSpectrum.of(Evidence.of(draws(2, *shape), 0.5, spacing=(1.0,) * ndim), ridges=4)
    kernel = draws(*[3] * ndim, seed=1).abs()
    start = [kernel / kernel.sum(), *(s + 0.1 * draws(*s.shape, seed=2) for s in model.start(kernel / kernel.sum()))]
    free = [s.clone().requires_grad_(True) for s in start]
    assert torch.autograd.gradcheck(model.nats, free, atol=1e-4, rtol=1e-4)


@given(sides=st.lists(st.integers(1, 7), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_the_smear_and_its_adjoint_agree(sides, seed):
    ndim = len(sides)
    a, b = draws(*sides, seed=seed), draws(*sides, seed=seed + 100)
    assert torch.allclose((smeared(a, ndim) * b).sum(), (a * smeared(b, ndim, adjoint=True)).sum())


@given(n=st.integers(1, 700), k=st.integers(1, 60))
def test_windows_lie_in_the_frame_cover_it_and_are_at_most_half_a_window_apart(n, k):
    k = min(2 * (k // 2) + 1, n - 1 + n % 2)
    side, *_ = window_for((n, 1, 1), (k, 1, 1))
    places = torch.cat([piece[None, [0, -1]] for piece in pieces(torch.arange(n), (side,))])
    assert side >= min(n, 2.5 * k)
    assert (int(places.min()), int(places.max())) == (0, n - 1)
    assert (places[:, 1] - places[:, 0] == side - 1).all()
    assert (places[:, 0].diff() <= side / 2 + 1).all()
    assert window_for((n, 9), (k, 3)) == (n, 9)


@pytest.mark.parametrize(("n", "side"), [(96, 32), (120, 48), (64, 64)])
def test_overlapping_windows_tell_as_much_as_their_means_scatter(n, side):
    noise, window = draws(1500, n, seed=n), hann((side,), draws(1))
    power = window.square().sum()
    places = list(pieces(torch.arange(n), (side,)))
    seen = torch.stack([torch.fft.rfft(noise[:, p] * window).abs().square() / power for p in places]).mean(0)
    alone = n / side * overlap_gain((n,), (side,))
    assert float(seen[:, 2 : side // 2 - 1].var(0).mean()) == pytest.approx(1 / alone, rel=0.1)


def test_a_noise_that_was_misread_does_not_move_a_kernel_under_a_known_spectrum():
    field = GaussianField(spectrum=tuple(float(v) for v in np.geomspace(30, 1e-3, 12)), mean=0.0)
    radius, sigma, support = 3.2, 0.05, (13, 13)
    generator = torch.Generator().manual_seed(11)
    scene = field.sample((192, 192), (1.0, 1.0), generator).double()
    seen = torch.fft.irfftn(torch.fft.rfftn(scene) * transfer(airy(torch.tensor(radius), support), (192, 192)))
    seen = seen + sigma * torch.randn(192, 192, generator=generator)
    found = []
    for error in (1.0, 0.9, 1.1):
        noise = Noise.white(sigma * error, "corners")
        read = Evidence.of(seen, noise, spacing=(1.0, 1.0), kernel_shape=support, parted=KNOWN, highest=0.5)
        # As a poor reading of the corners would leave it.
        read = replace(read, floor=torch.ones_like(read.floor))
        evidence = under(read, field.power(read.window, (1.0, 1.0), seen))
        *_, fit = Airy().fit(evidence, support)
        found.append(fit.parameters["radius_px"])
    assert [one.value for one in found] == pytest.approx([found[0].value] * 3, abs=0.2 * found[0].error)
    assert found[0].value == pytest.approx(radius, abs=3 * found[0].error)


def test_small_windows_find_the_blur_that_one_window_finds():
    shape, support = (24, 96, 96), (7, 7, 7)
    truth = gaussian(torch.diag(torch.tensor([3.0, 1.5, 1.5])), support)
    scene = torch.fft.rfftn(draws(1, *shape, seed=3).float(), dim=(-3, -2, -1))
    waves = [torch.fft.fftfreq(n) for n in shape[:2]] + [torch.fft.rfftfreq(shape[2])]
    squared = sum(f.square() for f in torch.meshgrid(*waves, indexing="ij"))
    seen = torch.fft.irfftn(scene * transfer(truth, shape) / (squared + 1e-4) ** 0.75, s=shape)
    seen = seen / seen.std() + 0.01 * draws(1, *shape, seed=4).float()
    found = []
    for kernel_shape in (None, support):
        evidence = Evidence.of(seen, 0.01, spacing=(1.0, 1.0, 1.0), kernel_shape=kernel_shape)
        *_, fit = Gaussian().fit(evidence, support)
        found.append(float((fit.kernel - truth).norm() / truth.norm()))
    assert found[1] < max(0.15, found[0] + 0.05)
    assert evidence.window == (24, 64, 64)
    assert evidence.in_one_window().window == shape


@given(seed=st.integers(0, 99), n=st.integers(1, 6))
def test_a_descent_never_rises_and_ends_at_the_bottom(seed, n):
    root = 0.3 * draws(n, n, seed=seed) + 2 * torch.eye(n)
    at = draws(n, seed=seed + 1)

    def bowl(x):
        return (root @ (x - at)).square().sum()

    values = [value for value, _ in descend(bowl, [torch.zeros(n, dtype=torch.float64)], 60, chunk=1)]
    assert all(b <= a for a, b in itertools.pairwise(values))
    assert values[-1] < 0.01
    assert lowest(bowl, [at], 5) < 1e-9


def test_a_descent_stops_before_a_wall():
    value = lowest(lambda x: torch.where(x < 1, (x - 2).square(), torch.nan).sum(), [torch.zeros(1)], 40)
    assert 1 <= value < 4


def test_a_search_for_spots_ends_after_one_round_where_another_kernel_is_far_ahead():
    spectrum = NaturalSpectrum.of(Evidence.of(draws(1, 24, 24, seed=5).float(), 0.5, spacing=(1.0, 1.0)))
    model = SpotModel(spectrum, (5, 5), 0.5, 0.3, 0.5, 1.0, 18.0)
    found = list(searched(model, 2, torch.Generator().manual_seed(0), bar=-math.inf))
    # The last one has as many spots as are asked for.
    assert len(found) <= _FIRST_SPOTS - 2 + _REFINED + _COMPLETED + 1
    assert found[-1].count == 2
