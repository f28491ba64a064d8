"""A Gaussian mixture of image patches, by online expectation-maximisation (Cappé & Moulines 2009).

Batches are fresh draws, so that nothing is seen twice and no patch is learnt by heart; what a batch says about the
mixture is averaged with what the earlier ones said (doi:10.1111/j.1467-9868.2009.00698.x, eq. 10).
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_blind_deconv.image_priors.mixture import Mixture
from napari_blind_deconv.image_priors.patch_mixture import save
from training import checkpoint
from training.images import ImageScenes

# A patch carries the rounding to eight bits; its variance is in what is measured, and not in the mixture.
_ROUNDING = 0.4 / 255
_CROPS, _PATCHES_PER_CROP = 500, 50
# Responsibilities below this say nothing of a covariance.
_SEEN = 1e-3
# Patches' worth of the mean shape that each covariance is mixed with.
_PRIOR_PATCHES = 32.0
_MEASURED = 8
# The place of the first and of the measured patches, far from all rounds.
_APART = 1 << 19


@dataclass(frozen=True)
class PatchRecipe:
    """One mixture's training.

    Attributes
    ----------
    side, components
        Of the patches, in pixels; of the mixture.
    draws, held_out
        Scenes made for training, and for measuring.
    rounds
        Batches of 25 000 patches.
    forgetting
        The weight of batch t is (t + 2) to the minus this.
    """

    side: int = 8
    components: int = 128
    draws: int = 1200
    held_out: int = 100
    rounds: int = 104
    forgetting: float = 0.6


@dataclass(frozen=True)
class Moments:
    """Mean sufficient statistics: share and second moment of every component.

    Attributes
    ----------
    shares
        ``(components,)``, summing to one.
    seconds
        Σ responsibility x xᵀ per patch, ``(components, size, size)``.
    """

    shares: Tensor
    seconds: Tensor

    def blended(self, other: "Moments", weight: float) -> "Moments":
        """The mean of two statistics."""
        return Moments(torch.lerp(self.shares, other.shares, weight), torch.lerp(self.seconds, other.seconds, weight))

    def mixture(self, patches: int) -> Mixture:
        """The M-step: covariances without the rounding, each mixed with the mean shape at its own brightness."""
        size = self.seconds.shape[-1]
        covariances = self.seconds / self.shares.clamp(min=1e-9)[:, None, None]
        mean = self.seconds.sum(0)
        energy = covariances.diagonal(dim1=1, dim2=2).sum(1) / mean.trace()
        prior = _PRIOR_PATCHES / (self.shares * patches + _PRIOR_PATCHES)
        mixed = torch.lerp(covariances, energy[:, None, None] * mean, prior[:, None, None])
        flat = torch.eye(size).to(mixed) - 1 / size  # the mean of a patch is not learnt
        return Mixture.of(self.shares.clamp(min=1e-9), mixed - _ROUNDING**2 * flat)


def train(recipe: PatchRecipe, folder: Path, *, seed: int = 0, stop_at: int | None = None) -> Iterator[dict[str, Any]]:
    """Train, or continue, in a folder; yields what is logged to ``log.jsonl`` there.

    A round's patches are a function of seed and round alone, so that a training in parts is the training in one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    source = scenes(recipe, seed, folder, held_out=False)
    unseen = batch(scenes(recipe, seed, folder, held_out=True), recipe, seed, _APART)
    done, seconds, moments = resumed(recipe, seed, folder) or (0, 0.0, first(source, recipe, seed))
    last = min(recipe.rounds, recipe.rounds if stop_at is None else stop_at)
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        for step in range(done, last):
            began = time.monotonic()
            patches = batch(source, recipe, seed, step)
            weight = (step + 2) ** -recipe.forgetting
            seen = round(patches.shape[1] / weight)
            moments = moments.blended(expectation(moments.mixture(seen), patches), weight)
            seconds += time.monotonic() - began
            checkpoint.write(
                folder / "checkpoint.safetensors",
                asdict(moments),
                identified(recipe, seed),
                round=str(step + 1),
                seconds=str(seconds),
            )
            if (step + 1) % _MEASURED == 0 or step + 1 == recipe.rounds:
                nats = log_likelihood(moments.mixture(seen), unseen)
                entry = {"round": step + 1, "nats_per_patch": round(nats, 3), "seconds": round(seconds, 1)}
                log.write(json.dumps(entry) + "\n")
                log.flush()
                yield entry


def resumed(recipe: PatchRecipe, seed: int, folder: Path) -> tuple[int, float, Moments] | None:
    """Rounds done, seconds and moments of a folder's checkpoint, where there is one."""
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return None
    arrays, metadata = checkpoint.read(path, identified(recipe, seed))
    return int(metadata["round"]), float(metadata["seconds"]), Moments(**arrays)


def finished(recipe: PatchRecipe, moments: Moments) -> Mixture:
    """The mixture that a training ends with."""
    weight = (recipe.rounds + 1) ** -recipe.forgetting
    return moments.mixture(round(_CROPS * _PATCHES_PER_CROP / weight))


