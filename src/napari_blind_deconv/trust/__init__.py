"""When a result should not be trusted: checks of kernel, residual, evidence, saturation and prior, and maps of them.

Every check gives a value, its limit and a sentence, whether it raises doubt or not (decision 0016).
"""

from .check import Check, doubts
from .kernel import kernel_checks
from .no_blur import no_blur_check
from .prior_share import prior_share, prior_share_step_by_step, share_check
from .residual import residual_checks, standardised_residual
from .resolution import HalfLight, half_light
from .saturation import saturation_check
from .uncertainty import uncertainty_check

__all__ = [
    "Check",
    "HalfLight",
    "doubts",
    "half_light",
    "kernel_checks",
    "no_blur_check",
    "prior_share",
    "prior_share_step_by_step",
    "residual_checks",
    "saturation_check",
    "share_check",
    "standardised_residual",
    "uncertainty_check",
]
