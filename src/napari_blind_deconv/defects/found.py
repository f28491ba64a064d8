"""All defects of one channel, as weights and as sentences."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_blind_deconv._types import finished
from napari_blind_deconv.defects.bad_pixels import bad_pixels_step_by_step
from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.defects.padding import blank_frames, padded
from napari_blind_deconv.defects.plateau import cut_off_below, saturated
from napari_blind_deconv.defects.stripes import line_offsets
from napari_blind_deconv.defects.surround import surround
from napari_blind_deconv.defects.tally import Tally

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Defects:
    """What was found, by kind; each a mask of shape ``(batch, *space)``.

    Attributes
    ----------
    image
        The channel with a stand-in where there are no data.
    original
        The channel as it came.
    masks
        Kind to mask, the kinds that were found only: ``missing``, ``blank``, ``padding``, ``saturated``, ``bad`` and
        ``outside`` (the user's mask).
    cut_off
        Share of the pixels on a plateau at the bottom of the range: data, but perhaps not all of it.
    stripes
        Standard deviation of the offsets that ``rows`` and ``columns`` had of their own, where they had; they are taken
        out of ``image``.
    offsets
        Those offsets, by the same names, each of a shape that broadcasts to ``image``'s.
    """

    image: NDArray[np.float32]
    original: NDArray[np.float32]
    masks: Mapping[str, Mask]
    cut_off: float = 0.0
    stripes: Mapping[str, float] = field(default_factory=dict)
    offsets: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    @cached_property
    def missing(self) -> Mask | None:
        """Where there are no data, for whatever reason; ``None``: nowhere."""
        found = [m for m in self.masks.values() if m.any()]
        return np.logical_or.reduce(found) if found else None

    @cached_property
    def untouched(self) -> Mask | None:
        """Where no model can tell what should stand there, so that the image stays as it was."""
        found = [self.masks[kind] for kind in ("blank", "padding") if kind in self.masks]
        return np.logical_or.reduce(found) if found else None

    def share(self, kind: str) -> float:
        """Share of the pixels of a kind."""
        return float(self.masks[kind].mean()) if kind in self.masks else 0.0

    @property
    def counts(self) -> dict[str, int]:
        """How many pixels there are of every kind that was found."""
        return {kind: int(mask.sum()) for kind, mask in self.masks.items()}

    @property
    def share_missing(self) -> float:
        """Share of the pixels that are no data, for whatever reason."""
        return 0.0 if self.missing is None else float(self.missing.mean())

    def sentences(self) -> Iterator[str]:
        """One sentence for each kind: how many, where, and what is done about it."""
        return sentences_of({kind: Tally.of(mask) for kind, mask in self.masks.items()}, self.stripes, self.cut_off)


def sentences_of(tallies: Mapping[str, Tally], stripes: Mapping[str, float], cut_off: float) -> Iterator[str]:
    """One sentence for each kind that was found."""
    for kind, tally in tallies.items():
        if tally.count:
            yield tally.words(_SENTENCES[kind])
    for lines, deviation in stripes.items():
        yield (
            f"the {lines} have different offsets (stripes) with standard deviation {deviation:.3g}; they were "
            "subtracted"
        )
    if cut_off:
        yield (
            f"{cut_off:.2%} of the pixels have the lowest value: intensities were cut off there; export the image "
            "without background subtraction"
        )


_SENTENCES = {
    "missing": "{count} {are} NaN or infinite ({where}); left out and filled by the model",
    "blank": "{where} a single value and was not changed",
    "padding": "{count} ({share}) belong to constant regions at the border, such as padding; they were not changed",
    "saturated": "{count} ({share}) are saturated: they lie on a plateau at the top of the range, so their light is "
    "lost; left out and filled by the model",
    "bad": "{count} {are} hot or dead ({where}); left out and filled by the model",
    "outside": "{count} ({share}) {are} masked and {were} left out",
}


def find_defects(
    image: NDArray[np.floating], outside: Mask | None = None, extremes: tuple[float, float] | None = None
) -> Defects:
    """Look for every kind of defect in one channel.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``; may hold NaN and infinite values.
    outside
        What a user's mask leaves out, same shape.
    extremes
        Lowest and highest value of the whole channel, where this is a part of it: nothing below is saturated.
    """
    return finished(looked_for(image, outside, extremes))


def looked_for(
    image: NDArray[np.floating], outside: Mask | None = None, extremes: tuple[float, float] | None = None
) -> Generator[str, None, Defects]:
    """As `find_defects`, with a yield between any two parts of the work."""
    doing = "looking for defects"
    values = np.asarray(image, np.float32)
    left_out = np.zeros(values.shape, bool) if outside is None else outside
    missing = ~np.isfinite(values)
    # What nobody looks at has no say in what is found elsewhere.
    unseen = missing | left_out
    if unseen.any():
        values = filled(np.where(unseen, 0, values).astype(np.float32), unseen)
    blank = blank_frames(values)
    busy = ~blank
    masks = {"missing": missing & ~left_out}
    if busy.any():
        masks["blank"] = np.broadcast_to(blank.reshape(-1, *(1,) * (values.ndim - 1)), values.shape) & ~left_out
    for kind, look in {"padding": padded, "saturated": saturated}.items():
        masks[kind] = _in_frames(look, values, busy) & ~unseen
        yield doing
    low = _in_frames(cut_off_below, values, busy)
    if extremes is not None:
        masks["saturated"] &= values >= extremes[1]
        low &= values <= extremes[0]
    known = unseen | masks["padding"] | masks["saturated"]
    # What stands in for a padding is flat, and the light beside it looks narrow.
    beyond = _around(masks["padding"]) | known
    bad = np.zeros(values.shape, bool)
    if busy.any():
        bad[busy] = yield from bad_pixels_step_by_step(filled(values, known)[busy], known[busy])
    bad &= ~beyond
    masks |= {"bad": bad, "outside": left_out}
    low = _lost(values[busy], low[busy] & ~known[busy])
    found = {kind: mask for kind, mask in masks.items() if mask.any()}
    original = np.asarray(image, np.float32)
    clean, lines = filled(values, known | bad), dict[str, NDArray[np.float32]]()
    stripes: dict[str, float] = {}
    yield doing
    for name, taken, deviation in line_offsets(clean, ~(known | bad)):
        clean = clean - taken
        lines[name], stripes[name] = taken, deviation
    return Defects(clean, original, found, float(low.mean()) if low.size else 0.0, stripes, lines)


def _around(mask: Mask) -> Mask:
    """A mask with the pixels up to two away, within each frame."""
    block = (1, *(5,) * (mask.ndim - 1))
    return np.asarray(scipy.ndimage.maximum_filter(mask, block)) if mask.any() else mask


def _lost(values: NDArray[np.float32], low: Mask) -> Mask:
    """Of the pixels at the lowest value those that may have held less: not those around a field of view."""
    return low & ~surround(values, low)


def _in_frames(look: Callable[[NDArray[np.float32]], Mask], values: NDArray[np.float32], busy: Mask) -> Mask:
    """What is found in some of the frames."""
    out = np.zeros(values.shape, bool)
    if busy.any():
        out[busy] = look(values[busy])
    return out
