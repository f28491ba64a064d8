"""How the noise grows with the light: windows of an observation, by their brightness and their power."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from napari_blind_deconv.forward.patches import Patches

if TYPE_CHECKING:
    from torch import Tensor

# Windows are put into so many bins of brightness at most, each of as many windows at least.
_BINS, _FEWEST = 12, 64
# Cycles per sample that all axes exceed in a window's corners: a blur leaves nothing of the scene there.
_CORNERS = 0.3
# The smallest variance, as a share of the median one.
_LEAST = 0.02


def growth(mean: Tensor, energy: Tensor, rank: Tensor | None = None, share: float = 1.0) -> tuple[float, float]:
    """(Variance at intensity 0, its growth per unit of intensity): a line that bins of brightness lie on, or above.

    Parameters
    ----------
    mean
        Mean intensity of every window.
    energy
        Its power where it is looked at.
    rank, share
        Of every bin only the ``share`` of windows that ``rank`` lowest is taken; ``None``: all.
    """
    order = mean.argsort()
    light, energies = [], []
    for chosen in order.tensor_split(max(1, min(_BINS, len(order) // _FEWEST))):
        taken = chosen
        if rank is not None:
            taken = chosen[rank[chosen].argsort()[: max(24, int(share * len(chosen)))]]
        light.append(float(mean[taken].mean()))
        energies.append(float(energy[taken].mean()))
    x, e = np.array(light), np.maximum(np.array(energies), 1e-3 * np.median(energies) + 1e-30)
    lowest = float(x.min())
    design = np.stack([np.ones_like(x), x - lowest], 1)
    weight = 1 / e
    for _ in range(8):
        found, _ = scipy.optimize.nnls(design * weight[:, None], e * weight)
        predicted = np.maximum(design @ found, 1e-3 * e.mean())
        # Bins that hold texture lie above the line, never below it.
        excess = np.maximum(e / predicted - 1, 0) / 0.2
        weight = 1 / predicted / np.sqrt(1 + excess**2)
    return float(found[0] - found[1] * lowest), float(found[1])


def level(line: tuple[float, float], mean: Tensor, energy: Tensor) -> Tensor:
    """The power that a line of `growth` lets expect of every window, not below a share of what is usual."""
    dark, gain = line
    return (dark + gain * mean).clamp(min=_LEAST * float(energy.median()))


def growth_in_corners(patches: Patches, even: float) -> tuple[float, float] | None:
    """As `growth`, of the corners of all windows' spectra.

    ``None`` where windows are alike without it, so that it cannot be told, or where the light does not explain how they
    differ: then something else than noise is in them.

    Parameters
    ----------
    even
        Scatter of the windows, in units of noise's own, up to which they are alike.
    """
    corners = patches.corners(_CORNERS)
    if patches.spread(corners) < even:
        return None
    energy = patches.energy(corners)
    found = growth(patches.mean, energy)
    relative = patches.over(level(found, patches.mean, energy))
    return found if relative.spread(corners) < even else None
