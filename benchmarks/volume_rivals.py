"""Programs that restore volumes, for `volumes.py`: ours, and others where they are installed.

Each is made ready first (its imports are not measured), and gives what is to be measured. None of the others is needed
by the project, and nothing of theirs is copied: they are called as their documentation says.
"""

import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from volume_cases import Case, Float

Restores = Callable[[], NDArray[np.float32]]


@dataclass(frozen=True)
class Rival:
    """A program.

    Attributes
    ----------
    ready
        From a case and a number of iterations to what is measured.
    iterations
        Numbers to try; 0: its own.
    module, program
        What must be installed.
    optics
        Whether it needs to know the optics.
    """

    ready: Callable[[Case, int], Restores]
    iterations: tuple[int, ...] = (0,)
    module: str | None = None
    program: str | None = None
    optics: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be run here."""
        module = self.module is None or importlib.util.find_spec(self.module) is not None
        return module and (self.program is None or shutil.which(self.program) is not None)


def observation(case: Case, _: int) -> Restores:
    """Nothing is restored: where all start from."""
    return lambda: case.observed


def ours(**families: str) -> Callable[[Case, int], Restores]:
    """A run as anybody gets it, maps and checks included, with these kinds in place of the default ones."""

    def ready(case: Case, _: int) -> Restores:
        import torch

        from napari_blind_deconv import deconvolve
        from napari_blind_deconv.settings import settings_from_dict

        torch.set_num_threads(1)
        values: dict[str, object] = {name: {"kind": kind} for name, kind in families.items()}
        if families["kernel_prior"] == "microscope":
            values["kernel_prior"] = {"kind": "microscope", **(case.optics or {})}
        known = families["kernel_prior"] == "known"
        size = None if known else case.kernel_size
        settings = settings_from_dict({**values, "kernel_size": size, "device": "cpu"})
        psf = case.psf if known else None
        return lambda: deconvolve(case.observed, settings, psf=psf, voxel_size_um=case.voxel_size_um).image

    return ready


def scikit_image(case: Case, iterations: int) -> Restores:
    """Its Richardson-Lucy, not clipped to 1."""
    from skimage.restoration import richardson_lucy

    return lambda: richardson_lucy(case.observed, case.psf, num_iter=iterations, clip=False)


def redlionfish(case: Case, iterations: int) -> Restores:
    """Its Richardson-Lucy on the CPU."""
    from RedLionfishDeconv import doRLDeconvolutionFromNpArrays

    def run() -> NDArray[np.float32]:
        found = doRLDeconvolutionFromNpArrays(case.observed, case.psf, niter=iterations, method="cpu")
        if found is None:
            raise RuntimeError("RedLionfish gave no image")
        return np.asarray(found)

    return run


def sdeconv(name: str) -> Callable[[Case, int], Restores]:
    """One of its filters with its own parameters, padded by half a PSF; it wants the PSF on the image's grid."""

    def ready(case: Case, iterations: int) -> Restores:
        import torch
        from sdeconv import deconv

        torch.set_num_threads(1)
        psf, image = torch.from_numpy(_on_grid(case.psf, case.observed.shape)), torch.from_numpy(case.observed)
        chosen = {"niter": iterations} if iterations else {}
        run = getattr(deconv, name)(psf, pad=tuple(k // 2 for k in case.kernel_size), **chosen)
        return lambda: run(image).detach().numpy()

    return ready


def _on_grid(psf: Float, shape: tuple[int, ...]) -> Float:
    """The PSF in the middle of an array of another shape, cut off where it is larger, of unit sum."""
    grid = np.zeros(shape, np.float32)
    pairs = [(n, k, min(n // 2, k // 2), min(n - n // 2, k - k // 2)) for n, k in zip(shape, psf.shape, strict=True)]
    target = tuple(slice(n // 2 - before, n // 2 + after) for n, _, before, after in pairs)
    source = tuple(slice(k // 2 - before, k // 2 + after) for _, k, before, after in pairs)
    grid[target] = psf[source]
    return grid / grid.sum()


def deconwolf(case: Case, iterations: int) -> Restores:
    """The program `dw`, which is only run; reading and writing files is part of its time."""
    from tifffile import imread, imwrite

    folder = Path(tempfile.mkdtemp())
    imwrite(folder / "image.tif", case.observed)
    imwrite(folder / "psf.tif", case.psf)
    options = ["--threads", "1", "--float", "--overwrite", "--iter", str(iterations), "--out", "out.tif"]

    def run() -> NDArray[np.float32]:
        subprocess.run(["dw", *options, "image.tif", "psf.tif"], cwd=folder, check=True, capture_output=True)
        found = imread(folder / "out.tif")
        shutil.rmtree(folder)
        return found

    return run


STEPS = (10, 20, 50, 100, 200)
KNOWN, RICHARDSON_LUCY = "ours, known PSF", "ours, richardson-lucy"
GAUSSIAN, MICROSCOPE = "ours, blind: gaussian", "ours, blind: microscope"
SCIKIT_IMAGE = "scikit-image"
RIVALS: Mapping[str, Rival] = {
    "observation": Rival(observation),
    KNOWN: Rival(ours(kernel_prior="known")),
    RICHARDSON_LUCY: Rival(ours(kernel_prior="known", restorer="richardson-lucy")),
    GAUSSIAN: Rival(ours(kernel_prior="gaussian")),
    MICROSCOPE: Rival(ours(kernel_prior="microscope"), optics=True),
    SCIKIT_IMAGE: Rival(scikit_image, STEPS, module="skimage"),
    "RedLionfish": Rival(redlionfish, (50,), module="RedLionfishDeconv"),
    "sdeconv, Richardson-Lucy": Rival(sdeconv("SRichardsonLucy"), (50,), module="sdeconv"),
    "sdeconv, Wiener": Rival(sdeconv("SWiener"), module="sdeconv"),
    "sdeconv, Spitfire": Rival(sdeconv("Spitfire"), module="sdeconv"),
    "deconwolf": Rival(deconwolf, (50,), program="dw"),
}
