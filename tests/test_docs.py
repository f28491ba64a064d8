"""Pages are true where a machine can check: options, settings, labels, limits, entries of the report, navigation."""

import dataclasses
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer

from napari_blind_deconv import Settings, deconvolve
from napari_blind_deconv.cli.app import app
from napari_blind_deconv.doubts import CHECK_NAMES
from napari_blind_deconv.image_priors import FreeField, MovieField
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.pipeline.noise_words import DEFECTS
from napari_blind_deconv.settings import FAMILIES, IMAGE_PRIORS, KERNEL_PRIORS

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PACKAGE = ROOT / "src" / "napari_blind_deconv"
# Of programs that pages name beside ours: Dask, pip, pytest, the training, the fuzzer and the benchmarks.
OTHERS = frozenset({"--nthreads", "--memory-limit"})
OTHER_PROGRAMS = ("training.md", "benchmarks.md", "releasing.md")
GENERATED = ("commands.md", "reference.md")
# Fields of testbeds, whose priors are no settings of a run.
OF_TESTBEDS = (MovieField, FreeField)


def commands():
    """Every command of ``blind-deconv`` with its options."""
    found = {}
    waiting = [((), typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        below = getattr(command, "commands", {})
        waiting.extend(((*path, name), child) for name, child in below.items())
        if not below:
            found[path] = {"--help"}.union(*({*p.opts, *p.secondary_opts} for p in command.params))
    return found


def lines_of_code(text):
    """Commands of ``blind-deconv`` in blocks of code and between backticks, continued lines joined."""
    joined = text.replace("\\\n", " ")
    return re.findall(r"^(?: {4}|\S*\s)?(blind-deconv [^\n#`]*)", joined, re.MULTILINE) + re.findall(
        r"`(blind-deconv [^`]*)`", joined
    )


def test_every_picture_is_shown_and_every_picture_that_is_shown_is_there():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    shown = {name for page in pages for name in re.findall(r"images/([\w.-]+)", page.read_text(encoding="utf-8"))}
    there = {path.name for path in (ROOT / "docs" / "images").iterdir()}
    assert there == shown


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_options_on_pages_exist(page):
    known, text = commands(), page.read_text(encoding="utf-8")
    for line in lines_of_code(text):
        words = line.split("  ")[0].split()[1:]
        path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in known), None)
        if words[0].startswith("-") or (len(words) == 1 and words[0] in {"psf", "synthesize"}):
            continue
        assert path is not None, line
        used = {word.partition("=")[0] for word in shlex.split(line.split("  ")[0]) if re.match(r"--?[a-z]", word)}
        assert used <= known[path], line
    if page.name not in OTHER_PROGRAMS:
        spans = {m for span in re.findall(r"`(--[^`]*)`", text) for m in re.findall(r"(?<!\S)--[a-z][a-z-]*", span)}
        assert spans <= set.union(*known.values()) | OTHERS


def test_the_page_of_the_command_line_has_every_option_of_run():
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert {option for option in commands()[("run",)] if f"`{option}" not in text} - {"-o", "inputs"} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_named_by_their_path_exist(page):
    families = "|".join(FAMILIES)
    for family, field in re.findall(rf"\b({families})\.([a-z]\w*)", page.read_text(encoding="utf-8")):
        classes = [*FAMILIES[family].values(), *(OF_TESTBEDS if family == "image_prior" else ())]
        assert field == "md" or any(field in named(cls) for cls in classes), f"{family}.{field}"
    for field in re.findall(r"--set ([a-z]\w*)=", page.read_text(encoding="utf-8")):
        assert field in named(Settings)


def named(cls):
    """The settings of a component; what is bound when a run begins is none."""
    declared = cls.__pydantic_fields__
    return {f.name for f in dataclasses.fields(cls) if f.name != "kind" and not declared[f.name].exclude}


