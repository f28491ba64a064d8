"""What there is to choose from is listed in one place, the unions: pages, help texts and the form follow."""

import importlib.util
import re
from pathlib import Path

import pytest

from napari_blind_deconv.settings import ESTIMATORS, FAMILIES, IMAGE_PRIORS, KERNEL_PRIORS, LIKELIHOODS, RESTORERS

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lists():
    spec = importlib.util.spec_from_file_location("lists", ROOT / "docs" / "lists.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
