"""What a dock saves: into the file that was chosen, complete or not at all."""

from pathlib import Path

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError


def saved(path: Path, content: bytes) -> str:
    """Write a file, and say where it is.

    Parameters
    ----------
    path
        As a dialog gave it: whoever chose it has agreed to replace what is there.
    content
        The whole of it.

    Raises
    ------
    InputError
        If the folder is full or cannot be written to.
    """
    with io.atomic(path, needed_bytes=len(content)) as (temporary,):
        temporary.write_bytes(content)
    return f"Saved {path}."


def not_saved(error: InputError) -> str:
    """Why a file is not there.

    Examples
    --------
    >>> not_saved(InputError("folder a is full"))
    'Not saved: folder a is full'
    """
    return f"Not saved: {error}"
