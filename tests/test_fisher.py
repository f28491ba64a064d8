"""Laws of the bound on kernels, and of error bars: what is drawn scatters as they say."""

import math

import pytest
import torch

from napari_blind_deconv.evidence.fisher import bound, fisher, kernel_error, profiled
from napari_blind_deconv.fourier import multiplicity, rfftn, transfer
from napari_blind_deconv.image_priors import GaussianField
from napari_blind_deconv.kernel_priors.along import departure
from napari_blind_deconv.kernel_priors.bars import figure_errors, tempered
from napari_blind_deconv.kernel_priors.descent import minimum
from napari_blind_deconv.kernel_priors.dispersion import Information
from napari_blind_deconv.kernel_priors.gaussian import gaussian

SHAPE, NOISE = (48, 40), 1e-3
FIELD = GaussianField(exponent=2.0, correlation_px=8.0, mean=0.0)
LIKE = torch.zeros((), dtype=torch.float64)
POWER = FIELD.power(SHAPE, (1.0, 1.0), LIKE)


def spot(theta):
    return gaussian((2 * theta[0]).exp() * torch.eye(2, dtype=theta.dtype), (13, 13))


def level(eta):
    return POWER * eta[0].exp()


def observed(generator, theta):
    """A periodic draw of the model, transformed: independent ordinates, which is what the bound counts."""
    scene = FIELD.sample(SHAPE, (1.0, 1.0), generator).double()
    noise = math.sqrt(NOISE) * torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    return rfftn(scene, 2) * transfer(spot(theta), SHAPE) + rfftn(noise, 2)


