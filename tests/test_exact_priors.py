"""Laws of the Gaussian field and of the patch mixture: densities, scores, posterior means, draws, weights on disk."""

import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import noise, spaces
from skimage import data
from torch.distributions import MultivariateNormal

from napari_blind_deconv import InputError
from napari_blind_deconv.forward import DataTerm, Frame, predict
from napari_blind_deconv.fourier import irfftn, multiplicity, rfftn
from napari_blind_deconv.image_priors import GaussianField, PatchMixture, Quadratic, Scored
from napari_blind_deconv.image_priors.mixture import Mixture
from napari_blind_deconv.image_priors.patch_mixture import over_patches, save
from napari_blind_deconv.image_priors.radial_spectrum import NODES
from napari_blind_deconv.restoration import quadratic

FIELDS = [GaussianField(), GaussianField(mean=0.4), GaussianField(spectrum=(9.0, 1.0, 0.1, 0.02), mean=-0.2)]
SPACING = (2.5, 1.0, 1.5)


def field_and_scene(field, shape, seed):
    return field, 0.5 + 0.3 * noise((2, *shape), seed), SPACING[: len(shape)]


@given(field=st.sampled_from(FIELDS), shape=spaces(), seed=st.integers(0, 99), sigma=st.sampled_from([0.0, 0.01, 0.4]))
def test_the_score_is_the_gradient_of_the_log_density(field, shape, seed, sigma):
    field, scene, spacing = field_and_scene(field, shape, seed)
    leaf = scene.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(field.log_density(leaf, spacing, sigma).sum(), leaf)
    score = field.score(scene, spacing, sigma)
    assert torch.allclose(gradient, score, rtol=1e-6, atol=1e-6 * float(score.abs().max()))


@given(field=st.sampled_from(FIELDS), shape=spaces(), seed=st.integers(0, 99), sigma=st.floats(0.001, 2.0))
def test_the_fields_denoiser_follows_from_its_score(field, shape, seed, sigma):
    """Tweedie: D(x; σ) = x + σ² ∇ log p_σ(x)."""
    field, scene, spacing = field_and_scene(field, shape, seed)
    tweedie = scene + sigma**2 * field.score(scene, spacing, sigma)
    assert torch.allclose(field.denoiser(spacing)(scene, sigma), tweedie, atol=1e-8)


@given(shape=spaces(2, 3), seed=st.integers(0, 99), field=st.sampled_from(FIELDS))
def test_the_field_has_no_favourite_axis_and_no_favourite_place(shape, seed, field):
    field, scene, spacing = field_and_scene(field, shape, seed)
    ours = field.denoiser(spacing)(scene, 0.2)
    turned = field.denoiser(spacing[::-1])(scene.permute(0, *range(len(shape), 0, -1)), 0.2)
    assert torch.allclose(ours, turned.permute(0, *range(len(shape), 0, -1)), atol=1e-9)
    moved = field.denoiser(spacing)(torch.roll(scene, 3, -1), 0.2)
    assert torch.allclose(torch.roll(ours, 3, -1), moved, atol=1e-9)


@given(offset=st.floats(-3, 3), seed=st.integers(0, 99))
def test_where_the_mean_is_free_brightness_is_kept(offset, seed):
    scene = noise((9, 12), seed)
    denoise = GaussianField().denoiser((1.0, 1.0))
    assert torch.allclose(denoise(scene + offset, 0.3), denoise(scene, 0.3) + offset, atol=1e-9)


@given(contrast=st.floats(0.05, 0.5), exponent=st.floats(0, 4), shape=spaces(1, 3, 9, 16))
def test_the_powers_of_a_field_add_up_to_its_contrast(contrast, exponent, shape):
    field = GaussianField(contrast=contrast, exponent=exponent, mean=0.0)
    counts = multiplicity(shape, noise((1,), 0))
    power = field.power(shape, SPACING[: len(shape)], counts) * counts
    assert math.isclose(float(power.sum()) / math.prod(shape), contrast**2, rel_tol=1e-6)


@pytest.mark.parametrize("field", FIELDS)
def test_draws_have_the_spectrum(field):
    shape, spacing = (16, 15), (1.5, 1.0)
    draws = field.sample((2000, *shape), spacing, torch.Generator().manual_seed(1)).double()
    measured = (rfftn(draws - (field.mean or 0.0), 2).abs() ** 2).mean(0) / math.prod(shape)
    power = field.power(shape, spacing, draws)
    ratio = (measured / power)[torch.isfinite(power)]
    assert abs(float(ratio.mean()) - 1) < 0.02
    assert float((ratio - 1).abs().max()) < 0.25


