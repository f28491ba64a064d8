"""Laws of kernels of one radius (defocus, airy) and of sums of spots (lenslets)."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from laws import assert_kernel, noise
from scipy.special import j1

from napari_blind_deconv import InputError, synthesis
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum, directional
from napari_blind_deconv.kernel_priors import Airy, Defocus, Lenslets, Motion
from napari_blind_deconv.kernel_priors.airy import airy
from napari_blind_deconv.kernel_priors.defocus import disk
from napari_blind_deconv.kernel_priors.fit import explained
from napari_blind_deconv.kernel_priors.paths import segment_lengths
from napari_blind_deconv.kernel_priors.spot_model import SpotModel
from napari_blind_deconv.kernel_priors.spots import refined_peaks, single, spots
from napari_blind_deconv.metrics import score_kernel

RADII = st.floats(0.6, 6.0)


def observed(kernel: torch.Tensor, size: int = 160, seed: int = 0, sigma: float = 0.005) -> torch.Tensor:
    """Opaque disks, blurred by a kernel, in noise."""
    rng = np.random.default_rng(seed)
    canvas = size + kernel.shape[0] - 1
    rows, columns = np.indices((canvas, canvas))
    scene = np.zeros((canvas, canvas))
    for radius in np.sort(rng.uniform(1 / 40**2, 1 / 3**2, 700) ** -0.5)[::-1]:
        y, x = rng.uniform(-10, canvas + 10, 2)
        scene[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = rng.uniform()
    blurred, _ = synthesis.blurred(scene.astype(np.float32), kernel.float().numpy())
    return torch.from_numpy(blurred + sigma * rng.normal(size=blurred.shape)).float()


def derivative_agrees(function, at: float, step: float = 1e-5) -> None:
    place = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    gradient = float(torch.autograd.grad(function(place), place)[0])
    ahead, behind = (float(function(torch.tensor(at + s, dtype=torch.float64))) for s in (step, -step))
    assert gradient == pytest.approx((ahead - behind) / (2 * step), rel=1e-3, abs=1e-5)


@given(radius=RADII, rows=st.integers(0, 10), columns=st.integers(0, 10))
def test_radial_kernels_are_kernels_symmetric_and_the_axes_may_be_swapped(radius, rows, columns):
    shape = (2 * rows + 1, 2 * columns + 1)
    for kernel_of in (disk, airy):
        kernel = kernel_of(torch.tensor(radius), shape)
        assert_kernel(kernel, shape)
        assert torch.allclose(kernel, kernel.flip(0, 1), atol=1e-7)
        assert torch.allclose(kernel, kernel_of(torch.tensor(radius), shape[::-1]).T, atol=1e-6)


@given(radius=st.floats(0.8, 6.0))
def test_a_disk_covers_its_own_area_and_is_as_wide_as_it_is(radius):
    kernel = disk(torch.tensor(radius, dtype=torch.float64), (15, 15))
    # The centre pixel is covered whole, and all of them together by the disk's area.
    assert 1 / float(kernel[7, 7]) == pytest.approx(math.pi * radius**2, rel=1e-6)
    variance = float((kernel * (torch.arange(15) - 7.0).square()).sum())
    assert variance == pytest.approx(radius**2 / 4 + 1 / 12, abs=0.08)


@given(radius=st.floats(1.0, 6.0))
def test_an_airy_pattern_is_the_integral_over_the_pixel(radius):
    fine, n = 24, 11
    axis = (np.arange(n * fine) + 0.5) / fine - n / 2
    v = 3.8317059702 * np.hypot(*np.meshgrid(axis, axis)) / radius
    dense = ((2 * j1(v) / v) ** 2).reshape(n, fine, n, fine).sum((1, 3))
    assert (
        np.abs(airy(torch.tensor(radius), (n, n)).numpy() - dense / dense.sum()).max()
        < 2e-3 * (dense / dense.sum()).max()
    )


@given(radius=RADII.filter(lambda r: abs(2 * r - round(2 * r)) > 1e-3 and abs(2 * r**2 - round(2 * r**2)) > 1e-2))
def test_radial_kernels_differentiate_as_finite_differences_do(radius):
    for kernel_of in (disk, airy):
        weights = noise((11, 9), 3)
        derivative_agrees(lambda r, f=kernel_of, w=weights: (f(r, (11, 9)) * w).sum(), radius)


def test_a_double_cone_widens_away_from_the_focus_and_every_plane_has_the_same_light():
    kernel = disk(torch.tensor(1.5), (7, 31, 31))
    planes = kernel.sum((1, 2))
    assert torch.allclose(planes, planes[:1].expand(7), atol=1e-6)
    peaks = kernel.amax((1, 2))
    assert torch.allclose(peaks, peaks.flip(0))
    assert bool((peaks[3:].diff() < 0).all())


@pytest.mark.parametrize(("prior", "kernel_of", "radius"), [(Defocus(), disk, 3.7), (Airy(), airy, 6.0)])
def test_a_radius_is_found_with_its_error(prior, kernel_of, radius):
    image = observed(kernel_of(torch.tensor(radius), (31, 31)))
    *_, fit = prior.fit(Evidence.of(image, 0.005), (21, 21))
    found = fit.parameters["radius_px"]
    assert found.unit == "px"
    assert 0 < found.error < 0.15 * radius
    assert abs(found.value - radius) < max(4 * found.error, 0.05 * radius)
    assert_kernel(fit.kernel, (21, 21))


def test_a_pattern_in_the_plane_is_refused_for_volumes():
    with pytest.raises(InputError, match=r"3 axes; .*microscope"):
        airy(torch.tensor(2.0), (3, 5, 5))


def places_within(count: int, half: list[float], seed: int) -> torch.Tensor:
    return (2 * torch.rand(count, len(half), generator=torch.Generator().manual_seed(seed)) - 1) * torch.tensor(half)


@given(count=st.integers(1, 12), ndim=st.integers(1, 3), seed=st.integers(0, 99))
def test_spots_keep_their_light_and_place_whatever_the_axes(count, ndim, seed):
    shape = (11, 13, 15)[:ndim]
    places = places_within(count, [n / 2 - 3 for n in shape], seed).double()
    intensities = torch.rand(count, generator=torch.Generator().manual_seed(seed)).double() + 0.1
    kernel = spots(places, intensities, shape, 0.5)
    assert_kernel(kernel, shape)
    assert torch.allclose(single(places, shape, 0.5).flatten(1).sum(1), torch.ones(count).double(), atol=1e-5)
    swapped = spots(places.flip(1), intensities, shape[::-1], 0.5)
    assert torch.allclose(kernel.permute(*range(ndim - 1, -1, -1)), swapped)
    for axis, n in enumerate(shape):
        profile = kernel.movedim(axis, 0).flatten(1).sum(1) if ndim > 1 else kernel
        centre = float((profile * (torch.arange(n) - n // 2)).sum())
        assert centre == pytest.approx(float((places[:, axis] * intensities).sum() / intensities.sum()), abs=0.03)


@given(row=st.floats(-2, 2), level=st.floats(0.3, 3))
def test_spots_differentiate_as_finite_differences_do(row, level):
    weights = noise((9, 9), 1)

    def kernel(place: torch.Tensor, intensity: torch.Tensor) -> torch.Tensor:
        two = torch.stack([torch.stack([place, place * 0.3]), torch.tensor([1.5, -1.0], dtype=torch.float64)])
        return (spots(two, torch.stack([intensity, torch.ones_like(intensity)]), (9, 9), 0.6) * weights).sum()

    derivative_agrees(lambda p: kernel(p, torch.tensor(level, dtype=torch.float64)), row)
    derivative_agrees(lambda i: kernel(torch.tensor(row, dtype=torch.float64), i), level)


@given(y=st.floats(-0.45, 0.45), x=st.floats(-0.45, 0.45))
def test_peaks_are_found_between_the_pixels(y, x):
    truth = torch.tensor([[3.0 + y, -2.0 + x], [-3.0 + x, 4.0 + y]])
    places, heights = refined_peaks(spots(truth, torch.tensor([2.0, 1.0]), (17, 17), 1.2), 5, 0.1)
    assert len(places) == 2
    assert bool(heights[0] > heights[1])
    assert float((places - truth).abs().max()) < 0.1


def test_directional_features_vanish_on_average_and_are_even():
    evidence = Evidence.of(noise((40, 48), 0).float(), 1.0)
    features = directional(evidence, 8)
    assert len(features) == 8
    weighted = features * evidence.weights
    assert float(weighted.sum((1, 2)).abs().max()) < 1e-3 * float(weighted.abs().sum((1, 2)).max())


def test_a_lenslet_update_moves_towards_clean_statistics():
    from test_kernel_priors import statistics_of

    truth = spots(torch.tensor([[-4.0, 2.3], [3.4, -1.0], [1.2, 4.6]]), torch.tensor([1.0, 2.0, 1.5]), (15, 15), 0.5)
    start = spots(torch.tensor([[-4.5, 2.0], [3.0, -0.6], [1.6, 4.2]]), torch.tensor([1.0, 1.0, 1.0]), (15, 15), 0.7)
    found = Lenslets().update(statistics_of(truth), start, 1.0)
    assert float((found - truth).norm()) < 0.2 * float((start - truth).norm())


@pytest.mark.slow
@pytest.mark.parametrize("count", [None, 4])
def test_lenslets_are_found_and_counted(count):
    places = torch.tensor([[-7.0, 2.3], [5.4, -6.0], [1.2, 8.6], [6.0, 3.1]])
    truth = spots(places, torch.tensor([1.0, 1.4, 0.8, 1.2]), (25, 25), 0.5)
    image = observed(truth, size=192)
    *_, fit = Lenslets(count=count).fit(Evidence.of(image, 0.005), (25, 25))
    assert fit.parameters["count"].value == 4
    width, contrast = fit.parameters["width_px"], fit.parameters["intensity_spread"]
    assert abs(width.value - 0.5) < 4 * width.error < 1.0
    assert abs(contrast.value - 0.22) < 4 * contrast.error < 1.0
    assert score_kernel(fit.kernel.numpy(), truth.numpy())["mnc"] > 0.85


def test_a_search_ends_with_as_many_spots_as_are_asked_for():
    image = observed(spots(torch.tensor([[-3.0, 1.0], [3.0, -1.0]]), torch.ones(2), (11, 11), 0.5), size=48)
    *_, fit = Lenslets(count=3).fit(Evidence.of(image, 0.005), (11, 11))
    assert fit.parameters["count"].value == 3


def test_a_path_is_found_with_the_error_of_its_length():
    prior, shape = Motion(), (17, 17)
    path = prior.path(shape, torch.Generator().manual_seed(4))
    kernel = prior.sample(shape, torch.Generator().manual_seed(4))
    lengths = []
    for sigma in (0.005, 0.05):
        *_, fit = prior.refit(Evidence.of(observed(kernel, size=96, sigma=sigma), sigma), kernel)
        lengths.append(fit.parameters["length_px"])
    truth = float(segment_lengths(path).sum())
    assert abs(lengths[0].value - truth) < 4 * lengths[0].error
    assert 0 < lengths[0].error < lengths[1].error < truth


@pytest.mark.parametrize("moved", [(0.25, -0.25), (-0.375, 0.5)])
def test_spots_between_the_wrong_pixels_are_moved_back_together_by_the_evidence(moved):
    places, levels = torch.tensor([[-4.0, 2.3], [3.4, -1.2], [1.7, 4.6]]), torch.zeros(3)
    evidence = Evidence.of(observed(spots(places, levels.exp(), (15, 15), 0.5)), 0.005)
    model = SpotModel(NaturalSpectrum.of(evidence, ridges=8), (15, 15), 0.5, 0.3, 0.5, 1.0, 18.0)
    true = model.refined(replace(model.start(places, levels), places=places), 8)
    guess = replace(true, places=places + torch.tensor(moved), levels=levels, widening=torch.zeros(()))
    found = model.in_phase(guess)
    steps = found.places - guess.places
    assert torch.allclose(steps, steps[:1].expand(3, 2), atol=1e-5)
    away = found.places - places
    # The evidence does not see whole pixels.
    assert float((away - away.round()).abs().max()) < 0.3


def test_a_texture_of_ridges_speaks_for_no_path_where_the_image_may_have_ridges():
    # Ridges at all frequencies alike; a path along them would take away what lies across, and more of it further out.
    shape = (96, 96)
    waves = torch.meshgrid(torch.fft.fftfreq(96), torch.fft.rfftfreq(96), indexing="ij")
    angles, radius = torch.atan2(*waves), torch.hypot(*waves)
    power = radius.clamp(min=1 / 96) ** -2.5 * torch.exp(4 * torch.cos(angles) ** 16)
    scene = torch.fft.irfft2(torch.fft.rfft2(noise(shape, 5).float()) * power.sqrt(), shape)
    evidence = Evidence.of(scene / scene.std() + 0.01 * noise(shape, 6).float(), 0.01)
    path = torch.zeros(9, 9)
    path[2:7, 4] = 0.2
    plain, ridged = (NaturalSpectrum.of(evidence, ridges=ridges) for ridges in (0, 8))
    gains = [explained(model, torch.ones(1, 1)) - explained(model, path) for model in (plain, ridged)]
    assert gains[1] < 0
    assert gains[1] < gains[0]


def test_a_spectrum_s_prior_is_part_of_its_nats():
    model = NaturalSpectrum.of(Evidence.of(noise((40, 48), 0).float(), 0.5))
    start = model.start(torch.ones(1, 1))
    bent = [start[0] + 1, *start[1:]]
    gain = float(model.prior(*bent) - model.prior(*start))
    assert gain == pytest.approx(len(start[0]) / 2)
