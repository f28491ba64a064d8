"""A run whose images do not share one PSF as frames do: parts with PSFs of their own, or channels that share one.

Every part is a run of its own; what is decided for several of them together, a PSF that channels share or one that
drifts with time, is decided before and given to them.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, Progress, Result, translated
from napari_blind_deconv.estimation.temporal import Drift, drifting, edges_of
from napari_blind_deconv.kernel_priors import HasFigures, Known
from napari_blind_deconv.observation import Arrangement, arrangement
from napari_blind_deconv.pipeline.comparing import compared, refuse_other_truth
from napari_blind_deconv.pipeline.given import Given, opened
from napari_blind_deconv.pipeline.joining import joined_report, over_axes
from napari_blind_deconv.pipeline.outcome import array_of
from napari_blind_deconv.pipeline.parts import Part, Within, WithinResult, frames_of, parts_of
from napari_blind_deconv.pipeline.sources import Sink, Source, source_of
from napari_blind_deconv.pipeline.teaching import Taught, teaching_steps, together
from napari_blind_deconv.pipeline.two_phase import Estimate
from napari_blind_deconv.pipeline.varying import Kernels
from napari_blind_deconv.settings import Settings

_STAGE = "estimating the kernel"

RunOne = Callable[[Given, Settings, float | None, Kernels], Generator[Progress, None, Result]]
"""One run, with kernels that were found before by their channels."""


def is_one_run(given: Given, settings: Settings) -> bool:
    """Whether all frames of a channel share one PSF, and channels have one each: a run as any."""
    if isinstance(settings.kernel_prior, Known):
        return True
    shape, layout = _arranged(given, settings)
    joint = settings.share_psf in ("channel", "all") and layout.channel is not None
    return not joint and settings.psf_drift is None and len(parts_of(shape, layout, settings.share_psf)) == 1


def expected_parts(given: Given, settings: Settings) -> list[Part]:
    """The parts that an image is worked on in, as far as that is known beforehand: a drift may be found or not."""
    shape, layout = _arranged(given, settings)
    if isinstance(settings.kernel_prior, Known):
        return [Part(tuple(slice(0, n) for n in shape))]
    if settings.psf_drift is None:
        return parts_of(shape, layout, settings.share_psf)
    frames = shape[layout.axes.index("T")]
    return frames_of(shape, layout, edges_of(frames, settings.psf_drift))


def steps_of_several(
    given: Given, settings: Settings, max_memory_gb: float | None, run_one: RunOne
) -> Generator[Progress, None, Result]:
    """The steps of all parts, one after the other, and their results as one."""
    shape, layout = _arranged(given, settings)
    refuse_other_truth(given.truth, shape)
    image = given.image if isinstance(given.image, np.ndarray) else source_of(given.image)
    run = _Run(given, settings, max_memory_gb, layout, shape, image)
    drifts: list[Drift] = []
    if settings.psf_drift is None:
        parts, known = parts_of(shape, layout, settings.share_psf), None
    else:
        drifts = yield from run.drifts()
        parts, known = _drifting_parts(run, drifts)
    return (yield from run.restored(parts, known, drifts, run_one))


def _drifting_parts(run: "_Run", drifts: Sequence[Drift]) -> tuple[list[Part], list[Kernels]]:
    """Groups of frames where a channel's PSF drifts, else all of the image, with the kernels of every channel."""
    edges = drifts[0].edges
    if not any(drift.drifts for drift in drifts):
        edges = (0, edges[-1])
    parts = frames_of(run.shape, run.layout, edges)
    groups = range(len(parts))
    return parts, [{i: _found(d.kernel_of(g), dict(d.described(g))) for i, d in enumerate(drifts)} for g in groups]


