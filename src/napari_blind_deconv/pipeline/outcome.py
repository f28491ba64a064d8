"""What a run found, channel by channel, and its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_blind_deconv._types import InputError, PsfField
from napari_blind_deconv.defects import Defects
from napari_blind_deconv.estimation import Choice, Problem, Varied
from napari_blind_deconv.forward import Noise
from napari_blind_deconv.kernel_priors import Known, Parameter
from napari_blind_deconv.metrics import describe_kernel
from napari_blind_deconv.physical_checks import psf_doubts
from napari_blind_deconv.pipeline.noise_words import left_out_words, noise_report
from napari_blind_deconv.pipeline.posing import Levels
from napari_blind_deconv.pipeline.preparation import Run
from napari_blind_deconv.pipeline.sources import Source
from napari_blind_deconv.pipeline.surveying import Surveyed
from napari_blind_deconv.pipeline.two_phase import Estimate
from napari_blind_deconv.pipeline.varying import psf_fields
from napari_blind_deconv.report import versions
from napari_blind_deconv.settings import settings_to_dict
from napari_blind_deconv.trust import Check, HalfLight, doubts

if TYPE_CHECKING:
    from torch import Tensor

Float = NDArray[np.float32]

# Shares of the pixels between whose intensities the noise is described.
_LIGHT = (0.01, 0.99)


@dataclass(frozen=True)
class Outcome:
    """One channel's result, on the input's intensity scale.

    ``light`` is the range of nearly all its intensities. ``flux_ratio`` is the light of the restored image over that of
    the observation, both less the background. ``detail`` says how fine a detail half of the light shows.
    ``infinite`` is whether a pixel is not finite, except those that were left as they were, which may hold what they
    held.
    """

    image: Float | None
    kernel: Float
    noise: Noise
    light: tuple[float, float]
    infinite: bool
    misfit_sigma: float
    residual_sigma: float
    parameters: Mapping[str, Parameter]
    choice: Choice | None
    maps: Mapping[str, Float]
    checks: list[Check]
    defects: Defects | Surveyed
    varied: Varied | None = None
    flux_ratio: float | None = None
    detail: HalfLight | None = None

    @classmethod
    def of(
        cls,
        problem: Problem,
        last: Estimate,
        levels: Levels,
        pixels: NDArray[Any],
        checks: list[Check],
        **others: Any,
    ) -> Outcome:
        """With what the problem, the last step, the pixels and the checks say; ``others`` are as of the class."""
        low, high = (float(v) for v in np.quantile(pixels, _LIGHT))
        misfit = next(check.value for check in checks if check.check == "residual_size") * problem.misfit_sigma
        return cls(
            kernel=array_of(last.kernel),
            noise=problem.noise.scaled(levels.scale, -levels.offset / levels.scale),
            light=(low, high),
            misfit_sigma=problem.misfit_sigma * levels.scale,
            residual_sigma=misfit * levels.scale,
            parameters=last.parameters,
            choice=last.choice,
            checks=checks,
            varied=last.varied,
            **others,
        )


def array_of(values: Tensor) -> Float:
    """A tensor of any device as an array."""
    out: Float = values.detach().cpu().numpy().astype(np.float32)
    return out


def check_finite(run: Run, outcomes: Sequence[Outcome]) -> None:
    """Refuse a result that is no image or no PSF, whatever made it so: nobody should find out later.

    Raises
    ------
    InputError
        Naming what is not finite.
    """
    for number, outcome in enumerate(outcomes, start=1):
        where = f" of channel {number}" if len(outcomes) > 1 else ""
        wrong = outcome.infinite
        if wrong or not np.isfinite(outcome.kernel).all():
            found = "PSF" if not wrong else "restored image"
            raise InputError(
                subject=f"the {found}{where}",
                value=f"is not finite with {run.settings.restorer.kind}, {run.settings.image_prior.kind} and "
                f"{run.settings.kernel_prior.kind}",
                allowed="so it was discarded",
                remedy="go back to the default settings, and report it if that does not help",
            )


def joined_maps(run: Run, outcomes: Sequence[Outcome]) -> dict[str, Float]:
    """The maps that every channel has, in the input's order of axes."""
    names = [name for name in outcomes[0].maps if all(name in o.maps for o in outcomes)]
    return {name: run.layout.join([o.maps[name] for o in outcomes], run.shape) for name in names}


