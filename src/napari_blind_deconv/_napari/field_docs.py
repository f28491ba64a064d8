"""What a component says about its fields: their types, and the string below each of them, as a tool tip."""

import ast
import dataclasses
import inspect
import sys
from functools import cache
from itertools import pairwise
from typing import Any, Final, get_type_hints

KIND: Final = "kind"
"""The field that names a component; nobody sets it."""


@cache
def field_docs(cls: type) -> dict[str, str]:
    """Field name → the docstring below the field; empty where the source is not at hand.

    Examples
    --------
    >>> from napari_blind_deconv.settings import Settings
    >>> field_docs(Settings)["image_prior"]
    'What the sharp image looks like.'
    """
    found = {}
    for field, below in pairwise(_classes(cls.__module__).get(cls.__name__, [])):
        documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and documented:
            found[field.target.id] = inspect.cleandoc(str(below.value.value))  # type: ignore[attr-defined]
    return found


@cache
def _classes(module: str) -> dict[str, list[ast.stmt]]:
    """The statements of the classes of a module; parsing it whole takes a fifth of finding a class in it."""
    try:
        parsed = ast.parse(inspect.getsource(sys.modules[module]))
    except (KeyError, OSError, TypeError):
        return {}
    return {node.name: node.body for node in parsed.body if isinstance(node, ast.ClassDef)}


def class_doc(cls: type) -> str:
    """The first line of a component's docstring: what it is.

    Examples
    --------
    >>> from napari_blind_deconv.settings import Settings
    >>> class_doc(Settings)
    'Everything that decides a run, except the data.'
    """
    return (inspect.getdoc(cls) or "").partition("\n")[0]


def field_types(cls: type) -> dict[str, Any]:
    """The types of the fields that people may set, in the order of declaration."""
    hints = get_type_hints(cls, include_extras=True)
    names = [field.name for field in dataclasses.fields(cls)]
    told = cls.__pydantic_fields__  # type: ignore[attr-defined]
    return {name: hints[name] for name in names if name != KIND and not told[name].exclude}
