"""What the wheel and the source archive hold: the package, and nothing that belongs to the repository only."""

import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from release.finding import Finding, wrong

_REPOSITORY_ONLY = frozenset(
    {".ci", ".github", "benchmarks", "demo", "docs", "fuzz", "recipe", "release", "site", "tests", "training", "walks"}
)
_PACKAGE = PurePosixPath("napari_blind_deconv")
_NEEDED = ("__init__.py", "napari.yaml", "py.typed")
_SDIST_NEEDED = (
    "CHANGELOG.md",
    "CITATION.cff",
    "LICENSE",
    "PKG-INFO",
    "README.md",
    "constraints.txt",
    "pyproject.toml",
)


def names(archive: Path) -> list[str]:
    """The files of a wheel or of a source archive, the latter without its top folder."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            return [name for name in opened.namelist() if not name.endswith("/")]
    with tarfile.open(archive) as opened:
        return [str(PurePosixPath(*PurePosixPath(one.name).parts[1:])) for one in opened if one.isfile()]


def foreign(files: Iterable[str]) -> list[str]:
    """Tests, caches and what else has no place in an archive."""
    found = []
    for name in files:
        parts = PurePosixPath(name).parts
        is_test = parts[-1].startswith("test_") or parts[-1] in {"conftest.py", "with-screen"}
        if is_test or parts[0] in _REPOSITORY_ONLY or parts[-1].endswith((".pyc", ".orig", ".rej", "~")):
            found.append(name)
    return found


def check(archive: Path, package: Path) -> Iterator[Finding]:
    """Every file of the package is in, no test is; the licence goes with it.

    Parameters
    ----------
    archive
        A wheel, or a source archive.
    package
        Folder of the package that it was built from.
    """
    files = names(archive)
    if unwanted := foreign(files):
        yield wrong(f"{archive.name} holds {_some(unwanted)}; see [tool.hatch.build.targets] in pyproject.toml")
    is_wheel = archive.suffix == ".whl"
    folder = _PACKAGE if is_wheel else PurePosixPath("src") / _PACKAGE
    there = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    wanted = {str(folder / name) for name in there | set(_NEEDED) if not name.endswith(".pyc")}
    wanted |= set() if is_wheel else set(_SDIST_NEEDED)
    if missing := sorted(wanted - set(files)):
        yield wrong(f"{archive.name} lacks {_some(missing)}")
    if not any(PurePosixPath(name).name == "LICENSE" for name in files):
        yield wrong(f"{archive.name} lacks the licence")


def _some(files: list[str]) -> str:
    return ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
