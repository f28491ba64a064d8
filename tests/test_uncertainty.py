"""Laws of the image's uncertainty: how it is widened, where that is doubted, and the error by repeats of the chain."""

import importlib
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import noise as white

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.image_priors import Diffusion, GaussianField, PatchMixture
from napari_blind_deconv.kernel_priors import Gaussian, Known
from napari_blind_deconv.pipeline.bootstrap import IN_ONE_PIECE_ONLY, noise_like, turned_axes
from napari_blind_deconv.pipeline.cutting import fitting
from napari_blind_deconv.pipeline.memory import Plan
from napari_blind_deconv.restoration import PosteriorSampling, calibrated
from napari_blind_deconv.restoration.calibrated import (
    Calibration,
    between,
    calibration,
    student,
    variances_of,
    width_of,
)
from napari_blind_deconv.synthesis import blurred, cells, gaussian_kernel

SIGMAS, WIDTHS, FACTORS = calibrated._SIGMAS, calibrated._WIDTHS, calibrated._FACTORS
WIDTH = 1.5
KERNEL = gaussian_kernel((11, 11), WIDTH**2 * np.eye(2))


def observation(sigma=0.02, side=40):
    scene = cells((side + 10, side + 10), np.random.default_rng(0))
    seen, _ = blurred(scene / scene.max(), KERNEL)
    return seen + np.random.default_rng(1).normal(0, sigma, seen.shape).astype(np.float32)


def restored(observed=None, restorer=None, **fields):
    settings = {"kernel_prior": Known(), "image_prior": Diffusion(), "noise_sigma": 0.02} | fields
    chosen = Settings(restorer=restorer or PosteriorSampling(samples=3, levels=3), **settings)
    return deconvolve(observation() if observed is None else observed, chosen, psf=KERNEL)


def test_the_table_is_met_at_its_nodes_and_lies_between_them():
    for sigma, row in zip(SIGMAS, FACTORS, strict=True):
        for width, factor in zip(WIDTHS, row, strict=True):
            assert between(sigma, width) == pytest.approx(factor)
    assert all(1 <= factor < 4 for row in FACTORS for factor in row)


@given(sigma=st.floats(1e-4, 1), width=st.floats(0.1, 20))
def test_the_factor_is_within_the_table_and_beyond_it_the_edge(sigma, width):
    factor = between(sigma, width)
    flat = [f for row in FACTORS for f in row]
    assert min(flat) - 1e-9 <= factor <= max(flat) + 1e-9
    held = between(min(max(sigma, SIGMAS[0]), SIGMAS[-1]), min(max(width, WIDTHS[0]), WIDTHS[-1]))
    assert factor == pytest.approx(held)


@pytest.mark.parametrize("draws", [3, 16])
def test_few_draws_need_wider_intervals(draws):
    values = white((draws + 1, 40_000), draws)
    mean, spread = values[:-1].mean(0), values[:-1].std(0)
    inside = ((values[-1] - mean).abs() < student(draws) * spread).double().mean()
    assert float(inside) == pytest.approx(0.9, abs=0.01)


@pytest.mark.parametrize("width", [1.0, 2.0])
def test_the_width_of_a_gaussian_is_its_deviation(width):
    kernel = gaussian_kernel((21, 23), width**2 * np.eye(2))
    assert width_of(torch.from_numpy(3 * kernel)) == pytest.approx(width, rel=0.01)


@pytest.mark.parametrize("shape", [(31,), (33, 32), (12, 13, 11)])
def test_a_wrong_width_moves_an_image_by_as_much_as_the_spread_says(shape):
    kernel = torch.tensor(gaussian_kernel((9,) * len(shape), 1.5**2 * np.eye(len(shape))))
    grid = torch.stack(torch.meshgrid(*[torch.arange(n) - n / 2 for n in shape], indexing="ij")).double()
    steep, bent = 0.3 * grid[0], 0.05 * grid.square().sum(0)
    inner = tuple(slice(3, -3) for _ in shape)
    deviation, widened = torch.full(shape, 0.1, dtype=torch.float64), Calibration(2.0, "", 0.2)
    assert torch.allclose(widened.spread(deviation, steep, kernel)[inner], 2 * deviation[inner])
    # A blur that is wider by a share e blurs a parabola up by e times its variance times the curvature.
    [variance, *_] = variances_of(kernel)
    moved = 0.2 * variance * 0.1 * len(shape)
    expected = 2 * (0.1**2 + moved**2) ** 0.5
    assert torch.allclose(widened.spread(deviation, bent, kernel)[inner], torch.full_like(bent[inner], expected))


