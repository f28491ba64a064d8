"""What OME-XML says of the microscope: wavelengths of every channel, aperture and immersion of the objective."""

import math
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Final
from xml.etree.ElementTree import Element

from .units import micrometres

_IMMERSIONS: Final = MappingProxyType(
    {"Air": 1.0, "Water": 1.333, "WaterDipping": 1.333, "Glycerol": 1.47, "Oil": 1.515, "Multi": None, "Other": None}
)
_WAVELENGTHS: Final = (("EmissionWavelength", "emissions_um"), ("ExcitationWavelength", "excitations_um"))
# What is no optics at all is not passed on.
_LEAST_UM, _MOST_UM = 0.2, 2.0
_LEAST_NA, _MOST_NA = 0.05, 1.7
_LEAST_INDEX, _MOST_INDEX = 1.0, 2.0


def optics_of(root: Element, image: int, channels: Sequence[int] | None = None) -> dict[str, Any]:
    """The optics of one image, as far as they are given and possible.

    Parameters
    ----------
    root
        Of the OME-XML.
    image
        Which of its images, among those that have pixels.
    channels
        Which of the image's channels, by their numbers; None: all.

    Returns
    -------
    dict
        Where known: ``emissions_um`` and ``excitations_um``, in µm, one entry per channel, ``None`` for a channel of
        which none is given; ``na``; ``immersion_index``.

    Examples
    --------
    >>> from xml.etree import ElementTree
    >>> channels = '<Channel EmissionWavelength="461"/><Channel EmissionWavelength="519"/>'
    >>> optics_of(ElementTree.fromstring(f"<OME><Image><Pixels>{channels}</Pixels></Image></OME>"), 0)
    {'emissions_um': [0.461, 0.519]}
    """
    images = [element for element in root.findall("./{*}Image") if element.find("./{*}Pixels") is not None]
    if image >= len(images):
        return {}
    found: dict[str, Any] = {}
    described = images[image].findall("./{*}Pixels/{*}Channel")
    kept = [described[i] for i in (range(len(described)) if channels is None else channels) if i < len(described)]
    for attribute, name in _WAVELENGTHS:
        lengths = [_wavelength(channel, attribute) for channel in kept]
        if any(length is not None for length in lengths):
            found[name] = lengths
    settings = images[image].find("./{*}ObjectiveSettings")
    objective = _objective(root, settings)
    na = None if objective is None else _within(objective.get("LensNA"), _LEAST_NA, _MOST_NA)
    index = None if settings is None else _within(settings.get("RefractiveIndex"), _LEAST_INDEX, _MOST_INDEX)
    if index is None and objective is not None:
        index = _IMMERSIONS.get(objective.get("Immersion", ""))
    found |= {} if na is None else {"na": na}
    return found | ({} if index is None else {"immersion_index": index})


def _objective(root: Element, settings: Element | None) -> Element | None:
    """The objective that an image names, or the only one that there is."""
    objectives = root.findall("./{*}Instrument/{*}Objective")
    if settings is not None:
        return next((one for one in objectives if one.get("ID") == settings.get("ID")), None)
    return objectives[0] if len(objectives) == 1 else None


def _wavelength(channel: Element, attribute: str) -> float | None:
    try:
        number = float(channel.get(attribute, ""))
    except ValueError:
        return None
    length = micrometres(number, channel.get(f"{attribute}Unit", "nm"))
    return None if length is None or not _LEAST_UM <= length <= _MOST_UM else float(f"{length:.6g}")


def _within(text: str | None, low: float, high: float) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and low <= number <= high else None
