"""``python -m release``: the checklist; ``python -m release recipe``: the conda recipe of the archive in dist/."""

import argparse
import itertools
import sys
from collections.abc import Callable, Iterable, Mapping

from release import archives, changelog, commands, licences, pages, recipe, versions, weights
from release.finding import Finding
from release.project import ROOT, citation, pyproject, text
from release.project import recipe as conda_recipe

_PACKAGE = ROOT / "src" / "napari_blind_deconv"


def checks() -> Mapping[str, Callable[[], Iterable[Finding]]]:
    """What is looked at, in this order; what comes after ``build`` looks at dist/."""
    project = pyproject()
    version = versions.next_version(project)
    return {
        "tree": lambda: versions.check_tree(versions.git("status", "--porcelain")),
        "changelog": lambda: changelog.check(text("CHANGELOG.md"), version),
        "citation": lambda: versions.check_citation(citation(), project, version),
        "recipe": lambda: recipe.check(conda_recipe(), project, version),
        "weights": lambda: weights.check(_PACKAGE / "weights"),
        "licences": licences.check,
        "readme": lambda: pages.check(text("README.md"), project["project"].get("urls", {})),
        "schemas": commands.schemas,
        "manifest": commands.manifest,
        "documentation": commands.documentation,
        "build": commands.build,
        "tag": lambda: versions.check_tag(
            version, versions.git("tag", "--points-at").split(), commands.built_version()
        ),
        "archives": lambda: itertools.chain.from_iterable(archives.check(one, _PACKAGE) for one in commands.built()),
        "metadata": commands.metadata,
        "resolution": commands.resolution,
    }


def checklist(names: Iterable[str], *, strict: bool) -> int:
    """Make the checks, say what they found, and how many of them do not hold."""
    failed = 0
    for name, check in checks().items():
        if name not in names:
            continue
        findings = list(check())
        bad = any(strict or finding.level == "wrong" for finding in findings)
        failed += bad
        print(f"{'WRONG' if bad else 'to do' if findings else 'ok':<6} {name}", flush=True)
        for finding in findings:
            print("       " + finding.text.replace("\n", "\n       "), flush=True)
    return failed


def _write_recipe() -> None:
    sdist, _ = commands.built()
    path = commands.DIST / "recipe.yaml"
    path.write_text(recipe.published(text("recipe/recipe.yaml"), sdist), encoding="utf-8")
    print(f"{path.relative_to(ROOT)} is for conda-forge, once {sdist.name} is published")


def main() -> int:
    """The exit code: 0 where everything holds."""
    parser = argparse.ArgumentParser(prog="python -m release", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"checklist (the default), recipe, or some of: {', '.join(checks())}")
    parser.add_argument("--strict", action="store_true", help="what is left to do fails, too: for a tagged commit")
    asked = parser.parse_args()
    if asked.what == ["recipe"] and not asked.strict:
        _write_recipe()
        return 0
    names = list(checks()) if asked.what in ([], ["checklist"]) else asked.what
    if unknown := set(names) - set(checks()):
        parser.error(f"{', '.join(sorted(unknown))} must be among {', '.join(checks())}")
    return min(checklist(names, strict=asked.strict), 1)


if __name__ == "__main__":
    sys.exit(main())
