"""What the settings are called on screen: the registries' names in the words of the people who use them."""

import re
from types import MappingProxyType
from typing import Final

from napari_blind_deconv._napari.kind_words import KIND_LABELS

FIELD_LABELS: Final = MappingProxyType(
    {
        "kernel_prior": "What do you know about the PSF?",
        "kernel_size": "PSF size (px)",
        "kernel_weight": "PSF prior weight",
        "estimator": "How to find the PSF",
        "restorer": "How to restore the image",
        "likelihood": "What do you know about the camera?",
        "variation": "The PSF over the field",
        "smooth.order": "Order of the change",
        "non_negative": "Not below the background",
        "photon-map.edges": "Weight of edges",
        "photon-map.softness": "Softness of edges",
        "camera.gain": "Gain (levels/photon)",
        "camera.read_noise": "Read noise (levels)",
        "camera.offset": "Offset (levels)",
        "encoding": "Intensities are",
        "image_prior": "What does the sharp image look like?",
        "noise_sigma": "Noise sigma",
        "sigma_px": "Typical sigma (px)",
        "sigma_spread": "Spread of sigma",
        "points": "Points of the path",
        "turn_rad": "Turning (rad)",
        "width_px": "Width (px)",
        "exponent": "Exponent",
        "time_weight": "Tie frames in time",
        "correlation_px": "Correlation (px)",
        "stride": "Step between patches",
        "widths": "Channels of the network",
        "fill_nan": "Fill NaN and Inf",
        "share_psf": "One PSF for",
        "psf_drift": "PSF drift (frames)",
        "planes": "Independent planes",
        "bootstrap": "Repeats for the error",
        "psf": "PSF file",
        "na": "NA",
        "zernike_rad": "Zernike (rad)",
        "excitation_um": "Laser (µm)",
        "emissions_um": "Emissions (µm)",
        "excitations_um": "Lasers (µm)",
        "sheet_um": "Light sheet (µm)",
        "pinhole_airy": "Pinhole (Airy)",
        "weights": "File of weights",
        "count": "Number of spots",
        "diffusion.strength": "Diffusion strength",
        "diffusion.weight": "Weight against the data",
        "diffusion.denoising": "Last denoising (σ)",
        "diffusion.edges": "Weight of sparse edges",
        "samples": "Images sampled",
        "levels": "Noise levels",
        "by-draws.rounds": "Rounds for the PSF",
        "draws": "Images per round",
    }
)
"""Field name, or kind.field: its label, where the name itself does not say it."""

