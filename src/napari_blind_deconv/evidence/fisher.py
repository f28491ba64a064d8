"""What an observation can tell of a kernel at best: the Fisher information of the evidence, and the bound on KE.

Under a stationary Gaussian image of power spectrum S, in noise of spectrum N, all that an observation y knows of its
kernel k(θ) is in V(f; θ, η) = |K(f; θ)|² S(f; η) + N(f; η), where η describes image and noise. The Whittle-Fisher
information of both, over all n frequencies of a frame (Whittle 1953, doi:10.1007/BF02590998; Dzhaparidze 1986), is

    I_ij = ½ Σ_f ∂_i log V(f) ∂_j log V(f),                                                                        (1)

it adds up over frames that show independent scenes. Not to know η costs (Schur's complement; Λ: what is known of η)

    I_θ = I_θθ - I_θη (I_ηη + Λ)⁻¹ I_ηθ,                                                                           (2)

and no unbiased estimate comes closer to the kernel, in the mean, than (Cramér-Rao, to first order in θ)

    E ‖k̂ - k‖² ≥ tr( J I_θ⁻¹ Jᵀ ),    J = ∂k / ∂θ.                                                                  (3)

With the curvature of -log p(θ) in Λ too, it is the bound on estimates that know the prior, in the mean over it (van
Trees 1968). The bound is the data's: a window that tapers the frame sees fewer frequencies, and comes less close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_blind_deconv._torch import torch
from napari_blind_deconv.fourier import multiplicity, transfer

if TYPE_CHECKING:
    from torch import Tensor

# Step of the differences, in units of the parameters, which are of order one.
_STEP = 1e-3
# Share of the largest information below which a direction is as good as not seen.
_UNSEEN = 1e-12


@dataclass(frozen=True)
class Bound:
    """What no estimate of a kernel beats.

    Attributes
    ----------
    information
        Equation (2), ``(n, n)``.
    covariance
        Its inverse: the least covariance of θ.
    kernel_error
        The root of equation (3): the least root-mean-square KE, which is ‖k̂ - k‖₂ of unit-sum kernels.
    """

    information: Tensor
    covariance: Tensor
    kernel_error: float

    def relative_to(self, kernel: Tensor) -> float:
        """The least KE over the norm of the kernel."""
        return self.kernel_error / float(kernel.norm())


def bound(
    kernel_of: Callable[[Tensor], Tensor],
    theta: Tensor,
    spectrum_of: Callable[[Tensor], Tensor],
    eta: Tensor,
    noise: float | Tensor,
    shape: Sequence[int],
    *,
    frames: int = 1,
    precision: Tensor | None = None,
) -> Bound:
    """Equations (1) to (3) for frames of a given shape, all of whose frequencies are seen.

    Parameters
    ----------
    kernel_of
        The unit-sum kernel of θ, odd shape, as many axes as ``shape``.
    theta
        Where: a vector of parameters of order one.
    spectrum_of
        S of η on the half canvas of an `rfftn` of ``shape``: the variance per pixel, so that white noise of unit
        variance has S = 1. What is infinite, as a mean that is free, tells nothing.
    eta
        Parameters of the image that are not known either, a vector of order one; empty where S is known.
    noise
        Variance of the noise per pixel, > 0, or N on the half canvas.
    shape
        Of one frame.
    frames
        Frames that show independent scenes of the same spectrum through the same kernel.
    precision
        Λ: what is known beforehand of θ and η, in this order, inverse variances or a matrix; ``None``: nothing.

    Examples
    --------
    >>> def spot(theta):
    ...     grid = torch.arange(-7.0, 8.0, dtype=theta.dtype)
    ...     row = torch.exp(-0.5 * (grid / (2 * theta[0].exp())) ** 2)
    ...     return torch.outer(row, row) / row.sum() ** 2
    >>> white = lambda eta: eta[0].exp() * torch.ones(64, 33, dtype=torch.float64)
    >>> zero = torch.zeros(1, dtype=torch.float64)
    >>> one, four = (bound(spot, zero, white, zero, 0.01, (64, 64), frames=n) for n in (1, 4))
    >>> round(one.kernel_error / four.kernel_error, 6)
    2.0
    """
    counts = multiplicity(tuple(shape), theta)

    def log_spectrum(parameters: Tensor) -> Tensor:
        at, image = parameters[: len(theta)], parameters[len(theta) :]
        seen = transfer(kernel_of(at), tuple(shape))
        return ((seen.real.square() + seen.imag.square()) * spectrum_of(image) + noise).log()

    everything = torch.cat([theta, eta.to(theta)])
    told = frames * fisher(log_spectrum, everything, counts / 2)
    known = torch.zeros_like(told) if precision is None else precision.to(told)
    told = told + (torch.diag(known) if known.ndim == 1 else known)
    information = profiled(told, len(theta))
    covariance = torch.linalg.inv(information)
    return Bound(information, covariance, kernel_error(kernel_of, theta, covariance))


def fisher(log_spectrum: Callable[[Tensor], Tensor], parameters: Tensor, counts: Tensor) -> Tensor:
    """Equation (1), ``(n, n)``, in double precision.

    Parameters
    ----------
    log_spectrum
        Log V of the parameters at some frequencies; what is not finite tells nothing.
    parameters
        A vector of order one.
    counts
        Independent complex ordinates at each frequency: on a half canvas, half of the `multiplicity`.
    """
    along = torch.stack(list(slopes(log_spectrum, parameters)), 1).double()
    along = torch.where(along.isfinite(), along, 0)
    return (along * counts.flatten()[:, None].to(along)).T @ along


def slopes(log_spectrum: Callable[[Tensor], Tensor], parameters: Tensor, step: float = _STEP) -> Iterator[Tensor]:
    """Slopes of log V along every parameter, flat, by central differences over ``step``."""
    for i in range(len(parameters)):
        move = torch.zeros_like(parameters)
        move[i] = step
        with torch.no_grad():
            ahead, behind = (log_spectrum(parameters + sign * move) for sign in (1, -1))
        yield ((ahead - behind) / (2 * step)).flatten()


def profiled(information: Tensor, count: int) -> Tensor:
    """Equation (2): the information on the first ``count`` parameters, the others not known.

    Examples
    --------
    >>> profiled(torch.tensor([[2.0, 1.0], [1.0, 1.0]]), 1)
    tensor([[1.]])
    """
    rest, across = information[count:, count:], information[:count, count:]
    if not rest.numel():
        return information[:count, :count]
    floor = _UNSEEN * rest.diagonal().amax().clamp(min=1e-300)
    rest = rest + floor * torch.eye(len(rest)).to(rest)
    return information[:count, :count] - across @ torch.linalg.solve(rest, across.T)


def kernel_error(
    kernel_of: Callable[[Tensor], Tensor], theta: Tensor, covariance: Tensor, step: float = _STEP
) -> float:
    """The root of equation (3): the root-mean-square ‖k̂ - k‖₂ that a covariance of θ comes to, to first order.

    Parameters
    ----------
    kernel_of
        The unit-sum kernel of θ.
    theta
        Where.
    covariance
        Of θ, ``(n, n)``: a bound, or that of an estimate.
    step
        Of the differences.
    """
    along = torch.stack(list(slopes(kernel_of, theta, step)), 1).double()
    return float(((along.T @ along) * covariance.to(along)).sum().clamp(min=0).sqrt())
