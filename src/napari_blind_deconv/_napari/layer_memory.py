"""What was typed about layers: it is there again when a layer is chosen again."""

from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


class LayerMemory(Generic[T]):
    """Per layer and key the value that somebody gave; layers that are gone are forgotten.

    Examples
    --------
    >>> class Layer: ...
    >>> memory, layer = LayerMemory[str](), Layer()
    >>> memory.keep(layer, "zyx", "0.3, 0.1, 0.1")
    >>> memory.of(layer, "zyx"), memory.of(layer, "yx")
    ('0.3, 0.1, 0.1', None)
    """

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Any, dict[str, T]] = WeakKeyDictionary()

    def keep(self, layer: Any, key: str, value: T | None) -> None:
        """Keep a value; ``None`` forgets it."""
        if layer is None:
            return
        known = self._kept.setdefault(layer, {})
        if value is None:
            known.pop(key, None)
        else:
            known[key] = value

    def of(self, layer: Any, key: str) -> T | None:
        """What was kept, if anything."""
        return None if layer is None else self._kept.get(layer, {}).get(key)