def _described(outcome: Outcome) -> dict[str, Any]:
    parameters = {name: parameter._asdict() for name, parameter in outcome.parameters.items()}
    return {**describe_kernel(outcome.kernel), "parameters": parameters}


def _left_out(counts: Mapping[str, int], defects: Defects | Surveyed) -> dict[str, Any]:
    """The share of the pixels that are no data for whatever reason, and a sentence on them."""
    share = defects.share_missing
    return {"share": share, "words": left_out_words(counts, share)}


def _doubts(run: Run, outcome: Outcome) -> list[str]:
    """What physics says about a given PSF, and the checks that raise doubt; each sentence once."""
    given = psf_doubts(outcome.kernel) if isinstance(run.kernel_prior, Known) else []
    return list(dict.fromkeys(given + doubts(outcome.checks)))


def report_of(run: Run, outcomes: list[Outcome], image: NDArray[Any] | Source, found: str) -> dict[str, Any]:
    """The JSON-able report of a run, whose image has the checksum ``found``; without its figures and its cost."""
    described = [_described(o) for o in outcomes]
    told = [
        (f"channel {i + 1}: " if len(outcomes) > 1 else "") + sentence
        for i, outcome in enumerate(outcomes)
        for sentence in _doubts(run, outcome)
    ]
    single = len(outcomes) == 1
    trust = [[check._asdict() for check in o.checks] for o in outcomes]
    noises = [noise_report(o.noise, o.light) for o in outcomes]
    for noise, outcome in zip(noises, outcomes, strict=True):
        noise["stripes"] = dict(outcome.defects.stripes)
    details = [None if o.detail is None else o.detail.to_dict() for o in outcomes]
    defects = [o.defects.counts for o in outcomes]
    left_out = [_left_out(found, o.defects) for found, o in zip(defects, outcomes, strict=True)]
    regions = [region.to_dict() for region in run.regions or []]
    chosen: dict[str, list[Any]] = {
        "choice": [o.choice.reason for o in outcomes if o.choice],
        "ranking": [[r._asdict() for r in o.choice.ranking] for o in outcomes if o.choice],
    }
    return {
        "settings": settings_to_dict(run.settings),
        "versions": dict(versions()),
        "device": str(run.device),
        "seed": run.settings.seed,
        "input": {
            "shape": list(image.shape),
            "dtype": str(image.dtype),
            "axes": run.layout.axes,
            "sha256": found,
            "voxel_size_um": list(run.voxel_size_um) if run.voxel_size_um else None,
        },
        "background": run.settings.background,
        "noise_sigma": outcomes[0].noise.sigma if single else [o.noise.sigma for o in outcomes],
        "noise": noises[0] if single else noises,
        "defects": defects[0] if single else defects,
        "left_out": left_out[0] if single else left_out,
        **({} if run.regions is None else {"region": regions[0] if single else regions}),
        "misfit_sigma": outcomes[0].misfit_sigma if single else [o.misfit_sigma for o in outcomes],
        "residual_sigma": outcomes[0].residual_sigma if single else [o.residual_sigma for o in outcomes],
        "flux_ratio": outcomes[0].flux_ratio if single else [o.flux_ratio for o in outcomes],
        "frc": details[0] if single else details,
        "kernel": described[0] if single else described,
        **({name: found[0] if single else found for name, found in chosen.items() if found}),
        **_fields(outcomes),
        "trust": trust[0] if single else trust,
        "warnings": run.warnings + told,
    }


def _fields(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """How the PSF changes over the field, where that was asked for."""
    varied = [o.varied for o in outcomes]
    shown: Sequence[PsfField | None] = psf_fields(varied) or [None] * len(varied)
    found = [
        one.to_dict() | {"psfs": [] if field is None else field.described}
        for one, field in zip(varied, shown, strict=True)
        if one is not None
    ]
    return {"field": found[0] if len(outcomes) == 1 else found} if found else {}


def stacked(kernels: Sequence[Float]) -> Float:
    """One kernel per channel, on the largest of their supports."""
    largest = np.max([k.shape for k in kernels], axis=0)
    padded = [np.pad(k, [((n - m) // 2,) * 2 for n, m in zip(largest, k.shape, strict=True)]) for k in kernels]
    return np.stack(padded)
