"""Pictures as phones deliver them: is the PSF right, and does no check cry wolf? Prints a table.

    python benchmarks/phone.py [FOLDER OF PICTURES]

Photographs in linear light are blurred, get shot noise, gamma and JPEG of four qualities. Blur and noise are
those of light; the picture is compressed by the camera's curve and by JPEG afterwards, as in a phone.
"""

import io
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.kernel_priors import Defocus, Gaussian, KernelPrior, Motion
from napari_blind_deconv.metrics import score_kernel
from napari_blind_deconv.synthesis import blurred, gaussian_kernel

Float = NDArray[np.float32]
SIDE, SUPPORT = 288, (25, 25)
# Photons at white: a picture in good light on a small sensor.
PHOTONS = 4000
QUALITIES = (95, 85, 75)


def linear(picture: NDArray[np.uint8]) -> Float:
    """From sRGB to light (IEC 61966-2-1)."""
    value = picture.astype(np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def encoded(light: Float) -> NDArray[np.uint8]:
    """From light to sRGB of eight bits."""
    light = light.clip(0, 1)
    value = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (255 * value + 0.5).astype(np.uint8)


def kernels() -> dict[str, tuple[KernelPrior, Float]]:
    """A prior and a kernel of its family."""
    import torch

    def drawn(prior: KernelPrior, seed: int) -> Float:
        return prior.sample(SUPPORT, torch.Generator().manual_seed(seed)).numpy().astype(np.float32)

    return {
        "defocus": (Defocus(), drawn(Defocus(radius_px=3.5, radius_spread=0.01), 0)),
        "motion": (Motion(), drawn(Motion(), 104)),
        "gaussian": (Gaussian(), gaussian_kernel(SUPPORT, np.diag([3.0, 3.0]))),
    }


def picture(scene: Float, kernel: Float, quality: int | None, seed: int) -> NDArray[np.uint8]:
    """What the phone stores, RGB."""
    seen = np.stack([blurred(scene[..., c], kernel)[0] for c in range(3)], -1)
    rng = np.random.default_rng(seed)
    found = encoded((rng.poisson(seen.clip(0) * PHOTONS) / PHOTONS).astype(np.float32))
    if quality is None:
        return found
    stream = io.BytesIO()
    Image.fromarray(found).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def scenes(folder: Path | None) -> dict[str, NDArray[np.uint8]]:
    """Sharp colour photographs; those of scikit-image, or a folder's."""
    if folder is not None:
        return {p.stem: np.asarray(Image.open(p).convert("RGB")) for p in sorted(folder.iterdir())}
    return {"astronaut": data.astronaut()[20:, 60:], "cat": data.chelsea(), "coffee": data.coffee()[60:, 120:]}


def row(name: str, family: str, quality: int | None) -> str:
    """One line of the table."""
    prior, kernel = kernels()[family]
    side = SIDE + SUPPORT[0] - 1
    scene = linear(scenes(FOLDER)[name][:side, :side])
    image = picture(scene, kernel, quality, 1)
    settings = Settings(kernel_prior=prior, kernel_size=SUPPORT, iterations=4, encoding="srgb")
    result = deconvolve(image, settings, axes="YXS")
    found = score_kernel(result.kernel, kernel)
    doubts = [c["check"] for c in result.report["trust"] if c["verdict"] == "doubt"]
    words = ", ".join(doubts) or "none"
    return (
        f"| {name} | {family} | {quality or 'none'} | {found['ke_rel']:.3f} | {found['mnc']:.3f} | {words} | "
        f"{result.report['noise']['words'].partition(';')[0]} |"
    )


FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else None

if __name__ == "__main__":
    print("| picture | PSF | JPEG | KE/‖k‖ | MNC | doubts | noise |\n|---|---|---|---|---|---|---|")
    for name in scenes(FOLDER):
        for family in kernels():
            for quality in (None, *QUALITIES):
                print(row(name, family, quality), flush=True)
