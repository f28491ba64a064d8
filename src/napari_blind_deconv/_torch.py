"""PyTorch, imported when it is first used.

Settings, forms and plans need its names in annotations only, and importing it takes seconds. Modules that declare
components take it from here::

    from __future__ import annotations

    from napari_blind_deconv._torch import torch
"""

import ctypes
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch as torch
else:

    class _Deferred:
        """A module of which nothing is loaded before something of it is asked for."""

        def __getattr__(self, name: str) -> Any:
            # Of a module that another thread is importing, only the import knows when it is whole.
            return getattr(sys.modules["torch"] if is_loaded() else import_module("torch"), name)

    torch: Final = _Deferred()


def is_loaded() -> bool:
    """Whether PyTorch has been imported, wholly, by anybody in this process."""
    module = sys.modules.get("torch")
    return module is not None and not getattr(module.__spec__, "_initializing", False)


def load_libraries() -> None:
    """Load PyTorch's largest library without holding Python's lock, so that other threads go on.

    Importing PyTorch holds it meanwhile, 0.3 seconds of processor and up to a second on the clock. What cannot be
    loaded here is left to the import, which says why.
    """
    ending = {"linux": "so", "darwin": "dylib"}.get(sys.platform)
    found = None if ending is None or is_loaded() else find_spec("torch")
    if found is None or found.origin is None:
        return
    load = getattr(ctypes.CDLL(None), "dlopen", None)
    if load is not None:
        load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
        library = Path(found.origin).parent / "lib" / f"libtorch_cpu.{ending}"
        load(os.fsencode(library), os.RTLD_NOW | os.RTLD_LOCAL)
