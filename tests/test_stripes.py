"""Offsets of rows and columns: found where they are, and nowhere else."""

from functools import partial

import numpy as np
import pytest

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.defects.stripes import destriped
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.metrics.kernel import mnc
from napari_blind_deconv.synthesis import SAMPLES, beads, blurred, cells, fibres, gaussian_kernel

KERNEL = gaussian_kernel((13, 13), 3 * np.eye(2))
SIGMA = 10.0


def observation(seed, shape=(150, 170)):
    rng = np.random.default_rng(seed)
    scene = cells(tuple(n + 12 for n in shape), rng)
    seen, _ = blurred(1000 * scene / scene.max(), KERNEL)
    return (seen + SIGMA * rng.normal(size=seen.shape)).astype(np.float32)


def with_stripes(image, amplitude, axis, seed=9):
    """Offsets that are the same along an axis."""
    lines = [1 if a == axis % image.ndim else n for a, n in enumerate(image.shape)]
    return (image + amplitude * np.random.default_rng(seed).normal(size=lines)).astype(np.float32)


def found(image):
    batch = image[None]
    return destriped(batch, np.ones(batch.shape, bool))


@pytest.mark.parametrize("axis", [-1, -2])
@pytest.mark.parametrize("amplitude", [0.3, 1.0, 3.0])
def test_stripes_are_measured_and_taken_out(axis, amplitude):
    clean = observation(1)
    image = with_stripes(clean, amplitude * SIGMA, axis)
    out, deviations = found(image)
    (name,) = deviations
    assert name == {-1: "rows", -2: "columns"}[axis]
    assert deviations[name] == pytest.approx(amplitude * SIGMA, rel=0.25)
    assert (out[0] - clean).std() < 0.7 * (image - clean).std()
    assert abs(float((out[0] - image).mean())) < 0.05 * SIGMA


def test_every_plane_of_a_stack_has_its_own():
    clean = np.stack([observation(seed, (96, 100)) for seed in range(3)])
    image = with_stripes(clean, SIGMA, -1)
    out, deviations = found(image)
    assert set(deviations) == {"rows"}
    assert (out[0] - clean).std() < 0.7 * (image - clean).std()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scene", [cells, partial(fibres, count=12, width=0.8), partial(beads, count=60)])
def test_scenes_have_none(scene, seed):
    rng = np.random.default_rng(seed)
    image = scene((140, 160), rng).astype(np.float32)
    noisy = image + 0.01 * image.max() * rng.normal(size=image.shape)
    assert not found(noisy.astype(np.float32))[1]


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_have_none(name):
    observed = SAMPLES[name]().observed
    assert not found(observed)[1]


def test_a_horizon_and_a_ruler_that_a_lens_has_drawn_are_not_stripes():
    rows = np.zeros((160, 160))
    rows[80:] = 300.0
    rows[20:60:6] = 200.0
    seen, _ = blurred(rows.astype(np.float32), KERNEL)
    image = seen + SIGMA * np.random.default_rng(0).normal(size=seen.shape)
    assert not found(image.astype(np.float32))[1]


@pytest.mark.parametrize("amplitude", [0.5, 3.0])
def test_the_psf_is_that_of_the_clean_image_and_a_warning_says_what_was_found(amplitude):
    clean = observation(2)
    settings = Settings(kernel_prior=Gaussian(), kernel_size=(13,), iterations=1)
    plain, striped = (deconvolve(i, settings) for i in (clean, with_stripes(clean, amplitude * SIGMA, -1)))
    assert mnc(plain.kernel, striped.kernel) > 0.97
    assert not any("stripes" in w for w in plain.report["warnings"])
    assert any("rows have different offsets (stripes)" in w for w in striped.report["warnings"])
    assert striped.report["noise"]["stripes"]["rows"] == pytest.approx(amplitude * SIGMA, rel=0.3)
