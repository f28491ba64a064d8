"""The checklist of a release: each check passes what is right and finds what is not, on made files and on ours."""

import hashlib
import importlib.metadata
import json
import tarfile
import zipfile
from email.message import Message

import pytest
from packaging.version import Version

from release import archives, changelog, licences, matrix, pages, recipe, versions, weights
from release.project import ROOT, citation, pyproject, text
from release.project import recipe as conda_recipe

VERSION = versions.next_version(pyproject())


def levels(findings):
    return {finding.level for finding in findings}


def test_recipe_asks_for_what_the_package_asks_for():
    assert list(recipe.check(conda_recipe(), pyproject(), VERSION)) == []


@pytest.mark.parametrize("place", ["dependencies", "napari", "scale"])
def test_a_floor_that_the_recipe_lacks_is_found(place):
    project = pyproject()
    listed = project["project"]["dependencies"]
    if place != "dependencies":
        listed = project["project"]["optional-dependencies"][place]
    listed[0] += ",!=0.0.1"
    finding, *_ = recipe.check(conda_recipe(), project, VERSION)
    assert "!=0.0.1" in finding.text


def test_the_published_recipe_names_the_archive_by_its_checksum(tmp_path):
    sdist = tmp_path / "a.tar.gz"
    sdist.write_bytes(b"archive")
    changed = recipe.published(text("recipe/recipe.yaml"), sdist)
    assert hashlib.sha256(b"archive").hexdigest() in changed
    assert "path: .." not in changed


def test_citation_changelog_and_package_are_of_one_version():
    assert "wrong" not in levels(versions.check_citation(citation(), pyproject(), VERSION))
    assert "wrong" not in levels(changelog.check(text("CHANGELOG.md"), VERSION))
    installed = Version(importlib.metadata.version("napari-blind-deconv"))
    assert Version(installed.base_version) == VERSION


@pytest.mark.parametrize(
    ("tags", "built", "level"),
    [
        (["v1.2.0"], "1.2.0", set()),
        ([], "1.2.0.dev4+gabc", {"to do"}),
        (["v1.2.0"], "1.2.0.dev4+gabc", {"wrong"}),
        (["v1.1.0"], "1.1.0", {"wrong", "to do"}),
    ],
)
def test_tag_and_package_are_of_one_version(tags, built, level):
    assert levels(versions.check_tag(Version("1.2.0"), tags, Version(built))) == level


@pytest.mark.parametrize(
    ("log", "level"),
    [
        ("## Unreleased\n\n### Added\n\n## 1.2.0 - 2030-02-01\n\n### Fixed\n\n## 1.1.0 - 2030-01-01\n", set()),
        ("## Unreleased\n\n### Added\n", {"to do"}),
        ("## 1.2.0 - soon\n", {"wrong"}),
        ("## 1.2.0 - 2030-02-01\n\n### Novelties\n", {"wrong"}),
        ("## 1.2.0 - 2030-02-01\n\n### Added\n\n### Added\n", {"wrong"}),
        ("## 1.2.0 - 2030-02-01\n\n## Unreleased\n", {"wrong"}),
        ("## 1.2.0 - 2030-02-01\n\n## 1.3.0 - 2030-01-01\n", {"wrong"}),
        ("## 1.2.0 - 2030-02-01\n\n## 1.1.0 - 2030-03-01\n", {"wrong"}),
    ],
)
def test_changelog_is_one(log, level):
    assert levels(changelog.check("# Changelog\n\n" + log, Version("1.2.0"))) == level


def test_the_lowest_napari_is_the_floor_and_the_rest_of_its_section_is_open():
    constraints = "# core\nnumpy==2.4\n\n# napari\nnapari==0.9\nvispy==0.17\n\n# tests\npytest==9\n"
    kept = matrix.lowest(constraints, ["napari>=0.7", "qtpy!=2.5,>=2.4"])
    assert kept.split() == ["numpy==2.4", "pytest==9", "napari==0.7", "qtpy==2.4"]


def test_every_claimed_python_is_in_the_matrix():
    claimed = {line.rpartition(" ")[2] for line in pyproject()["project"]["classifiers"] if ":: 3." in line}
    assert {row.python for row in matrix.ROWS} == claimed
    assert {row.binding for row in matrix.ROWS} == {"pyqt6", "pyside6"}


