"""Low-order polynomials of the place in a field, from -1 to 1 along each axis, in groups that a fit may add in turn."""

import itertools
from collections.abc import Sequence

from numpy.polynomial import legendre

Term = tuple[tuple[int, ...], ...]
"""A mean of products of Legendre polynomials, each by its degrees along the axes."""


def constant(ndim: int) -> Term:
    """The term that is 1 everywhere."""
    return ((0,) * ndim,)


def groups(axes: Sequence[bool], order: int) -> list[tuple[str, list[Term]]]:
    """Terms that belong together, with a name, in the order in which a fit should ask for them.

    Optics change with depth, from side to side, and with the distance from the axis; the last group is what is left.

    Parameters
    ----------
    axes
        Which axes the terms may depend on.
    order
        Highest total degree, 1 or 2.

    Examples
    --------
    >>> [name for name, _ in groups((True, True), 2)]
    ['tilt', 'distance from the centre', 'second order']
    >>> groups((True, False, False), 1)
    [('depth', [((1, 0, 0),)])]
    """
    ndim = len(axes)
    varying = [axis for axis in range(ndim) if axes[axis]]
    depth = [axis for axis in varying if ndim == 3 and axis == 0]
    plane = [axis for axis in varying if axis not in depth]
    found = [("depth", [_power(ndim, {a: 1}) for a in depth]), ("tilt", [_power(ndim, {a: 1}) for a in plane])]
    if order > 1:
        bowl = [tuple(e for a in plane for e in _power(ndim, {a: 2}))] if plane else []
        found += [("depth, second order", [_power(ndim, {a: 2}) for a in depth]), ("distance from the centre", bowl)]
        mixed = [_power(ndim, {a: 1, b: 1}) for a, b in itertools.combinations(varying, 2)]
        found += [("second order", [_power(ndim, {a: 2}) for a in plane[1:]] + mixed)]
    return [(name, terms) for name, terms in found if terms]


def _power(ndim: int, degrees: dict[int, int]) -> Term:
    return (tuple(degrees.get(axis, 0) for axis in range(ndim)),)


def at(place: Sequence[float], terms: Sequence[Term]) -> list[float]:
    """Every term's value at a place; beyond the field it stays that of its border.

    Examples
    --------
    >>> at((0.5, -1.0), [((0, 0),), ((0, 1),), ((2, 0), (0, 2))])
    [1.0, -1.0, 0.4375]
    """
    inside = [min(max(p, -1.0), 1.0) for p in place]
    return [sum(_product(inside, degrees) for degrees in term) / len(term) for term in terms]


def _product(place: Sequence[float], degrees: Sequence[int]) -> float:
    value = 1.0
    for p, degree in zip(place, degrees, strict=True):
        value *= float(legendre.legval(p, [0.0] * degree + [1.0]))
    return value
