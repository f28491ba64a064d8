"""What there is to choose from, for help texts that do not wait for PyTorch; written by docs/lists.py."""

from typing import Final

KERNEL_PRIORS: Final = (
    "known",
    "microscope",
    "gaussian",
    "defocus",
    "airy",
    "motion",
    "lenslets",
    "sparse",
    "learned",
    "uniform",
    "auto",
)
IMAGE_PRIORS: Final = (
    "sparse-gradients",
    "diffusion",
    "total-variation",
    "patch-mixture",
    "gaussian-field",
    "deep-image",
    "none",
)
ESTIMATORS: Final = (
    "by-evidence",
    "by-draws",
    "blind-richardson-lucy",
    "joint",
)
RESTORERS: Final = (
    "by-data",
    "by-prior",
    "photon-map",
    "richardson-lucy",
    "posterior-sampling",
)
LIKELIHOODS: Final = (
    "from-image",
    "even-noise",
    "camera",
)
VARIATIONS: Final = (
    "constant",
    "smooth",
)
SOLVERS: Final = (
    "two-phase",
    "posterior-sampling",
    "richardson-lucy",
    "blind-richardson-lucy",
    "joint",
)