@pytest.mark.parametrize("sigma", [0.03, 0.2, 1.0])
def test_the_fields_denoiser_errs_as_little_as_its_posterior_variance(sigma):
    field, shape, spacing = GaussianField(mean=0.4, correlation_px=4.0), (24, 20), (1.0, 1.0)
    scenes = field.sample((300, *shape), spacing, torch.Generator().manual_seed(2)).double()
    error = field.denoiser(spacing)(scenes + sigma * noise(tuple(scenes.shape), 3), sigma) - scenes
    power = field.power(shape, spacing, scenes)
    expected = (power * sigma**2 / (power + sigma**2) * multiplicity(shape, scenes)).sum() / math.prod(shape)
    assert math.isclose(float(error.square().mean()), float(expected), rel_tol=0.03)


@pytest.mark.parametrize(
    ("shape", "spacing"), [((400,), (1.0,)), ((48, 64), (1.0, 1.0)), ((24, 40, 40), (3.0, 1.0, 1.0))]
)
def test_a_fitted_field_has_the_spectrum_of_what_it_was_fitted_to(shape, spacing):
    truth = GaussianField(spectrum=(20.0, 12.0, 5.0, 1.0, 0.3, 0.02), mean=0.0)
    draws = truth.sample((60, *shape), spacing, torch.Generator().manual_seed(3))
    found = GaussianField.fitted(draws + 0.7, spacing, bands=6).spectrum
    nodes = [NODES[0] * (NODES[1] / NODES[0]) ** (i / 5) for i in range(6)]
    waves = 3 / max(n * d for n, d in zip(shape, spacing, strict=True))
    compared = [i for i, f in enumerate(nodes) if f >= waves]
    assert len(compared) >= 3
    for i in compared[:-1]:
        assert abs(math.log(found[i] / truth.spectrum[i])) < 0.2, (i, found)


@pytest.mark.parametrize("mean", [None, 0.5])
def test_restoration_under_a_field_is_the_posterior_mean(mean):
    """Against dense linear algebra, the mean estimated with the rest where it is free."""
    field, sigma, spacing = GaussianField(mean=mean, contrast=0.2, correlation_px=4.0), 0.03, (1.0, 1.0)
    kernel = torch.rand(3, 5, generator=torch.Generator().manual_seed(0)).double()
    kernel /= kernel.sum()
    frame = Frame.around((12, 11), (3, 5))
    scene = field.sample((1, *frame.canvas), spacing, torch.Generator().manual_seed(4)).double() + (mean is None) * 0.6
    observed = predict(scene, kernel, frame) + sigma * noise((1, *frame.shape), 5)
    *_, restored = quadratic.restore(DataTerm.of(observed, kernel, sigma), field, spacing=spacing, steps=40)
    unit = torch.eye(math.prod(frame.canvas)).double().reshape(-1, *frame.canvas)
    blur = predict(unit, kernel, frame).flatten(1).T
    precision = irfftn(rfftn(unit, 2) * field.precision(frame.canvas, spacing, unit), frame.canvas).flatten(1)
    right = blur.T @ (observed - (mean or 0.0)).flatten() / sigma**2
    expected = torch.linalg.solve(blur.T @ blur / sigma**2 + precision, right) + (mean or 0.0)
    assert torch.allclose(restored.flatten(), expected, atol=0.02 * sigma)


def test_who_is_quadratic_and_who_has_a_score():
    assert isinstance(GaussianField(), Quadratic)
    assert isinstance(GaussianField(), Scored)
    assert isinstance(PatchMixture(), Scored)
    assert not isinstance(PatchMixture(), Quadratic)


def mixture_of(seed, components=3, size=4):
    roots = noise((components, size, size), seed) * torch.tensor([2.0, 0.5, 0.1])[:components, None, None]
    weights = noise((components,), seed + 1).softmax(0)
    covariances = roots @ roots.mT
    return weights, covariances, Mixture.of(weights, covariances)


