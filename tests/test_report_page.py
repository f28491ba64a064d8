"""Laws of the report of a folder: it says what the files say, escapes what they are called, and stays in its folder."""

import base64
import csv
import hashlib
import json
import os
import re
from html.parser import HTMLParser
from io import StringIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from napari_blind_deconv import InputError, Settings, io
from napari_blind_deconv.batch import References, plan, run_batch
from napari_blind_deconv.batch.page import FILES, Listed, write_report
from napari_blind_deconv.batch.page.outliers import distances_to_median, marked, median_psf, modified_z
from napari_blind_deconv.batch.page.records import Channel, Record
from napari_blind_deconv.cli.app import app
from napari_blind_deconv.kernel_priors import Known, Microscope
from napari_blind_deconv.metrics import psf_figures
from napari_blind_deconv.optics import ideal_psf
from napari_blind_deconv.settings import settings_to_dict
from napari_blind_deconv.synthesis import cells, gaussian_kernel, photon_counts

VOXELS = (0.1, 0.1)
KERNEL = gaussian_kernel((15, 15), np.eye(2) * 4)
HOSTILE = [
    "<script>alert(1)<script>.tif",
    "\"'><img src=x onerror=alert(1)>.tif",
    "=cmd|' C calc'!A0.tif",
    os.fsdecode(b"caf\xe9 \x1b[31m red.tif"),
    "\u202efit.tif",
    "{{ 7 * 7 }}.tif",
]


def put(folder, stem, psf=KERNEL, axes="YX", voxels=VOXELS, **entries):
    """A report and its PSF, as a run leaves them."""
    folder.mkdir(exist_ok=True)
    io.write(folder / f"{stem}_psf.ome.tif", io.Volume(psf.astype(np.float32), axes, voxels), {})
    trust = [
        {
            "check": "delta",
            "value": 0.1,
            "limit": 0.9,
            "verdict": "ok",
            "sentence": "the PSF is more than a single pixel",
        }
    ]
    report = {
        "settings": settings_to_dict(Settings()),
        "input": {"file": f"{stem}.tif", "sha256": "ab" * 32, "shape": [64, 64], "axes": "YX", "dtype": "uint16"},
        "kernel": {"parameters": {"zernike_7": {"value": 0.25, "error": 0.05, "unit": "rad"}}},
        "trust": trust,
        "flux_ratio": 1.01,
        "seconds": 3.2,
        "warnings": [],
    } | entries
    io.write_json(folder / f"{stem}_report.json", report)


