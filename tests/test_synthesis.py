"""The samples are what they say they are."""

import numpy as np
import pytest

from napari_blind_deconv import Settings
from napari_blind_deconv.synthesis import SAMPLES, blurred, gaussian_kernel


@pytest.mark.parametrize("name", list(SAMPLES))
def test_samples_are_consistent_and_reproducible(name):
    sample, again = SAMPLES[name](), SAMPLES[name]()
    assert sample.observed.shape == sample.truth.shape
    assert len(sample.axes) == sample.observed.ndim
    assert sample.observed.dtype == sample.truth.dtype == sample.kernel.dtype == np.float32
    assert abs(sample.kernel.sum() - 1) < 1e-5
    assert sample.kernel.min() >= 0
    assert all(n % 2 for n in sample.kernel.shape)
    assert isinstance(sample.settings, Settings)
    np.testing.assert_array_equal(sample.observed, again.observed)


def test_blurring_by_a_delta_shows_the_scene():
    scene = np.random.default_rng(0).random((12, 15)).astype(np.float32)
    delta = np.zeros((3, 5), np.float32)
    delta[1, 2] = 1
    observed, truth = blurred(scene, delta)
    np.testing.assert_allclose(observed, scene[1:-1, 2:-2], atol=1e-6)
    np.testing.assert_array_equal(truth, scene[1:-1, 2:-2])


def test_gaussian_kernel_has_its_covariance():
    covariance = np.array([[4.0, 1.0], [1.0, 2.0]])
    kernel = gaussian_kernel((31, 31), covariance)
    grids = np.stack(np.meshgrid(*[np.arange(31) - 15] * 2, indexing="ij"))
    measured = np.einsum("iyx,jyx,yx->ij", grids, grids, kernel)
    np.testing.assert_allclose(measured, covariance, atol=0.02)