def archived(folder, names, *, wheel):
    if wheel:
        path = folder / "a-1-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as opened:
            for name in names:
                opened.writestr(name, "")
        return path
    path = folder / "a-1.tar.gz"
    (folder / "empty").touch()
    with tarfile.open(path, "w:gz") as opened:
        for name in names:
            opened.add(folder / "empty", f"a-1/{name}")
    return path


def complete(*, wheel):
    package = ["__init__.py", "napari.yaml", "py.typed", "io/__init__.py"]
    if wheel:
        return [f"napari_blind_deconv/{name}" for name in package] + ["a-1.dist-info/licenses/LICENSE"]
    return [f"src/napari_blind_deconv/{name}" for name in package] + list(archives._SDIST_NEEDED)


@pytest.fixture
def package(tmp_path):
    folder = tmp_path / "package"
    (folder / "io").mkdir(parents=True)
    for name in ("__init__.py", "napari.yaml", "py.typed", "io/__init__.py", "io/__init__.cpython-311.pyc"):
        (folder / name).touch()
    return folder


@pytest.mark.parametrize("wheel", [True, False])
def test_archives_hold_the_package_and_no_tests(tmp_path, package, wheel):
    names = complete(wheel=wheel)
    assert list(archives.check(archived(tmp_path, names, wheel=wheel), package)) == []
    for unwanted in ("tests/test_a.py", "napari_blind_deconv/io/test_a.py", "release/__init__.py"):
        [finding] = archives.check(archived(tmp_path, [*names, unwanted], wheel=wheel), package)
        assert unwanted in finding.text
    for lacking in names:
        path = archived(tmp_path, [name for name in names if name != lacking], wheel=wheel)
        assert list(archives.check(path, package)), lacking


def test_every_picture_and_link_of_the_readme_is_seen():
    page = "![a](docs/a.png) [b](docs/b.md) [c](https://example.org)\n<img alt='' src='d.png'>\n"
    assert pages.relative(pages.pictures(page)) == ["docs/a.png", "d.png"]
    assert levels(pages.check(page, {})) <= {"to do"}
    assert "wrong" in levels(pages.check(page, {"Homepage": "https://example.org"}))


def test_licences_of_what_is_installed_allow_ours():
    assert list(licences.check()) == []
    names = {found.metadata["Name"].lower() for found in licences.needed("napari-blind-deconv", licences.EXTRAS)}
    assert {"torch", "numpy", "napari", "distributed"} <= names
    assert not names & {"pyqt6", "pyside6", "pytest"}


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ([("License-Expression", "MIT AND BSD-3-Clause")], True),
        ([("License-Expression", "AGPL-3.0-only")], False),
        ([("License-Expression", "Apache-2.0 OR GPL-2.0-only")], True),
        ([("Classifier", "License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)")], True),
        ([("Classifier", "License :: OSI Approved :: GNU General Public License v3 (GPLv3)")], False),
        ([("License", "GPL v2")], False),
        ([("License", "BSD\n\nCopyright")], True),
        ([("License", "Do as I say")], False),
        ([], False),
    ],
)
def test_licences_are_read_from_what_packages_say(headers, allowed):
    metadata = Message()
    for name, value in headers:
        metadata[name] = value
    assert (licences.judged("a", licences.stated(metadata)) is None) == allowed


def test_weights_are_those_of_their_cards(tmp_path):
    assert list(weights.check(ROOT / "src/napari_blind_deconv/weights")) == []
    (tmp_path / "a.safetensors").write_bytes(b"weights")
    card = {"sha256": hashlib.sha256(b"weights").hexdigest(), "licence": "CC0-1.0", "data": "drawn"}
    (tmp_path / "a.json").write_text(json.dumps(card))
    assert list(weights.check(tmp_path)) == []
    (tmp_path / "a.safetensors").write_bytes(b"others")
    assert levels(weights.check(tmp_path)) == {"wrong"}
    (tmp_path / "a.json").unlink()
    assert levels(weights.check(tmp_path)) == {"wrong"}
