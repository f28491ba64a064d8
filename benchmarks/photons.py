"""Counted light with a known PSF: the camera's likelihood against noise of one strength, and Richardson-Lucy.

    python benchmarks/photons.py [IMAGES]

Ten scenes, blurred by an oval Gaussian, seen with 20, 100 and 1000 photons at the brightest pixel. Prints one table in
Markdown: mean PSNR over the scenes at each level of light, and in how many scenes each way is better than even noise.
"""

import sys
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scenes import SCENES

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.forward import CameraNoiseModel, GaussianNoise
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.restoration import RichardsonLucyRestorer
from napari_blind_deconv.synthesis import beads, cells, fibres, gaussian_kernel, photon_counts

Float = NDArray[np.float32]
SIDE, BORDER = 192, 15
KERNEL = gaussian_kernel((15, 15), np.array([[4.0, 1.0], [1.0, 2.5]]))
PHOTONS = (20, 100, 1000)

WAYS: Mapping[str, Settings] = {
    "even noise": Settings(kernel_prior=Known(), likelihood=GaussianNoise(), background=0.0),
    "default": Settings(kernel_prior=Known(), background=0.0),
    "camera, gain 1": Settings(kernel_prior=Known(), likelihood=CameraNoiseModel(gain=1.0), background=0.0),
    "Richardson-Lucy, 30": Settings(
        kernel_prior=Known(), restorer=RichardsonLucyRestorer(), image_prior=NoPrior(), background=0.0
    ),
}


def scenes() -> list[Float]:
    """Cells, filaments and beads of several draws, and micrographs and photographs."""
    shape = (SIDE + 14, SIDE + 14)
    drawn: list[Callable[[], Float]] = [
        *(lambda s=s: cells(shape, np.random.default_rng(s)) for s in (1, 2, 3)),
        *(lambda s=s: 0.01 + fibres(shape, np.random.default_rng(s), count=20, width=0.8) for s in (4, 5)),
        *(lambda s=s: 0.01 + beads(shape, np.random.default_rng(s), count=120, width=1.0) for s in (6, 7)),
    ]
    taken = [SCENES[name](shape[0]) for name in ("immunohistochemistry", "coins", "camera")]
    return [scene() for scene in drawn] + [np.asarray(t, np.float32) for t in taken]


def psnr(image: Float, truth: Float) -> float:
    """Peak signal over error inside the border, in dB; the peak is the truth's range."""
    inner = (slice(BORDER, -BORDER),) * 2
    error = np.mean((image[inner] - truth[inner]) ** 2)
    return float(10 * np.log10(np.ptp(truth[inner]) ** 2 / error))


def row(photons: int, count: int) -> dict[str, list[float]]:
    """PSNR of every way, scene by scene."""
    found: dict[str, list[float]] = {name: [] for name in ("observed", *WAYS)}
    for index, scene in enumerate(scenes()[:count]):
        observed, truth = photon_counts(scene, KERNEL, photons, np.random.default_rng(100 + index))
        found["observed"].append(psnr(observed, truth))
        for name, settings in WAYS.items():
            found[name].append(psnr(deconvolve(observed, settings, psf=KERNEL).image, truth))
    return found


def main(count: int) -> None:
    """The table."""
    print(f"| photons | {' | '.join(['observed', *WAYS])} |\n|---{'|---' * (len(WAYS) + 1)}|", flush=True)
    for photons in PHOTONS:
        found = row(photons, count)
        even = np.array(found["even noise"])
        entries = []
        for name, values in found.items():
            wins = f" ({int((np.array(values) > even).sum())} of {len(values)})" if name in WAYS else ""
            entries.append(f"{np.mean(values):.2f}{wins if name != 'even noise' else ''}")
        print(f"| {photons} | {' | '.join(entries)} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
