"""A measured PSF → layers: the PSF beside its stack, a ring around every bead, and the figures in words."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from napari_blind_deconv._napari.findings import doubts, with_error
from napari_blind_deconv._napari.layers import PLUGIN, Source
from napari_blind_deconv._napari.placing import LayerTuple, placed
from napari_blind_deconv._napari.psf_lines import short
from napari_blind_deconv._napari.results import kernel_layer
from napari_blind_deconv.beads import MeasuredPsf

USED, LEFT_OUT = "used", "left out"
RING_COLOURS: Final = ("#6fdc9a", "#ff9d8a")
"""Of beads that were used, and of those that were left out."""

_RING: Final = 1.2


def psf_layer(source: Source, measured: MeasuredPsf, name: str) -> LayerTuple:
    """The PSF to the right of the stack, with all that is known of the beads."""
    data, attributes, kind = kernel_layer(source, measured.kernel, name)
    notes = {
        "role": "measured PSF",
        "source": source.name,
        "voxel_size_um": None if measured.voxel_size_um is None else list(measured.voxel_size_um),
        "report": {"beads": measured.to_dict(), "warnings": list(measured.warnings)},
    }
    return data, {**attributes, "metadata": {PLUGIN: notes}}, kind


def bead_layer(source: Source, measured: MeasuredPsf, name: str) -> LayerTuple:
    """A ring around every bead, shown at all depths; green was used, red was not, and its features say why."""
    places = np.array([bead.centre_px for bead in measured.beads])
    attributes = placed(source.placement, 2)
    size = _RING * max(measured.kernel.shape[-2:])
    return (
        places[:, -2:],
        {
            **attributes,
            "name": name,
            "size": size,
            "face_color": "transparent",
            "border_color": "bead",
            "border_color_cycle": dict(zip((USED, LEFT_OUT), RING_COLOURS, strict=True)),
            "border_width": 0.06,
            "features": {
                "bead": [USED if bead.used else LEFT_OUT for bead in measured.beads],
                "reason": [bead.reason for bead in measured.beads],
                **{f"{axis}_px": places[:, i] for i, axis in enumerate("zyx"[-places.shape[1] :])},
            },
            "metadata": {PLUGIN: {"role": "beads", "source": source.name}},
        },
        "points",
    )


def in_words(measured: MeasuredPsf) -> str:
    """How many beads were found, used and left out, how wide the PSF is, and how much single beads differ."""
    found = measured.to_dict()
    lines = [f"{found['found']} beads found, {found['used']} used."]
    if found["rejected"]:
        lines.append(
            "Left out: " + ", ".join(f"{count} ({reason})" for reason, count in found["rejected"].items()) + "."
        )
    axes = ", ".join("zyx"[-measured.kernel.ndim :])
    unit = found["psf"]["unit"]
    lines.append(f"FWHM {axes}: {_numbers(found['psf']['fwhm'])} {unit}.")
    if found["fwhm_sd"] is not None:
        lines.append(f"Of single beads: {_with_spread(found['fwhm_mean'], found['fwhm_sd'])} {unit}.")
        lines.append(f"A single bead differs from their mean by {found['spread_relative']:.0%} of its norm.")
    return "\n".join([*lines, *doubts({"warnings": measured.warnings})])


def _numbers(values: Sequence[Any]) -> str:
    return ", ".join(short(value) for value in values)


def _with_spread(means: Sequence[float], deviations: Sequence[float]) -> str:
    return ", ".join(with_error(m, s) for m, s in zip(means, deviations, strict=True))
