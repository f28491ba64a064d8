"""What small patches look like: a Gaussian mixture, whose posterior mean is exact at every noise level.

Zoran & Weiss 2011 (doi:10.1109/ICCV.2011.6126278), with the whole posterior mean of a patch in place of the likeliest
component's, and means of patches that are free.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le

from napari_blind_deconv import networks
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.image_priors.mixture import Mixture
from napari_blind_deconv.image_priors.scored import Denoise
from napari_blind_deconv.networks import checked

if TYPE_CHECKING:
    from torch import Tensor

# Names of the mixtures in the wheel, in ``weights/``.
SHIPPED_MIXTURES = ("patches",)

# Levels that are denoised: first of the unit scene, last relative to the noise; and the prior's weight (decision 0015).
_FIRST, _LAST, _WEIGHT = 0.1, 2.0, 0.8
_STEPS = 6
# The largest covariance that is believed, on the scale where the image's range is 1.
_LARGEST = 1e6
# Patches at a time: what they are multiplied by stays in the processor's cache.
_AT_ONCE = 1000


@component
class PatchCard(checked.Card):
    """What a mixture is, what it was trained on, and what its file must be."""

    side: Annotated[int, Gt(1), Le(16)]
    """Side of the patches, in pixels."""
    components: Annotated[int, Gt(0), Le(2000)]
    """Number of Gaussians."""
    unit: str
    """What the value 1 is."""


@component
class PatchMixture:
    """Patches of 8 × 8 pixels as in photographs and micrographs: flat areas, edges, textures.

    A mixture of Gaussians, which was fitted to patches without their means; a mean may be anything. A scene's
    posterior mean is that of all its overlapping patches, averaged. In volumes, patches lie in all families of planes,
    whatever the spacing.
    """

    kind: Literal["patch-mixture"] = "patch-mixture"
    strength: Annotated[float, Gt(0), Le(1e6)] = 1.0
    """Weight of the prior relative to its calibrated value; 1 trusts the noise level as it is."""
    stride: Annotated[int, Ge(1), Le(4)] = 2
    """Distance of neighbouring patches, in pixels: 1 takes four times as long as 2."""
    weights: str | None = None
    """File of another mixture: .safetensors, with its model card (.json) beside it. None: the one in the package."""

    def check_file(self) -> None:
        """Read another mixture, if one is named."""
        if self.weights is not None:
            self.mixture()

    @property
    def own_steps(self) -> int:
        """Steps of the restoration, where none are asked for."""
        return _STEPS

    def filters(self, spacing: tuple[float, ...]) -> list[Tensor]:
        """The identity."""
        return [torch.ones([1] * len(spacing))]

    def denoise(self, coefficients: Tensor, level: float, spacing: tuple[float, ...]) -> Tensor:
        """The posterior mean in place of the proximal map, as in Zhang et al. 2021 (arXiv:2008.13751, eq. 6)."""
        sigma = level * (self.strength * _WEIGHT) ** 0.5
        return self.denoiser(spacing)(coefficients, sigma)

    def levels(self, steps: int, noise_sigma: float) -> list[float]:
        """Geometric: what is denoised falls from a tenth of the unit scene to twice the noise."""
        last = min(_LAST * noise_sigma, _FIRST)
        sigmas = [_FIRST * (last / _FIRST) ** ((i + 1) / steps) for i in range(steps)]
        return [sigma / (self.strength * _WEIGHT) ** 0.5 for sigma in sigmas]

    def denoiser(self, spacing: tuple[float, ...]) -> Denoise:
        """(scenes ``(..., *space)``, σ) → the mean over patches of their posterior means; ``spacing`` plays no part."""
        mixture, side = self.mixture()
        ndim = len(spacing)

        def denoise(noisy: Tensor, sigma: float) -> Tensor:
            own = mixture.to(noisy)

            def planes(values: Tensor, level: float) -> Tensor:
                return over_patches(lambda p: own.posterior_mean(p, level), values, side, self.stride)

            scenes = noisy.reshape(-1, *noisy.shape[noisy.ndim - ndim :])
            return torch.stack([networks.over_planes(planes, scene, sigma) for scene in scenes]).reshape(noisy.shape)

        return denoise

    def mixture(self) -> tuple[Mixture, int]:
        """The mixture and the side of its patches."""
        path = networks.shipped_path(SHIPPED_MIXTURES[0]) if self.weights is None else Path(self.weights)
        mixture, card = load(path)
        return mixture, card.side


def over_patches(denoise: Callable[[Tensor], Tensor], planes: Tensor, side: int, stride: int) -> Tensor:
    """Mean over all patches that hold a pixel, on a periodic canvas of any size.

    Parameters
    ----------
    denoise
        Patches without their means, ``(side², patches)``, → the same, restored.
    planes
        ``(batch, y, x)``.
    side, stride
        Of the patches, and from one to the next, in pixels.
    """
    height, width = planes.shape[1:]
    rows, columns = (torch.arange(n + side - 1, device=planes.device) % n for n in (height, width))
    windows = planes[:, rows][:, :, columns].unfold(1, side, stride).unfold(2, side, stride)
    across = windows.shape[2]
    strip = max(1, _AT_ONCE // (len(planes) * across))
    total = torch.zeros_like(planes)
    for top in range(0, windows.shape[1], strip):
        part = windows[:, top : top + strip]
        patches = part.reshape(-1, side**2).T
        means = patches.mean(0)
        restored = (denoise(patches - means) + means).T.reshape(len(planes), -1, side**2).mT
        covered = (part.shape[1] - 1) * stride + side, (across - 1) * stride + side
        sums = torch.nn.functional.fold(restored, covered, side, stride=stride)[:, 0]
        wide = planes.new_zeros(*sums.shape[:2], width).index_add(2, columns[: covered[1]], sums)
        total = total.index_add(1, rows[top * stride :][: covered[0]], wide)
    counts = [_covering(n, place, side, stride, planes) for n, place in ((height, rows), (width, columns))]
    return total / (counts[0][:, None] * counts[1])


def _covering(size: int, place: Tensor, side: int, stride: int, like: Tensor) -> Tensor:
    """How many patches hold each pixel of an axis."""
    held = place.unfold(0, side, stride).flatten()
    return like.new_zeros(size).index_add(0, held, like.new_ones(len(held)))


def load(path: Path) -> tuple[Mixture, PatchCard]:
    """A mixture from its safetensors file, with the model card beside it; the same file is read once.

    Raises
    ------
    InputError
        Where a file is missing, the card is incomplete, the checksum differs, or the two do not fit each other.
    """
    return _load(path, checked.changed(path, "mixture"))


@lru_cache(maxsize=2)
def _load(path: Path, changed: tuple[int, int]) -> tuple[Mixture, PatchCard]:
    card = checked.read_card(path, PatchCard)
    size = card.side**2
    expected = {"weights": (card.components,), "covariances": (card.components, size * (size + 1) // 2)}
    tensors = checked.read(path, card, "mixture", sum(math.prod(shape) for shape in expected.values()))
    checked.check_shapes(path, "mixture", tensors, expected)
    weights, lower = tensors["weights"].float(), tensors["covariances"].float()
    if not bool((weights >= 0).all()) or not 0.5 < float(weights.sum()) < 2 or float(lower.abs().max()) > _LARGEST:
        raise InputError(
            subject=f"mixture {str(path)!r}",
            value="holds no weights that sum to one, or covariances beyond all images",
            remedy="train it again, or copy it again",
        )
    rows, columns = torch.tril_indices(size, size)
    covariances = torch.zeros(card.components, size, size)
    covariances[:, rows, columns] = covariances[:, columns, rows] = lower
    return Mixture.of(weights, covariances), card


def save(path: Path, mixture: Mixture, card: dict[str, object]) -> PatchCard:
    """Write a mixture, its covariances as lower triangles, and its card, which is completed by the checksum."""
    covariances = (mixture.directions * mixture.variances[:, None]) @ mixture.directions.mT
    rows, columns = torch.tril_indices(*covariances.shape[1:])
    tensors = {"weights": mixture.log_weights.exp().float(), "covariances": covariances[:, rows, columns].float()}
    return checked.write(path, tensors, PatchCard, card)
