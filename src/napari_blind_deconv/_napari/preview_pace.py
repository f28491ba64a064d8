"""How often a run is shown: seldom enough that drawing it takes a small share of the time of the run."""

from threading import Event
from typing import Final

_SECONDS: Final = 0.2
"""Between two pictures where drawing costs next to nothing."""
_SHARE: Final = 0.1
"""Of the time of a run that may go into drawing it: without a graphics card, drawing takes the run's own processor."""
_LONGEST: Final = 10.0
_PATIENCE: Final = 0.5


class PreviewPace:
    """The window says what a picture cost it, and the thread of the run waits accordingly.

    Examples
    --------
    >>> pace = PreviewPace()
    >>> pace.is_due(0.0), pace.is_due(0.1), pace.is_due(0.3)
    (True, False, True)
    >>> pace.felt(0.5)
    >>> pace.is_due(1.0), pace.is_due(5.4)
    (False, True)
    """

    def __init__(self) -> None:
        self._seconds, self._shown = _SECONDS, float("-inf")
        self._drawn = Event()
        self._drawn.set()
        self.is_watched = False
        """Whether a window says what pictures cost it."""

    def is_due(self, now: float) -> bool:
        """Whether a step is shown now; if so, the next one waits."""
        if now - self._shown < self._seconds:
            return False
        self._shown = now
        return True

    def show(self) -> None:
        """A picture is about to be handed to the window."""
        if self.is_watched:
            self._drawn.clear()

    def let_draw(self) -> None:
        """Wait until the window has drawn the last picture, so that the two do not take Python's lock from each other.

        No longer than a moment: nobody may be there any more.
        """
        self._drawn.wait(_PATIENCE)

    def felt(self, seconds: float) -> None:
        """What the last picture cost the window."""
        self._seconds = min(max(_SECONDS, seconds / _SHARE), _LONGEST)
        self.go_on()

    def go_on(self) -> None:
        """Nothing is waited for."""
        self._drawn.set()
