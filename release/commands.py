"""Checks that other programs make: what they print is the finding."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from packaging.utils import parse_wheel_filename
from packaging.version import Version

from release.finding import Finding, wrong
from release.project import ROOT

DIST = ROOT / "dist"
_LINES = 12


def _run(*command: str, quiet: Sequence[str] = ()) -> Iterator[Finding]:
    """Nothing where the command ends well, else the last lines of what it said, less those with one of some words."""
    run = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    if run.returncode:
        lines = [line for line in (run.stdout + run.stderr).splitlines() if not any(word in line for word in quiet)]
        yield wrong(f"{' '.join(command)}\n" + "\n".join(lines[-_LINES:]))


def build() -> Iterator[Finding]:
    """The source archive, and the wheel from it, into an empty dist/."""
    for old in DIST.glob("napari_blind_deconv-*"):
        old.unlink()
    yield from _run("build", "--outdir", str(DIST))


def built() -> tuple[Path, Path]:
    """The source archive and the wheel.

    Raises
    ------
    FileNotFoundError
        Where they have not been built, or there are others beside them.
    """
    sdists, wheels = list(DIST.glob("napari_blind_deconv-*.tar.gz")), list(DIST.glob("napari_blind_deconv-*.whl"))
    if len(sdists) != 1 or len(wheels) != 1:
        raise FileNotFoundError("dist/ must hold one source archive and one wheel")
    return sdists[0], wheels[0]


def built_version() -> Version:
    """That of the wheel."""
    return parse_wheel_filename(built()[1].name)[1]


def metadata() -> Iterator[Finding]:
    """What the package index asks of the archives."""
    yield from _run("twine", "check", "--strict", *(str(path) for path in built()))


def schemas() -> Iterator[Finding]:
    """Citation and workflows, by the schemas of those who read them."""
    workflows = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob(".github/workflows/*.yml"))]
    for schema, files in (("citation-file-format", ["CITATION.cff"]), ("github-workflows", workflows)):
        yield from _run("check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files)


def manifest() -> Iterator[Finding]:
    """What napari asks of the manifest."""
    yield from _run("npe2", "validate", "src/napari_blind_deconv/napari.yaml")


def documentation() -> Iterator[Finding]:
    """The pages, links and pictures of the documentation."""
    yield from _run("mkdocs", "build", "--strict", "--quiet", "--site-dir", "build/site", quiet=["MkDocs 2.0"])


def resolution() -> Iterator[Finding]:
    """The wheel can be installed with all extras, together with what is installed here."""
    wheel = f"{built()[1]}[all]"
    yield from _run("pip", "--disable-pip-version-check", "install", "--quiet", "--dry-run", wheel)
