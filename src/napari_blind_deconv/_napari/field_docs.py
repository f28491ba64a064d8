"""What a component's own source says about its fields: the string below each of them, as a tool tip."""

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise


@cache
def field_docs(cls: type) -> dict[str, str]:
    """Field name → the docstring below the field; empty where the source is not at hand.

    Examples
    --------
    >>> from napari_blind_deconv.settings import Settings
    >>> field_docs(Settings)["image_prior"]
    'What is known of the image.'
    """
    try:
        source = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        return {}
    [definition] = ast.parse(source).body
    statements = definition.body if isinstance(definition, ast.ClassDef) else []
    found = {}
    for field, below in pairwise(statements):
        documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and documented:
            found[field.target.id] = inspect.cleandoc(str(below.value.value))  # type: ignore[attr-defined]
    return found


def class_doc(cls: type) -> str:
    """The first line of a component's docstring: what it is.

    Examples
    --------
    >>> from napari_blind_deconv.settings import Settings
    >>> class_doc(Settings)
    'Everything that decides a run, except the data.'
    """
    return (inspect.getdoc(cls) or "").partition("\n")[0]
