"""Richardson-Lucy with a known PSF beside scikit-image's: agreement inside the frame, and time.

    python benchmarks/richardson_lucy.py

Both get the same float32 image and PSF. The borders differ on purpose (scikit-image takes the outside for black, to us
it is unknown), so the comparison keeps clear of them.
"""

import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from skimage import data
from skimage.restoration import richardson_lucy

from napari_blind_deconv.estimation import ByEvidence, Problem
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.pipeline.two_phase import two_phases
from napari_blind_deconv.restoration import RichardsonLucyRestorer
from napari_blind_deconv.synthesis import blurred, gaussian_kernel

MARGIN = 60
REPEATS = 7


def timed(run: Callable[[], np.ndarray]) -> tuple[np.ndarray, float]:
    """A result and the median seconds of several runs, after one to warm up."""
    result, seconds = run(), []
    for _ in range(REPEATS):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return result, statistics.median(seconds)


def problem(observed: np.ndarray, kernel: np.ndarray, iterations: int) -> Problem:
    """The observation, ready to be solved."""
    given = torch.from_numpy(observed)[None]
    return Problem(
        observed=given,
        sample=given,
        kernel_shape=kernel.shape,
        spacing=(1.0, 1.0),
        noise=Noise.white(0.01),
        model_error=0.0,
        kernel_prior=Known(kernel=kernel),
        kernel_weight=1.0,
        image_prior=NoPrior(),
        iterations=iterations,
        generator=torch.Generator(),
    )


def last_image(given: Problem) -> np.ndarray:
    """The image after the last iteration."""
    *_, estimate = two_phases(given, ByEvidence(), RichardsonLucyRestorer())
    return estimate.image[0].numpy()


def main() -> None:
    """Print a row per number of iterations."""
    torch.set_num_threads(1)
    scene = data.camera()[:330, 60:390].astype(np.float32) / 255
    kernel = gaussian_kernel((9, 11), np.diag([2.0, 3.0]))
    observed, _ = blurred(scene, kernel)
    print(f"image {observed.shape}, PSF {kernel.shape}, median of {REPEATS} runs")
    inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
    for iterations in (10, 30, 100):
        given = problem(observed, kernel, iterations)
        ours, our_time = timed(lambda given=given: last_image(given))
        theirs, their_time = timed(lambda n=iterations: richardson_lucy(observed, kernel, num_iter=n, clip=False))
        difference = float(np.abs(ours[inner] - theirs[inner]).max())
        print(
            f"{iterations:4d} iterations: largest difference {difference:.1e}, "
            f"ours {our_time:.3f} s, scikit-image {their_time:.3f} s"
        )


if __name__ == "__main__":
    main()
