"""When one channel's result should not be trusted: all checks, and the maps that show where."""

from torch import Tensor

from napari_blind_deconv.crops import informative_crop
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.solvers import BlindRichardsonLucy, Problem, RichardsonLucy
from napari_blind_deconv.trust import (
    Check,
    kernel_checks,
    no_blur_check,
    prior_share,
    residual_checks,
    saturation_check,
    share_check,
    standardised_residual,
)

# The part of the image that is asked whether it shows the blur: pixels per axis, by the number of axes.
_ASKED = {1: 1024, 2: 128, 3: 40}


def assessed(
    problem: Problem, image: Tensor, kernel: Tensor, settings: Settings, saturated: float
) -> tuple[list[Check], dict[str, Tensor]]:
    """Checks and maps of a restored image.

    Parameters
    ----------
    problem
        What was solved.
    image, kernel
        The restored image, and the kernel that it was restored with.
    settings
        Which solver and image prior were used: the share of the prior exists where there is one.
    saturated
        Share of the channel's pixels that are saturated.
    """
    given = isinstance(problem.kernel_prior, Known)
    residual = standardised_residual(problem.observed, image, kernel, problem.misfit_sigma)
    asked = informative_crop(problem.sample, tuple(kernel.shape), side=_ASKED.get(kernel.ndim), frames=1)
    checks = [
        *kernel_checks(kernel, given=given),
        *residual_checks(residual, kernel.shape),
        no_blur_check(asked, kernel, problem.noise, problem.spacing),
        saturation_check(saturated),
    ]
    maps = {"residual": residual}
    # Richardson-Lucy asks no image prior: what it has too much of is amplified noise, of which this says nothing.
    if not isinstance(settings.solver, RichardsonLucy | BlindRichardsonLucy) and not isinstance(
        settings.image_prior, NoPrior
    ):
        maps["prior_share"], whole = prior_share(image, kernel, problem.misfit_sigma, problem.spacing)
        checks.append(share_check(whole))
    return checks, maps
