"""Does `auto` choose the right family of PSFs? Prints one line a case, then the share that is right, family by family.

    python benchmarks/choosing.py [CASES PER FAMILY]

Kernels are drawn from six rungs of the ladder and blur sharp scenes, seen through noise of 0.5 to 1 %; further scenes
stay sharp. `auto` is told nothing, except for the stacks, where it knows objective and wavelength as their owner would.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scenes import SCENES

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.estimation.choice import cropped, placed
from napari_blind_deconv.fourier import centred
from napari_blind_deconv.kernel_priors import Auto, Defocus, Gaussian, KernelPrior, Lenslets, Microscope, Motion
from napari_blind_deconv.metrics import kernel_error
from napari_blind_deconv.synthesis import beads, blurred, cells, fibres

Float = NDArray[np.float32]
SIDE, VOLUME = 256, (40, 96, 96)
VOXEL_UM = (0.25, 0.1, 0.1)
LENS = {"na": 1.3, "emission_um": 0.52, "immersion_index": 1.515, "sample_index": 1.33}


@dataclass(frozen=True)
class Family:
    """A rung that kernels are drawn from, on a support, and the rungs that count as right."""

    prior: KernelPrior
    support: tuple[int, ...]
    right: tuple[str, ...]
    auto: Auto = field(default_factory=Auto)


FAMILIES: Mapping[str, Family] = {
    "gaussian": Family(Gaussian(sigma_px=2.0, sigma_spread=0.25), (31, 31), ("gaussian",)),
    "defocus": Family(Defocus(radius_px=4.0, radius_spread=0.35), (25, 25), ("defocus",)),
    "motion": Family(Motion(), (23, 23), ("motion",)),
    "lenslets": Family(Lenslets(count=6), (25, 25), ("lenslets",)),
    # A shaken camera: far more turns than the motion rung expects.
    "free form": Family(Motion(points=24, turn_rad=5.0), (21, 21), ("uniform",)),
    "microscope": Family(
        Microscope(**LENS, depth_um=(0.0, 8.0), zernike_rad=[]), (29, 41, 41), ("microscope",), Auto(**LENS)
    ),
}


def scene_of(family: str, index: int, shape: tuple[int, ...]) -> Float:
    """A sharp scene, one after the other; volumes are synthetic."""
    if family != "microscope":
        return list(SCENES.values())[index % len(SCENES)](max(shape))
    rng = np.random.default_rng(index)
    kinds: list[Callable[[], Float]] = [
        lambda: fibres(shape, rng, count=24, width=0.8) + beads(shape, rng, count=60, width=1.0),
        lambda: beads(shape, rng, count=150, width=1.0),
        lambda: cells(shape, rng),
    ]
    volume = 0.01 + kinds[index % len(kinds)]()
    return (volume / volume.max()).astype(np.float32)


def case(name: str, index: int) -> tuple[Float, Float]:
    """An observation, and the kernel that blurred it."""
    family = FAMILIES[name]
    prior, ndim = family.prior, len(family.support)
    bound = prior.in_voxels(VOXEL_UM) if isinstance(prior, Microscope) else prior
    kernel = bound.sample(family.support, torch.Generator().manual_seed(100 + index)).numpy().astype(np.float32)
    frame = VOLUME if ndim == 3 else (SIDE, SIDE)
    scene = scene_of(name, index, tuple(n + k - 1 for n, k in zip(frame, kernel.shape, strict=True)))
    seen, _ = blurred(scene, kernel)
    rng = np.random.default_rng(1000 + index)
    sigma = rng.uniform(0.005, 0.01) * np.quantile(seen, 0.999)
    return (seen + sigma * rng.normal(size=seen.shape)).astype(np.float32), kernel


def chosen(observed: Float, auto: Auto) -> tuple[str, Any]:
    """The kind that `auto` settles on, and the whole result."""
    voxels = VOXEL_UM if observed.ndim == 3 else None
    result = deconvolve(observed, Settings(kernel_prior=auto, iterations=1), voxel_size_um=voxels)
    return str(result.report["ranking"][0]["kind"]), result


def size_of(kernel: Float) -> int:
    """Longest side of the smallest support around the centre of mass that holds all but a hundredth of the light."""
    values = torch.from_numpy(kernel)
    return max(cropped(centred(placed(values, [2 * n + 1 for n in kernel.shape]))).shape)


def main(cases: int) -> None:
    """Every family's cases, then the scenes as they are."""
    right: dict[str, list[bool]] = {}
    sizes: list[float] = []
    for name, family in FAMILIES.items():
        for index in range(cases):
            observed, kernel = case(name, index)
            kind, result = chosen(observed, family.auto)
            size, true_size = size_of(result.kernel), size_of(kernel)
            good = kind in family.right
            right.setdefault(name, []).append(good)
            if good:
                sizes.append(size / true_size)
            print(
                f"{name:11} {index:2} -> {kind:10} {'right' if good else 'WRONG'}  size {size} of {true_size}  "
                f"KE {kernel_error(result.kernel, kernel):.3f}  {result.report['seconds']:.0f} s",
                flush=True,
            )
    for index, (name, scene) in enumerate(SCENES.items()):
        noise = np.random.default_rng(index).normal(0, 0.01, (SIDE, SIDE))
        kind, _ = chosen((scene(SIDE) + noise).astype(np.float32), Auto())
        right.setdefault("sharp", []).append(kind == "sharp")
        print(f"sharp       {name:20} -> {kind}", flush=True)
    for name, outcomes in right.items():
        print(f"{name:11} {sum(outcomes)} of {len(outcomes)}")
    blurs = [good for name, outcomes in right.items() if name != "sharp" for good in outcomes]
    within = np.abs(np.array(sizes) - 1) <= 0.25
    print(f"family right in {sum(blurs)} of {len(blurs)}; size within 25 % in {within.sum()} of {within.size} of these")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
