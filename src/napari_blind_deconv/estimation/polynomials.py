"""Low-order polynomials of the place in a field: products of Legendre's, from -1 to 1 along each axis."""

import itertools
from collections.abc import Sequence

from numpy.polynomial import legendre

Exponents = tuple[int, ...]


def terms(axes: Sequence[bool], order: int) -> list[Exponents]:
    """Degrees along each axis, the constant first, up to a total order; 0 along axes that do not count.

    Examples
    --------
    >>> terms((True, True), 1)
    [(0, 0), (0, 1), (1, 0)]
    """
    degrees = [range(order + 1) if counts else range(1) for counts in axes]
    found = [t for t in itertools.product(*degrees) if sum(t) <= order]
    return sorted(found, key=lambda t: (sum(t), t))


def at(place: Sequence[float], of: Sequence[Exponents]) -> list[float]:
    """Every term's value at a place; beyond the field it stays that of its border.

    Examples
    --------
    >>> at((0.5, -1.0), [(0, 0), (0, 1), (2, 0)])
    [1.0, -1.0, -0.125]
    """
    inside = [min(max(p, -1.0), 1.0) for p in place]
    out = []
    for exponents in of:
        value = 1.0
        for p, degree in zip(inside, exponents, strict=True):
            value *= float(legendre.legval(p, [0.0] * degree + [1.0]))
        out.append(value)
    return out