FIELD_HINTS: Final = MappingProxyType(
    {
        "kernel_prior": "The less you know about the PSF, the more information the image must contain.",
        "kernel_size": "Odd numbers, such as 15 or 9, 15, 15 (z, y, x); large enough to hold the whole PSF.",
        "image_prior": "What the sharp image is expected to look like.",
        "diffusion.strength": "0: no prior; 0.5: as much as the noise requires; 1: trust the prior.",
        "strength": "Higher is smoother, lower is sharper and noisier; the default fits the noise.",
        "weight": "How many times the learned prior counts against the data; automatic follows the strength.",
        "denoising": "Last noise level that is denoised, times the noise sigma; automatic follows the strength.",
        "edges": "How much sparse gradients count beside the network; 0 leaves them out.",
        "emissions_um": "One number per channel, where channels differ; in place of the emission above.",
        "excitations_um": "One number per channel, where channels differ; in place of the laser above.",
        "restorer": "How the image is restored once there is a PSF; the default follows the data.",
        "likelihood": "How the noise grows with the light; the default reads it from the image.",
        "variation": "Whether the blur differs between centre and corners, or with depth.",
        "smooth.order": "1: changes in proportion to the position; 2: also with the distance from the centre.",
        "posterior-sampling.likelihood": "One sigma everywhere, or photons, whose noise grows with brightness.",
        "non_negative": "Keep the image above its background; automatic does so where photons are counted.",
        "photon-map.edges": "Cost of differences between pixels; at 0, only the number of steps limits the noise.",
        "photon-map.softness": "Differences below this share of the brightness count as flat.",
        "camera.gain": "Grey levels per photon: 1 for counts; automatic reads it from the image.",
        "camera.read_noise": "Standard deviation of the noise without light, in grey levels.",
        "camera.offset": "Grey level without light; automatic uses the background, or reads it from the noise.",
        "samples": "Number of images that are sampled; 16 give the uncertainty to within a fifth.",
        "rounds": "How often the PSF is estimated again from an image: at every size, in turn, or from sampled images.",
        "kernel_weight": "How much the PSF prior counts against the data; 1 is balanced.",
        "iterations": "More steps take longer and sharpen further; automatic is a good start.",
        "noise_sigma": "Standard deviation of the noise, in units of the image; automatic estimates it.",
        "background": "Constant offset of the camera, in units of the image.",
        "estimator": "How the PSF is found if it is not known.",
        "encoding": "Grey levels of phones and cameras follow the light by a curve; microscopes measure it.",
        "planes": "Treat a stack as separate 2-D images that share one PSF, instead of one volume.",
        "share_psf": "Which frames, planes and channels share one PSF; all others have their own.",
        "psf_drift": "Compare groups of this many frames, and let the PSF change with time if they differ.",
        "bootstrap": "Repeat the run on images simulated from its result, and map its error; 0: no map.",
        "fill_nan": "Replace pixels that are NaN or infinite by their neighbours instead of leaving them out.",
        "device": "Where to compute: automatic uses an NVIDIA graphics card if there is one.",
        "seed": "Start of the random numbers; the same seed gives the same result.",
    }
)
"""Field name, or kind.field: what it does, as a tool tip."""

CHOICE_LABELS: Final = MappingProxyType(
    {
        "auto": "automatic",
        "frames": "all frames of a channel",
        "time": "all time points of a plane",
        "plane": "all planes of a time point",
        "channel": "all channels of a frame",
        "all": "everything",
        "none": "every frame by itself",
        "cpu": "processor (cpu)",
        "cuda": "NVIDIA graphics card (cuda)",
        "mps": "Apple graphics (mps)",
        "linear": "in proportion to the light",
        "srgb": "those of a photograph (sRGB)",
        "widefield": "wide-field",
        "light-sheet": "light sheet",
    }
)

EXAMPLES: Final = MappingProxyType(
    {
        "na": "1.4",
        "emission_um": "0.52",
        "emissions_um": "0.461, 0.519, 0.599",
        "excitations_um": "0.405, 0.488, 0.561",
        "excitation_um": "0.488",
        "pinhole_airy": "1",
        "sheet_um": "3",
        "immersion_index": "1.515",
        "sample_index": "1.33",
        "depth_um": "5",
    }
)
"""Name of a quantity: what its empty field shows."""

EXPLAINED: Final = frozenset({"kernel_prior", "image_prior", "estimator", "restorer", "likelihood", "variation"})
"""Fields whose chosen kind is explained below the choice."""

APPLIES: Final = MappingProxyType(
    {
        "excitation_um": ("modality", ("confocal",)),
        "excitations_um": ("modality", ("confocal",)),
        "pinhole_airy": ("modality", ("confocal",)),
        "sheet_um": ("modality", ("light-sheet",)),
    }
)
"""Field name: another field, and the values of it that give this one a meaning."""

AUTOMATIC: Final = MappingProxyType(
    {
        "emissions_um": "the same for all",
        "excitations_um": "the same for all",
        "zernike_rad": "not known: modes 4 to 11",
        "count": "unknown",
        "mean": "any",
        "spectrum": "a power law",
    }
)
"""Field name: what leaving it to the program means, where that has a name."""

FILES: Final = MappingProxyType(
    {
        "psf": ("file of the PSF", "PSF file", "Images (*.tif *.tiff)"),
        "weights": ("the one that ships", "File of weights", "Weights (*.safetensors)"),
    }
)
"""Name of a field that holds a path: what it shows when empty, title and kinds of files of its dialog."""

