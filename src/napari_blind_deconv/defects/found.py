"""All defects of one channel, as weights and as sentences."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_blind_deconv.defects.bad_pixels import bad_pixels
from napari_blind_deconv.defects.filling import filled
from napari_blind_deconv.defects.padding import blank_frames, padded
from napari_blind_deconv.defects.plateau import cut_off_below, saturated
from napari_blind_deconv.defects.stripes import destriped

Mask = NDArray[np.bool_]
_FIRST = 3


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
    """

    image: NDArray[np.float32]
    original: NDArray[np.float32]
    masks: Mapping[str, Mask]
    cut_off: float = 0.0
    stripes: Mapping[str, float] = field(default_factory=dict)

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

    def sentences(self) -> Iterator[str]:
        """One sentence for each kind: how many, where, and what is done about it."""
        for kind, mask in self.masks.items():
            if mask.any():
                one = mask.sum() == 1
                count, are, were = _counted(mask), "is" if one else "are", "was" if one else "were"
                yield _SENTENCES[kind].format(
                    count=count, are=are, were=were, share=f"{mask.mean():.2%}", where=_where(mask)
                )
        for lines, deviation in self.stripes.items():
            yield (
                f"the {lines} have offsets of their own (stripes), of standard deviation {deviation:.3g}; they were "
                "taken out"
            )
        if self.cut_off:
            yield (
                f"{self.cut_off:.2%} of the pixels lie at the lowest value: the image was cut off below; export it "
                "without subtracting the background"
            )


_SENTENCES = {
    "missing": "{count} {are} NaN or infinite ({where}); left out and filled by the model",
    "blank": "{where} a single value and was left as it is",
    "padding": "{count} ({share}) belong to constant regions at the border, such as padding; they were left as they "
    "are",
    "saturated": "{count} ({share}) are saturated: they lie on a plateau at the top of the range and their light is "
    "lost; they were left out and filled by the model",
    "bad": "{count} {are} hot or dead ({where}); left out and filled by the model",
    "outside": "{count} ({share}) {are} masked and {were} left out",
}


def find_defects(image: NDArray[np.floating], outside: Mask | None = None) -> Defects:
    """Look for every kind of defect in one channel.

    Parameters
    ----------
    image
        Shape ``(batch, *space)``; may hold NaN and infinite values.
    outside
        What a user's mask leaves out, same shape.
    """
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
    known = unseen | masks["padding"] | masks["saturated"]
    # What stands in for a padding is flat, and the light beside it looks narrow.
    beyond = _around(masks["padding"]) | known
    bad = np.zeros(values.shape, bool)
    if busy.any():
        bad[busy] = bad_pixels(filled(values, known)[busy], known[busy])
    bad &= ~beyond
    masks |= {"bad": bad, "outside": left_out}
    low = _in_frames(cut_off_below, values, busy)[busy] & ~known[busy]
    found = {kind: mask for kind, mask in masks.items() if mask.any()}
    original = np.asarray(image, np.float32)
    clean, stripes = destriped(filled(values, known | bad), ~(known | bad))
    return Defects(clean, original, found, float(low.mean()) if low.size else 0.0, stripes)


def _around(mask: Mask) -> Mask:
    """A mask with the pixels up to two away, within each frame."""
    block = (1, *(5,) * (mask.ndim - 1))
    return np.asarray(ndimage.maximum_filter(mask, block)) if mask.any() else mask


def _in_frames(look: Callable[[NDArray[np.float32]], Mask], values: NDArray[np.float32], busy: Mask) -> Mask:
    """What is found in some of the frames."""
    out = np.zeros(values.shape, bool)
    if busy.any():
        out[busy] = look(values[busy])
    return out


def _counted(mask: Mask) -> str:
    count = int(mask.sum())
    return f"{count} pixel" + ("s" if count != 1 else "")


def _where(mask: Mask) -> str:
    """The first few places, or frames where whole ones are meant."""
    whole = mask.reshape(len(mask), -1).all(1)
    if whole.any():
        numbers = ", ".join(str(i + 1) for i in np.flatnonzero(whole)[:_FIRST])
        more = " and others" if whole.sum() > _FIRST else ""
        return f"frame {numbers}{more} of {len(mask)} holds"
    places = np.argwhere(mask)[:_FIRST]
    start = 1 if len(mask) == 1 else 0
    shown = "; ".join("(" + ", ".join(str(int(i)) for i in place[start:]) + ")" for place in places)
    return f"at {shown}" + (" and others" if mask.sum() > _FIRST else "")
