"""What is engraved on objectives and printed on dyes: names that stand for numbers of the microscope."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

AIR, WATER, SILICONE, OIL = 1.0, 1.333, 1.406, 1.515
"""Refractive indices of immersions, at about 0.55 µm and 23 °C."""


@dataclass(frozen=True)
class Preset:
    """A name, and the fields that it fills with their values."""

    name: str
    fields: Mapping[str, float]


def _objective(name: str, na: float, index: float) -> Preset:
    return Preset(name, MappingProxyType({"na": na, "immersion_index": index}))


def _dye(name: str, emission_um: float, excitation_um: float) -> Preset:
    return Preset(name, MappingProxyType({"emission_um": emission_um, "excitation_um": excitation_um}))


OBJECTIVES = (
    _objective("4x/0.13 air", 0.13, AIR),
    _objective("10x/0.3 air", 0.3, AIR),
    _objective("20x/0.8 air", 0.8, AIR),
    _objective("40x/0.95 air", 0.95, AIR),
    _objective("25x/1.05 water", 1.05, WATER),
    _objective("40x/1.15 water", 1.15, WATER),
    _objective("60x/1.2 water", 1.2, WATER),
    _objective("60x/1.3 silicone oil", 1.3, SILICONE),
    _objective("40x/1.3 oil", 1.3, OIL),
    _objective("60x/1.4 oil", 1.4, OIL),
    _objective("63x/1.4 oil", 1.4, OIL),
    _objective("60x/1.42 oil", 1.42, OIL),
    _objective("100x/1.45 oil", 1.45, OIL),
    _objective("100x/1.49 oil", 1.49, OIL),
)
"""Common objectives: aperture and immersion."""

# Peaks of emission, and the laser line usually taken; a band-pass filter moves the mean emission by up to 0.02 µm.
DYES = (
    _dye("DAPI, Hoechst", 0.461, 0.405),
    _dye("CFP (Cerulean)", 0.475, 0.445),
    _dye("EGFP", 0.509, 0.488),
    _dye("Alexa Fluor 488", 0.520, 0.488),
    _dye("EYFP", 0.527, 0.514),
    _dye("Cy3", 0.566, 0.561),
    _dye("tdTomato", 0.581, 0.561),
    _dye("Alexa Fluor 568", 0.603, 0.561),
    _dye("mCherry", 0.610, 0.561),
    _dye("Alexa Fluor 647, Cy5", 0.666, 0.640),
    _dye("Cy7", 0.773, 0.730),
)
"""Common dyes and fluorescent proteins: wavelengths in µm."""

PRESETS: Mapping[str, tuple[Preset, ...]] = MappingProxyType({"Objective": OBJECTIVES, "Dye": DYES})
"""What a form offers to a component that has all the fields of a list."""
