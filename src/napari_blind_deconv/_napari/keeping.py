"""What is there of a run that is stopped by hand: the image as it is, channel by channel where there are several."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._napari.cropping import cropped
from napari_blind_deconv._napari.job import Job
from napari_blind_deconv._napari.layers import Source
from napari_blind_deconv._types import Progress, Result
from napari_blind_deconv.settings import settings_to_dict

Float = NDArray[np.float32]

_UNCHECKED: Final = "it is not finished, and was not checked"


class Keeping:
    """Remembers the last image and PSF of a run.

    Parameters
    ----------
    job
        The run.
    """

    def __init__(self, job: Job) -> None:
        self._job = job
        self._channel = job.source.axes.find("C")
        self._last: dict[int, tuple[Float, Float]] = {}
        self._at: Progress | None = None

    def see(self, progress: Progress) -> None:
        """Notice a step, where it has an image of the whole, or of a whole channel."""
        if progress.image is None or progress.kernel is None:
            return
        shape = list(self._job.source.shape)
        if progress.channel is not None:
            del shape[self._channel]
        if progress.image.shape == tuple(shape):
            self._last[progress.channel or 0] = progress.image, progress.kernel
            self._at = progress

    @property
    def has_image(self) -> bool:
        """Whether there is anything to keep."""
        return bool(self._last)

    def result(self, seconds: float) -> Result:
        """The image and its PSF; of several channels those that were begun, the first ones of the image.

        Parameters
        ----------
        seconds
            Since the run began.
        """
        at = self._at
        if at is None:
            raise ValueError("there is nothing to keep yet")
        images, kernels = zip(*(self._last[channel] for channel in sorted(self._last)), strict=True)
        stopped = {"step": at.step, "total": at.total}
        state = self._state(len(images)) if at.channel is not None else _UNCHECKED
        report = {
            "settings": settings_to_dict(self._job.settings),
            "stopped": stopped,
            "warnings": [f"stopped by hand at step {at.step} of {at.total}: {state}"],
            "seconds": round(seconds, 3),
        }
        if at.channel is None:
            return Result(images[-1], kernels[-1], report)
        # Only runs need it.
        from napari_blind_deconv.pipeline.outcome import stacked

        stopped["channels"] = len(images)
        return Result(np.stack(images, self._channel), stacked(kernels), report)

    def _state(self, begun: int) -> str:
        """What has become of the channels."""
        count = self._job.source.shape[self._channel]
        done = ["", "channel 1 was restored, ", f"channels 1 to {begun - 1} were restored, "][min(begun - 1, 2)]
        rest = "" if begun == count else f"; channels {begun + 1} to {count} were not begun"
        rest = f"; channel {count} was not begun" if begun == count - 1 else rest
        return f"{done}channel {begun} is not finished{rest}; nothing was checked"


def covered(source: Source, result: Result) -> Source:
    """The part of a source that a result is of: of a run that was stopped by hand the channels that were begun."""
    channels = result.report.get("stopped", {}).get("channels")
    if channels is None:
        return source
    ranges = zip(source.axes, source.data.shape, strict=True)
    return cropped(source, [slice(0, channels if letter == "C" else n) for letter, n in ranges], source.name)