def test_estimates_from_exact_draws_scatter_as_the_bound_says():
    theta, counts = torch.tensor([0.3], dtype=torch.float64), multiplicity(SHAPE, LIKE) / 2
    zero = torch.zeros(1, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    errors, misses = [], []
    for _ in range(60):
        power = observed(generator, theta).abs().square() / math.prod(SHAPE)

        def nats(moved, eta, power=power):
            model = transfer(spot(moved), SHAPE).abs().square() * level(eta) + NOISE
            return (counts * (power / model + model.log())).sum()

        found, _ = minimum(nats, [theta.clone(), zero.clone()], 20)
        errors.append(float(found - theta))
        misses.append(float((spot(found) - spot(theta)).square().sum()))
    best = bound(spot, theta, level, zero, NOISE, SHAPE)
    scatter = math.sqrt(sum(e**2 for e in errors) / len(errors))
    # Sixty draws know a standard deviation to 9 %.
    assert 0.75 < scatter / float(best.covariance.sqrt()) < 1.3
    assert 0.75 < math.sqrt(sum(misses) / len(misses)) / best.kernel_error < 1.3


@pytest.mark.parametrize("frames", [1, 3])
def test_more_frames_and_what_is_known_tighten_the_bound_and_what_is_not_known_loosens_it(frames):
    theta, zero = torch.tensor([0.3], dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    usual = bound(spot, theta, level, zero, NOISE, SHAPE, frames=frames)
    single = bound(spot, theta, level, zero, NOISE, SHAPE)
    sure = bound(spot, theta, level, zero, NOISE, SHAPE, frames=frames, precision=torch.tensor([0.0, 1e12]))
    prior = bound(spot, theta, level, zero, NOISE, SHAPE, frames=frames, precision=torch.tensor([50.0, 0.0]))
    assert usual.kernel_error == pytest.approx(single.kernel_error / math.sqrt(frames))
    assert sure.kernel_error < usual.kernel_error
    assert prior.kernel_error < usual.kernel_error
    assert usual.relative_to(spot(theta)) == pytest.approx(usual.kernel_error / float(spot(theta).norm()))


def test_where_the_spectrum_is_known_the_information_is_that_of_the_kernel_alone():
    theta, none = torch.tensor([0.3], dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    known = bound(spot, theta, lambda _: POWER, none, NOISE, SHAPE)

    def log_spectrum(moved):
        return (transfer(spot(moved), SHAPE).abs().square() * POWER + NOISE).log()

    [slope] = [(log_spectrum(theta + s) - log_spectrum(theta - s)) / (2 * s) for s in (1e-3,)]
    assert float(known.information) == pytest.approx(
        float((multiplicity(SHAPE, LIKE) / 2 * slope.square()).sum()), rel=1e-6
    )


@pytest.mark.parametrize("seed", range(3))
def test_profiling_is_a_block_of_the_inverse(seed):
    roots = torch.randn(5, 9, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    information = roots @ roots.T
    expected = torch.linalg.inv(torch.linalg.inv(information)[:2, :2])
    assert torch.allclose(profiled(information, 2), expected)
    assert torch.equal(profiled(information, 5), information)


def test_what_is_not_finite_tells_nothing():
    counts = torch.ones(3, dtype=torch.float64)
    seen = torch.tensor([math.inf, 1.0, 2.0], dtype=torch.float64)
    told = fisher(lambda p: (p[0].exp() * seen).log(), torch.zeros(1, dtype=torch.float64), counts)
    assert float(told) == pytest.approx(2.0)


def test_the_error_of_a_kernel_is_that_of_its_draws():
    theta, covariance = torch.tensor([0.4], dtype=torch.float64), torch.tensor([[1e-4]], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    draws = [theta + 0.01 * torch.randn(1, generator=generator, dtype=torch.float64) for _ in range(400)]
    scatter = torch.stack([(spot(d) - spot(theta)).square().sum() for d in draws]).mean().sqrt()
    assert kernel_error(spot, theta, covariance) == pytest.approx(float(scatter), rel=0.1)


@pytest.mark.parametrize("dispersion", [1.0, 4.0])
def test_dispersion_widens_what_data_tell_and_nothing_widens_the_prior(dispersion):
    sharp, faint = 100.0, 0.01
    told = Information(
        torch.diag(torch.tensor([sharp, faint], dtype=torch.float64)),
        dispersion,
        torch.full((2,), 2 * dispersion, dtype=torch.float64),
        torch.zeros(0, 0, dtype=torch.float64),
    )
    found = tempered(told, torch.eye(2, dtype=torch.float64)).diagonal()
    assert float(found[0]) == pytest.approx(2 / (sharp / dispersion + 1))
    assert float(found[1]) == pytest.approx(1.0, rel=0.02)


def test_errors_of_figures_follow_the_covariance():
    covariance = torch.tensor([[0.04, 0.0], [0.0, 0.01]], dtype=torch.float64)
    errors = figure_errors(lambda t: torch.stack([t[0], t.sum()]), torch.zeros(2), covariance)
    assert errors.tolist() == pytest.approx([0.2, math.sqrt(0.05)], rel=0.1)


@pytest.mark.parametrize(("depth", "expected"), [(20.0, 1.0), (0.0, math.sqrt(1 + 10**2 / 2))])
def test_the_posterior_is_walked_along_valley_by_valley(depth, expected):
    """Two valleys ten apart, the second ``depth`` nats higher; a parameter of the spectrum follows the figure."""

    def nats(figure, image):
        first, second = 0.5 * figure**2, 0.5 * (figure - 10) ** 2 + depth
        return -torch.logsumexp(-torch.stack([first, second]), 0) + 5 * (image[0] - figure).square()

    zero, ten = torch.zeros((), dtype=torch.float64), torch.tensor(10.0, dtype=torch.float64)
    modes = [(0.0, (zero, zero[None])), (depth, (ten, ten[None]))]
    curvature = torch.tensor([[10.0]], dtype=torch.float64)
    found = departure(nats, modes, curvature, 1.0, 1.0, (-50.0, 50.0), lambda f: f)
    assert float(found) == pytest.approx(expected, rel=0.07)
    wider = departure(nats, modes[:1], curvature, 1.0, 4.0, (-5.0, 5.0), lambda f: f)
    assert float(wider) > 1.5
