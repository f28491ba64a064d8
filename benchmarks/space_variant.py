"""A PSF that changes over the field: what it gains, whether an even field is recognised, and kernels along the depth.

    python -m benchmarks.space_variant planes|even|depth [draws]

Every pixel of a scene spreads its light by its own Gaussian (`benchmarks.varying_scenes`); nothing of the operator
under test is used for that.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from benchmarks.varying_scenes import Widths, even, from_the_centre, linear, scattered
from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv._types import Result
from napari_blind_deconv.estimation import Constant, Smooth
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.synthesis import beads, cells, fibres

Float = NDArray[np.float32]
_SIDE, _RIM, _KERNEL = 160, 12, (25, 25)
_VOLUME, _RIMS, _KERNEL_3D = (48, 80, 80), (10, 6, 6), (21, 13, 13)
_BORDER = 10
FIELDS: dict[str, Widths] = {
    "left to right": linear(1, 1.5, 3.0),
    "centre to corners": from_the_centre(1.5, 3.0),
    "even": even(2.0),
}


def scene(kind: str, shape: tuple[int, ...], seed: int) -> Float:
    """Cells, or fibres only."""
    rng = np.random.default_rng(seed)
    values = cells(shape, rng) if kind == "cells" else 0.02 + fibres(shape, rng, count=40, width=0.7)
    return (values / values.max()).astype(np.float32)


def plane(kind: str, widths: Widths, seed: int) -> tuple[Float, Float]:
    """Observation and truth: cells counted, 1000 photons at the peak, fibres with half a per cent of noise."""
    sharp = scene(kind, (_SIDE + 2 * _RIM,) * 2, seed)
    blurred = scattered(sharp, (_SIDE, _SIDE), widths, (1.0, 1.0))
    peak, rng = float(blurred.max()), np.random.default_rng(100 + seed)
    truth = sharp[_RIM:-_RIM, _RIM:-_RIM]
    if kind == "cells":
        return rng.poisson(blurred / peak * 1000).astype(np.float32), truth / peak * 1000
    return (blurred + rng.normal(0, 0.005 * peak, blurred.shape)).astype(np.float32), truth


def decibels(image: Float, truth: Float) -> float:
    """PSNR inside the border."""
    inside = tuple(slice(min(_BORDER, n // 8), n - min(_BORDER, n // 8)) for n in truth.shape)
    error = np.mean((image[inside] - truth[inside]) ** 2)
    return float(10 * np.log10(np.ptp(truth[inside]) ** 2 / error))


def settings(*, smooth: bool, order: int = 2, volume: bool = False, **more: object) -> Settings:
    """Blind, Gaussian."""
    kernel = _KERNEL_3D if volume else _KERNEL
    variation = Smooth(order=order) if smooth else Constant()
    return Settings(kernel_prior=Gaussian(), kernel_size=kernel, model_error=0.0, variation=variation, **more)  # type: ignore[arg-type]


def planes(draws: int) -> None:
    """PSNR with one PSF and with one that changes."""
    print("| scene | width | draw | observed | one PSF | changing PSF | gain | found |")
    print("|---|---|---|---|---|---|---|---|")
    for kind in ("cells", "fibres"):
        for name in ("left to right", "centre to corners"):
            for seed in range(draws):
                observed, truth = plane(kind, FIELDS[name], seed)
                one, smooth = (deconvolve(observed, settings(smooth=s)) for s in (False, True))
                seen, alone, varying = (decibels(i, truth) for i in (observed, one.image, smooth.image))
                found = said(smooth)
                row = f"{seen:.2f} | {alone:.2f} | {varying:.2f} | {varying - alone:+.2f} | {found}"
                print(f"| {kind} | {name} | {seed} | {row} |", flush=True)


def said(result: Result) -> str:
    """Terms that were kept, their gain, and the width at three places of a diagonal."""
    kept = [f"{s['name']} {s['gain_nats']:.0f}" for s in result.report["field"]["tried"] if s["kept"]]
    psfs = result.report["field"]["psfs"]
    widths = [f"{psfs[i]['parameters']['sigma_1_px']:.2f}" for i in (3, 4, 8)] if psfs else []
    return f"{', '.join(kept) or 'even'} ({', '.join(widths)})"


def evenness(draws: int) -> None:
    """How many even fields are recognised."""
    for kind in ("cells", "fibres"):
        found, most = 0, 0.0
        for seed in range(draws):
            observed, _truth = plane(kind, FIELDS["even"], 50 + seed)
            field = deconvolve(observed, settings(smooth=True, iterations=1)).report["field"]
            found += not field["varies"]
            most = max(most, *(step["gain_nats"] - step["penalty_nats"] for step in field["tried"]))
        print(f"{kind}: {found} of {draws} recognised as even; largest gain less penalty {most:.1f} nats", flush=True)


def depth(draws: int) -> None:
    """Kernel errors at the top, in the middle and at the bottom, and PSNR."""
    print("| draw | PSNR observed | one PSF | changing PSF | KE/‖k‖ top, middle, bottom: one PSF | changing PSF |")
    print("|---|---|---|---|---|---|")
    for seed in range(draws):
        rng = np.random.default_rng(seed)
        big = tuple(n + 2 * r for n, r in zip(_VOLUME, _RIMS, strict=True))
        sharp = 0.005 + fibres(big, rng, count=24, width=0.8) + beads(big, rng, count=60, width=1.2)
        widths = linear(0, 0.9, 1.8)
        blurred = scattered(sharp.astype(np.float32), _VOLUME, widths, (2.0, 1.0, 1.0))
        gain = 1000 / float(blurred.max())
        truth = (sharp * gain)[tuple(slice(r, -r) for r in _RIMS)].astype(np.float32)
        observed = rng.poisson(np.clip(blurred * gain, 0, None)).astype(np.float32)
        runs = [
            deconvolve(observed, settings(smooth=s, order=1, volume=True), voxel_size_um=(0.2, 0.1, 0.1))
            for s in (False, True)
        ]
        errors = [", ".join(f"{e:.3f}" for e in kernel_errors(run)) for run in runs]
        figures = " | ".join(f"{decibels(i, truth):.2f}" for i in (observed, runs[0].image, runs[1].image))
        print(f"| {seed} | {figures} | {errors[0]} | {errors[1]} |", flush=True)


def kernel_errors(run: Result) -> list[float]:
    """Relative errors at the first, the middle and the last plane."""
    found = [run.kernel] * 3
    if run.psf_fields:
        found = [run.psf_fields[0].kernels[i] for i in (4, 13, 22)]
    errors = []
    for place, kernel in zip((0.0, (_VOLUME[0] - 1) / 2, _VOLUME[0] - 1.0), found, strict=True):
        width = 0.9 + 0.9 * (2 * place + 1) / _VOLUME[0] / 2
        axes = [
            np.exp(-0.5 * ((np.arange(k) - k // 2) / (width * r)) ** 2)
            for k, r in zip(_KERNEL_3D, (2, 1, 1), strict=True)
        ]
        true = axes[0][:, None, None] * axes[1][:, None] * axes[2]
        true /= true.sum()
        errors.append(float(np.linalg.norm(kernel - true) / np.linalg.norm(true)))
    return errors


if __name__ == "__main__":
    {"planes": planes, "even": evenness, "depth": depth}[sys.argv[1]](int(sys.argv[2]) if len(sys.argv) > 2 else 2)
