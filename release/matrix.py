"""``python -m release.matrix``: window tests with every binding, Python and napari that is claimed, one by one."""

import argparse
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from packaging.requirements import Requirement

from release.project import ROOT, pyproject, text

TESTS = tuple(f"tests/napari/test_gui_{name}.py" for name in ("manifest", "form", "run", "layers"))
"""What is run: every widget opened, the form, runs from the first click to the last layer."""


@dataclass(frozen=True)
class Row:
    """One environment: the newest tested napari, or the lowest that is claimed."""

    python: str
    binding: str
    lowest: bool = False

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"py{self.python.replace('.', '')}-{'lowest' if self.lowest else self.binding}"


ROWS = (
    Row("3.11", "pyqt6"),
    Row("3.11", "pyside6"),
    Row("3.11", "pyqt6", lowest=True),
    Row("3.12", "pyqt6"),
    Row("3.12", "pyside6"),
    Row("3.13", "pyqt6"),
    Row("3.13", "pyside6"),
)


def lowest(constraints: str, requirements: Sequence[str]) -> str:
    """Constraints with the lowest versions that some requirements allow.

    What else stands in the section of napari, and must suit it, is left to pip.
    """
    kept = [part for part in re.split(r"\n(?=# )", constraints) if not part.startswith("# napari")]
    lines = [line for line in "\n".join(kept).splitlines() if line and not line.startswith("#")]
    for requirement in map(Requirement, requirements):
        [floor] = [one.version for one in requirement.specifier if one.operator == ">="]
        lines.append(f"{requirement.name}=={floor}")
    return "\n".join(lines) + "\n"


def interpreter(version: str) -> str | None:
    """A Python of this version, if there is one."""
    for found in filter(None, [sys.executable, which(f"python{version}")]):
        command = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.stdout.strip() == version:
            return found
    return None


def install(row: Row, folder: Path) -> str:
    """The environment's Python; it is made anew where pyproject.toml or the constraints are younger."""
    python, ready = folder / "bin" / "python", folder / ".ready"
    sources = (ROOT / "pyproject.toml", ROOT / "constraints.txt")
    if ready.is_file() and all(ready.stat().st_mtime >= one.stat().st_mtime for one in sources):
        return str(python)
    constraints = text("constraints.txt")
    if row.lowest:
        constraints = lowest(constraints, pyproject()["project"]["optional-dependencies"]["napari"])
    subprocess.run([str(interpreter(row.python)), "-m", "venv", "--clear", str(folder)], check=True)
    (folder / "constraints.txt").write_text(constraints, encoding="utf-8")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    subprocess.run([*pip, "-c", str(folder / "constraints.txt"), "-e", f"{ROOT}[test,{row.binding}]"], check=True)
    ready.touch()
    return str(python)


def outcome(junit: Path) -> str:
    """``12 passed, 1 failed`` from the report of pytest; a run that crashed has none."""
    if not junit.is_file():
        return "crashed"
    suite = next(ET.parse(junit).getroot().iter("testsuite"))  # noqa: S314 - written by pytest a moment ago
    total, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
    failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    words = f"{total - failed - skipped} passed, {failed} failed"
    return f"{words}, {skipped} skipped" if skipped else words


def test(row: Row, folder: Path, arguments: Sequence[str]) -> str:
    """Run the tests in an environment, and say how they ended."""
    python, junit = install(row, folder), folder / "tests.xml"
    junit.unlink(missing_ok=True)
    command = [str(ROOT / "tests" / "with-screen"), python, "-m", "pytest", "-q", f"--junitxml={junit}", *arguments]
    environment = {**os.environ, "QT_API": row.binding, "OMP_NUM_THREADS": "1"}
    subprocess.run(command, cwd=ROOT, env=environment, check=False)
    code = "import importlib.metadata as m; print(m.version('napari'))"
    version = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    return f"{row.binding:<8} napari {version:<6} Python {row.python}: {outcome(junit)}"


def main() -> int:
    """The exit code: 0 where every environment passed."""
    parser = argparse.ArgumentParser(prog="python -m release.matrix", description=__doc__)
    parser.add_argument("rows", nargs="*", help=f"some of: {', '.join(row.name for row in ROWS)}; else all")
    parser.add_argument("--root", type=Path, default=ROOT / "build" / "matrix", help="where the environments are")
    parser.add_argument(
        "--tests", nargs=argparse.REMAINDER, default=TESTS, help="last: arguments of pytest instead of the usual files"
    )
    asked = parser.parse_args()
    if unknown := set(asked.rows) - {row.name for row in ROWS}:
        parser.error(f"{', '.join(sorted(unknown))} must be among {', '.join(row.name for row in ROWS)}")
    said = []
    for row in ROWS:
        if asked.rows and row.name not in asked.rows:
            continue
        if interpreter(row.python) is None:
            said.append(f"{row.binding:<8} Python {row.python}: left out, there is no python{row.python} on the PATH")
            continue
        print(f"==> {row.name}", flush=True)
        said.append(test(row, asked.root / row.name, asked.tests))
    print("\n".join(said))
    return int(any(not re.search(r" 0 failed|left out", line) for line in said))


if __name__ == "__main__":
    sys.exit(main())