@dataclass(frozen=True)
class _Run:
    given: Given
    settings: Settings
    max_memory_gb: float | None
    layout: Arrangement
    shape: tuple[int, ...]
    image: NDArray[Any] | Source

    def of(self, part: Part) -> Given:
        """What is given of a part; results go to their place in the whole."""
        image = self.image[part.place] if isinstance(self.image, np.ndarray) else Within(self.image, part.place)
        maps: Any = self.given.maps
        if maps:
            maps = lambda name: WithinResult(self.given.map_sink(name, self.shape), part.place)  # noqa: E731
        return replace(
            self.given,
            image=image,
            truth=None,
            true_psf=None,
            mask=self._cut(self.given.mask, part),
            region=self._cut(self.given.region, part),
            maps=maps,
            out=None,
            made={},
        )

    def _cut(self, mask: Any, part: Part) -> Any:
        """A mask's part, where it has the image's shape; that of the space is the same for all."""
        if mask is None or isinstance(mask, (tuple, list, slice)) or np.shape(mask) != self.shape:
            return mask
        return np.asarray(mask)[part.place]

    def taught(self, part: Part) -> Generator[Progress, None, Taught]:
        given = self.of(part)
        return (
            yield from teaching_steps(
                given.image,
                self.settings,
                axes=given.axes,
                voxel_size_um=given.voxel_size_um,
                mask=given.mask,
                region=given.region,
                max_memory_gb=self.max_memory_gb,
            )
        )

    def drifts(self) -> Generator[Progress, None, list[Drift]]:
        """How the PSF of every channel changes with time."""
        taught = yield from self.taught(Part(tuple(slice(0, n) for n in self.shape)))
        frames = self.shape[self.layout.axes.index("T")]
        edges = edges_of(frames, self.settings.psf_drift or frames)
        groups = [taught.problems] if self._joint else [(problem,) for problem in taught.problems]
        found = []
        for problems in groups:
            fit = yield from together(problems, self.settings.estimator, _STAGE)
            family = problems[0].kernel_prior
            if not isinstance(family, HasFigures):
                raise TypeError(f"{family} has no parameters that could drift")
            busiest = max(problems, key=lambda problem: 1 / problem.noise.sigma)
            figures = family.figures(fit.fit, busiest.kernel_shape)
            # A time point may have several frames: planes, or colours.
            several = (busiest.frames.count if busiest.frames else len(busiest.sample)) // frames
            steps = drifting(busiest, figures, edges, several)
            found += [(yield from translated(steps, _of_groups))] * len(problems)
        return found

    @property
    def _joint(self) -> bool:
        return self.settings.share_psf in ("channel", "all") and self.layout.channel is not None

    def kernels(self, part: Part) -> Generator[Progress, None, Kernels]:
        """The kernels that are found before a part is restored: one for all channels where they share it."""
        if not self._joint:
            return {}
        taught = yield from self.taught(part)
        found = yield from together(taught.problems, self.settings.estimator, _STAGE)
        one = _found(found.fit.kernel, dict(found.fit.parameters))
        return {index: replace(one, choice=found.choice) for index in range(len(taught.problems))}

    def restored(
        self, parts: Sequence[Part], known: Sequence[Kernels] | None, drifts: Sequence[Drift], run_one: RunOne
    ) -> Generator[Progress, None, Result]:
        """The parts one after the other."""
        sink = self.given.image_sink(self.shape)
        results: list[Result] = []
        for number, part in enumerate(parts):
            kernels = (yield from self.kernels(part)) if known is None else known[number]
            given = replace(self.of(part), out=WithinResult(sink, part.place))
            settings = replace(self.settings, share_psf="frames", psf_drift=None)
            steps = run_one(given, settings, self.max_memory_gb, kernels)
            shown = partial(_of_all, number=number, part=part, count=len(parts))
            results.append((yield from translated(steps, shown)))
        return self._joined(parts, results, drifts, sink)

    def _joined(self, parts: Sequence[Part], results: Sequence[Result], drifts: Sequence[Drift], sink: Sink) -> Result:
        own = "".join(
            axis
            for axis, n, part in zip(self.layout.axes, self.shape, parts[0].place, strict=True)
            if part != slice(0, n)
        )
        kernel = over_axes(parts, results, [self.layout.axes.index(axis) for axis in own], self.shape)
        report = joined_report(parts, results)
        report["settings"] |= {"share_psf": self.settings.share_psf, "psf_drift": self.settings.psf_drift}
        report["input"]["shape"] = list(self.shape)
        if len(parts) > 1:
            places = [[part.place[self.layout.axes.index(axis)].start for axis in own] for part in parts]
            channels = [[]] if self.layout.channel is None else [[i] for i in range(self.shape[self.layout.channel])]
            report["psf_at"] = [place + channel for place in places for channel in channels]
        # A z that counts planes would make a volume of a stack of PSFs.
        report["psf_axes"] = (
            own.replace("Z", "P") + ("C" if self.layout.channel is not None else "") + self.layout.space
        )
        if drifts:
            found = [drift.to_dict() for drift in drifts]
            report["drift"] = found[0] if len(found) == 1 else found
        truth, true_psf = self.given.truth, self.given.true_psf
        if truth is not None or true_psf is not None:
            middle = results[len(results) // 2].kernel
            report["metrics"] = compared(sink, truth, middle, true_psf, self.layout.axes_of_frames)
        maps = {name: opened(made) for name, made in self.given.made.items()}
        return Result(opened(sink), kernel, report, maps, ())


def _arranged(given: Given, settings: Settings) -> tuple[tuple[int, ...], Arrangement]:
    shape = tuple(source_of(given.image).shape)
    layout = arrangement(shape, given.axes, settings.planes)
    if settings.psf_drift is not None:
        _refuse_drift(settings, shape, layout)
    return shape, layout


def _refuse_drift(settings: Settings, shape: tuple[int, ...], layout: Arrangement) -> None:
    """Refuse a drift of what has no time, or whose frames are not one movie in the order of the time."""
    batch = [axis for axis in layout.axes if axis not in f"C{layout.space}"]
    if "T" not in batch:
        allowed, remedy = f"but the image has {layout.axes}", "name its axes, such as TYX, or leave `psf_drift` out"
    elif batch[0] != "T":
        allowed, remedy = f"before {batch[0]}, but the image has {layout.axes}", "turn its axes"
    elif len(parts_of(shape, layout, settings.share_psf)) > 1:
        allowed, remedy = "of frames that share one PSF, but planes have one each", "choose `share_psf=frames`"
    else:
        return
    raise InputError(
        subject="psf_drift", value=f"{settings.psf_drift} needs a time axis", allowed=allowed, remedy=remedy
    )


def _of_groups(kernel: Any) -> Progress:
    return Progress("comparing groups of frames", 0, 0, None, array_of(kernel))


def _found(kernel: Any, parameters: dict[str, Any]) -> Estimate:
    return Estimate("estimating the kernel", 0, 1, kernel, parameters=parameters)


def _of_all(step: Progress, number: int, part: Part, count: int) -> Progress:
    """A step of a part as one of the whole, whose image is not shown: it is only a part's."""
    if count == 1:
        return step
    words = ": ".join(text for text in (part.label, step.message) if text)
    done, total = (number * step.total + step.step, count * step.total) if step.total else (0, 0)
    return replace(step, step=done, total=total, image=None, message=words)
