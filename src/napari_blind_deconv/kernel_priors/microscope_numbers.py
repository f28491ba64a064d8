"""What is assumed of a microscope's numbers that are left free, and how they are read from settings."""

import math
from dataclasses import replace
from typing import Any

from napari_blind_deconv._types import InputError
from napari_blind_deconv.kernel_priors.quantity import Quantity, Unknown, checked
from napari_blind_deconv.optics import noll

FREE = (
    Unknown("na", 0.1, 1.65, 1.0, 0.5),
    Unknown("emission_um", 0.35, 1.2, 0.56, 0.1, "µm"),
    Unknown("excitation_um", 0.3, 1.2, 0.5, 0.1, "µm"),
    Unknown("pinhole_airy", 0.1, 10.0, 1.0, 0.5, "Airy disks"),
    Unknown("sheet_um", 0.3, 30.0, 3.0, 2.0, "µm"),
    Unknown("immersion_index", 1.0, 1.6, 1.4, 0.15),
    Unknown("sample_index", 1.0, 1.6, 1.37, 0.04),
    Unknown("depth_um", 0.0, 30.0, 0.0, 10.0, "µm"),
)
"""Bounds, and a weak Gaussian prior."""
# Noll modes of a free `zernike_rad`, and the standard deviation of each by its radial order, in radians rms.
FIRST_MODE, LAST_MODE = 4, 11
_SPREAD = {2: 0.15, 3: 0.15}
_HIGHER_SPREAD = 0.15


def modes(given: Any) -> Any:
    """Coefficients from Noll's mode 4 on: a list of quantities, or ``None``."""
    if given is None:
        return None
    if not isinstance(given, (list, tuple)) or len(given) > 33:
        raise InputError(
            subject="",
            value=f"{given}",
            allowed="must be a list of at most 33 coefficients from Noll's mode 4 on",
            remedy="[] means none",
        )
    return tuple(checked(v, -30.0, 30.0, "rad (rms)", "given in waves or nm? 1 wave is 6.28 rad") for v in given)


def mode(index: int) -> Unknown:
    """A free Zernike coefficient, by Noll's index."""
    spread = _SPREAD.get(noll(index)[0], _HIGHER_SPREAD)
    return Unknown(f"zernike_{index}", -math.inf, math.inf, 0.0, spread, "rad")


def unknown_of(name: str, quantity: Quantity, free: Unknown) -> Unknown | None:
    """What is to be fitted of a number that is given, bounded or free; ``None``: nothing."""
    if isinstance(quantity, tuple):
        return free.within(*quantity)
    return free if quantity is None else None


def below(aperture: Unknown, index: float) -> Unknown:
    """An aperture that stays below an index, its prior's centre well inside."""
    high = min(aperture.high, index)
    return replace(aperture, high=high, centre=min(aperture.centre, 0.7 * high))


def least(quantity: Quantity) -> float | None:
    """The smallest value that a quantity allows; ``None`` where that is not said."""
    return quantity[0] if isinstance(quantity, tuple) else quantity


def most(quantity: Quantity) -> float | None:
    """The largest value that a quantity allows; ``None`` where that is not said."""
    return quantity[1] if isinstance(quantity, tuple) else quantity
