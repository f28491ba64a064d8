"""What there is to choose from is listed in one place, the unions: pages, help texts and the form follow."""

import importlib.util
import re
from pathlib import Path

import pytest

from napari_blind_deconv.settings import (
    ESTIMATORS,
    FAMILIES,
    IMAGE_PRIORS,
    KERNEL_PRIORS,
    LIKELIHOODS,
    RESTORERS,
    Settings,
    default_of,
    settings_to_dict,
)

ROOT = Path(__file__).parents[1]


def loaded(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def lists():
    return loaded("lists")


@pytest.fixture(scope="module")
def reference():
    return loaded("reference")


def test_written_lists_are_those_of_the_unions(lists):
    stale = [path.name for path, text in lists.written().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: python docs/lists.py"


def test_a_list_that_lacks_a_kind_is_noticed(lists):
    for name in lists.PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        found = list(lists._LIST.finditer(text))
        assert found, name
        for one in found:
            assert lists.page(text.replace(one[0], one[1] + one[4])) == text


def kinds(text):
    """What a page has a section or a row of a table for."""
    sections = re.findall(r"^## ([\w-]+)$", text, re.MULTILINE)
    rows = re.findall(r"^\| ((?:`[\w-]+`(?:, )?)+) \|", text, re.MULTILINE)
    return set(sections), {kind for row in rows for kind in re.findall(r"`([\w-]+)`", row)}


@pytest.mark.parametrize(
    ("page", "sections", "rows"),
    [
        ("docs/kernel-priors.md", KERNEL_PRIORS, {}),
        ("docs/image-priors.md", IMAGE_PRIORS, IMAGE_PRIORS),
        ("docs/how-to-choose.md", {}, {**KERNEL_PRIORS, **IMAGE_PRIORS, **ESTIMATORS, **RESTORERS}),
        ("docs/noise-and-masks.md", {}, {**RESTORERS, **LIKELIHOODS}),
        ("README.md", {}, KERNEL_PRIORS),
    ],
)
def test_pages_leave_out_no_kind(page, sections, rows):
    found = kinds((ROOT / page).read_text(encoding="utf-8"))
    assert (set(sections) - found[0], set(rows) - found[1]) == (set(), set())


def test_the_form_has_words_for_every_kind_and_for_no_other():
    words = pytest.importorskip("napari_blind_deconv._napari.kind_words")
    every = {kind for kinds in FAMILIES.values() for kind in kinds}
    assert set(words.KIND_LABELS) == set(every)
    assert set(words.KIND_MEANINGS) == set(every)


def rows(page):
    """Heading and path: the cells of that row."""
    found, heading = {}, ""
    for line in page.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.startswith("| `"):
            path, *cells = (cell.strip() for cell in line.strip("|").split(" | "))
            found[heading, path.strip("`")] = cells
    return found


def test_the_reference_has_every_setting_with_its_default_and_meaning(reference):
    found = rows(reference.settings_page())
    wanted = {("The run", name) for name in settings_to_dict(Settings())}
    for family, kinds in FAMILIES.items():
        for kind in kinds:
            wanted |= {(kind, f"{family}.{name}") for name in default_of(family, kind) if name != "kind"}
    assert set(found) == wanted
    assert all(all(cells[:4]) for cells in found.values())


@pytest.mark.parametrize(
    ("place", "default", "allowed", "option"),
    [
        (("The run", "kernel_weight"), "`1.0`", "number, above 0, at most 1e06", "`--kernel-weight`"),
        (("The run", "kernel_size"), "`null`", "list of 1 to 3 odd whole numbers, at most 99999; or `null`", None),
        (("The run", "device"), "`auto`", "`auto`, `cpu`, `cuda`, `mps`", "`--device`"),
        (("microscope", "kernel_prior.na"), "`null`", "number, [low, high] or `null`, 0.05 to 1.7", ""),
        (("gaussian", "kernel_prior.sigma_px"), "`1.5`", "number, 0.01 to 100 px", ""),
        (("diffusion", "image_prior.strength"), "`0.5`", "number, 0 to 1", "`--diffusion-strength`"),
        (("total-variation", "image_prior.strength"), "`1.0`", None, "`--image-prior-strength`"),
    ],
)
def test_the_reference_says_what_the_program_allows(reference, place, default, allowed, option):
    cells = rows(reference.settings_page())[place]
    for cell, right in zip((cells[0], cells[1], cells[4].rstrip(" |")), (default, allowed, option), strict=True):
        assert right is None or cell == right


def test_the_reference_has_every_command_and_option(reference):
    page = reference.commands_page()
    assert {"run", "metrics", "psf compare", "synthesize video"} <= set(
        re.findall(r"^## blind-deconv (.*)$", page, re.M)
    )
    assert all(f"`{option}" in page or f", {option} " in page for option in reference._options().values())
