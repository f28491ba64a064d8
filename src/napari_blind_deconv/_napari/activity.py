"""A run in napari's activity dock, with napari's own button to cancel it."""

import io
from collections.abc import Callable
from typing import Any, Final

from napari.utils import cancelable_progress

_PARTS: Final = 1000


class Activity(cancelable_progress):
    """A bar in the activity dock.

    napari's bar lets the window live whenever it changes, so that anything may happen within a call of `show_share`,
    the run's end among it: it is not entered twice, and the bar goes when it is left.

    Parameters
    ----------
    title
        What is done.
    cancel
        Called where somebody cancels it there.
    """

    def __init__(self, title: str, cancel: Callable[[], Any]) -> None:
        self._asked = cancel
        self._changing = self._ending = False
        # Without a file it draws its bar in the terminal as well.
        super().__init__(total=_PARTS, desc=title, file=io.StringIO())

    def cancel(self) -> None:
        """Cancel the run."""
        super().cancel()
        self._asked()

    def show_share(self, share: float) -> None:
        """Show the part of the run that is done, 0 to 1."""
        ahead = round(_PARTS * share) - self.n
        if ahead <= 0 or self._changing or self._ending:
            return
        self._changing = True
        try:
            self.update(ahead)
        finally:
            self._changing = False
        if self._ending:
            super().close()

    def close(self) -> None:
        """Take the bar away."""
        if not self._ending:
            self._ending = True
            if not self._changing:
                super().close()
