"""Walk them: ``python -m walks [NAME …] [--pictures FOLDER]``."""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Final

from walks.person import Person

WALKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "stack": "a biologist with a z-stack in three colours",
        "movie": "one with a movie",
        "night": "one with two hundred stacks",
        "phone": "a student with a phone picture",
    }
)


def walk_of(name: str) -> Callable[[Person, Path], None]:
    """What a person does, by the name of the walk."""
    walk: Callable[[Person, Path], None] = import_module(f"walks.{name}").walk
    return walk


def walk(name: str, pictures: Path | None = None, *, every: bool = False) -> None:
    """Walk once, in a window of its own and a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        person = Person(name, pictures, every=every)
        try:
            walk_of(name)(person, Path(folder))
        finally:
            person.leaves()


def main() -> None:
    """Read the command line and walk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", default=[*WALKS], help=", ".join(WALKS))
    parser.add_argument("--pictures", type=Path, help="where screenshots go")
    parser.add_argument("--every", action="store_true", help="of every step, not of those that pages show only")
    arguments = parser.parse_args()
    for name in arguments.names:
        print(f"{name}: {WALKS[name]}", flush=True)  # noqa: T201
        walk(name, arguments.pictures, every=arguments.every)


if __name__ == "__main__":
    main()