class Page(HTMLParser):
    """What a browser would make of a page, as far as it matters here."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.scripts = [], [], [], []
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self._in = tag
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        self._in = ""

    def handle_data(self, data):
        (self.scripts if self._in == "script" else self.text).append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def made(folder, **options):
    written = write_report(folder, **options)
    page, table, record = (path.read_text("utf-8") for path in written.paths)
    return Page(page), list(csv.DictReader(StringIO(table.removeprefix("\ufeff")))), json.loads(record), written


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """A folder that a run has left: two files, whose names are what names can be, and one that is none."""
    folder = tmp_path_factory.mktemp("batch")
    images, listed = folder / "in", []
    images.mkdir()
    inputs = [images / HOSTILE[0], images / HOSTILE[3], images / "broken.tif"]
    for seed, path in enumerate(inputs[:2]):
        scene = cells((62, 62), np.random.default_rng(seed))
        y, _ = photon_counts(scene, KERNEL, 300, np.random.default_rng(seed))
        io.write(path, io.Volume(y, "YX", VOXELS), {})
    inputs[2].write_bytes(b"no TIFF")
    events = run_batch(
        plan(inputs, folder / "out"),
        Settings(kernel_prior=Known(), iterations=4),
        References(psf=io.Volume(KERNEL, "YX", VOXELS)),
    )
    for event in events:
        if hasattr(event, "status"):
            report = event.outputs[-1].name if event.outputs else ""
            listed.append(Listed(str(event.path), event.status, event.message, report))
    return folder / "out", listed


def test_a_run_is_reported_whole(batch):
    folder, listed = batch
    page, rows, record, written = made(folder, listed=listed)
    assert (written.files, written.failed, written.told) == (3, 1, ())
    assert [row["status"] for row in rows] == ["done", "done", "failed"]
    for row, file in zip(rows[:2], record["files"], strict=False):
        assert float(row["fwhm_x_um"]) == pytest.approx(psf_figures(KERNEL, VOXELS).fwhm[-1], rel=1e-3)
        assert float(row["fwhm_x_px"]) == pytest.approx(10 * float(row["fwhm_x_um"]), rel=1e-3)
        assert 0.9 < float(row["flux_ratio"]) < 1.1
        assert 0.2 < float(row["detail_before"]) < 2
        assert len(row["sha256"]) == 64
        assert float(row["seconds"]) > 0
        assert "--settings" in row["command"]
        assert file["channels"][0]["detail"]["curve_before"][0] > 0.9
    assert rows[2]["message"]
    assert rows[2]["message"] in page.words
    assert page.tags.count("article") == 3


def test_names_are_text_and_the_page_needs_nothing_else(tmp_path):
    for number, name in enumerate(HOSTILE):
        put(tmp_path, f"{number}", input={"file": name}, warnings=[name], choice=name, device=name)
    listed = [Listed(f"/data/{name}", "failed", name) for name in HOSTILE]
    page, rows, record, written = made(tmp_path, listed=listed)
    assert page.tags.count("script") == 1
    allowed = {"src": "data:image/png;base64,", "href": "#file-"}
    for tag, name, value in page.attributes:
        assert not name.startswith("on"), (tag, name)
        assert name not in allowed or value.startswith(allowed[name]), value
    assert {value for _, name, value in page.attributes if name == "src"}
    policy = next(value for _, name, value in page.attributes if name == "content" and "default-src" in value)
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    for shown in ("<script>alert(1)<script>.tif", "caf\\xe9 \\x1b[31m red.tif", "\\u202efit.tif", "{{ 7 * 7 }}.tif"):
        assert shown in page.words
    assert all(letter.isprintable() or letter in "\n\xa0" for letter in "".join(page.text))
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values() if not _number(cell))
    assert {file["name"] for file in record["files"]} == set(HOSTILE)
    assert len(written.paths[0].read_bytes()) < 400_000


def _number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_what_differs_is_marked_and_what_does_not_is_not(tmp_path):
    for seed in range(7):
        grown = 4 * (1 + 0.02 * np.random.default_rng(seed).normal())
        put(tmp_path, f"file{seed}", gaussian_kernel((15, 15), np.eye(2) * grown))
    put(tmp_path, "wide", gaussian_kernel((15, 15), np.diag([4.0, 9.0])))
    # Widths alike and a shape that is not: a second spot.
    twice = KERNEL + 0.9 * np.roll(KERNEL, 5, 0)
    put(tmp_path, "double", twice / twice.sum())
    put(tmp_path, "other_channel", np.stack([KERNEL, gaussian_kernel((15, 15), np.eye(2))]), "CYX", kernel=[{}, {}])
    page, rows, _, written = made(tmp_path)
    assert {row["file"] for row in rows if row["psf_differs"]} == {"wide.tif", "double.tif"}
    assert written.differing == 2
    assert "along x" in next(row["psf_differs"] for row in rows if row["file"] == "wide.tif")
    assert "wider along x than the rest" in page.words


@given(
    seed=st.integers(0, 99),
    count=st.integers(4, 12),
    shift=st.lists(st.integers(-3, 3), min_size=2, max_size=2),
    gain=st.floats(0.1, 10),
)
@settings(max_examples=15, deadline=None)
def test_a_median_psf_knows_no_shift_and_no_scale(seed, count, shift, gain):
    rng = np.random.default_rng(seed)
    psfs = [gaussian_kernel((13, 13), np.eye(2) * (3 + rng.uniform())) for _ in range(count)]
    moved = [gain * np.roll(np.pad(psf, 4), shift, (0, 1)) for psf in psfs]
    middle = median_psf(psfs)
    same = median_psf(moved)
    cut = tuple(slice((n - m) // 2, (n + m) // 2) for n, m in zip(same.shape, middle.shape, strict=True))
    np.testing.assert_allclose(same[cut], middle, atol=1e-6)
    assert distances_to_median(psfs).max() < 0.3


@given(values=st.lists(st.floats(1, 2), min_size=5, max_size=30), far=st.floats(50, 1e6))
@settings(max_examples=50, deadline=None)
def test_one_far_value_is_found_and_moves_no_other(values, far):
    alone, scores = modified_z(values, 0.01), modified_z([*values, far], 0.01)
    assert abs(scores[-1]) > 3.5
    assert np.argmax(np.abs(scores)) == len(values)
    assert modified_z([3.0] * 5, 0.01).tolist() == [0.0] * 5
    assert (np.abs(alone) < np.abs(scores[-1])).all()


def test_few_psfs_are_not_judged():
    figures = [psf_figures(gaussian_kernel((15, 15), np.eye(2) * s), VOXELS) for s in (1.0, 4.0, 9.0)]
    records = [Record(str(i), channels=(Channel(0, taps=KERNEL, figures=f),)) for i, f in enumerate(figures)]
    assert not any(record.differs for record in marked(records))


def test_theory_is_that_of_the_optics(tmp_path):
    microscope = Microscope(na=1.2, emission_um=0.52, immersion_index=1.333)
    ideal = ideal_psf(microscope.optics({}), (15, 15), VOXELS).numpy()
    put(tmp_path, "ideal", ideal)
    put(tmp_path, "blurred", gaussian_kernel((15, 15), np.eye(2) * 4))
    # Of files that say so themselves, what they say counts: an aperture that was fitted.
    prior = Microscope(na=None, emission_um=0.52, immersion_index=1.333)
    found = {"parameters": {"na": {"value": 0.6, "error": 0.02, "unit": ""}}}
    put(tmp_path, "own", ideal, settings=settings_to_dict(Settings(kernel_prior=prior)), kernel=found)
    put(tmp_path, "lengthless", ideal, voxels=None)
    _, rows, _, _ = made(tmp_path, microscope=microscope)
    by_name = {row["file"]: row for row in rows}
    assert float(by_name["ideal.tif"]["over_theory_x"]) == pytest.approx(1, abs=1e-3)
    assert float(by_name["blurred.tif"]["over_theory_x"]) > 1.5
    assert float(by_name["own.tif"]["theory_x_um"]) > 1.6 * float(by_name["ideal.tif"]["theory_x_um"])
    assert by_name["lengthless.tif"]["theory_x_um"] == by_name["lengthless.tif"]["fwhm_x_um"] == ""
    assert float(by_name["lengthless.tif"]["fwhm_x_px"]) > 0
    _, rows, _, _ = made(tmp_path)
    assert {row["file"] for row in rows if row["theory_x_um"]} == {"own.tif"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"kernel": None, "trust": "none", "warnings": 3, "frc": [1], "seconds": "long"},
        {"kernel": [1, 2], "trust": [[{}]], "noise": [None], "ranking": [[{"kind": 3}]], "flux_ratio": True},
        {"frc": {"frequency": [1, 2], "before": [1], "after": [1, 2]}, "versions": [], "references": 1, "plan": 1},
        {"input": {"file": ["x"], "shape": "x", "sha256": 1}, "kernel": {"parameters": {"na": 3}}},
        {"choice": {"a": 1}, "field": {"reason": 3}, "seconds": float("nan"), "device": None},
    ],
)
def test_a_report_that_says_nonsense_is_shown_without_it(tmp_path, wrong):
    put(tmp_path, "a")
    put(tmp_path, "b", **wrong)
    _, rows, _, written = made(tmp_path)
    assert {row["report"] for row in rows} == {"a_report.json", "b_report.json"}
    assert written.files == 2


def test_what_cannot_be_read_is_said_and_the_rest_is_there(tmp_path):
    put(tmp_path, "good")
    put(tmp_path, "lost")
    (tmp_path / "lost_psf.ome.tif").unlink()
    (tmp_path / "torn_report.json").write_text("{")
    (tmp_path / "beads_psf_report.json").write_text('{"used": 3}')
    (tmp_path / "batch.json").write_text("[]")
    page, rows, record, written = made(tmp_path)
    assert [row["file"] for row in rows] == ["good.tif", "lost.tif"]
    assert len(written.told) == 3
    assert all(word in page.words for word in ("torn_report.json", "lost_psf.ome.tif", "batch.json"))
    assert record["notes"] == list(written.told)


def test_no_name_in_a_report_leads_out_of_the_folder(tmp_path):
    put(tmp_path / "elsewhere", "secret")
    put(tmp_path / "out", "a", outputs=["../elsewhere/secret_psf.ome.tif"], references={"psf": "../elsewhere/x"})
    (tmp_path / "out" / "a_psf.ome.tif").unlink()
    _, rows, _, written = made(tmp_path / "out")
    assert rows[0]["fwhm_x_um"] == ""
    assert {path.parent for path in written.paths} == {tmp_path / "out"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "out"]


def test_a_batch_file_names_inputs_and_failures(tmp_path):
    put(tmp_path, "cell")
    done = {"input": "/data/my cells/cell.tif", "status": "done", "message": "", "outputs": ["/old/cell_report.json"]}
    failed = {"input": "/data/x.tif", "status": "failed", "message": "is no image", "outputs": []}
    io.write_json(tmp_path / "batch.json", {"files": [done, failed, 3], "inputs": 2})
    _, rows, _, _ = made(tmp_path)
    assert [(row["file"], row["status"]) for row in rows] == [("cell.tif", "done"), ("x.tif", "failed")]
    assert "'/data/my cells/cell.tif'" in rows[0]["command"]


@pytest.mark.parametrize("name", FILES)
def test_only_its_own_files_are_replaced_unless_that_is_allowed(tmp_path, name):
    put(tmp_path, "a")
    write_report(tmp_path)
    before = {file: (tmp_path / file).read_bytes() for file in FILES}
    write_report(tmp_path)
    assert {file: (tmp_path / file).read_bytes() for file in FILES} == before
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=re.escape(name)):
        write_report(tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    write_report(tmp_path, overwrite=True)
    assert (tmp_path / name).read_bytes() == before[name]
    assert not list(tmp_path.glob(".*"))


def test_a_link_is_replaced_not_followed(tmp_path):
    put(tmp_path / "out", "a")
    target = tmp_path / "target.html"
    target.write_text('<meta name="generator" content="napari-blind-deconv report">')
    (tmp_path / "out" / "report.html").symlink_to(target)
    with pytest.raises(InputError):
        write_report(tmp_path / "out")
    write_report(tmp_path / "out", overwrite=True)
    assert target.stat().st_size < 100
    assert not (tmp_path / "out" / "report.html").is_symlink()


def test_from_a_terminal(tmp_path):
    put(tmp_path, "a")
    ran = CliRunner().invoke(app, ["report", str(tmp_path), "--na", "1.2", "--emission-um", "0.52", "--json"])
    assert ran.exit_code == 0
    found = json.loads(ran.stdout)
    assert (found["files"], found["failed"], found["differing"]) == (1, 0, 0)
    assert [path.rpartition("/")[2] for path in found["outputs"]] == list(FILES)
    here = str(tmp_path)
    optics = [here, "--emission-um", "0.5", "--na"]
    for refused in (
        [f"{here}/none"],
        [here, "--na", "1.2"],
        [*optics, "7"],
        [*optics, "1.2", "--modality", "confocal"],
    ):
        ran = CliRunner().invoke(app, ["report", *refused])
        assert isinstance(ran.exception, InputError)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no report of a run"):
        write_report(tmp_path / "empty")
