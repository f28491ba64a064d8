"""What has a file of its own."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Stored(Protocol):
    """A prior that may name a file of trained figures."""

    def check_file(self) -> None:
        """Read the file if one is named, so that a wrong one is refused before the work and not after half of it.

        Raises
        ------
        InputError
            Where it cannot be used.
        """
        ...
