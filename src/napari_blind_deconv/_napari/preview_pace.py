"""How often a run is shown: seldom enough that drawing it takes a small share of the time of the run."""

from typing import Final

_SECONDS: Final = 0.2
"""Between two pictures where drawing costs next to nothing."""
_SHARE: Final = 0.1
"""Of the time of a run that may go into drawing it: without a graphics card, drawing takes the run's own processor."""
_LONGEST: Final = 10.0


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

    def is_due(self, now: float) -> bool:
        """Whether a step is shown now; if so, the next one waits."""
        if now - self._shown < self._seconds:
            return False
        self._shown = now
        return True

    def felt(self, seconds: float) -> None:
        """What the last picture cost the window."""
        self._seconds = min(max(_SECONDS, seconds / _SHARE), _LONGEST)
