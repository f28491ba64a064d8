"""What is to be done, and the blocks that it may be cut into."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_blind_deconv.fourier import fast_shape
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.observation import Arrangement
from napari_blind_deconv.restoration.blockwise import Blocks
from napari_blind_deconv.restoration.halo import BLEND, halo_of, usual_radius
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.support import kernel_shape
from napari_blind_deconv.tiling import Cut

# Smaller blocks than this are nearly all halo.
_SMALLEST = 8
# Numbers of blocks along an axis that are tried.
_COUNTS = (*range(1, 13), 14, 16, 20, 24, 32, 40, 48, 64, 96, 128, 192, 256)

# Bytes a sample of the restored image, and of the maps that most restorers have, in memory.
RESULTS = (4.0, 8.0)


@dataclass(frozen=True)
class Work:
    """What is to be done, as far as memory and time go.

    Attributes
    ----------
    shape, channels
        One channel's ``(batch, *space)``, and how many there are.
    kernel_shape, radius
        The kernel's support, and its radius by light (`restoration.halo.radii`), or what to expect.
    settings
        The run's.
    loaded
        Bytes of the image that are still to be read into memory, where it is worked on as a whole.
    aside
        Bytes that are held besides, whatever the plan: what is read ahead, a mask.
    results
        Bytes a sample that the restored image, and its maps, take where they are worked on in blocks; none where they
        go to a file.
    """

    shape: tuple[int, ...]
    channels: int
    kernel_shape: tuple[int, ...]
    radius: tuple[int, ...]
    settings: Settings
    loaded: float = 0.0
    aside: float = 0.0
    results: tuple[float, float] = RESULTS

    @classmethod
    def of(
        cls,
        shape: Sequence[int],
        layout: Arrangement,
        settings: Settings,
        psf: Sequence[int] | None,
        **others: Any,
    ) -> "Work":
        """The work on an image of a shape; ``psf`` is the shape of a known PSF, ``others`` are as of the class."""
        sizes = dict(zip(layout.axes, shape, strict=True))
        space = tuple(sizes[a] for a in layout.space)
        batch = math.prod(n for a, n in sizes.items() if a != "C" and a not in layout.space)
        known = isinstance(settings.kernel_prior, Known)
        support = tuple(psf)[-len(space) :] if psf is not None and known else kernel_shape(settings.kernel_size, space)
        support = tuple(min(k, n - 1 + n % 2) for k, n in zip(support, space, strict=True))
        return cls((batch, *space), sizes.get("C", 1), support, usual_radius(support), settings, **others)

    @property
    def samples(self) -> int:
        """Of all channels."""
        return self.channels * math.prod(self.shape)

    def size_in_words(self) -> str:
        """Its lengths."""
        lengths = [n for n in (self.channels, *self.shape) if n > 1]
        return " × ".join(str(n) for n in lengths)

    def canvas(self, frames: int, space: Sequence[int]) -> int:
        """Samples of the canvas of some frames of a part of the space."""
        radius = [k // 2 for k in self.kernel_shape]
        return frames * math.prod(fast_shape([n + 2 * r for n, r in zip(space, radius, strict=True)]))

    @property
    def halo(self) -> tuple[int, ...]:
        """What blocks see around them."""
        return halo_of(self.radius, self.settings.restorer, self.settings.image_prior, self.settings.iterations)


def fitting(work: Work, room: float) -> Blocks | None:
    """The blocks with the least canvas in all among those of which one's canvas has room for so many samples."""
    batch, *space = work.shape
    halo = work.halo
    counts: list[list[int]] = []
    lengths: list[list[int]] = []
    for n, h, k in zip(space, halo, work.kernel_shape, strict=True):
        one = [(c, Cut((n,), (c,), (h,), (BLEND,))) for c in _COUNTS]
        fine = [(c, cut.seen[0]) for c, cut in one if c == 1 or (cut.fits and n >= c * _SMALLEST + 2 * (h + BLEND))]
        counts.append([c for c, _ in fine])
        lengths.append([fast_shape([seen + 2 * (k // 2)])[0] for _, seen in fine])
    canvas = np.array(functools.reduce(np.multiply.outer, [np.array(a, float) for a in lengths]))
    total = canvas * functools.reduce(np.multiply.outer, [np.array(c, float) for c in counts])
    if not (canvas <= room).any():
        return None
    best = np.unravel_index(int(np.where(canvas <= room, total, np.inf).argmin()), canvas.shape)
    chosen = tuple(c[int(i)] for c, i in zip(counts, best, strict=True))
    frames = max(1, min(batch, int(room // float(canvas[best]))))
    # Groups of equal size.
    frames = -(-batch // -(-batch // frames))
    return Blocks(Cut(tuple(space), chosen, halo, (BLEND,) * len(space)), frames, batch)