@given(seed=st.integers(0, 99), sigma=st.floats(0.3, 2.0))
def test_the_mixtures_posterior_mean_is_that_of_bayes(seed, sigma):
    weights, covariances, mixture = mixture_of(seed)
    noisy = 2 * noise((7, 4), seed + 2)
    # What is far below the noise counts as none.
    variances, directions = torch.linalg.eigh(covariances)
    kept = variances * (variances > 0.05 * sigma**2)
    covariances = (directions * kept[:, None]) @ directions.mT
    total = covariances + sigma**2 * torch.eye(4)
    joint = weights.log()[:, None] + MultivariateNormal(torch.zeros(3, 1, 4).double(), total[:, None]).log_prob(noisy)
    means = torch.einsum("kij,kjl,nl->kni", covariances, torch.linalg.inv(total), noisy)
    expected = (joint.softmax(0)[..., None] * means).sum(0)
    shares, level = mixture.responsibilities(noisy.T, sigma)
    assert torch.allclose(shares, joint.softmax(0), atol=1e-9)
    assert torch.allclose(level - 2 * math.log(2 * math.pi), joint.logsumexp(0), atol=1e-9)
    assert torch.allclose(mixture.posterior_mean(noisy.T, sigma).T, expected, atol=1e-7)


@given(seed=st.integers(0, 99), sigma=st.floats(0.05, 2.0))
def test_the_mixtures_denoiser_follows_from_its_log_density(seed, sigma):
    *_, mixture = mixture_of(seed)
    leaf = noise((4, 9), seed + 2).requires_grad_()
    (score,) = torch.autograd.grad(mixture.responsibilities(leaf, sigma)[1].sum(), leaf)
    assert torch.allclose(mixture.posterior_mean(leaf, sigma), leaf + sigma**2 * score, atol=1e-8)


@given(
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    side=st.integers(2, 8),
    stride=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_patches_that_are_left_alone_make_the_plane_again(shape, side, stride, seed):
    planes = noise((2, *shape), seed)
    assert torch.allclose(over_patches(lambda p: p, planes, side, stride), planes, atol=1e-9)
    assert torch.allclose(over_patches(torch.zeros_like, planes * 0 + 3, side, stride), planes * 0 + 3)


@given(seed=st.integers(0, 99), step=st.integers(-9, 9))
@settings(max_examples=5)
def test_a_moved_or_brighter_scene_is_denoised_alike(seed, step):
    scene = 0.3 * noise((18, 14), seed)
    denoise = PatchMixture(stride=1).denoiser((1.0, 1.0))
    expected = torch.roll(denoise(scene, 0.2), (step, 2 * step), (0, 1)) + 0.4
    assert torch.allclose(denoise(torch.roll(scene, (step, 2 * step), (0, 1)) + 0.4, 0.2), expected, atol=1e-6)


def test_volumes_are_denoised_in_all_families_of_planes():
    volumes, prior = 0.3 * noise((2, 9, 10, 11), 0), PatchMixture()
    plane = prior.denoiser((1.0, 1.0))
    expected = sum(plane(volumes.movedim(a, 1), 0.2).movedim(1, a) for a in (1, 2, 3)) / 3
    assert torch.allclose(prior.denoiser((3.0, 1.0, 1.0))(volumes, 0.2), expected, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.3])
def test_the_shipped_mixture_takes_most_of_the_noise_from_a_photograph_it_has_not_seen(sigma):
    clean = torch.from_numpy(data.camera()[100:180, 200:280]).float()[None] / 255
    noisy = clean + sigma * noise(tuple(clean.shape), 1, torch.float32)
    error = PatchMixture().denoiser((1.0, 1.0))(noisy, sigma) - clean
    assert float(error.square().mean().sqrt()) < {0.02: 0.75, 0.1: 0.45, 0.3: 0.3}[sigma] * sigma


@pytest.fixture
def stored(tmp_path):
    """A mixture of patches of 2 × 2 pixels on disk."""
    *_, mixture = mixture_of(0)
    path = tmp_path / "own.safetensors"
    save(path, mixture, {"name": "own", "side": 2, "components": 3, "unit": "one"})
    return path


def test_an_own_mixture_is_read_as_it_was_written(stored):
    *_, mixture = mixture_of(0)
    read, side = PatchMixture(weights=str(stored)).mixture()
    assert side == 2
    noisy = noise((4, 6), 1)
    assert torch.allclose(read.to(noisy).posterior_mean(noisy, 0.5), mixture.posterior_mean(noisy, 0.5), atol=1e-5)
    assert PatchMixture(weights=str(stored)).denoiser((1.0,))(noise((7,), 0), 0.1).shape == (7,)


def test_a_changed_mixture_or_another_card_is_refused(stored):
    card = stored.with_suffix(".json")
    card.write_text(json.dumps(json.loads(card.read_text()) | {"components": 4}))
    with pytest.raises(InputError, match="does not fit its model card"):
        PatchMixture(weights=str(stored)).mixture()
    content = bytearray(stored.read_bytes())
    content[-1] ^= 1
    stored.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"mixture .* SHA-256 .* damaged or belongs to another mixture"):
        PatchMixture(weights=str(stored)).mixture()