OPTIONAL_STARTS: Final = MappingProxyType(
    {
        "kernel_size": [15],
        "iterations": 20,
        "noise_sigma": 1.0,
        "count": 10,
        "emissions_um": [],
        "excitations_um": [],
        "weight": 1.0,
        "denoising": 1.0,
        "mean": 0.5,
        "spectrum": [100.0, 10.0, 1.0, 0.1],
    }
)
"""Field name: what an optional field shows first once it is no longer left to the program."""

HELP_PAGES: Final = MappingProxyType(
    {
        "kernel_prior": "kernel-priors",
        "image_prior": "image-priors",
        "likelihood": "noise-and-masks",
        "variation": "space-variant",
    }
)
"""Field name: the page of the documentation that is about it."""

ONE_OF_MANY: Final = MappingProxyType({"emission_um": "emissions_um", "excitation_um": "excitations_um"})
"""Field name: the field that holds a number per channel in place of it."""

PER_CHANNEL: Final = frozenset(ONE_OF_MANY.values())
"""Fields that mean something for images of several channels only."""

RARE_FIELDS: Final = frozenset(
    {
        "sigma_px",
        "sigma_spread",
        "anisotropy",
        "points",
        "turn_rad",
        "width_px",
        "concentration",
        "sparsity",
        "exponent",
        "time_weight",
        "radius_px",
        "radius_spread",
        "width_spread",
        "intensity_spread",
        "zernike_rad",
        "weights",
        "weight",
        "denoising",
        "edges",
        "levels",
        "draws_per_round",
        "correlation_px",
        "spectrum",
        "mean",
        "stride",
        "widths",
        "learning_rate",
        "seed",
    }
)
"""Fields of components that the defaults serve nearly always: they are shown under Advanced."""

ZERNIKE: Final = MappingProxyType(
    {
        "zernike_4": "defocus",
        "zernike_5": "astigmatism",
        "zernike_6": "astigmatism",
        "zernike_7": "coma",
        "zernike_8": "coma",
        "zernike_9": "trefoil",
        "zernike_10": "trefoil",
        "zernike_11": "spherical",
    }
)
"""Noll's modes: their names."""

_UNITS: Final = MappingProxyType({"um": "µm", "px": "px", "deg": "°", "rad": "rad", "gb": "GB", "airy": "Airy units"})


def field_name(name: str) -> str:
    """A field's label without its unit, as sentences have it.

    Examples
    --------
    >>> field_name("emission_um"), field_name("zernike_5")
    ('Emission', 'Zernike 5 (astigmatism)')
    """
    if name in ZERNIKE:
        return f"Zernike {name.rpartition('_')[2]} ({ZERNIKE[name]})"
    return re.sub(r" \([^)]*\)$", "", field_label(name))


def kind_label(kind: str) -> str:
    """How a component's kind reads in a list of choices."""
    return KIND_LABELS.get(kind, kind.replace("-", " "))


def field_hint(name: str, kind: str = "") -> str:
    """A field's tool tip; a kind of component may have one of its own. Empty where there is none."""
    return FIELD_HINTS.get(f"{kind}.{name}") or FIELD_HINTS.get(name, "")


def field_label(name: str, kind: str = "") -> str:
    """A field's label: its name in words, a unit suffix in brackets; a kind of component may call it otherwise.

    Examples
    --------
    >>> field_label("emission_um"), field_label("kernel_size")
    ('Emission (µm)', 'PSF size (px)')
    """
    if f"{kind}.{name}" in FIELD_LABELS:
        return FIELD_LABELS[f"{kind}.{name}"]
    if name in FIELD_LABELS:
        return FIELD_LABELS[name]
    stem, _, suffix = name.rpartition("_")
    words, unit = (stem, f" ({_UNITS[suffix]})") if stem and suffix in _UNITS else (name, "")
    return words.replace("_", " ").capitalize() + unit