def finish(recipe: PatchRecipe, folder: Path, seed: int, path: Path) -> Path | None:
    """Write the mixture and its card, where all rounds are done."""
    done, seconds, moments = resumed(recipe, seed, folder) or (0, 0.0, None)
    if done < recipe.rounds or moments is None:
        return None
    mixture = finished(recipe, moments)
    unseen = batch(scenes(recipe, seed, folder, held_out=True), recipe, seed, _APART)
    training = {
        "rounds": done,
        "patches_per_round": _CROPS * _PATCHES_PER_CROP,
        "seed": seed,
        "seconds": round(seconds),
    }
    card = {
        "name": "patches of grey images",
        "side": recipe.side,
        "components": recipe.components,
        "unit": "the image's intensity range",
        "data": ImageScenes.description(),
        "training": training,
        "figures": {"remaining_error_over_sigma": remaining_error(mixture, unseen)},
    }
    save(path, mixture, card)
    return path


def remaining_error(
    mixture: Mixture, patches: Tensor, levels: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3)
) -> Mapping[str, float]:
    """Root mean square error that the posterior mean of single patches leaves, relative to σ, their means apart."""
    found = {}
    for place, sigma in enumerate(levels):
        noise = torch.randn(patches.shape, generator=torch.Generator().manual_seed(place))
        noisy = patches + sigma * (noise - noise.mean(0))
        restored = torch.cat([mixture.posterior_mean(p, sigma) for p in noisy.split(1000, 1)], 1)
        found[f"{sigma:.3g}"] = round(float((restored - patches).square().mean().sqrt()) / sigma, 4)
    return found


def scenes(recipe: PatchRecipe, seed: int, folder: Path, *, held_out: bool) -> ImageScenes:
    """The scenes to cut from; drawn once, then read from the folder."""
    path = folder / f"{'held-out' if held_out else 'drawn'}.safetensors"
    if path.exists():
        return ImageScenes(checkpoint.read_arrays(path, identified(recipe, seed)))
    source = ImageScenes.drawn(seed, recipe.held_out if held_out else recipe.draws, held_out=held_out)
    checkpoint.write(path, source.arrays, identified(recipe, seed))
    return source


def batch(source: ImageScenes, recipe: PatchRecipe, seed: int, step: int) -> Tensor:
    """Patches without their means, ``(size, patches)``, at random places of turned and dimmed crops."""
    generator = torch.Generator().manual_seed((seed << 20) + step)
    crops = source.batch(_CROPS, generator)
    rows, columns = (
        torch.randint(n - recipe.side + 1, (_CROPS, _PATCHES_PER_CROP), generator=generator) for n in crops.shape[1:]
    )
    windows = crops.unfold(1, recipe.side, 1).unfold(2, recipe.side, 1)
    patches = windows[torch.arange(_CROPS)[:, None], rows, columns].reshape(-1, recipe.side**2).double()
    return (patches - patches.mean(1, keepdim=True)).float().T.contiguous()


def first(source: ImageScenes, recipe: PatchRecipe, seed: int) -> Moments:
    """Where to begin: around single patches, as bright as they are."""
    patches = batch(source, recipe, seed, _APART)
    generator = torch.Generator().manual_seed(seed)
    chosen = patches[:, torch.randperm(patches.shape[1], generator=generator)[: recipe.components]]
    mean = patches @ patches.T / patches.shape[1]
    energy = chosen.square().sum(0).clamp(min=len(patches) * _ROUNDING**2) / mean.trace()
    seconds = 0.5 * energy[:, None, None] * mean + 0.5 * torch.einsum("ik,jk->kij", chosen, chosen)
    shares = torch.full((recipe.components,), 1 / recipe.components)
    return Moments(shares, shares[:, None, None] * seconds)


def expectation(mixture: Mixture, patches: Tensor, chunk: int = 1000) -> Moments:
    """The E-step: what patches say about the components that could have made them."""
    size, count = patches.shape
    shares = patches.new_zeros(len(mixture.log_weights))
    seconds = patches.new_zeros(len(shares), size, size)
    responsibilities = torch.cat([mixture.responsibilities(p, _ROUNDING)[0] for p in patches.split(chunk, 1)], 1)
    for k, found in enumerate(responsibilities):
        seen = found > _SEEN
        own = patches[:, seen]
        shares[k] = found.sum() / count
        seconds[k] = (own * found[seen]) @ own.T / count
    return Moments(shares, seconds)


def log_likelihood(mixture: Mixture, patches: Tensor, chunk: int = 1000) -> float:
    """Mean log p of patches under the mixture and the rounding, in nats, less a constant."""
    return float(torch.cat([mixture.responsibilities(p, _ROUNDING)[1] for p in patches.split(chunk, 1)]).mean())


def identified(recipe: PatchRecipe, seed: int) -> Mapping[str, Any]:
    """What must agree for a training to be continued: all but how long it is to last."""
    kept = {name: value for name, value in asdict(recipe).items() if name != "rounds"}
    return {"name": "patches", "seed": seed, "data": ImageScenes.description(), **kept}


PATCHES = PatchRecipe()
