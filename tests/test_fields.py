"""Laws of fields of any spectrum and of space and time: what is drawn has it, and what is known of a scene is exact."""

import math
from itertools import islice, pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import kernel_of, noise, odd_shapes, spaces
from torch.distributions import MultivariateNormal

from napari_blind_deconv import InputError
from napari_blind_deconv.fourier import hann, irfftn, multiplicity, rfftn
from napari_blind_deconv.image_priors import FreeField, GaussianField, MovieField, Quadratic, Relaxation, relaxation
from napari_blind_deconv.restoration.exact_posterior import exact_posterior
from napari_blind_deconv.restoration.movie_posterior import blurred_frames, movie_draw, movie_posterior

FREE = MovieField(
    relaxations=(
        Relaxation(lifetime_frames=3.0, turns_per_frame=0.2, variances=(2.0, 1.0, 0.2)),
        Relaxation(lifetime_frames=1e6, variances=(3.0, 0.5, 0.05)),
        Relaxation(lifetime_frames=0.1, variances=(0.1, 0.1, 0.1)),
    ),
    mean=0.4,
)
MOVING = [MovieField(mean=0.4, lifetime_frames=4.0, correlation_px=4.0), FREE]
SPACING = (1.0, 2.5, 1.0)


def generator(seed):
    return torch.Generator().manual_seed(seed)


def rolled_free(ndim, seed=0):
    """A free spectrum of a drawn direction."""
    departure = noise((5**ndim,), seed).clamp(-2, 2)
    return FreeField(spectrum=(9.0, 1.0, 0.1), nodes=5, departure=tuple(departure.tolist()), mean=0.3)


def movie_of(field, shape, seed, frames):
    return torch.stack(list(islice(field.frames(shape, SPACING[-len(shape) - 1 :], generator(seed)), frames))).double()


def in_bands(ratio, counts, place, bands=6):
    """|mean ratio - 1| of every band of a place, in standard deviations of the mean of exponential variates."""
    edges = torch.linspace(float(place.min()), float(place.max()) + 1e-9, bands + 1).tolist()
    for low, high in pairwise(edges):
        inside = (place >= low) & (place < high)
        many = float(counts[inside].sum())
        if many > 20:
            yield abs(float((ratio * counts)[inside].sum()) / many - 1) * math.sqrt(many)


@given(shape=spaces(2, 3, 4, 8), seed=st.integers(0, 99), sigma=st.sampled_from([0.0, 0.3]), shift=st.integers(-9, 9))
@settings(max_examples=15)
def test_scores_are_gradients_and_no_place_is_special(shape, seed, sigma, shift):
    for field in (rolled_free(len(shape), seed), *MOVING):
        spacing = SPACING[: len(shape)]
        scene = (0.4 + 0.3 * noise(shape, seed)).requires_grad_()
        density = field.log_density(scene, spacing, sigma)
        (gradient,) = torch.autograd.grad(density, scene)
        score = field.score(scene.detach(), spacing, sigma)
        assert torch.allclose(gradient, score, rtol=1e-6, atol=1e-6 * float(score.abs().max()))
        moved = torch.roll(scene.detach(), shift, seed % len(shape))
        assert torch.isclose(field.log_density(moved, spacing, sigma), density.detach())


def test_a_free_field_is_fitted_drawn_at_another_size_and_has_the_spectrum_in_every_band():
    truth = GaussianField(exponent=2.5, correlation_px=4.0, contrast=0.2, mean=0.0)
    # The camera's pixels are 2.5 times as long along y, and nobody says so: the spectrum has a direction.
    field = FreeField.fitted(truth.sample((40, 72, 96), (2.5, 1.0), generator(0)) + 0.7, (1.0, 1.0))
    shape, many = (64, 90), 60
    draws = field.sample((many, *shape), (1.0, 1.0), generator(1)).double()
    power = field.power(shape, (1.0, 1.0), draws)
    seen = (rfftn(draws, 2).abs() ** 2).mean(0) / math.prod(shape)
    there = torch.isfinite(power)
    counts = many * multiplicity(shape, draws)[there] / 2
    ys, xs = (torch.fft.fftfreq(shape[0])[:, None].abs(), torch.fft.rfftfreq(shape[1])[None])
    for place in (ys.expand_as(power), xs.expand_as(power), torch.hypot(ys, xs)):
        assert max(in_bands((seen / power)[there], counts, place[there])) < 5
    right = truth.power(shape, (2.5, 1.0), draws)[there]
    assert float((power[there] / right).log().abs().quantile(0.9)) < 0.25


