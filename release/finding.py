"""What a check has found."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["wrong", "to do"]


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be.

    Attributes
    ----------
    level
        ``wrong`` at any time, or ``to do`` before a version is published.
    text
        What it is, and what to do.
    """

    level: Level
    text: str


def wrong(text: str) -> Finding:
    """A defect."""
    return Finding("wrong", text)


def to_do(text: str) -> Finding:
    """What is left for the day of the release."""
    return Finding("to do", text)
