"""A part of a layer as an image of its own, in its place: one channel, or a box."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._napari.drawn import Drawn, Mask
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._napari.placing import placed

Region = tuple[slice, ...]


def channel_region(source: Source, index: int) -> Region:
    """The ranges of one channel, counted from 0, of an image that has several."""
    shape = source.data.shape
    return tuple(
        slice(index, index + 1) if letter == "C" else slice(0, n) for letter, n in zip(source.axes, shape, strict=True)
    )


def cropped(source: Source, region: Sequence[slice], name: str) -> Source:
    """The part of a source between pixels, one range per axis of its data, where it lies on screen."""
    count = len(source.placement.scale)
    starts = np.array([part.start for part in region[:count]], float)
    place = placed(source.placement, count, starts)["translate"]
    return replace(
        source,
        name=name,
        data=source.data[tuple(region)],
        placement=replace(source.placement, translate=np.asarray(place, np.float64)),
        cut=within(source.cut, region),
        whole_shape=source.whole_shape or tuple(source.data.shape),
        layer=source.layer or source.name,
    )


def within(outer: Region | None, region: Sequence[slice]) -> Region:
    """Ranges within a part, as ranges of the whole."""
    if outer is None:
        return tuple(region)
    return tuple(slice(o.start + r.start, o.start + r.stop) for o, r in zip(outer, region, strict=True))


@dataclass(frozen=True, kw_only=True)
class DrawnPart(Drawn):
    """What a layer marks of a part of an image: ``region`` has one range per axis of its pixels."""

    whole: Drawn
    region: Region

    @classmethod
    def of(cls, drawn: Drawn | None, region: Region) -> "DrawnPart | None":
        """The part of what was drawn, if anything was."""
        if drawn is None:
            return None
        shape = tuple(part.stop - part.start for part in region[: len(drawn.shape)])
        return cls(
            name=drawn.name,
            image=drawn.image,
            shape=shape,
            colours=drawn.colours,
            path=drawn.path,
            whole=drawn,
            region=region,
        )

    def frozen(self) -> "DrawnPart":
        """The same, whatever becomes of the layer."""
        return replace(self, whole=self.whole.frozen())

    def marked(self) -> Mask:
        """Where it marks the part."""
        marked = self.whole.marked()
        own = self.region[len(self.whole.shape) - marked.ndim : len(self.whole.shape)]
        return marked[own]

    def load(self) -> NDArray[np.bool_]:
        """Where it marks the part, which may be nowhere."""
        whole = np.broadcast_to(self.marked(), self.shape)
        return whole if self.colours is None else np.broadcast_to(whole[..., None], (*self.shape, self.colours))
