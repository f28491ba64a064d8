"""The one place where whatever a single file raises is caught: the others of a night are not to die of it."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TypeVar

from napari_blind_deconv._types import InputError, Progress, finished
from napari_blind_deconv.failures import in_words

Value = TypeVar("Value")


@dataclass(frozen=True)
class Failure:
    """Why a file failed, in one sentence; with the refusal where its input is the reason."""

    message: str
    refusal: InputError | None = None


def guarded(steps: Generator[Progress, None, Value]) -> Generator[Progress, None, Value | Failure]:
    """The steps of one file, and what they return, or why they failed.

    ``KeyboardInterrupt``, ``SystemExit`` and ``GeneratorExit`` pass: they are about the run, not about the file.

    Examples
    --------
    >>> from napari_blind_deconv._types import finished
    >>> def broken():
    ...     yield Progress("reading", 0, 0)
    ...     raise OSError(5, "Input/output error", "a.tif")
    >>> finished(guarded(broken())).message
    'a.tif: input/output error; check the file, the disk and the permissions'
    """
    try:
        return (yield from steps)
    except InputError as error:
        return Failure(str(error), error)
    except Exception as error:  # noqa: BLE001 - decoders and numerics raise anything on files that lie, and 199 others wait
        return Failure(in_words(error))


def attempted(call: Callable[[], Value]) -> Value | Failure:
    """What a call that looks at one file returns, or why it failed."""

    def steps() -> Generator[Progress, None, Value]:
        yield from ()
        return call()

    return finished(guarded(steps()))
