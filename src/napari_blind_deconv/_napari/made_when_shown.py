"""Widgets that are made when they are first asked for: a hundred editors that nobody sees take a third of a second."""

from collections.abc import Callable
from typing import Any


class MadeWhenShown(dict[str, Any]):
    """Names → what is made of them, when it is first asked for.

    Parameters
    ----------
    make
        Makes the thing of a name.

    Examples
    --------
    >>> forms = MadeWhenShown(str.upper)
    >>> forms["motion"], list(forms)
    ('MOTION', ['motion'])
    """

    def __init__(self, make: Callable[[str], Any]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, name: str) -> Any:
        self[name] = made = self._make(name)
        return made
