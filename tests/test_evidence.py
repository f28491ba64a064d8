"""Laws of the evidence: slopes by hand, windows, the descent, and what is given up early."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.evidence.pieces import pieces, window_for
from napari_blind_deconv.evidence.whittle import smeared
from napari_blind_deconv.fourier import transfer
from napari_blind_deconv.kernel_priors import Gaussian
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
    most = _FIRST_SPOTS - 2 + _REFINED + _COMPLETED
    assert len(list(searched(model, 2, torch.Generator().manual_seed(0), bar=-math.inf))) <= most
