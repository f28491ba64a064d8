"""Laws of posterior sampling: exact for Gaussian fields, calibrated, seeded, and honest where it cannot work."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import kernel_of, noise, space_and_support

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.estimation import ByDraws, ByEvidence
from napari_blind_deconv.estimation.by_draws import drawn_statistics
from napari_blind_deconv.forward import CameraNoiseModel, DataTerm, Frame, GaussianNoise, ReadFromImage, predict
from napari_blind_deconv.fourier import frequencies, irfftn, rfftn
from napari_blind_deconv.image_priors import Diffusion, TotalVariation
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.networks import noise_levels
from napari_blind_deconv.restoration import PosteriorSampling
from napari_blind_deconv.restoration.annealing import annealed, jacobian_spectrum
from napari_blind_deconv.restoration.gaussian_conditional import conditional_draws
from napari_blind_deconv.statistics import kernel_statistics
from napari_blind_deconv.synthesis import SAMPLES


def spectrum(canvas, spread=0.15, exponent=2.4):
    """Variance of a natural field at every frequency, that of a sample being ``spread`` squared."""
    axes = frequencies(canvas, (1.0,) * len(canvas), torch.zeros(()))
    radius = torch.stack(torch.broadcast_tensors(*[f.square() for f in axes])).sum(0).sqrt()
    power = radius.clamp(min=1 / 128) ** -exponent
    return power * spread**2 / power.mean()


class Field:
    """A Gaussian field, whose denoiser is known."""

    def __init__(self, canvas):
        self.canvas, self.power = canvas, spectrum(canvas)

    def draw(self, count, seed):
        white = noise((count, *self.canvas), seed, torch.float32)
        return irfftn(rfftn(white, len(self.canvas)) * self.power.sqrt(), self.canvas)

    def __call__(self, noisy, sigma):
        return irfftn(rfftn(noisy, len(self.canvas)) * self.power / (self.power + sigma**2), self.canvas)


@given(shapes=space_and_support(max_ndim=2, largest=9), seed=st.integers(0, 99))
@settings(max_examples=3, deadline=None)
def test_conditional_draws_have_mean_and_covariance_of_the_closed_form(shapes, seed):
    """Against dense linear algebra, for a precision that differs from pixel to pixel; any number of axes."""
    space, support = shapes
    frame = Frame.around(space, support)
    kernel, sigma = kernel_of(support, seed), 0.3
    precision = 0.5 + torch.rand(space, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    variance = 0.2 + 2 * spectrum(frame.canvas, 0.5).double()
    size = torch.tensor(frame.canvas).prod()
    unit = torch.eye(int(size), dtype=torch.float64).reshape(-1, *frame.canvas)
    blur = predict(unit, kernel, frame).reshape(int(size), -1).T
    prior = irfftn(rfftn(unit, frame.ndim) / variance, frame.canvas).reshape(int(size), -1)
    inverse = torch.linalg.inv(blur.T @ (precision.flatten()[:, None] * blur) / sigma**2 + prior)
    mean, observed = noise(frame.canvas, seed + 1), noise(space, seed + 2)
    expected = inverse @ (blur.T @ (precision * observed).flatten() / sigma**2 + prior @ mean.flatten())
    data = DataTerm.of(observed[None], kernel, sigma, weights=precision)
    count = 600
    draws = conditional_draws(
        data, mean.expand(count, 1, *frame.canvas), variance, torch.Generator().manual_seed(seed), steps=30
    ).reshape(count, -1)
    deviation = inverse.diagonal().sqrt()
    assert float(((draws.mean(0) - expected) / deviation).abs().max()) < 6 / count**0.5
    assert float((draws.std(0) / deviation - 1).abs().max()) < 6 / (2 * count) ** 0.5


@pytest.mark.parametrize(("canvas", "level"), [((96, 80), 0.05), ((30, 28, 32), 0.2)])
def test_the_denoisers_jacobian_is_read_off_white_noise(canvas, level):
    field = Field(canvas)
    noisy = field.draw(1, 0) + level * noise((1, *canvas), 1, torch.float32)
    share = jacobian_spectrum(
        field, noisy, field(noisy, level), level, (1.0,) * len(canvas), torch.Generator().manual_seed(2)
    )
    expected = field.power / (field.power + level**2)
    assert float((share - expected).abs().mean()) < 0.03


@pytest.mark.parametrize("blur", [0.0, 1.5])
@pytest.mark.parametrize("sigma", [0.01, 0.05])
def test_intervals_cover_what_they_say_on_gaussian_fields(blur, sigma):
    """The sampler's 90 % intervals hold the truth in 88 to 92 % of the pixels."""
    support = (9, 9)
    frame = Frame.around((72, 80), support)
    field = Field(frame.canvas)
    if blur:
        kernel = Gaussian(sigma_px=blur, sigma_spread=0.01).sample(support, torch.Generator().manual_seed(0))
    else:
        kernel = torch.zeros(support)
        kernel[4, 4] = 1.0
    count, covered = 32, []
    for seed in range(3):
        truth = field.draw(1, seed)
        observed = predict(truth, kernel, frame) + sigma * noise((1, *frame.shape), 50 + seed, torch.float32)
        start = frame.extend(observed).expand(count, 1, *frame.canvas)
        levels = noise_levels(1.0, 0.5 * sigma, 12)
        *_, draws = annealed(
            DataTerm.of(observed, kernel, sigma),
            field,
            start,
            levels,
            (1.0, 1.0),
            torch.Generator().manual_seed(seed),
        )
        seen = frame.crop(draws)[:, 0]
        # Of count + 1 exchangeable values, the truth and the draws, each has the same chance of every rank.
        rank = (seen < frame.crop(truth)[0]).sum(0)
        covered.append(((rank >= 0.05 * (count + 1)) & (rank <= 0.95 * (count + 1) - 1)).float().mean())
    share = float(torch.stack(covered).mean())
    nominal = sum(0.05 * (count + 1) <= r <= 0.95 * (count + 1) - 1 for r in range(count + 1)) / (count + 1)
    assert abs(share - nominal) < 0.02


