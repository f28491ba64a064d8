"""Sample data for the menu: a blurred image to start from, with its truth beside it, hidden, to compare with."""

from typing import Any

import numpy as np

from napari_blind_deconv._napari.layers import PLUGIN, Placement, Source
from napari_blind_deconv._napari.placing import LayerTuple, contrast
from napari_blind_deconv._napari.results import kernel_layer


def photograph() -> list[LayerTuple]:
    """A photograph, blurred by motion."""
    return _layers("photograph", "gray")


def fluorescence() -> list[LayerTuple]:
    """A fluorescence image, out of focus."""
    return _layers("fluorescence", "green")


def stack() -> list[LayerTuple]:
    """A small stack whose PSF is long in depth."""
    return _layers("volume", "green")


def _layers(name: str, colormap: str) -> list[LayerTuple]:
    # Samples are made by the forward model itself, which loads torch: only once somebody asks for one.
    from napari_blind_deconv.synthesis import SAMPLES

    sample = SAMPLES[name]()
    ndim = sample.observed.ndim
    placement = Placement(
        scale=np.array(sample.voxel_size_um or [1.0] * ndim),
        translate=np.zeros(ndim),
        rotate=np.eye(ndim),
        shear=np.zeros(ndim * (ndim - 1) // 2),
        affine=np.eye(ndim + 1),
        units=("pixel" if sample.voxel_size_um is None else "um",) * ndim,
        axis_labels=tuple(sample.axes.lower()),
        colormap=colormap,
    )
    shown = {
        "scale": placement.scale,
        "units": placement.units,
        "axis_labels": placement.axis_labels,
        "colormap": colormap,
        "contrast_limits": contrast(sample.observed),
    }
    source = Source(name, sample.observed, sample.axes, sample.voxel_size_um, placement)
    kernel, kernel_attributes, _ = kernel_layer(source, sample.kernel, f"{name} true PSF")
    truth_attributes = {**shown, "name": f"{name} truth", "contrast_limits": contrast(sample.truth), "visible": False}
    # The observation comes first: napari centres its view on the first layer.
    return [
        (sample.observed, {**shown, "name": name, **_role("observed", name, settings=sample.settings)}, "image"),
        (sample.truth, {**truth_attributes, **_role("truth", name)}, "image"),
        (kernel, {**kernel_attributes, "visible": False, **_role("true PSF", name)}, "image"),
    ]


def _role(role: str, name: str, settings: Any = None) -> dict[str, dict[str, dict[str, Any]]]:
    from napari_blind_deconv.settings import settings_to_dict

    suits = {} if settings is None else {"suits": settings_to_dict(settings)}
    return {"metadata": {PLUGIN: {"role": role, "source": name, **suits}}}
