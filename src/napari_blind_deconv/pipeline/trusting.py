"""When one channel's result should not be trusted: all checks, and the maps that show where."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from napari_blind_deconv.crops import Window, informative_window
from napari_blind_deconv.defects import Defects
from napari_blind_deconv.estimation import Problem
from napari_blind_deconv.forward import KernelField
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.pipeline.surveying import Surveyed
from napari_blind_deconv.restoration import PosteriorSampling, Restores, RichardsonLucyRestorer
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.trust import (
    Check,
    kernel_checks,
    no_blur_check,
    prior_share_step_by_step,
    residual_checks,
    saturation_check,
    share_check,
    standardised_residual,
    uncertainty_check,
)

if TYPE_CHECKING:
    from torch import Tensor

# The part of the image that is asked whether it shows the blur: pixels per axis, by the number of axes, and kernels at
# least.
_ASKED, _KERNELS = {1: 1024, 2: 128, 3: 40}, 2


def assessed(
    problem: Problem,
    image: Tensor,
    kernel: Tensor,
    settings: Settings,
    defects: Defects | Surveyed,
    taught: Problem,
    field: KernelField | None = None,
) -> Generator[str, None, tuple[list[Check], dict[str, Tensor]]]:
    """Checks and maps of a restored image, a yield between any two of them.

    Parameters
    ----------
    problem
        What was solved.
    image, kernel
        The restored image, and the kernel that it was restored with.
    settings
        Which restorer and image prior were used: the share of the prior exists where there is one.
    defects
        What in the channel is no data.
    taught
        What the kernel was estimated from: that is asked whether it shows the blur.
    field
        The kernel at every place, where it changes.
    """
    data = problem.data(kernel) if field is None else problem.data(kernel).varied(field)
    residual = standardised_residual(data, image)
    yield "the residual"
    found = residual_checks(residual, kernel.shape, data, compressed=problem.noise.compressed)
    yield "the PSF"
    found = [*found, *drawn_checks(settings.restorer, problem, kernel)]
    checks = shown_blur(problem, kernel, taught, defects.share("saturated"), found)
    maps = {"residual": residual}
    # Richardson-Lucy asks no image prior: what it has too much of is amplified noise, of which this says nothing.
    asked = not isinstance(settings.restorer, RichardsonLucyRestorer)
    if asked and not isinstance(settings.image_prior, NoPrior):
        yield "the prior's share"
        maps["prior_share"], whole = yield from prior_share_step_by_step(image, data, problem.spacing)
        checks.append(share_check(whole))
    return checks, maps


def shown_blur(
    problem: Problem, kernel: Tensor, taught: Problem, saturated: float, residual: Sequence[Check]
) -> list[Check]:
    """The checks that ask a part of the image only, about those of the residual; ``saturated`` is a share of it."""
    asked = asked_window(taught, tuple(kernel.shape)).of(taught.sample)
    # What asks the residual comes after the kernel, what asks the prior last.
    return [
        *kernel_checks(kernel, given=isinstance(problem.kernel_prior, Known), largest=problem.largest_kernel),
        *(check for check in residual if check.check != "prior_share"),
        no_blur_check(asked, kernel, taught.noise, taught.spacing),
        saturation_check(saturated),
        *(check for check in residual if check.check == "prior_share"),
    ]


def asked_window(taught: Problem, kernel_shape: tuple[int, ...]) -> Window:
    """The part of a sample that is asked whether it shows a blur of this support."""
    side = _ASKED.get(len(kernel_shape))
    return informative_window(taught.sample, kernel_shape, taught.sample_weights, side=side, frames=1, kernels=_KERNELS)


def drawn_checks(restorer: Restores, problem: Problem, kernel: Tensor) -> list[Check]:
    """What there is to say of the uncertainty, where images are drawn."""
    if not isinstance(restorer, PosteriorSampling) or not restorer.calibrated:
        return []
    return [uncertainty_check(*restorer.widened(problem.task(kernel))[:2])]
