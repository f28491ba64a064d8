"""A run in napari's activity dock, with napari's own button to cancel it."""

import io
from collections.abc import Callable
from typing import Any, Final

from napari.utils import cancelable_progress

_PARTS: Final = 1000


class Activity(cancelable_progress):
    """A bar in the activity dock.

    Parameters
    ----------
    title
        What is done.
    cancel
        Called where somebody cancels it there.
    """

    def __init__(self, title: str, cancel: Callable[[], Any]) -> None:
        self._asked = cancel
        # Without a file it draws its bar in the terminal as well.
        super().__init__(total=_PARTS, desc=title, file=io.StringIO())

    def cancel(self) -> None:
        """Cancel the run."""
        super().cancel()
        self._asked()

    def show_share(self, share: float) -> None:
        """Show the part of the run that is done, 0 to 1."""
        ahead = round(_PARTS * share) - self.n
        if ahead > 0:
            self.update(ahead)
