"""Ten noisy stacks of one microscope: KE/‖k‖ of each one's own PSF, and of the PSF of all together.

    python -m benchmarks.shared_psf [SEED ...]

Per seed and kind of specimen it prints mean and median of the errors of ten stacks, that of the shared PSF, and the
ratio. About three minutes a seed on one core.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv import Settings
from napari_blind_deconv._types import finished
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.pipeline.teaching import sharing_steps, teaching_steps
from napari_blind_deconv.synthesis import beads, cells, fibres, gaussian_kernel, photon_counts

Float = NDArray[np.float32]
SPECIMENS = {
    "fibres": lambda shape, rng: fibres(shape, rng, count=40, width=0.8),
    "beads": lambda shape, rng: beads(shape, rng, count=60, width=0.8),
    "cells": cells,
}
WIDTHS = (2.2, 1.5, 1.8)


def noisy_stacks(
    count: int,
    rng: np.random.Generator,
    *,
    specimen: str = "fibres",
    photons: float = 30.0,
    shape: tuple[int, ...] = (24, 64, 64),
    support: tuple[int, ...] = (9, 13, 13),
) -> tuple[list[Float], Float]:
    """Counts of different specimens through one PSF, and that PSF."""
    kernel = gaussian_kernel(support, np.diag(WIDTHS[-len(shape) :]) ** 2)
    larger = tuple(n + k - 1 for n, k in zip(shape, support, strict=True))
    found = []
    for _ in range(count):
        scene = SPECIMENS[specimen](larger, rng)
        found.append(photon_counts(scene / scene.max() + 0.02, kernel, photons, rng)[0])
    return found, kernel


def own_and_shared(images: list[Float], support: tuple[int, ...]) -> tuple[list[Float], Float]:
    """The PSF of each image by itself, and that of all."""
    settings = Settings(kernel_prior=Gaussian(), kernel_size=support)
    taught = [finished(teaching_steps(image, settings)) for image in images]
    own = [finished(sharing_steps([one], settings)).kernel for one in taught]
    return own, finished(sharing_steps(taught, settings)).kernel


def relative_error(found: Float, true: Float) -> float:
    """KE/‖k‖; a Gaussian has no shift to be aligned."""
    return float(np.linalg.norm(found - true) / np.linalg.norm(true))


def main() -> None:
    """Print the table."""
    for seed in [int(text) for text in sys.argv[1:]] or [0, 1]:
        for specimen in SPECIMENS:
            for photons in (30.0, 100.0):
                images, kernel = noisy_stacks(10, np.random.default_rng(seed), specimen=specimen, photons=photons)
                own, shared = own_and_shared(images, kernel.shape)
                errors, error = [relative_error(k, kernel) for k in own], relative_error(shared, kernel)
                sys.stdout.write(
                    f"{seed} {specimen:7} {photons:4.0f} photons: each mean {np.mean(errors):.3f}, median "
                    f"{np.median(errors):.3f}; all {error:.3f}, {error / np.mean(errors):.2f} of the mean, "
                    f"{error / np.median(errors):.2f} of the median\n"
                )
                sys.stdout.flush()


if __name__ == "__main__":
    main()
