"""A console for tables."""

from rich.console import Console

_TABLE_WIDTH = 132  # letters; a narrower terminal, or a log, wraps lines rather than cells


def wide_console() -> Console:
    """Standard output, wide enough for a table."""
    console = Console(highlight=False, soft_wrap=True)
    console.width = max(console.width, _TABLE_WIDTH)
    return console
