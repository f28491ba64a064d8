"""One version: tag, package, citation, changelog and recipe agree, and the tree is clean."""

import subprocess
from collections.abc import Iterator
from typing import Any

from packaging.version import Version

from release.finding import Finding, to_do, wrong
from release.project import ROOT

_NEEDED = ("abstract", "authors", "cff-version", "keywords", "license", "message", "title", "type", "version")


def next_version(project: dict[str, Any]) -> Version:
    """The version that is to be released, from what a clone without tags is called."""
    return Version(Version(project["tool"]["hatch"]["version"]["fallback-version"]).base_version)


def git(*arguments: str) -> str:
    """What git answers about this clone."""
    run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return run.stdout.strip()


def check_tree(status: str) -> Iterator[Finding]:
    """``status`` is that of ``git status --porcelain``: a release is a commit."""
    if status:
        yield to_do(f"the tree is not clean, commit or put aside: {', '.join(status.split()[1::2])}")


def check_tag(version: Version, tags: list[str], built: Version) -> Iterator[Finding]:
    """The tags of this commit name the version, and so does what was built from it."""
    if f"v{version}" not in tags:
        yield to_do(f"tag this commit, once all else is done: git tag -a v{version} -m 'Version {version}'")
    elif built != version:
        yield wrong(f"the tag says {version}, the package {built}; build it from the clean commit of the tag")
    if Version(built.base_version) != version:
        yield wrong(f"the package is {built}, but pyproject.toml's fallback-version is one of {version}")


def check_citation(citation: dict[str, Any], project: dict[str, Any], version: Version) -> Iterator[Finding]:
    """Complete, and of this version; the date belongs to the release."""
    missing = [name for name in _NEEDED if not citation.get(name)]
    if missing:
        yield wrong(f"CITATION.cff lacks {', '.join(missing)}")
        return
    if citation["license"] != project["project"]["license"]:
        yield wrong(f"CITATION.cff says {citation['license']}, pyproject.toml {project['project']['license']}")
    stated = Version(str(citation["version"]))
    if Version(stated.base_version) != version:
        yield wrong(f"CITATION.cff says version {stated}, pyproject.toml's fallback-version is one of {version}")
    elif stated != version:
        yield to_do(f"CITATION.cff: 'version: {version}'")
    if "date-released" not in citation:
        yield to_do("CITATION.cff: 'date-released', as in CHANGELOG.md")
    if not citation.get("repository-code"):
        yield to_do("CITATION.cff: 'repository-code', once there is a public address")