@pytest.mark.parametrize("field", MOVING)
def test_frames_have_the_spectrum_of_space_and_time_in_every_band(field):
    shape, frames = (20, 24), 96
    movies = torch.stack([movie_of(field, shape, seed, frames) - field.mean for seed in range(3)])
    # Periodic in space, so that only time wants a window.
    window = hann((frames,), movies)[:, None, None]
    spectrum = torch.fft.fft(rfftn(movies * window, 2), dim=1)
    seen = (spectrum.abs() ** 2).mean(0) / math.prod(shape) / window.square().sum()
    waves = field.waves(shape, SPACING, movies)
    expected = sum(w.power[..., None] * relaxation.seen(w.decay, w.angle, frames) for w in waves).movedim(-1, 0)
    radius = torch.hypot(torch.fft.fftfreq(shape[0], 2.5)[:, None], torch.fft.rfftfreq(shape[1])[None])
    ratio, counts = seen / expected, (3 * multiplicity(shape, movies) / 2).expand_as(seen)
    omega = torch.fft.fftfreq(frames).abs()[:, None, None].expand_as(seen)
    # A Hann window lets neighbours along time share what they know: half as many are independent.
    for place in (radius.expand_as(seen), omega):
        assert max(in_bands(ratio, counts / 2, place)) < 5


@pytest.mark.parametrize("field", MOVING)
def test_frames_are_stationary_from_the_first_on(field):
    shape, many, apart = (6, 8), 300, 8
    movies = torch.stack([movie_of(field, shape, seed, apart + 2) for seed in range(many)]) - field.mean
    variance = float(sum((w.power * multiplicity(shape, w.power)).sum() for w in field.waves(shape, SPACING, movies)))
    variance /= math.prod(shape)
    by_frame = movies.square().mean((0, 2, 3)) / variance
    # Of many movies of a few waves each, one of them nearly frozen.
    assert float((by_frame - 1).abs().max()) < 0.25
    by_pixel = movies.square().mean((0, 1)) / variance
    assert float((by_pixel - 1).abs().max()) < 0.4
    assert float(movies.mean((0, 1)).abs().max()) < 5 * math.sqrt(variance / many)
    lags = [(movies[:, t] * movies[:, t + 1]).mean() for t in (0, apart)]
    assert abs(float(lags[0] - lags[1])) < 0.2 * variance


@given(shape=spaces(1, 2, 4, 8), interval=st.floats(0.2, 5.0))
def test_half_as_many_frames_are_every_second_one(shape, interval):
    for field in MOVING:
        steps = SPACING[-len(shape) :]
        slow, fast = (field.waves(shape, (i, *steps), noise((1,), 0)) for i in (2 * interval, interval))
        for one, two in zip(slow, fast, strict=True):
            assert torch.allclose(one.decay, two.decay**2)
            assert math.isclose(one.angle, 2 * two.angle)


def test_figures_of_fields_are_found():
    truth = GaussianField(exponent=3.0, correlation_px=5.0, contrast=0.2, mean=0.5)
    found = GaussianField.bent(truth.sample((8, 96, 96), (1.0, 1.0), generator(0)), (1.0, 1.0))
    assert (found.exponent, found.contrast) == pytest.approx((3.0, 0.2), rel=0.1)
    assert found.correlation_px == pytest.approx(5.0, rel=0.2)
    moving = MovieField(exponent=3.0, correlation_px=4.0, contrast=0.2, lifetime_frames=8.0, quickening=1.2, mean=0.5)
    movie = torch.stack(list(islice(moving.frames((64, 64), (1.0, 1.0, 1.0), generator(1)), 150)))
    bent = MovieField.bent(movie, (1.0, 1.0, 1.0))
    assert bent.exponent == pytest.approx(3.0, rel=0.1)
    assert bent.quickening == pytest.approx(1.2, rel=0.2)
    assert (bent.contrast, bent.lifetime_frames, bent.correlation_px) == pytest.approx((0.2, 8.0, 4.0), rel=0.35)


