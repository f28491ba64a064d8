"""Images in counts of light, with the PSF that blurred them, and runs on them."""

import dataclasses

import numpy as np

from napari_blind_deconv import deconvolve
from napari_blind_deconv.synthesis import beads, cells, gaussian_kernel, photon_counts


def observed_of(shape, support, variance, count, seed=0):
    """An image of cells, or a volume of ``count`` beads, and the PSF on the last axes of ``support``."""
    rng = np.random.default_rng(seed)
    kernel = gaussian_kernel(support[-len(shape) :], np.diag([variance] * len(shape)))
    grown = tuple(n + k - 1 for n, k in zip(shape, kernel.shape, strict=True))
    scene = cells(grown, rng) if len(shape) == 2 else 0.05 + beads(grown, rng, count=count, width=2.0)
    return photon_counts(scene, kernel, 400, rng)[0], kernel


def restored(observed, kernel, settings):
    """A run that is given the PSF where it is known, else its size."""
    psf = kernel if settings.kernel_prior.kind == "known" else None
    if psf is None:
        settings = dataclasses.replace(settings, kernel_size=kernel.shape)
    return deconvolve(observed, settings, psf=psf, voxel_size_um=(0.3, 0.12, 0.12)[-observed.ndim :])
