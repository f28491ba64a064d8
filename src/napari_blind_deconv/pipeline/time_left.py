"""How long a run will still take: what the planner expects of every stage, corrected by how fast the run really is."""

import math
import time
from collections.abc import Sequence
from typing import Final

from napari_blind_deconv._types import Progress

Course = Sequence[tuple[str, float]]
"""Stages in the order in which they come, each with its expected seconds; a stage comes once for every channel."""

# Seconds of agreement with the plan that are assumed before anything has been seen.
_TRUST: Final = 0.5
# Part of an expected stage after which its end is approached ever more slowly: it may take longer than expected.
_SURE: Final = 0.8
# Part of a stage after which the pace of its own steps is believed wholly.
_PACED: Final = 0.25
# Seconds after which it is known how much of a processor there is, and the smallest part that is believed.
_FELT: Final = 1.0
_LEAST: Final = 0.05
_COUNTED: Final = "restoring"
_FIRST: Final = "preparing"
# A stage of the window's own thread, which does not wait for the thread of the run.
_IN_WINDOW: Final = "adding"


class TimeLeft:
    """Follows one run; between its steps the time that is left falls by itself.

    Plans are made in seconds of computing. On a machine that others use as well, these are a part of those on the
    clock: stages are followed in the former, and what is left of them is said in the latter.

    Parameters
    ----------
    course
        What is expected before the run says more; empty: nothing. What comes before the stage "preparing" is no part
        of the plan, and nothing is concluded from how long it takes.

    Examples
    --------
    >>> watch = TimeLeft([("preparing", 2.0), ("restoring", 8.0)])
    >>> watch.follow(Progress("preparing", 0, 0), now=0.0)
    >>> watch.left(now=1.0), round(watch.share(now=1.0), 2)
    (9.0, 0.1)
    """

    def __init__(self, course: Course = ()) -> None:
        self._course = list(course)
        self._at = -1
        self._spent = [0.0] * len(self._course)
        self._begun: float | None = None
        # The present stage, in seconds of computing and on the clock.
        self._entered, self._entered_clock = 0.0, 0.0
        # Of a stage that is counted: what came before it, the step, and the last one.
        self._steps: tuple[int, int, int] | None = None
        self._first_step, self._first_spent, self._by_pace = 0, 0.0, 0.0
        self._share, self._rate = 0.0, 1.0
        # The last step on the clock and in seconds of computing, and how many of these a second on the clock has.
        self._seen, self._computed, self._part, self._is_felt = 0.0, 0.0, 1.0, False

    def follow(self, progress: Progress, now: float | None = None, busy: float | None = None) -> None:
        """See a step.

        Parameters
        ----------
        progress
            The step.
        now
            Seconds on the clock; by default those of now.
        busy
            How many seconds the run has computed so far; by default as many as have passed.
        """
        now = time.monotonic() if now is None else now
        if self._begun is None:
            self._begun, self._seen = now, now
        self._feel(now, busy)
        now = self._computed
        if progress.expected and list(progress.expected) != self._course[self._first_planned() :]:
            self._expect(progress.expected)
        ahead = [i for i in range(max(self._at, 0), len(self._course)) if self._course[i][0] == progress.stage]
        if ahead and ahead[0] != self._at:
            self._enter(ahead[0], now)
        if progress.stage == _COUNTED and progress.total > 0:
            self._count(progress, now - self._entered)
        if self._course:
            # Not between steps: the time that is left must fall there.
            self._rate = self._found_rate(max(self._at, 0), now - self._entered)

    def _feel(self, now: float, busy: float | None) -> None:
        """How much of a processor there is: known before any stage has ended."""
        elapsed = now - (self._begun or 0.0)
        self._computed = max(self._computed, elapsed if busy is None else min(busy, elapsed))
        if elapsed >= _FELT:
            self._part, self._is_felt = max(self._computed / elapsed, _LEAST), True
        self._seen = now

    def steps(self) -> tuple[int, int] | None:
        """Step and steps of a stage whose number of steps is known and stays."""
        if self._steps is None:
            return None
        first, step, last = self._steps
        return step - first, last - first

    def left(self, now: float | None = None) -> float | None:
        """Seconds; ``None`` where nothing is expected."""
        now = time.monotonic() if now is None else now
        if not self._course or self._begun is None:
            return None
        at = max(self._at, 0)
        if self._course[at][0] == _IN_WINDOW and self._at >= 0:
            return self._left_of_stage(at, now - self._entered_clock)
        computed = self._computed + self._part * (now - self._seen)
        spent = computed - self._entered if self._at >= 0 else 0.0
        later = sum(seconds for stage, seconds in self._course[at + 1 :] if stage != _IN_WINDOW)
        last = sum(seconds for stage, seconds in self._course[at + 1 :] if stage == _IN_WINDOW)
        return (self._left_of_stage(at, spent) + self._rate * later) / self._part + last

    @property
    def is_sure(self) -> bool:
        """Whether enough has passed to know how much of a processor there is; before, only the plan is known."""
        return self._is_felt

    def share(self, now: float | None = None) -> float:
        """The part of the run that is done, 0 to 1; it never falls."""
        now = time.monotonic() if now is None else now
        left = self.left(now)
        if left is not None and self._begun is not None:
            elapsed = now - self._begun
            self._share = max(self._share, elapsed / max(elapsed + left, 1e-9))
        return self._share

    def _first_planned(self) -> int:
        """Stages before the plan, such as a start, keep their place when the plan comes."""
        names = [name for name, _ in self._course]
        return names.index(_FIRST) if _FIRST in names else len(names)

    def _expect(self, course: Course) -> None:
        kept = min(self._first_planned(), len(self._course))
        self._course = [*self._course[:kept], *course]
        self._spent = [*self._spent[:kept], *[0.0] * len(course)]
        self._at = min(self._at, kept - 1) if kept else -1

    def _enter(self, at: int, now: float) -> None:
        if self._at >= 0:
            self._spent[self._at] += now - self._entered
        self._at, self._entered, self._entered_clock, self._steps = at, now, self._seen, None

    def _count(self, progress: Progress, spent: float) -> None:
        names = [name for name, _ in self._course]
        rounds, before = max(names.count(_COUNTED), 1), names[: max(self._at, 0)].count(_COUNTED)
        last = progress.total * (before + 1) // rounds
        if self._steps is None:
            self._first_step, self._first_spent = progress.step, spent
        first = self._first_step - 1
        if last <= first:
            return
        self._steps = first, min(progress.step, last), last
        made = max(progress.step - self._first_step, 0)
        pace = (spent - self._first_spent) / made if made else 0.0
        planned = self._course[self._at][1] if self._course else 0.0
        self._by_pace = spent + pace * (last - self._steps[1]) if made else planned

    def _found_rate(self, at: int, spent: float) -> float:
        """How many times longer things take than expected."""
        first = self._first_planned()
        if at < first:
            return 1.0
        expected = sum(seconds for _, seconds in self._course[first:at])
        seen = sum(self._spent[first:at])
        rate = (seen + _TRUST) / (expected + _TRUST)
        own = self._course[at][1]
        # A stage that takes longer than it should says so before its end.
        return max(rate, (seen + spent + _TRUST) / (expected + own + _TRUST)) if spent > rate * own else rate

    def _left_of_stage(self, at: int, spent: float) -> float:
        expected = self._rate * self._course[at][1]
        if self._steps is not None:
            first, step, last = self._steps
            trusted = min((step - first) / (last - first) / _PACED, 1.0)
            expected += trusted * (self._by_pace - expected)
        sure = _SURE * expected
        if spent <= sure:
            return expected - spent
        rest = expected - sure
        return rest * math.exp((sure - spent) / rest) if rest > 0 else 0.0