@pytest.mark.parametrize("truth", MOVING)
def test_a_free_spectrum_of_space_and_time_is_found_in_bands(truth):
    movies = torch.stack([movie_of(truth, (48, 40), seed, 64) for seed in range(4)])
    found = MovieField.fitted(movies, SPACING, bands=10)
    shape = (32, 48, 40)
    power, right = (field.power(shape, SPACING, movies) for field in (found, truth))
    radius = torch.hypot(torch.fft.fftfreq(48, 2.5)[:, None], torch.fft.rfftfreq(40)[None])
    turns = torch.fft.fftfreq(32).abs()
    for low, high in ((0.05, 0.1), (0.1, 0.2), (0.2, 0.5)):
        ring = (radius > low) & (radius <= high)
        for slow, fast in ((-1, 0.02), (0.02, 0.1), (0.1, 0.17), (0.17, 0.23), (0.23, 0.35), (0.35, 0.6)):
            band = (turns > slow) & (turns <= fast)
            ours, theirs = (float(p[band][:, ring].mean()) for p in (power, right))
            assert abs(math.log(ours / theirs)) < 0.45, (low, slow)


@given(
    ndim=st.integers(1, 3),
    data=st.data(),
    seed=st.integers(0, 99),
    mean=st.sampled_from([None, 0.5]),
    sigma=st.floats(0.02, 1.0),
)
@settings(max_examples=20)
def test_the_exact_posterior_is_that_of_dense_algebra(ndim, data, seed, mean, sigma):
    shape = data.draw(st.lists(st.integers(3, 5), min_size=ndim, max_size=ndim).map(tuple))
    kernel = kernel_of(data.draw(odd_shapes(ndim, 3)), seed)
    field, spacing = GaussianField(mean=mean, correlation_px=3.0), SPACING[:ndim]
    observed = 0.5 + 0.3 * noise((2, *shape), seed)
    found = exact_posterior(observed, kernel, field, spacing=spacing, noise=sigma)
    unit = torch.eye(math.prod(shape)).double().reshape(-1, *shape)
    blur = blurred_frames(unit, kernel).flatten(1).T
    precision = irfftn(rfftn(unit, ndim) * field.precision(shape, spacing, unit), shape).flatten(1)
    total = blur.T @ blur / sigma**2 + precision
    right = blur.T @ (observed.flatten(1).T - (mean or 0.0)) / sigma**2
    expected = torch.linalg.solve(total, right).T.reshape(observed.shape) + (mean or 0.0)
    assert torch.allclose(found.mean, expected, atol=1e-6)
    covariance = torch.linalg.inv(total)
    assert torch.allclose(found.covariance().flatten(), covariance[0], atol=1e-8)
    assert math.isclose(found.variance, float(covariance[-1, -1]), rel_tol=1e-6)
    if mean is not None:
        blurred = blur @ torch.linalg.inv(precision) @ blur.T + sigma**2 * torch.eye(len(blur)).double()
        density = MultivariateNormal(torch.full((len(blur),), mean).double(), (blurred + blurred.T) / 2)
        assert torch.allclose(found.log_evidence, density.log_prob(observed.flatten(1)), rtol=1e-5)


@pytest.mark.parametrize(
    ("field", "shape"),
    [(GaussianField(mean=0.4, correlation_px=4.0), (24, 20)), (rolled_free(3), (6, 12, 10)), (FREE, (16, 9, 8))],
)
def test_exact_posteriors_cover_the_truth_and_their_draws_have_their_covariance(field, shape):
    assert isinstance(field, Quadratic)
    ndim, sigma, many = len(shape), 0.1, 120
    spacing, kernel = SPACING[-ndim:], kernel_of((1, 3, 5)[-ndim:], 0)
    scenes = field.sample((many, *shape), spacing, generator(0)).double()
    observed = torch.stack([blurred_frames(scene[None], kernel)[0] for scene in scenes])
    observed = observed + sigma * noise(tuple(scenes.shape), 1)
    found = exact_posterior(observed, kernel, field, spacing=spacing, noise=sigma)
    for level in (0.5, 0.9, 0.99):
        low, high = found.interval(level)
        covered = ((scenes >= low) & (scenes <= high)).double().mean()
        assert float(covered) == pytest.approx(level, abs=0.02)
    assert float((found.mean - scenes).square().mean()) == pytest.approx(found.variance, rel=0.1)
    draws = found.sample(1, generator(2))[0] - found.mean
    assert float(draws.square().mean()) == pytest.approx(found.variance, rel=0.1)
    assert float((draws * draws.roll(1, -1)).mean()) == pytest.approx(
        float(found.covariance()[(0,) * (ndim - 1) + (1,)]), abs=0.1 * found.variance
    )


