"""Whether and how a PSF changes over the field: a setting, and what a fit of it found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from annotated_types import Ge, Le
from pydantic import Discriminator

from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.estimation.polynomials import Term, at
from napari_blind_deconv.forward import KernelField
from napari_blind_deconv.kernel_priors import HasFigures, Parameter
from napari_blind_deconv.kernel_priors.figures import Figures

if TYPE_CHECKING:
    from torch import Tensor


@component
class Constant:
    """One PSF for the whole field."""

    kind: Literal["constant"] = "constant"

    def refuse(self, kernel_prior: object, estimator: object) -> None:
        """It works with everything."""


@component
class Smooth:
    """A PSF whose size, depth or aberrations change smoothly over the field, if the image shows that they do.

    They are low-order polynomials of the place, fitted by the evidence of many regions together. Terms that do not
    help are left out; if none helps, there is one PSF.
    """

    kind: Literal["smooth"] = "smooth"
    order: Annotated[int, Ge(1), Le(2)] = 2
    """Highest order of the polynomials: 1 for linear changes, 2 for the distance from the centre as well."""

    def refuse(self, kernel_prior: object, estimator: object) -> None:
        """Refuse PSFs of which there are no figures that could vary.

        Raises
        ------
        InputError
            Naming the kernel prior or the estimator, and what to choose instead.
        """
        if not isinstance(kernel_prior, HasFigures):
            raise InputError(
                subject="variation=smooth",
                value=f"cannot be combined with `kernel_prior={getattr(kernel_prior, 'kind', kernel_prior)}`",
                allowed="which has no size or other parameter that could vary",
                remedy="choose `kernel_prior` gaussian, airy, defocus or microscope, or `variation=constant`",
            )
        if getattr(estimator, "kind", "") != "by-evidence":
            raise InputError(
                subject="variation=smooth",
                value=f"cannot be combined with `estimator={getattr(estimator, 'kind', estimator)}`",
                allowed="because regions are compared by their evidence",
                remedy="choose `estimator=by-evidence`, or `variation=constant`",
            )


def refuse_drift(group: int | None, share: str, kernel_prior: object, others: tuple[object, object]) -> None:
    """Refuse to look for a PSF that changes with time where nothing could tell, or where frames share none.

    Raises
    ------
    InputError
        Naming `psf_drift` and what it does not go together with.
    """
    if group is None:
        return
    estimator, variation = others
    wrong = remedy = ""
    if share not in ("frames", "time", "all"):
        wrong, remedy = f"share_psf={share}", "choose `share_psf=time`, or leave `psf_drift` out"
    elif not isinstance(kernel_prior, HasFigures):
        kind = getattr(kernel_prior, "kind", kernel_prior)
        wrong, remedy = f"kernel_prior={kind}", "choose `kernel_prior` gaussian, airy, defocus or microscope"
    elif getattr(estimator, "kind", "") != "by-evidence":
        wrong, remedy = f"estimator={getattr(estimator, 'kind', estimator)}", "choose `estimator=by-evidence`"
    elif not isinstance(variation, Constant):
        wrong, remedy = "variation=smooth", "let the PSF change either over the field or with time"
    if wrong:
        raise InputError(
            subject="psf_drift",
            value=f"{group} cannot be combined with `{wrong}`",
            allowed="because groups of frames are compared by the parameters of one family",
            remedy=remedy,
        )


Variation = Annotated[Constant | Smooth, Discriminator("kind")]


class Step(NamedTuple):
    """A group of terms that was tried.

    Attributes
    ----------
    name
        What changes how.
    gain_nats, penalty_nats
        What the regions gain by it, and what its figures cost.
    kept
        Whether it pays.
    """

    name: str
    gain_nats: float
    penalty_nats: float
    kept: bool


@dataclass(frozen=True)
class Surface:
    """Figures over the field.

    Attributes
    ----------
    family
        Whose figures.
    terms
        The polynomials, first the constant.
    coefficients
        Of θ, ``(terms, figures)``.
    """

    family: Figures
    terms: tuple[Term, ...]
    coefficients: Tensor

    def figures_at(self, place: Sequence[float]) -> Tensor:
        """θ at a place, each coordinate from -1 to 1."""
        return self.coefficients.new_tensor(at(place, self.terms)) @ self.coefficients

    def kernel_at(self, place: Sequence[float]) -> Tensor:
        """The kernel at a place."""
        with torch.no_grad():
            return self.family.kernel_of(self.figures_at(place)).detach()

    def described_at(self, place: Sequence[float]) -> dict[str, Parameter]:
        """The figures at a place by the names that people know."""
        return dict(self.family.described(self.figures_at(place)))


@dataclass(frozen=True)
class Varied:
    """What a fit of a varying PSF found.

    Attributes
    ----------
    surface
        Figures over the field; of one term where they do not vary.
    space
        Shape of the field, in pixels.
    regions
        How many told.
    steps
        What was tried, in order.
    """

    surface: Surface
    space: tuple[int, ...]
    regions: int
    steps: tuple[Step, ...]

    @property
    def varies(self) -> bool:
        """Whether there is more than one PSF."""
        return len(self.surface.terms) > 1

    @property
    def field(self) -> KernelField:
        """A kernel at every pixel."""
        along = [
            any(degrees[axis] for term in self.surface.terms for degrees in term) for axis in range(len(self.space))
        ]
        return KernelField(self.space, tuple(along), self._kernel_at)

    def _kernel_at(self, place: Sequence[float]) -> Tensor:
        return self.surface.kernel_at(self._relative(place))

    def _relative(self, place: Sequence[float]) -> tuple[float, ...]:
        """Pixels as places from -1 to 1, border to border."""
        return tuple((2 * p + 1) / n - 1 for p, n in zip(place, self.space, strict=True))

    @property
    def reason(self) -> str:
        """The sentence that says whether it pays."""
        kept = [step for step in self.steps if step.kept]
        if not kept:
            return f"no change of the PSF over the field is visible in {self.regions} regions"
        gain = sum(step.gain_nats - step.penalty_nats for step in kept)
        names = " and ".join(step.name for step in kept)
        return f"the PSF changes over the field ({names}): this explains {self.regions} regions {gain:.0f} nats better"

    def described_at(self, place: Sequence[float]) -> Mapping[str, Parameter]:
        """The figures at a place in pixels."""
        return self.surface.described_at(self._relative(place))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, without the PSFs."""
        return {
            "varies": self.varies,
            "reason": self.reason,
            "regions": self.regions,
            "tried": [step._asdict() for step in self.steps],
            "terms": [[list(degrees) for degrees in term] for term in self.surface.terms],
            "coefficients": self.surface.coefficients.tolist(),
        }
