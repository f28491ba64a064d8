"""Laws of the kernel priors, over their registry: draws are kernels, updates are kernels, settings are checked."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import assert_kernel, kernel_of, noise, odd_shapes

from napari_blind_deconv import InputError
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.kernel_priors import InVoxels, Known, Sparse, Uniform, Updatable
from napari_blind_deconv.kernel_priors.simplex import minimise_on_simplex, project_to_simplex
from napari_blind_deconv.settings import KERNEL_PRIORS
from napari_blind_deconv.statistics import KernelStatistics, kernel_statistics

SHAPE = (9, 7)


def instance(kind: str):
    prior = Known(kernel=kernel_of(SHAPE, 1, torch.float32).numpy()) if kind == "known" else KERNEL_PRIORS[kind]()
    return prior.in_voxels((0.25, 0.1, 0.1)) if isinstance(prior, InVoxels) else prior


def statistics_of(kernel: torch.Tensor, seed: int = 0, sigma: float = 0.0) -> KernelStatistics:
    """Statistics of a white scene blurred by a kernel, in nats; noise-free ones as if of little noise."""
    canvas = tuple(6 * n for n in kernel.shape)
    scene = noise(canvas, seed).to(kernel)
    observed = irfftn(rfftn(scene, kernel.ndim) * transfer(kernel, canvas), canvas)
    found = kernel_statistics(scene, observed + sigma * noise(canvas, seed + 1).to(kernel), kernel.shape)
    return found.scaled(1 / (sigma or 0.01) ** 2)


@pytest.mark.parametrize("kind", list(KERNEL_PRIORS))
def test_priors_can_draw_and_update(kind):
    assert isinstance(instance(kind), Updatable)


@pytest.mark.parametrize("kind", list(KERNEL_PRIORS))
@given(seed=st.integers(0, 999))
def test_draws_are_kernels_and_the_generator_decides_them(kind, seed):
    prior = instance(kind)
    first, again = (prior.sample(SHAPE, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert_kernel(first, SHAPE)
    assert torch.equal(first, again)


@pytest.mark.parametrize("kind", [k for k in KERNEL_PRIORS if k != "known"])
def test_draws_differ(kind):
    generator = torch.Generator().manual_seed(0)
    prior = instance(kind)
    draws = [prior.sample(SHAPE, generator) for _ in range(5)]
    assert not torch.equal(draws[0], draws[1])


@pytest.mark.parametrize("kind", [k for k in KERNEL_PRIORS if k not in {"known", "airy"}])
@pytest.mark.parametrize("shape", [(15,), (11, 9), (5, 9, 7)])
def test_draws_exist_in_every_number_of_dimensions(kind, shape):
    assert_kernel(instance(kind).sample(shape, torch.Generator().manual_seed(3)), shape)


def test_a_pattern_in_the_plane_refuses_volumes():
    assert_kernel(instance("airy").sample((11, 9), torch.Generator().manual_seed(3)), (11, 9))
    with pytest.raises(InputError, match=r"has 3 axes; .*microscope"):
        instance("airy").sample((5, 9, 7), torch.Generator())


@pytest.mark.parametrize("kind", list(KERNEL_PRIORS))
def test_updates_are_kernels_and_leave_their_arguments_alone(kind):
    prior = instance(kind)
    start = kernel_of(SHAPE, 5, torch.float32)
    statistics = statistics_of(kernel_of(SHAPE, 2, torch.float32), sigma=0.05)
    before = start.clone(), statistics.correlation.clone()
    assert_kernel(prior.update(statistics, start, 1.0), SHAPE)
    assert torch.equal(start, before[0])
    assert torch.equal(statistics.correlation, before[1])


@pytest.mark.parametrize("kind", [k for k in KERNEL_PRIORS if k not in {"known", "uniform", "auto"}])
def test_frames_add_up_until_the_data_outvote_the_prior(kind):
    truth = kernel_of(SHAPE, 2, torch.float32)
    statistics, start = statistics_of(truth, sigma=0.5), kernel_of(SHAPE, 5, torch.float32)
    prior = instance(kind)
    few, many = (prior.update(statistics.scaled(frames), start, 1.0) for frames in (1e-3, 1e3))
    assert float(statistics.energy(many, few)) < 0


@given(seed=st.integers(0, 99))
def test_blind_update_finds_a_kernel_from_clean_statistics(seed):
    truth = Sparse(concentration=0.3).sample(SHAPE, torch.Generator().manual_seed(seed)).double()
    found = Uniform().update(statistics_of(truth, seed), kernel_of(SHAPE, seed), 1.0)
    assert float((found - truth).norm()) < 1e-3


def test_a_known_kernel_stays_what_it_is():
    prior = instance("known")
    other = kernel_of(SHAPE, 9, torch.float32)
    assert torch.equal(prior.update(statistics_of(other), other, 10.0), torch.as_tensor(prior.kernel))


def test_a_known_prior_without_a_kernel_says_so():
    with pytest.raises(InputError, match="has no PSF"):
        Known().sample(SHAPE, torch.Generator())


def test_more_weight_makes_the_sparse_update_sparser():
    truth = kernel_of(SHAPE, 2)
    statistics = statistics_of(truth, sigma=0.3)
    taps = [int((Sparse().update(statistics, truth, w) > 1e-4).sum()) for w in (1e-3, 30.0)]
    assert taps[1] < taps[0]


@given(shape=st.integers(1, 3).flatmap(odd_shapes), seed=st.integers(0, 99), scale=st.floats(0.01, 100))
def test_projection_gives_the_nearest_kernel_and_twice_is_once(shape, seed, scale):
    values = scale * noise(shape, seed)
    projected = project_to_simplex(values)
    assert_kernel(projected, shape)
    assert torch.allclose(project_to_simplex(projected), projected, atol=1e-9)
    other = kernel_of(shape, seed + 1)
    # The angle to any other kernel is obtuse: the variational characterisation of a projection on a convex set.
    assert float(((values - projected) * (other - projected)).sum()) <= 1e-8 * scale


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_simplex_minimum_satisfies_the_optimality_conditions(seed):
    statistics = statistics_of(kernel_of(SHAPE, seed), seed, sigma=0.5)
    kernel = minimise_on_simplex(statistics, kernel_of(SHAPE, seed + 1), steps=2000, tolerance=1e-12)
    gradient = statistics.gradient(kernel)
    inside = gradient[kernel > 1e-6]
    scale = float(statistics.autocorrelation.max())
    assert float(inside.max() - inside.min()) < 1e-4 * scale
    assert float(gradient.min()) > float(inside.mean()) - 1e-4 * scale
