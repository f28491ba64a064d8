"""PyTorch, imported when it is first used.

Settings, forms and plans need its names in annotations only, and importing it takes seconds. Modules that declare
components take it from here::

    from __future__ import annotations

    from napari_blind_deconv._torch import torch
"""

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch as torch
else:

    class _Deferred:
        """A module of which nothing is loaded before something of it is asked for."""

        def __getattr__(self, name: str) -> Any:
            return getattr(sys.modules.get("torch") or import_module("torch"), name)

    torch: Final = _Deferred()


def is_loaded() -> bool:
    """Whether PyTorch has been imported, by anybody in this process."""
    return "torch" in sys.modules