def sections(page):
    """Heading of each section of a page, and its text."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def first_column(text):
    """What the first column of tables has between backticks."""
    return {name for row in re.findall(r"^\| (.*?) \|", text, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", row)}


@pytest.mark.parametrize(
    ("page", "kinds", "elsewhere"),
    [("kernel-priors.md", KERNEL_PRIORS, {"microscope"}), ("image-priors.md", IMAGE_PRIORS, {"diffusion"})],
)
def test_pages_of_priors_have_their_fields_and_no_others(page, kinds, elsewhere):
    found = sections(page)
    for kind in set(kinds) - elsewhere:
        assert first_column(found[kind]) == named(kinds[kind]), kind


def test_pages_of_a_single_prior_have_its_fields_and_no_others():
    assert first_column(sections("microscope.md")["Fields"]) == named(KERNEL_PRIORS["microscope"])
    text = (ROOT / "docs" / "diffusion.md").read_text(encoding="utf-8")
    assert {*re.findall(r"image_prior\.(\w+)", text), "strength"} == named(IMAGE_PRIORS["diffusion"])


@pytest.fixture(scope="module")
def words():
    return pytest.importorskip("napari_blind_deconv._napari.words")


def test_the_page_of_choices_has_the_labels_of_the_form(words):
    text = (ROOT / "docs" / "how-to-choose.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| ([^|]+) \|", text, re.MULTILINE))
    rows = {kind: label for kind, label in rows.items() if kind not in FAMILIES}
    labels = {kind: words.kind_label(kind) for kind in rows}
    assert rows == labels
    said = set(re.findall(r"[→|] \*([^*]+)\*", text))
    assert said <= set(labels.values())


def test_labels_quoted_in_the_tutorial_and_rows_of_the_figures_exist(words):
    tutorial = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    numbers = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    quoted = re.findall(r"\*\*([^*]+)\*\*", tutorial) + re.findall(r"^\| \*\*([^*]+)\*\*", numbers, re.MULTILINE)
    assert len(quoted) > 30
    components = [Settings, *(cls for classes in FAMILIES.values() for cls in classes.values())]
    labels = {words.field_label(name) for cls in components for name in named(cls)}
    files = [file for end in ("py", "yaml", "jinja") for file in PACKAGE.rglob(f"*.{end}")]
    # Letters that a key chooses are marked in labels.
    sources = "\n".join(file.read_text(encoding="utf-8") for file in files).replace("&", "")
    assert [label for label in quoted if label not in labels and label not in sources] == []


@pytest.fixture(scope="module")
def report():
    rng = np.random.default_rng(0)
    taps = np.exp(-(np.mgrid[-3:4, -3:4] ** 2).sum(0) / 2)
    image = rng.random((64, 64)).cumsum(0).astype(np.float32)
    return deconvolve(image, Settings(kernel_prior=Known()), psf=taps, truth=image).report


def test_checks_and_their_limits_are_those_on_the_pages(report):
    trust = (ROOT / "docs" / "trust.md").read_text(encoding="utf-8")
    numbers = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", trust, re.MULTILINE))
    assert set(rows) == set(CHECK_NAMES) >= {check["check"] for check in report["trust"]}
    assert all(f"`{check}`" in numbers for check in rows)
    for check in report["trust"]:
        if "depending on size" not in rows[check["check"]]:
            limit = f"{check['limit']:.4f}".rstrip("0").rstrip(".").replace("-", "−")
            assert re.search(rf"(?<![\d.]){re.escape(limit)}(?![\d.])", rows[check["check"]]), check


def keys(value):
    """Every key of nested JSON."""
    if isinstance(value, dict):
        return set(value).union(*(keys(below) for below in value.values()))
    return set().union(*(keys(below) for below in value)) if isinstance(value, list) else set()


def test_entries_of_the_report_on_the_pages_exist(report):
    # Of an estimated kernel, of `auto`, of a PSF that changes and of a run with a region.
    known = keys(report) | set(CHECK_NAMES) | {"parameters", "choice", "ranking", "field", "region"}
    for page in PAGES:
        named_there = re.findall(r"report\[\"(\w+)\"\]", page.read_text(encoding="utf-8"))
        assert set(named_there) <= known, page.name
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    assert first_column(text) <= known | set(DEFECTS)


def test_every_page_is_in_the_navigation_once():
    listed = re.findall(r"^ {6}- (.+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted([*GENERATED, *(page.name for page in PAGES if page.name != "README.md")])
