"""One run's settings: a component of components, which is at once validation, JSON and form."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, get_args

import pydantic
import pydantic_core
from annotated_types import Ge, Gt, Le, Len
from pydantic import AfterValidator, TypeAdapter

from napari_blind_deconv._types import MOST_INTENSE, InputError, component, nearest
from napari_blind_deconv.estimation import ByEvidence, Constant, Estimator, Variation, refuse_drift
from napari_blind_deconv.forward import Likelihood, ReadFromImage
from napari_blind_deconv.image_priors import ImagePrior, SparseGradients
from napari_blind_deconv.kernel_priors import KernelPrior, Known, Uniform
from napari_blind_deconv.presets import without_solver
from napari_blind_deconv.restoration import ByData, Restorer

# Validation speaks of types; people think of numbers.
_LONGEST = 240
_HUMAN = {
    "a valid number, unable to parse string as a number": "a number",
    "a valid integer, unable to parse string as an integer": "a whole number",
    "a valid integer, got a number with a fractional part": "a whole number",
    "a valid integer": "a whole number",
    "a valid tuple": "a list of numbers, such as [15, 15]",
    "a valid boolean, unable to interpret input": "true or false",
    "a valid boolean": "true or false",
    "a valid number": "a number",
    "a valid string": "text",
    "a valid dictionary or object to extract fields from": 'an object such as {"kind": …}',
    "Unable to parse input string as an integer, exceeded maximum size": "must be a smaller whole number",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}


def _odd(size: int) -> int:
    if size < 1 or size % 2 == 0:
        raise InputError(
            subject="kernel_size",
            value=str(size),
            allowed="must be a positive odd number, so that there is a centre pixel",
            remedy=f"try {max(size + 1, 3)}",
        )
    return size


@component
class Settings:
    """Everything that decides a run, except the data.

    Examples
    --------
    >>> from napari_blind_deconv.kernel_priors import Motion
    >>> settings = Settings(kernel_prior=Motion(), kernel_size=(31,))
    >>> settings_from_dict(settings_to_dict(settings)) == settings
    True
    """

    kernel_prior: KernelPrior = Uniform()
    """What you know about the PSF."""
    image_prior: ImagePrior = SparseGradients()
    """What the sharp image looks like."""
    estimator: Estimator = ByEvidence()
    """How the PSF is found, unless it is known."""
    restorer: Restorer = ByData()
    """How the image is restored once there is a PSF."""
    likelihood: Likelihood = ReadFromImage()
    """What you know about the camera."""
    variation: Variation = Constant()
    """Whether the PSF can change over the field."""
    non_negative: bool | None = None
    """Keep the restored image at or above the background. None: only if the data are counts of light."""
    kernel_size: Annotated[tuple[Annotated[int, Le(99_999), AfterValidator(_odd)], ...], Len(1, 3)] | None = None
    """Size of the PSF in pixels, odd: one number for all axes, or one per axis (z, y, x). None: from the image."""
    kernel_weight: Annotated[float, Gt(0), Le(1e6)] = 1.0
    """How many times the PSF prior counts; it has no effect for a uniform or a known PSF."""
    iterations: Annotated[int, Ge(1), Le(100_000)] | None = None
    """Steps of the restoration. None: the default of the restorer."""
    noise_sigma: Annotated[float, Gt(0), Le(MOST_INTENSE)] | None = None
    """Standard deviation of the noise, in units of the image. None: estimated."""
    model_error: Annotated[float, Ge(0), Le(1)] = 0.01
    """Error of a model with one PSF, relative to the image intensity; it adds to the noise. 0 for synthetic data."""
    background: Annotated[float, Ge(-MOST_INTENSE), Le(MOST_INTENSE)] | None = None
    """Constant offset of the camera, in units of the image; subtracted, and not added back. None: not known."""
    encoding: Literal["linear", "srgb"] = "linear"
    """How intensities depend on the light: in proportion, as in microscopy, or by the curve of phones and cameras."""
    planes: bool = False
    """Treat a stack as independent 2-D planes that share one PSF."""
    share_psf: Literal["frames", "time", "plane", "channel", "all", "none"] = "frames"
    """What shares one PSF: all frames of a channel, its times, its planes, the channels, everything or nothing."""
    psf_drift: Annotated[int, Ge(1), Le(100_000)] | None = None
    """Let the PSF change with time: frames per group that is compared. None: one PSF for all times."""
    bootstrap: Annotated[int, Ge(0), Le(1000)] = 0
    """Number of repeats of the run on images simulated from its result, to map its error; 0: no map."""
    fill_nan: bool = False
    """Replace NaN and infinite pixels by their nearest finite neighbour instead of leaving them out."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto uses a CUDA device if there is one, otherwise the CPU."""
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Seed of all random numbers; recorded with every result."""

    def __post_init__(self) -> None:
        """Refuse combinations that do not work, naming both parts and what to choose instead."""
        if not isinstance(self.kernel_prior, Known):
            self.estimator.refuse(self.kernel_prior, self.image_prior)
        self.restorer.refuse(self.image_prior)
        self.variation.refuse(self.kernel_prior, self.estimator)
        refuse_drift(self.psf_drift, self.share_psf, self.kernel_prior, (self.estimator, self.variation))
        if self.share_psf in ("channel", "all") and (path := _differing(self.kernel_prior)):
            raise InputError(
                subject=path,
                value="gives channels PSFs of their own",
                allowed=f"but with `share_psf={self.share_psf}` they share one",
                remedy="choose `share_psf=frames`, or one wavelength for all",
            )
        if self.encoding == "srgb" and (self.background is not None or self.noise_sigma is not None):
            raise InputError(
                subject="encoding=srgb",
                value="cannot be combined with `background` or `noise_sigma`",
                allowed="because these are levels of light",
                remedy="leave them out to read them from the image",
            )


def _differing(prior: Any) -> str:
    """The setting by which a kernel prior differs between channels; empty where none does."""
    several = (name for name in ("emissions_um", "excitations_um") if getattr(prior, name, None) is not None)
    return next((f"kernel_prior.{name}" for name in several), "")


ADAPTER: TypeAdapter[Settings] = TypeAdapter(Settings)


def _registry(union: Any) -> dict[str, type]:
    """``kind`` → class, from a discriminated union: the union is the only list."""
    members = get_args(get_args(union)[0])
    return {member.__dataclass_fields__["kind"].default: member for member in members}


KERNEL_PRIORS: Mapping[str, type] = _registry(KernelPrior)
IMAGE_PRIORS: Mapping[str, type] = _registry(ImagePrior)
ESTIMATORS: Mapping[str, type] = _registry(Estimator)
RESTORERS: Mapping[str, type] = _registry(Restorer)
LIKELIHOODS: Mapping[str, type] = _registry(Likelihood)
VARIATIONS: Mapping[str, type] = _registry(Variation)
FAMILIES: Mapping[str, Mapping[str, type]] = {
    "kernel_prior": KERNEL_PRIORS,
    "image_prior": IMAGE_PRIORS,
    "estimator": ESTIMATORS,
    "restorer": RESTORERS,
    "likelihood": LIKELIHOODS,
    "variation": VARIATIONS,
}
"""The settings that are a choice of a component, each with its kinds."""


def settings_to_dict(settings: Settings) -> dict[str, Any]:
    """Settings as plain JSON values."""
    return dict(ADAPTER.dump_python(settings, mode="json"))


def settings_from_dict(values: Mapping[str, Any]) -> Settings:
    """Settings from JSON values.

    Raises
    ------
    InputError
        Naming the setting, its value and what is allowed; an unknown name is answered with the nearest known one.
        Naming both settings where two do not go together.
    """
    values = without_solver(values)
    for path, known in _unknown(values):
        raise unknown("setting", path, nearest(path.rpartition(".")[2], known))
    try:
        return ADAPTER.validate_python(json.loads(json.dumps(values, allow_nan=True)))
    except pydantic.ValidationError as error:
        raise refusal(error) from error
    except TypeError as error:
        raise InputError(
            subject="settings", value="must be plain JSON values", remedy=f"change what is not: {error}"
        ) from error


def override(values: Mapping[str, Any], assignment: str) -> dict[str, Any]:
    """A copy of JSON settings with one ``path=value`` assigned, as ``--set`` does.

    Parameters
    ----------
    values
        Settings as JSON values.
    assignment
        ``a.b=VALUE``; the value is read as JSON, and as a string where it is none. Assigning a family itself,
        ``kernel_prior=motion``, chooses its kind with default fields.

    Raises
    ------
    InputError
        For a missing ``=`` or an unknown path, with the nearest known name.
    """
    path, equals, text = assignment.partition("=")
    path = path.strip()
    if not equals or not path:
        raise InputError(
            subject="setting",
            value=_short(repr(assignment)),
            allowed="must have the form path=value",
            remedy="write, for example, kernel_weight=2",
        )
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text.strip()
    first, _, rest = path.partition(".")
    out = {**settings_to_dict(Settings()), **values}
    known = list(out)
    if first not in known:
        raise unknown("setting", path, nearest(first, known))
    if first in FAMILIES and not rest and isinstance(value, str):
        return {**out, first: default_of(first, value)}
    if not rest:
        return {**out, first: value}
    inner = out[first]
    if not isinstance(inner, dict):
        raise unknown("setting", path, f"{first!r} has no fields of its own")
    names = _fields(FAMILIES[first].get(str(inner.get("kind"))))
    if rest not in names:
        own = [name for name in names if name != "kind"]
        hint = nearest(rest, own) if own else "it has no settings of its own; choose another kind first"
        raise unknown("setting", path, hint, f"for {first} {inner.get('kind')!r}")
    return {**out, first: {**inner, rest: value}}


def default_of(family: str, kind: str) -> dict[str, Any]:
    """The default fields of a kind of a family such as ``kernel_prior``, as JSON values."""
    kinds = FAMILIES[family]
    if kind not in kinds:
        raise unknown(family, kind, nearest(kind, kinds))
    return dict(TypeAdapter(kinds[kind]).dump_python(kinds[kind](), mode="json"))


def unknown(subject: str, name: str, hint: str, where: str = "") -> InputError:
    """The refusal of a name that nothing has."""
    return InputError(subject=subject, value=f"{_short(repr(name))} is unknown{where and ' '}{where}", remedy=hint)


def refusal(error: pydantic.ValidationError) -> InputError:
    """The first complaint of a validation; what a validator refused in words of its own keeps them."""
    first = error.errors(include_url=False)[0]
    place = [
        str(part) for part in first["loc"] if str(part) not in {kind for kinds in FAMILIES.values() for kind in kinds}
    ]
    name = ".".join(part for part in place if not part.isdigit() and "[" not in part) or "settings"
    own = first.get("ctx", {}).get("error")
    if isinstance(own, InputError):
        return own.about(own.subject or name)
    message = first["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    for machine, human in _HUMAN.items():
        message = message.replace(machine, human)
    given = first["input"]
    shown = "" if isinstance(given, Mapping | pydantic_core.ArgsKwargs) else _short(repr(given))
    return InputError(subject=name, value=shown, allowed=_short(message))


def _short(text: str) -> str:
    """A value of a million letters is not repeated."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 4 :]}"


def _fields(cls: type | None) -> list[str]:
    if cls is None or not is_dataclass(cls):
        return []
    # What is bound when a run begins is no setting.
    declared: Mapping[str, Any] = cls.__pydantic_fields__  # type: ignore[attr-defined]
    return [f.name for f in fields(cls) if not declared[f.name].exclude]


def _unknown(values: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Paths that no setting has, each with the names allowed in its place."""
    top = _fields(Settings)
    out = [(name, top) for name in values if name not in top]
    for family, kinds in FAMILIES.items():
        inner = values.get(family)
        if not isinstance(inner, Mapping):
            continue
        kind = inner.get("kind")
        if not isinstance(kind, str) or kind not in kinds:
            out.append((_short(f"{family}.kind.{kind}"), list(kinds)))
            continue
        allowed = _fields(kinds[kind])
        out.extend((f"{family}.{name}", allowed) for name in inner if name not in allowed)
    return out