def test_statistics_of_draws_are_the_mean_of_their_statistics():
    frame = Frame.around((20, 22), (5, 5))
    kernel, observed = kernel_of((5, 5), 0), noise((1, 20, 22), 1)
    scenes = noise((3, 1, *frame.canvas), 2)
    data = DataTerm.of(observed, kernel, 0.1)
    together = drawn_statistics(data, scenes, (1.0, 1.0))
    apart = [drawn_statistics(data, s[None], (1.0, 1.0)) for s in scenes]
    assert torch.allclose(together.correlation, sum(s.correlation for s in apart) / 3)
    assert torch.allclose(together.autocorrelation, sum(s.autocorrelation for s in apart) / 3)
    assert together.shape == kernel_statistics(scenes[0], scenes[0], (5, 5)).shape


def restored(seed=0, estimator=None, likelihood=None, **fields):
    sample = SAMPLES["fluorescence"]()
    chosen = Settings(
        image_prior=Diffusion(),
        kernel_prior=Gaussian(),
        estimator=estimator or ByEvidence(),
        restorer=PosteriorSampling(**{"samples": 3, "levels": 4, **fields}),
        likelihood=likelihood or ReadFromImage(),
        kernel_size=(9,),
        seed=seed,
    )
    return deconvolve(sample.observed[:56, :60], chosen)


def test_the_same_seed_gives_the_same_result_and_another_another():
    one, again, other = restored(), restored(), restored(seed=1)
    assert (one.image == again.image).all()
    assert (one.maps["uncertainty"] == again.maps["uncertainty"]).all()
    assert (one.image != other.image).any()


@pytest.mark.parametrize("estimator", [ByEvidence(), ByDraws(rounds=1, levels=4)])
def test_it_gives_image_kernel_and_uncertainty(estimator):
    result = restored(estimator=estimator)
    assert result.image.shape == result.maps["uncertainty"].shape == (56, 60)
    assert (result.maps["uncertainty"] > 0).all()
    assert abs(float(result.kernel.sum()) - 1) < 1e-4


def test_counted_photons_are_less_certain_where_they_are_many():
    def slope(likelihood):
        result = restored(likelihood=likelihood or ReadFromImage(), samples=8, calibrated=False)
        bright = result.image > result.image.mean()
        spread = result.maps["uncertainty"]
        return float(spread[bright].mean() / spread[~bright].mean())

    assert slope(CameraNoiseModel(gain=2.0)) > slope(GaussianNoise())


def test_priors_without_a_score_are_refused():
    for chosen in ({"restorer": PosteriorSampling()}, {"estimator": ByDraws()}):
        with pytest.raises(ValueError, match="no score"):
            Settings(image_prior=TotalVariation(), kernel_prior=Gaussian(), **chosen)
