"""The bounds of a component's field → the range that an editor offers."""

import math
from collections.abc import Iterator
from typing import Any

from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt
from pydantic.fields import FieldInfo


def limits(metadata: tuple[Any, ...], *, whole: bool) -> tuple[float, float]:
    """The closed interval that a spin box offers; an open end of whole numbers moves by one."""
    low, high = -math.inf, math.inf
    for rule in _rules(metadata):
        match rule:
            case Ge(ge=edge):
                low = max(low, float(edge))  # type: ignore[arg-type]
            case Gt(gt=edge):
                low = max(low, float(edge) + whole)  # type: ignore[arg-type]
            case Le(le=edge):
                high = min(high, float(edge))  # type: ignore[arg-type]
            case Lt(lt=edge):
                high = min(high, float(edge) - whole)  # type: ignore[arg-type]
    return low, high


def _rules(metadata: tuple[Any, ...]) -> Iterator[Any]:
    for rule in metadata:
        if isinstance(rule, FieldInfo):
            yield from rule.metadata
        elif isinstance(rule, GroupedMetadata):
            yield from rule
        else:
            yield rule
