"""Laws of the two phases, over estimators and restorers, and agreement of Richardson-Lucy with scikit-image."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from laws import assert_kernel
from scipy import signal
from skimage import data
from skimage.restoration import richardson_lucy

from napari_blind_deconv.estimation import ByEvidence, Problem
from napari_blind_deconv.estimation.pyramid import kernel_sizes, resized
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.fourier import centroid
from napari_blind_deconv.image_priors import DeepImage, GaussianField, NoPrior, SparseGradients
from napari_blind_deconv.kernel_priors import InVoxels, Known, Uniform
from napari_blind_deconv.pipeline.two_phase import two_phases
from napari_blind_deconv.restoration import ByData
from napari_blind_deconv.settings import ESTIMATORS, IMAGE_PRIORS, KERNEL_PRIORS, RESTORERS
from napari_blind_deconv.synthesis import beads, blurred, fibres, gaussian_kernel

SUPPORT = (9, 7)
KERNEL = gaussian_kernel(SUPPORT, np.array([[2.0, 0.6], [0.6, 1.0]]))
BLIND = [k for k in KERNEL_PRIORS if k != "known"]


def scene(shape=(37 + 8, 31 + 6)):
    rng = np.random.default_rng(1)
    return 0.1 + fibres(shape, rng, count=8, width=0.7) + beads(shape, rng, count=12)


def problem(**changes):
    observed, _ = blurred(scene(), KERNEL)
    noisy = torch.from_numpy(observed + np.random.default_rng(2).normal(0, 0.003, observed.shape).astype(np.float32))[
        None
    ]
    base = Problem(
        observed=noisy,
        sample=noisy,
        kernel_shape=SUPPORT,
        spacing=(1.0, 1.0),
        noise=Noise.white(0.003),
        model_error=0.007,
        kernel_prior=Known(kernel=KERNEL),
        kernel_weight=1.0,
        image_prior=SparseGradients(),
        iterations=4,
        generator=torch.Generator().manual_seed(0),
    )
    return replace(base, **changes)


# Components that draw: their answer holds chance, so laws of equality do not bind them (test_posterior_sampling does).
DRAWING = ("by-draws", "posterior-sampling")


def problem_for(kind, **changes):
    """A problem that an estimator or a restorer takes; a restorer is given the kernel."""
    image_prior = GaussianField() if kind in DRAWING else SparseGradients()
    kernel_prior = Uniform() if kind in ESTIMATORS else Known(kernel=KERNEL)
    # Counts, as some restorers ask for.
    camera = Noise(sigma=0.003, spectrum=torch.ones(()), gain=1e-5, dark=0.0)
    return problem(kernel_prior=kernel_prior, image_prior=image_prior, noise=camera, counts=True, **changes)


def solved(given, kind="by-evidence"):
    """All steps with one estimator or one restorer, the other being the default."""
    estimator = ESTIMATORS[kind]() if kind in ESTIMATORS else ByEvidence()
    restorer = RESTORERS[kind]() if kind in RESTORERS else ByData()
    return two_phases(given, estimator, restorer)


def last(given, kind="by-evidence"):
    *_, end = solved(given, kind)
    return end


PARTS = [*ESTIMATORS, *RESTORERS]


@pytest.mark.parametrize("kind", PARTS)
def test_two_phases_end_with_a_kernel_and_an_image_and_count_their_steps(kind):
    given = problem_for(kind)
    estimates = list(solved(given, kind))
    assert [e.step for e in estimates] == list(range(1, len(estimates) + 1))
    assert estimates[-1].step == estimates[-1].total
    assert_kernel(estimates[-1].kernel, SUPPORT)
    assert estimates[-1].image.shape == given.observed.shape
    assert estimates[-1].image.dtype == given.observed.dtype


@pytest.mark.parametrize("kind", PARTS)
def test_what_was_yielded_is_never_modified(kind):
    kept = []
    for estimate in solved(problem_for(kind), kind):
        for before, after in kept:
            assert torch.equal(before, after)
        kept += [(t.clone(), t) for t in (estimate.kernel, estimate.image) if t is not None]


@pytest.mark.parametrize("kind", PARTS)
def test_the_problem_is_left_alone(kind):
    given = problem_for(kind)
    before = given.observed.clone()
    last(given, kind)
    assert torch.equal(given.observed, before)


@pytest.mark.parametrize("kind", [k for k in RESTORERS if k not in DRAWING])
def test_axes_are_interchangeable_with_a_known_kernel(kind):
    given = problem_for(kind)
    turned = replace(
        given,
        observed=given.observed.mT.contiguous(),
        sample=given.sample.mT.contiguous(),
        kernel_shape=SUPPORT[::-1],
        kernel_prior=Known(kernel=KERNEL.T.copy()),
    )
    assert torch.allclose(last(given, kind).image.mT, last(turned, kind).image, atol=2e-3)


def test_axes_are_interchangeable_for_a_kernel_that_starts_flat():
    given = problem(kernel_prior=Uniform())
    turned = replace(
        given,
        observed=given.observed.mT.contiguous(),
        sample=given.sample.mT.contiguous(),
        kernel_shape=SUPPORT[::-1],
    )
    ours, theirs = (last(g, "blind-richardson-lucy").kernel for g in (given, turned))
    assert torch.allclose(ours.mT, theirs, atol=1e-3)


# An untrained network starts from noise that belongs to a place.
@pytest.mark.parametrize("kind", [k for k in IMAGE_PRIORS if k not in ("none", "deep-image")])
@pytest.mark.parametrize("rows", [slice(3, None), slice(None, -3)])
def test_a_translation_of_the_data_translates_the_image(kind, rows):
    """Away from the border: what leaves the frame is another matter."""
    whole = problem(image_prior=IMAGE_PRIORS[kind]())
    part = whole.observed[:, rows]
    ours = last(whole).image[:, rows]
    theirs = last(replace(whole, observed=part, sample=part)).image
    inner = (slice(None), slice(10, -10), slice(10, -10))
    assert float((ours[inner] - theirs[inner]).abs().max()) < 0.05


@pytest.mark.parametrize("kind", [k for k in PARTS if k not in DRAWING])
def test_a_stack_of_equal_planes_equals_the_plane(kind):
    given = problem_for(kind)
    # In double precision: a threshold turns the rounding of single precision into a kernel of its own.
    given = replace(given, observed=given.observed.double(), sample=given.sample.double())
    stack = given.observed.expand(3, -1, -1).contiguous()
    one, three = last(given, kind), last(replace(given, observed=stack, sample=stack), kind)
    assert torch.allclose(one.kernel, three.kernel, atol=1e-4)
    assert torch.allclose(one.image.expand(3, -1, -1), three.image, atol=5e-3)


def in_voxels(kind: str, voxel_size_um: tuple[float, ...]):
    prior = KERNEL_PRIORS[kind]()
    return prior.in_voxels(voxel_size_um) if isinstance(prior, InVoxels) else prior


@pytest.mark.usefixtures("one_step_descents")
@pytest.mark.parametrize("kind", BLIND)
def test_blind_solving_gives_a_kernel_in_two_and_three_dimensions(kind):
    kernel = gaussian_kernel((5, 5, 5), np.eye(3))
    observed, _ = blurred(fibres((20, 28, 26), np.random.default_rng(0), 6, 0.8) + 0.1, kernel)
    given = torch.from_numpy(observed)[None]
    volume = problem(
        observed=given,
        sample=given,
        kernel_shape=(5, 5, 5),
        spacing=(2.0, 1.0, 1.0),
        kernel_prior=in_voxels(kind, (0.2, 0.1, 0.1)),
    )
    if kind != "airy":  # a pattern in a plane
        assert_kernel(last(volume).kernel, (5, 5, 5))
    assert_kernel(last(problem(kernel_prior=in_voxels(kind, (0.1, 0.1)))).kernel, SUPPORT)


def test_the_restored_image_is_better_than_the_observed_one():
    _, truth = blurred(scene(), KERNEL)
    given = problem(iterations=None)
    restored = last(given).image
    error = [float(((x[0] - torch.from_numpy(truth)) ** 2).mean()) for x in (given.observed, restored)]
    assert error[1] < 0.5 * error[0]


def test_a_delta_kernel_changes_little():
    delta = np.zeros((3, 3), np.float32)
    delta[1, 1] = 1.0
    given = problem(kernel_prior=Known(kernel=delta), kernel_shape=(3, 3), noise=Noise.white(1e-3))
    restored = last(given).image
    assert float((restored - given.observed).abs().max()) < 0.05


@pytest.mark.parametrize("iterations", [10, 30])
def test_richardson_lucy_agrees_with_scikit_image_inside(iterations):
    image = data.camera()[:200, 60:260].astype(np.float32) / 255
    kernel = gaussian_kernel((9, 11), np.diag([2.0, 3.0]))
    observed, _ = blurred(image, kernel)
    given = torch.from_numpy(observed)[None]
    ours = last(
        problem(
            observed=given, sample=given, kernel_shape=(9, 11), kernel_prior=Known(kernel=kernel), iterations=iterations
        ),
        "richardson-lucy",
    )
    theirs = richardson_lucy(observed, kernel, num_iter=iterations, clip=False)
    # The borders differ on purpose: scikit-image takes the outside for black. Its effect decays within a few radii.
    inner = (slice(60, -60), slice(60, -60))
    np.testing.assert_allclose(ours.image[0].numpy()[inner], theirs[inner], atol=1e-4)


def test_richardson_lucy_keeps_the_flux_of_what_the_frame_sees_whole():
    image = np.zeros((40, 40), np.float32)
    image[18:22, 15:24] = 1.0
    kernel = gaussian_kernel((7, 7), np.eye(2))
    observed = torch.from_numpy(blurred(np.pad(image, 3), kernel)[0])[None]
    ours = last(
        problem(
            observed=observed, sample=observed, kernel_shape=(7, 7), kernel_prior=Known(kernel=kernel), iterations=20
        ),
        "richardson-lucy",
    )
    assert abs(float(ours.image.sum()) / float(observed.sum()) - 1) < 1e-2


def small_network(**changes):
    return problem(image_prior=DeepImage(widths=(4, 8), learning_rate=0.01), **changes)


def test_an_untrained_network_is_stopped_by_the_noise_and_the_count_follows():
    given = small_network(iterations=200, noise=Noise.white(0.05))
    estimates = list(solved(given))
    assert 1 < len(estimates) < 200
    assert [e.step for e in estimates] == list(range(1, len(estimates) + 1))
    assert estimates[-1].total == len(estimates)
    assert len(list(solved(small_network(iterations=3, noise=Noise.white(1e-9))))) == 3


def test_an_untrained_network_explains_the_observation_better_and_better():
    images = [e.image for e in solved(small_network(iterations=60, noise=Noise.white(1e-6)))]
    truth = torch.from_numpy(blurred(scene(), KERNEL)[1])
    errors = [float((image[0] - truth).norm()) for image in images]
    assert errors[-1] < 0.8 * errors[0]


def test_an_untrained_network_is_decided_by_its_seeds():
    one, two = (last(small_network(iterations=4, generator=generator(0))).image for _ in range(2))
    other = last(small_network(iterations=4, generator=generator(1))).image
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_an_untrained_network_has_as_many_axes_as_the_image(ndim):
    observed = torch.rand((2, *(20, 12, 14)[:ndim]), generator=generator(0))
    given = small_network(
        observed=observed,
        sample=observed,
        kernel_shape=(3,) * ndim,
        spacing=(1.0,) * ndim,
        kernel_prior=Known(kernel=np.full((3,) * ndim, 3.0**-ndim, np.float32)),
        iterations=2,
    )
    assert last(given).image.shape == observed.shape


def generator(seed):
    return torch.Generator().manual_seed(seed)


def test_without_a_prior_the_data_are_explained():
    given = problem(image_prior=NoPrior(), iterations=None)
    image = last(given).image[0].numpy()
    again = signal.convolve(image, KERNEL, mode="valid")
    missed = again - given.observed[0].numpy()[tuple(slice(n // 2, -(n // 2)) for n in SUPPORT)]
    assert float(missed.std()) < 2 * given.misfit_sigma


@pytest.mark.parametrize("shape", [(31, 31), (29, 63, 63), (9, 9), (5,), (1, 15)])
def test_pyramid_sizes_rise_to_the_support_and_stay_odd(shape):
    sizes = kernel_sizes(shape)
    assert sizes[-1] == shape
    assert max(sizes[0]) <= 5
    assert all(n % 2 for size in sizes for n in size)
    assert all(a <= b for one, two in itertools.pairwise(sizes) for a, b in zip(one, two, strict=True))


def test_resizing_keeps_constants_and_centres():
    assert torch.allclose(resized(torch.ones(2, 9, 12), (5, 7)), torch.ones(2, 5, 7))
    kernel = torch.zeros(9, 9)
    kernel[4, 4] = 1.0
    assert all(abs(c) < 1e-5 for c in centroid(resized(kernel, (13, 13))))
