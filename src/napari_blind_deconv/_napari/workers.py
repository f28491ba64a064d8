"""Threads that let go of what they worked on: napari keeps every worker until it ends, in its list of tasks."""

from collections.abc import Callable, Generator
from typing import Any

from napari.qt.threading import create_worker
from superqt.utils import FunctionWorker, GeneratorWorker


class OnceWorker(FunctionWorker[Any]):
    """Calls a function once, and forgets what it was called with.

    Parameters
    ----------
    function
        What is called in the thread.
    arguments
        Its arguments, such as images.
    """

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        super().__init__(function)
        self._waiting = [(function, arguments)]

    def work(self) -> Any:
        """The call; a second one has nothing to call."""
        function, arguments = self._waiting.pop()
        return function(*arguments)


class ClosingWorker(GeneratorWorker[Any, Any, Any]):
    """Goes through a generator, and closes it in its thread when the worker is asked to quit: its arrays go with it.

    Parameters
    ----------
    steps
        A generator function.
    arguments
        Its arguments.
    """

    def __init__(self, steps: Callable[..., Generator[Any, Any, Any]], *arguments: Any) -> None:
        self._steps = steps(*arguments)
        super().__init__(_through, self._steps)

    def work(self) -> Any:
        """As superqt goes through it; closed at the end, whatever the end is."""
        try:
            return super().work()
        finally:
            self._steps.close()


def _through(steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    return (yield from steps)


def calling(function: Callable[..., Any], *arguments: Any, ignore_errors: bool = False) -> OnceWorker:
    """A worker that calls a function, not started yet; napari lists it among its tasks.

    Parameters
    ----------
    function, arguments
        What is called.
    ignore_errors
        Leave errors to who listens to ``errored``; by default napari raises them.
    """
    return create_worker(
        function, *arguments, _start_thread=False, _ignore_errors=ignore_errors, _worker_class=OnceWorker
    )


def going_through(steps: Callable[..., Generator[Any, Any, Any]], *arguments: Any) -> ClosingWorker:
    """A worker that goes through a generator, not started yet; errors are left to who listens to ``errored``."""
    return create_worker(steps, *arguments, _start_thread=False, _ignore_errors=True, _worker_class=ClosingWorker)
