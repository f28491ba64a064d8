"""The card of a testbed: how it was made, in JSON for programs and in Markdown for people."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from napari_blind_deconv.report import versions

from .limits import spectra
from .noise import PhotonNoise
from .recipe import Recipe, recipe_to_dict
from .samples import SAMPLES

CARD, README = "card.json", "README.md"
FORMAT, VERSION = "napari-blind-deconv testbed", 1
_OWN = (
    "Drawn at random by a program. Of the files that it was fitted to, it contains only the power spectrum. "
    "Whoever draws the data decides on their licence."
)


def card_of(recipe: Recipe, summary: Mapping[str, Any], fitted_to: Mapping[str, Any] | None) -> dict[str, Any]:
    """All that is recorded of a testbed.

    Parameters
    ----------
    recipe
        What was asked for.
    summary
        Means over the samples, each of which has a line in `samples.SAMPLES`.
    fitted_to
        The real images or movies whose spectrum the field has: files, checksums, region, scale, licence.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "recipe": recipe_to_dict(recipe),
        "axes": recipe.axes,
        "shape": list(recipe.shape),
        "canvas": None if recipe.kind == "kernel" else list(recipe.frame.canvas),
        "gain": recipe.noise.gain,
        "fitted_to": dict(fitted_to) if fitted_to else None,
        "licence": {"data": _OWN, "fitted_to": fitted_to.get("licence") if fitted_to else None},
        "spectra": spectra(recipe),
        "summary": dict(summary),
        "versions": dict(versions()),
    }


def readme_of(card: Mapping[str, Any], recipe: Recipe, shown: Sequence[Mapping[str, Any]]) -> str:
    """The card as a page, with a table of samples that are ``shown``."""
    parts = [f"# {_title(recipe)}", "", _OWN, "", *_layout(recipe), "", "## How it was made", ""]
    if recipe.field is not None:
        parts += [f"- p(x): a stationary Gaussian field, `{recipe.field.kind}`; its numbers are in `{CARD}`."]
    kinds = ", ".join(dict.fromkeys(f"`{prior.kind}`" for prior in recipe.kernel_priors))
    size = " x ".join(map(str, recipe.kernel_size))
    parts += [f"- p(k): {kinds}, on {size} pixels."]
    if recipe.kernel_drift_frames:
        parts += [f"- A kernel is drawn every {recipe.kernel_drift_frames} frames; in between it is their mixture."]
    if recipe.kind != "kernel":
        parts += [f"- Noise: {_noise(recipe)}. Border: {_border(recipe)}."]
    parts += [f"- Seed {recipe.seed}; every sample's seeds are in `{SAMPLES}`.", *_fitted(card), ""]
    more = recipe.samples - len(shown)
    rest = ["", f"{more} more are in `{SAMPLES}`."] if more else []
    parts += ["## Samples", "", *_table(shown), *rest, ""]
    return "\n".join(parts)


def _title(recipe: Recipe) -> str:
    words = {"image": "images" if len(recipe.size) == 2 else "volumes", "kernel": "kernels", "video": "videos"}
    word = words[recipe.kind].removesuffix("s") if recipe.samples == 1 else words[recipe.kind]
    return f"Testbed: {recipe.samples} synthetic {word} of {' x '.join(map(str, recipe.shape))}"


def _layout(recipe: Recipe) -> list[str]:
    if recipe.kind == "kernel":
        return ["Kernel `i` is the OME-Zarr image in folder `i`: unit sum, centre tap in the middle."]
    return [
        "Sample `i` is in folder `i`, three OME-Zarr 0.5 images, float32:",
        "",
        "- `i`: observed, y = k * x + n",
        "- `i/sharp`: x, the same shape",
        "- `i/kernel`: k, unit sum, centre tap in the middle, in the orientation of a convolution"
        + ("; one per frame" if recipe.kernel_drift_frames else ""),
    ]


def _noise(recipe: Recipe) -> str:
    if isinstance(recipe.noise, PhotonNoise):
        return f"photon counts, {recipe.noise.peak:g} at an intensity of 1; sharp and observed are in photons"
    return f"white, standard deviation {recipe.noise.sigma:g}"


def _border(recipe: Recipe) -> str:
    if recipe.boundary == "periodic":
        return "periodic, so that posteriors have a closed form"
    return "the scene continues beyond the frame"


def _fitted(card: Mapping[str, Any]) -> list[str]:
    found = card["fitted_to"]
    if not found:
        return ["- Not fitted: the spectrum is given by the numbers."]
    names = [file["name"] for file in found["files"]]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return [
        f"- Fitted to {shown}: {found['used']}. Licence: {found['licence'] or 'not stated'}.",
        f"- Scale: 0 is the intensity {found['offset']:.6g}, 1 is {found['offset'] + found['scale']:.6g}.",
    ]


def _table(samples: Sequence[Mapping[str, Any]]) -> list[str]:
    if not samples or "sharp" not in samples[0]:
        return ["| sample | kernel |", "|---|---|", *(f"| {s['sample']} | `{s['kernel_prior']}` |" for s in samples)]
    rows = ["| sample | kernel | sharp, sd | observed, sd | SNR, dB | least error |", "|---|---|---|---|---|---|"]
    for s in samples:
        snr, least = s["snr_db"], s["least_rms_error"]
        figures = [s["sharp"]["sd"], s["observed"]["sd"], math.nan if snr is None else snr]
        words = " | ".join("" if math.isnan(f) else f"{f:.4g}" for f in figures)
        rows.append(f"| {s['sample']} | `{s['kernel_prior']}` | {words} | {'' if least is None else f'{least:.4g}'} |")
    return rows
