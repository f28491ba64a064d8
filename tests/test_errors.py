"""Refusals: fields that every face words with its own names, and a law on who raises them."""

import ast
import copy
import pickle
import re
from pathlib import Path

import pytest

import napari_blind_deconv
from napari_blind_deconv import InputError
from napari_blind_deconv.cli.names import refusal_in_options

PACKAGE = Path(napari_blind_deconv.__file__).parent
# Where every refusal has fields; folders that still word some in one sentence are listed in decision 0019.
HELD = (
    "batch",
    "beads",
    "estimation",
    "image_priors",
    "intensity_checks.py",
    "io",
    "kernel_priors",
    "metrics",
    "networks",
    "observation.py",
    "pipeline",
    "presets.py",
    "regular_file.py",
    "restoration",
    "support.py",
)
BELOW_THE_FACES = sorted(p for p in PACKAGE.rglob("*.py") if p.relative_to(PACKAGE).parts[0] not in ("cli", "_napari"))
ERROR = InputError(
    subject="kernel_size", value="(9,)", allowed="must be at most 5", remedy="choose a smaller `kernel_size`"
)


def held() -> list[Path]:
    return [p for p in BELOW_THE_FACES if p.relative_to(PACKAGE).parts[0] in HELD]


def calls(source: Path) -> list[ast.Call]:
    found = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call)]
    return [call for call in found if isinstance(call.func, ast.Name) and call.func.id == "InputError"]


def test_the_law_below_looks_at_something():
    assert sum(len(calls(source)) for source in held()) >= 30


@pytest.mark.parametrize("source", held(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_refusal_has_a_subject_and_a_remedy(source):
    for call in calls(source):
        assert {"subject", "remedy"} <= {word.arg for word in call.keywords}, f"line {call.lineno}"


@pytest.mark.parametrize("source", BELOW_THE_FACES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_refusal_below_the_faces_names_an_option_of_the_command_line(source):
    for call in calls(source):
        texts = [
            node.value for node in ast.walk(call) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        ]
        assert not [text for text in texts if re.search(r"(^|[\s(])--[a-z]", text)], f"line {call.lineno}"


def test_each_part_is_in_the_sentence():
    assert str(ERROR) == "kernel_size (9,) must be at most 5; choose a smaller kernel_size"
    assert refusal_in_options(ERROR) == "--kernel-size (9,) must be at most 5; choose a smaller --kernel-size"


@pytest.mark.parametrize(
    ("remedy", "python", "line"),
    [
        ("choose `kernel_prior=known`", "choose kernel_prior 'known'", "choose --kernel-prior known"),
        ("give `kernel_prior.na`", "give kernel_prior.na", "give --set kernel_prior.na"),
        ("treat it with `planes`", "treat it with planes", "treat it with --planes"),
        ("call `nothing`", "call nothing", "call nothing"),
    ],
)
def test_a_face_words_the_settings_of_a_remedy(remedy, python, line):
    error = InputError(subject="PSF", value="is odd", remedy=remedy)
    assert str(error) == f"PSF is odd; {python}"
    assert refusal_in_options(error) == f"PSF is odd; {line}"


@pytest.mark.parametrize("error", [ERROR, InputError("one sentence; do this")])
def test_refusals_travel_between_processes(error):
    for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert str(same) == str(error)
        assert (same.subject, same.value, same.allowed, same.remedy) == (
            error.subject,
            error.value,
            error.allowed,
            error.remedy,
        )


def test_another_subject_keeps_the_rest():
    assert str(ERROR.about("PSF k.tif")) == "PSF k.tif (9,) must be at most 5; choose a smaller kernel_size"
