"""Trust: which checks raise doubt on sound and on spoilt cases of the samples, and a picture of the maps.

python benchmarks/trust.py table
python benchmarks/trust.py figure docs/images/trust.png
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv._types import Result
from napari_blind_deconv.image_priors import SparseGradients, TotalVariation
from napari_blind_deconv.kernel_priors import Known, Uniform
from napari_blind_deconv.synthesis import SAMPLES, Sample, gaussian_kernel

KNOWN = Settings(kernel_prior=Known())
SHOWN = ("residual_size", "residual_whiteness", "residual_local", "no_blur", "prior_share", "border")


def cases(sample: Sample) -> Iterator[tuple[str, Sample, Settings, Any]]:
    """Name, data, settings and given PSF of every case, sound ones first."""
    true = sample.kernel
    ndim = true.ndim
    noise = float(deconvolve(sample.observed, replace(KNOWN, iterations=1), psf=true).report["noise_sigma"])
    yield "as suggested, blind", sample, sample.settings, None
    yield "true PSF", sample, KNOWN, true
    yield "true PSF, total variation", sample, replace(KNOWN, image_prior=TotalVariation()), true
    delta = np.zeros((3,) * ndim, np.float32)
    delta[(1,) * ndim] = 1
    yield "a point for a PSF", sample, KNOWN, delta
    yield "PSF too narrow", sample, KNOWN, gaussian_kernel((7,) * ndim, np.eye(ndim))
    wide = ndimage.gaussian_filter(np.pad(true, 4), 1.5)
    yield "PSF too wide by a blur of 1.5 px", sample, KNOWN, (wide / wide.sum()).astype(np.float32)
    mirrored = np.ascontiguousarray(true.swapaxes(-1, -2)[..., ::-1])
    yield "PSF turned by 90°", sample, KNOWN, mirrored
    for strength in (0.1, 10.0, 100.0):
        prior = SparseGradients(strength=strength)
        yield f"prior of strength {strength:g}", sample, replace(KNOWN, image_prior=prior), true
    yield "noise said to be 3 times", sample, replace(KNOWN, noise_sigma=3 * noise), true
    yield "noise said to be a third", sample, replace(KNOWN, noise_sigma=noise / 3), true
    top = float(np.quantile(sample.observed, 0.99))
    counts = np.rint(255 * np.clip(sample.observed / top, 0, 1)).astype(np.uint8)
    yield "1 % of the pixels saturated", replace(sample, observed=counts, truth=sample.truth * 255 / top), KNOWN, true
    if ndim == 2:
        cut = Settings(kernel_prior=Uniform(), kernel_size=(7, 7))
        yield "free form, support cut to 7 pixels", sample, cut, None


def restored(sample: Sample, settings: Settings, psf: Any) -> Result:
    """The result of a case, compared with its truth."""
    return deconvolve(
        sample.observed, settings, axes=sample.axes, voxel_size_um=sample.voxel_size_um, psf=psf, truth=sample.truth
    )


def table(names: list[str]) -> None:
    """One line per case: the figures, those in doubt in bold, and the names of all doubts."""
    print(f"| sample | case | PSNR | {' | '.join(SHOWN)} | doubts |")
    print("|---|---|" + "---|" * (len(SHOWN) + 2))
    for name in names:
        for case, sample, settings, psf in cases(SAMPLES[name]()):
            report = restored(sample, settings, psf).report
            checks = {check["check"]: check for check in report["trust"]}
            cells = [figure(checks[shown]) if shown in checks else "–" for shown in SHOWN]
            doubts = ", ".join(c["check"] for c in report["trust"] if c["verdict"] == "doubt") or "none"
            line = [name, case, f"{report['metrics']['psnr']:.1f}", *cells, doubts]
            print(f"| {' | '.join(line)} |", flush=True)


def figure(check: dict[str, Any]) -> str:
    """A check's value, bold where it is in doubt."""
    text = f"{check['value']:.2f}" if abs(check["value"]) < 100 else f"{check['value']:.0f}"
    return f"**{text}**" if check["verdict"] == "doubt" else text


def picture(path: Path, name: str) -> None:
    """Observation, restoration and maps: sound above, with a PSF that is turned below."""
    import matplotlib.pyplot as plt
    from PIL import Image

    sample = SAMPLES[name]()
    turned = np.ascontiguousarray(sample.kernel.swapaxes(-1, -2)[..., ::-1])
    looks = {"residual": ("PiYG", -4, 4), "prior_share": ("magma", 0, 1), "uncertainty": ("inferno", None, None)}
    rows = [
        ("right PSF", restored(sample, KNOWN, sample.kernel)),
        ("PSF turned by 90°", restored(sample, KNOWN, turned)),
    ]
    maps = [m for m in looks if m in rows[0][1].maps]
    drawing, axes = plt.subplots(len(rows), 2 + len(maps), figsize=(3 * (2 + len(maps)), 6.3), layout="constrained")
    for line, (title, result) in zip(axes, rows, strict=True):
        limits = {"cmap": "gray", "vmin": 0, "vmax": float(np.quantile(rows[0][1].image, 0.998))}
        line[0].imshow(sample.observed, **limits)
        line[1].imshow(result.image, **limits)
        for panel, shown in zip(line[2:], maps, strict=True):
            colours, low, high = looks[shown]
            drawn = panel.imshow(result.maps[shown], cmap=colours, vmin=low, vmax=high)
            drawing.colorbar(drawn, ax=panel, shrink=0.7)
        for panel, words in zip(line, ["observed", f"restored, {title}", *maps], strict=True):
            panel.set_title(words.replace("_", " "), fontsize=10)
            panel.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    drawing.savefig(path, dpi=80)
    with Image.open(path) as whole:
        whole.convert("RGB").quantize(128).save(path, optimize=True)


def main() -> None:
    """Read the command line, and print or draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "figure"])
    parser.add_argument("path", type=Path, nargs="?", default=Path("docs/images/trust.png"))
    parser.add_argument("--samples", nargs="+", default=["fluorescence", "photograph", "volume"], choices=list(SAMPLES))
    arguments = parser.parse_args()
    if arguments.what == "table":
        table(arguments.samples)
    else:
        picture(arguments.path, arguments.samples[0])


if __name__ == "__main__":
    main()