def test_what_was_not_measured_is_said():
    kernel = torch.from_numpy(KERNEL)
    inside = calibration(Diffusion(), 0.03, kernel, 16)
    assert inside[:2] == (pytest.approx(between(0.03, WIDTH), rel=1e-2), "")
    assert inside.blur_error > 0
    assert "noise" in calibration(Diffusion(), 0.3, kernel, 16).doubt
    assert "width" in calibration(Diffusion(), 0.03, torch.ones(31, 31), 16).doubt
    assert "volumes" in calibration(Diffusion(), 0.03, torch.ones(5, 5, 5), 16).doubt
    assert calibration(PatchMixture(), 0.03, kernel, 16).doubt
    assert calibration(Diffusion(weights="mine.safetensors"), 0.03, kernel, 16).doubt
    assert calibration(GaussianField(), 5.0, kernel, 16) == (1.0, "", 0.0)


def test_the_map_is_widened_by_the_factor_that_the_report_names():
    plain = restored(restorer=PosteriorSampling(samples=3, levels=3, calibrated=False))
    wide = restored()
    [check] = [c for c in wide.report["trust"] if c["check"] == "uncertainty"]
    assert check["value"] > 1
    assert check["verdict"] == "ok"
    # More where the image is bent, and a wrong width of the blur would show.
    ratio = wide.maps["uncertainty"] / (check["value"] * plain.maps["uncertainty"])
    assert ratio.min() > 1 - 1e-4
    assert ratio.max() > 1.01
    np.testing.assert_array_equal(wide.image, plain.image)
    assert not [c for c in plain.report["trust"] if c["check"] == "uncertainty"]


def test_outside_of_the_table_the_report_warns():
    result = restored(noise_sigma=0.5)
    assert any("outside the measured range" in sentence for sentence in result.report["warnings"])


BLIND = {"kernel_prior": Gaussian(), "kernel_size": (9, 9), "iterations": 4}


def repeated(repeats, seed=0):
    return deconvolve(observation(), Settings(**BLIND, bootstrap=repeats, seed=seed))


def test_repeats_map_the_error_and_change_nothing_else():
    without, once, again = repeated(0), repeated(2), repeated(2)
    assert "bootstrap" not in without.maps
    assert once.maps["bootstrap"].shape == once.image.shape
    assert (once.maps["bootstrap"] >= 0).all()
    assert once.maps["bootstrap"].mean() > 0
    np.testing.assert_array_equal(without.image, once.image)
    np.testing.assert_array_equal(once.maps["bootstrap"], again.maps["bootstrap"])


def test_the_error_by_repeats_grows_with_the_noise():
    faint, strong = (
        deconvolve(observation(sigma), Settings(**BLIND, bootstrap=2)).maps["bootstrap"].mean()
        for sigma in (0.005, 0.05)
    )
    assert strong > 1.3 * faint


def test_in_blocks_there_are_no_repeats_and_the_report_says_so(monkeypatch):
    def planned(work, limit, device, *, maps=True):
        return Plan(
            work, device, fitting(work, 0.6 * work.canvas(*work.shape[:1], work.shape[1:])), maps, 0.0, 1.0, limit
        )

    module = importlib.import_module("napari_blind_deconv.pipeline.recipe")
    monkeypatch.setattr(module, "planned", planned)
    chosen = Settings(kernel_prior=Known(), bootstrap=2, iterations=2)
    result = deconvolve(observation(side=90), chosen, psf=KERNEL)
    assert result.report["plan"]["blocks"] is not None
    assert "bootstrap" not in result.maps
    assert IN_ONE_PIECE_ONLY in result.report["warnings"]


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_every_mirror_image_comes_up(ndim):
    assert len({turned_axes(ndim, i) for i in range(2**ndim)}) == 2**ndim
    assert turned_axes(ndim, 0) == turned_axes(ndim, 2**ndim)


def test_simulated_noise_has_the_variance_of_the_light_and_its_colour():
    generator = torch.Generator().manual_seed(0)
    light = torch.ones(1, 96, 96) * torch.linspace(0.1, 1.0, 96)
    drawn = noise_like(replace(Noise.white(0.1), gain=0.02, dark=0.001), light, 2, generator)
    dim, bright = (float(drawn[..., part].var()) for part in (slice(0, 32), slice(64, 96)))
    assert bright / dim == pytest.approx((0.001 + 0.02 * 0.85) / (0.001 + 0.02 * 0.25), rel=0.15)
    spectrum = torch.ones(8, 8)
    spectrum[3:6, :] = spectrum[:, 3:6] = 0.1
    coloured = noise_like(Noise(0.1, spectrum / spectrum.mean()), torch.ones(1, 96, 96), 2, generator)
    assert float(coloured.std()) == pytest.approx(0.1, rel=0.1)
    assert float(coloured.diff(dim=-1).std()) < 0.9 * math.sqrt(2) * float(coloured.std())
