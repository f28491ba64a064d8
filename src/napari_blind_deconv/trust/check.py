"""One reason to doubt a result, looked for: what was measured, what is allowed, and what it means in words."""

from typing import Literal, NamedTuple


class Check(NamedTuple):
    """A check of one channel's result.

    Attributes
    ----------
    check
        Its name.
    value, limit
        What was measured, and the most (for ``no_blur`` the least) that raises no doubt, in one unit.
    verdict
        ``ok`` or ``doubt``.
    sentence
        What the verdict means; where there is doubt, with what to try.
    """

    check: str
    value: float
    limit: float
    verdict: Literal["ok", "doubt"]
    sentence: str


def judged(name: str, value: float, limit: float, *, doubt: str, fine: str, holds: bool | None = None) -> Check:
    """A check that raises doubt above its limit, or where ``holds`` says so.

    Examples
    --------
    >>> judged("delta", 0.95, 0.9, doubt="it collapsed", fine="it has a width")
    Check(check='delta', value=0.95, limit=0.9, verdict='doubt', sentence='it collapsed')
    """
    good = value <= limit if holds is None else holds
    return Check(name, float(value), float(limit), "ok" if good else "doubt", fine if good else doubt)


def doubts(checks: list[Check]) -> list[str]:
    """The sentences of those that raise doubt."""
    return [c.sentence for c in checks if c.verdict == "doubt"]
