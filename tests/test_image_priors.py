"""Laws of the image priors, over their registry."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import assert_proximal, noise

from napari_blind_deconv.image_priors import Fitting, NoPrior, Scored, SparseGradients, Splittable, TotalVariation
from napari_blind_deconv.image_priors.differences import forward_differences, second_differences
from napari_blind_deconv.image_priors.sparse_gradients import gradient_count_shrinkage, hyper_laplacian_shrinkage
from napari_blind_deconv.settings import IMAGE_PRIORS

ALL = {kind: cls() for kind, cls in IMAGE_PRIORS.items()}
PRIORS = [pytest.param(prior, id=kind) for kind, prior in ALL.items() if isinstance(prior, Splittable)]
SCORED = [pytest.param(prior, id=kind) for kind, prior in ALL.items() if isinstance(prior, Scored)]
# Penalties on single coefficients; what knows a posterior mean of whole scenes obeys other laws.
SHRINKAGES = [pytest.param(p, id=k) for k, p in ALL.items() if isinstance(p, Splittable) and not isinstance(p, Scored)]


@pytest.mark.parametrize("kind", list(ALL))
def test_priors_are_splittable_or_restore_on_their_own(kind):
    assert isinstance(ALL[kind], Splittable) != isinstance(ALL[kind], Fitting)


@pytest.mark.parametrize("prior", SCORED)
@given(ndim=st.integers(1, 3), seed=st.integers(0, 99), level=st.floats(0.03, 0.3))
@settings(max_examples=8)
def test_posterior_means_keep_shape_and_take_noise_from_flat_scenes(prior, ndim, seed, level):
    spacing = (1.0,) * ndim
    noisy = 0.5 + level * noise((2, *(12, 11, 10)[:ndim]), seed)
    for denoised in (prior.denoiser(spacing)(noisy, level), prior.denoise(noisy[None], level, spacing)[0]):
        assert denoised.shape == noisy.shape
        assert float((denoised - noisy.mean()).norm()) < float((noisy - noisy.mean()).norm())


@pytest.mark.parametrize("prior", SHRINKAGES)
@given(ndim=st.integers(1, 3), seed=st.integers(0, 99), level=st.floats(0.01, 0.3))
def test_denoising_shrinks_and_keeps_shape_and_sign(prior, ndim, seed, level):
    spacing = (1.0,) * ndim
    coefficients = noise((len(prior.filters(spacing)), 2, *(7, 6, 5)[:ndim]), seed)
    denoised = prior.denoise(coefficients, level, spacing)
    assert denoised.shape == coefficients.shape
    assert bool((denoised.abs() <= coefficients.abs() + 1e-9).all())
    assert bool((denoised * coefficients >= -1e-12).all())


@pytest.mark.parametrize("prior", PRIORS)
@given(seed=st.integers(0, 99))
def test_finer_levels_change_less(prior, seed):
    coefficients = noise((len(prior.filters((1.0, 1.0))), 1, 6, 7), seed)
    coarse, fine = (
        float((prior.denoise(coefficients, level, (1.0, 1.0)) - coefficients).norm()) for level in (0.3, 0.03)
    )
    assert fine <= coarse + 1e-9


@pytest.mark.parametrize("prior", PRIORS)
@given(steps=st.integers(1, 30))
def test_levels_are_as_many_as_asked_and_never_rise(prior, steps):
    levels = prior.levels(steps, 0.01)
    assert len(levels) == steps
    assert all(a >= b > 0 for a, b in itertools.pairwise(levels))


@given(weight=st.floats(1e-3, 0.5), exponent=st.floats(0.3, 1.0), seed=st.integers(0, 99))
def test_hyper_laplacian_shrinkage_beats_brute_force(weight, exponent, seed):
    values = noise((40,), seed)
    assert_proximal(
        lambda v: hyper_laplacian_shrinkage(v, weight, exponent, newton_steps=8),
        lambda v: weight * v.abs() ** exponent,
        values.clamp(-2, 2),
        tolerance=2e-3,
    )


@given(weight=st.floats(1e-3, 0.5), seed=st.integers(0, 99))
def test_gradient_count_shrinkage_keeps_or_kills(weight, seed):
    gradients = noise((2, 9, 8), seed)
    out = gradient_count_shrinkage(gradients, weight)
    strong = (gradients**2).sum(0) >= weight
    assert torch.equal(out, gradients * strong)


def test_total_variation_shrinks_the_length_not_the_direction():
    gradients = noise((3, 4, 5, 6), 1)
    out = TotalVariation().denoise(gradients, 0.1, (1.0,) * 3)
    cosine = torch.nn.functional.cosine_similarity(out, gradients, dim=0)
    kept = out.norm(dim=0) > 0
    assert bool(kept.any())
    assert torch.allclose(cosine[kept], torch.ones_like(cosine[kept]))


@given(weak=st.floats(0.1, 1.0), seed=st.integers(0, 99))
def test_strength_orders_the_shrinkage(weak, seed):
    coefficients = noise((2, 1, 6, 6), seed)
    for family in (SparseGradients, TotalVariation):
        one, two = (family(strength=s).denoise(coefficients, 0.1, (1.0, 1.0)).norm() for s in (weak, 2 * weak))
        assert float(two) <= float(one)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_difference_filters_ignore_constants_and_their_number_is_right(ndim):
    spacing = (2.0, 1.0, 1.0)[:ndim]
    first, second = forward_differences(spacing), second_differences(spacing)
    assert len(first) == ndim
    assert len(second) == ndim * (ndim + 1) // 2
    assert all(abs(float(f.sum())) < 1e-6 for f in first + second)


@given(strength=st.floats(max_value=0.0))
def test_a_strength_that_is_not_positive_is_refused(strength):
    with pytest.raises(ValueError, match="strength"):
        SparseGradients(strength=strength)


def test_no_prior_is_a_wiener_filter():
    assert torch.allclose(NoPrior().denoise(torch.ones(1, 4), 1.0, (1.0,)), torch.full((1, 4), 0.5))