def dense_movie(field, space, frames):
    """Prior covariance of all frames' pixels."""
    unit = torch.eye(math.prod(space)).double().reshape(-1, *space)
    lag = (torch.arange(frames)[:, None] - torch.arange(frames)).abs()
    total = 0
    for wave in field.waves(space, SPACING, unit):
        parts = [
            irfftn(rfftn(unit, 2) * wave.power * wave.decay**n, space).flatten(1) * math.cos(wave.angle * n)
            for n in range(frames)
        ]
        total = total + torch.stack(parts)[lag].permute(0, 2, 1, 3).reshape(frames * len(unit), -1)
    return total


@pytest.mark.parametrize("field", MOVING)
@pytest.mark.parametrize("drifts", [False, True])
def test_the_posterior_of_an_endless_movie_is_that_of_dense_algebra(field, drifts):
    frames, space, sigma = 4, (4, 5), 0.2
    kernels = torch.stack([kernel_of((3, 3), seed) for seed in range(frames)]) if drifts else kernel_of((3, 3), 0)
    observed = 0.4 + noise((frames, *space), 3)
    found = movie_posterior(observed, kernels, field, spacing=SPACING, sigma=sigma)
    unit = torch.eye(math.prod(space)).double().reshape(-1, *space)
    each = kernels if drifts else kernels[None].expand(frames, 3, 3)
    blur = torch.block_diag(*[blurred_frames(unit, kernel).flatten(1).T for kernel in each])
    prior = dense_movie(field, space, frames)
    gain = prior @ blur.T @ torch.linalg.inv(blur @ prior @ blur.T + sigma**2 * torch.eye(len(prior)).double())
    mean = gain @ (observed.flatten() - field.mean) + field.mean
    covariance = prior - gain @ blur @ prior
    assert torch.allclose(found.mean.flatten(), mean, atol=1e-6)
    assert torch.allclose(found.variance, covariance.diagonal().reshape(frames, -1)[:, 0], atol=1e-6)


@pytest.mark.parametrize("field", MOVING)
def test_movies_lie_within_their_posterior_and_so_do_draws(field):
    space, frames, sigma = (14, 12), 10, 0.1
    kernels = torch.stack([kernel_of((3, 5), seed) for seed in range(frames)])
    truths, draws, spreads = [], [], []
    for seed in range(20):
        movie = movie_of(field, space, seed, frames)
        observed = blurred_frames(movie, kernels) + sigma * noise(tuple(movie.shape), seed)
        options = {"spacing": SPACING, "sigma": sigma}
        found = movie_posterior(observed, kernels, field, **options)
        spread = found.variance.sqrt()[:, None, None]
        truths.append((movie - found.mean) / spread)
        draw = movie_draw(observed, kernels, field, generator=generator(seed), **options)
        draws.append((draw - found.mean) / spread)
        spreads.append(spread)
    for scores in (torch.stack(truths), torch.stack(draws)):
        assert float((scores.abs() < 1.645).double().mean()) == pytest.approx(0.9, abs=0.02)


def test_what_no_field_can_do_is_refused():
    with pytest.raises(InputError, match="mean is free must be a number"):
        movie_posterior(noise((3, 4, 4), 0), kernel_of((1, 1), 0), MovieField(), spacing=SPACING, sigma=0.1)
    with pytest.raises(InputError, match="cannot be drawn on"):
        rolled_free(2).sample((4, 4, 4), SPACING, generator(0))
    with pytest.raises(ValueError, match="power of an odd number"):
        FreeField(spectrum=(1.0, 1.0), nodes=5, departure=(0.0,) * 24)
