"""Schemes by the names that people know: each is an estimator and a restorer.

They were settings of their own once, named solvers; settings that name one are read as the two that it stands for.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from napari_blind_deconv._types import InputError, nearest


class Scheme(NamedTuple):
    """Kinds of the two phases, and where the fields of the solver of this name have gone, as ``family.field``."""

    estimator: str
    restorer: str
    moved: Mapping[str, str]


_ESTIMATION = {name: f"estimator.{name}" for name in ("starts", "rounds", "refinements")}
SOLVERS: Mapping[str, Scheme] = {
    "two-phase": Scheme("by-evidence", "by-data", _ESTIMATION),
    "posterior-sampling": Scheme(
        "by-evidence", "posterior-sampling", {"samples": "restorer.samples", "levels": "restorer.levels"}
    ),
    "richardson-lucy": Scheme("by-evidence", "richardson-lucy", {}),
    "blind-richardson-lucy": Scheme(
        "blind-richardson-lucy",
        "richardson-lucy",
        {name: f"estimator.{name}" for name in ("kernel_steps", "image_steps")},
    ),
    "joint": Scheme("joint", "by-data", {name: f"estimator.{name}" for name in ("rounds", "image_steps")}),
}
# Fields of a former solver that say what the likelihood, read from the image, says now.
_GONE = frozenset({"likelihood", "draws_per_round"})


def scheme(name: str) -> Scheme:
    """A scheme by its name.

    Raises
    ------
    InputError
        For an unknown name, with the nearest known one.
    """
    if name not in SOLVERS:
        raise InputError(subject="solver", value=f"{name!r} is unknown", remedy=nearest(name, SOLVERS))
    return SOLVERS[name]


def without_solver(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON values, a former ``solver`` turned into an estimator and a restorer.

    Raises
    ------
    InputError
        For an unknown solver or field of it, and where settings name a solver beside what has come in its place.

    Examples
    --------
    >>> found = without_solver({"solver": {"kind": "joint", "rounds": 3}})
    >>> found["estimator"], found["restorer"]
    ({'kind': 'joint', 'rounds': 3}, {'kind': 'by-data'})
    """
    out = dict(values)
    if "solver" not in out:
        return out
    solver = out.pop("solver")
    fields = dict(solver) if isinstance(solver, Mapping) else {"kind": solver}
    kind = str(fields.pop("kind", ""))
    found = scheme(kind)
    parts: dict[str, dict[str, Any]] = {
        "estimator": {"kind": found.estimator},
        "restorer": {"kind": found.restorer},
    }
    if kind == "posterior-sampling" and fields.pop("rounds", 0):
        raise InputError(
            subject="solver=posterior-sampling",
            value="no longer has rounds",
            remedy="choose `estimator=by-draws` with `restorer=posterior-sampling` instead",
        )
    for name, value in fields.items():
        if name in _GONE:
            continue
        if name not in found.moved:
            raise InputError(subject="setting", value=f"'solver.{name}' is unknown", remedy=nearest(name, found.moved))
        family, _, field = found.moved[name].partition(".")
        parts[family][field] = value
    # Settings of the time between had a restorer beside the solver two-phase.
    beside = {"restorer"} if kind in ("two-phase", "joint") else set()
    for family in parts:
        if family in out and family not in beside:
            raise InputError(
                subject="settings", value=f"name solver {kind!r} and {family}", remedy="leave one of them out"
            )
    return {**parts, **out}
