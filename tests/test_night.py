"""Many files overnight: killed and continued, done once, a hostile folder, and the same bytes whatever the order."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import ndimage

from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv.batch import (
    JOURNAL,
    Batch,
    FileReport,
    FileWork,
    ReferenceFiles,
    Said,
    forecasts,
    prepared,
    read_journal,
    restore_file,
    run,
    states,
    table_of,
)
from napari_blind_deconv.cli import main
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Gaussian, Known
from napari_blind_deconv.restoration import RichardsonLucyRestorer

QUICK = Settings(kernel_size=(5,), iterations=2)
KNOWN = Settings(kernel_prior=Known(psf="k.tif"), restorer=RichardsonLucyRestorer(steps_taken=2), image_prior=NoPrior())


def picture(seed=0, shape=(20, 21)) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1).astype(np.float32)


def written(path: Path, seed=0, axes="YX", shape=(20, 21)) -> Path:
    io.write(path, io.Volume(picture(seed, shape), axes), {})
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Four images and the PSF that they share, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for seed in range(4):
        written(Path(f"in/s{seed}.tif"), seed)
    taps = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    io.write(Path("k.tif"), io.Volume(taps, "YX"), {})
    return tmp_path


def batch(*names, output="out", settings=KNOWN, **others) -> Batch:
    references = ReferenceFiles(psf=Path("k.tif") if settings is KNOWN else None)
    return Batch(names or ("in",), Path(output), settings, references, **others)


def reports(asked: Batch, **options) -> list[FileReport]:
    return [event for event in run(prepared(asked), **options) if isinstance(event, FileReport)]


def told(found: list[FileReport]) -> list[tuple[str, str, bool]]:
    return [(r.path.name, r.status, r.skipped) for r in found]


def images(output: str) -> dict[str, bytes]:
    """All files but reports, which hold times, and lists."""
    return {
        p.name: p.read_bytes()
        for p in sorted(Path(output).iterdir())
        if p.suffix not in (".csv", ".html", ".json", ".jsonl")
    }


def leftovers(output: str) -> list[str]:
    return [p.name for p in Path(output).iterdir() if p.name.startswith(".")]


# --- Done once


def test_what_is_done_is_skipped_and_what_is_not_is_refused(folder):
    first = reports(batch())
    assert [r.skipped for r in first] == [False] * 4
    before = {p.name: p.read_bytes() for p in Path("out").iterdir() if p.name != JOURNAL}
    again = reports(batch())
    assert told(again) == [(f"s{i}.tif", "done", True) for i in range(4)]
    assert [r.outputs for r in again] == [r.outputs for r in first]
    assert {p.name: p.read_bytes() for p in Path("out").iterdir() if p.name != JOURNAL} == before
    other = replace(KNOWN, restorer=RichardsonLucyRestorer(steps_taken=3))
    changed = replace(batch(), settings=other)
    with pytest.raises(InputError, match=r"s0_restored.ome.tif is there already.*3 more.*other settings"):
        reports(changed)
    assert told(reports(replace(changed, overwrite=True))) == [(f"s{i}.tif", "done", False) for i in range(4)]
    # The same command again: also with permission to replace, what is done is done.
    assert all(r.skipped for r in reports(replace(changed, overwrite=True)))


def test_an_image_is_known_by_its_bytes_and_maps_go_with_their_result(folder):
    reports(batch(maps=True))
    assert Path("out/s0_residual.ome.tif").exists()
    os.utime("in/s0.tif", (1, 1))
    written(Path("in/s1.tif"), 9)
    found = {s.work.job.path.name: (s.status, s.why) for s in states(prepared(batch(maps=True)))}
    assert found["s0.tif"] == ("done", "")
    assert found["s1.tif"][0] == "refused"
    assert "its image has other pixels by now" in found["s1.tif"][1]
    # Without maps it is another result, which must not lie beside them.
    with pytest.raises(InputError, match="other settings"):
        reports(batch())
    reports(batch(overwrite=True))
    assert [name for name in images("out") if "residual" in name] == []
    # A PSF of another content is another reference, whatever its name.
    io.write(Path("k.tif"), io.Volume(np.ones((3, 3), np.float32), "YX"), {})
    assert {s.status for s in states(prepared(batch()))} == {"refused"}


def test_a_list_grows_and_is_not_replaced_by_another_folder_s(folder):
    reports(batch("in/s0.tif", "in/s1.tif"))
    reports(batch("in/s2.tif", "in/s3.tif"))
    found = json.loads(Path("out/batch.json").read_text())
    page = json.loads(Path("out/report.json").read_text())
    assert len(page["files"]) == len(found["files"])
    assert all(Path(entry["input"]).name in Path("out/report.html").read_text() for entry in found["files"])
    assert [entry["input"] for entry in found["files"]] == [f"in/s{i}.tif" for i in range(4)]
    assert found["inputs"] == 4


def test_one_file_leaves_no_journal_and_a_refused_run_writes_nothing(folder):
    reports(batch("in/s0.tif"))
    assert sorted(p.name for p in Path("out").iterdir()) == ["s0_psf.ome.tif", "s0_report.json", "s0_restored.ome.tif"]
    before = {p: p.read_bytes() for p in Path("out").iterdir()}
    with pytest.raises(InputError, match="is there already"):
        reports(replace(batch("in/s0.tif"), maps=True))
    assert {p: p.read_bytes() for p in Path("out").iterdir()} == before


def test_only_what_failed_is_tried_again_and_a_run_may_stop_at_the_first(folder):
    good = Path("in/s1.tif").read_bytes()
    Path("in/s1.tif").write_bytes(good[:300])
    assert [s for _, s, _ in told(reports(batch(fail_fast=True)))] == ["done", "failed"]
    assert sorted(s for _, s, _ in told(reports(batch()))) == ["done", "done", "done", "failed"]
    assert told(reports(batch(retry=True))) == [("s1.tif", "failed", False)]
    Path("in/s1.tif").write_bytes(good)
    assert told(reports(batch(retry=True))) == [("s1.tif", "done", False)]
    assert prepared(batch(retry=True)).works == ()
    assert [e["status"] for e in json.loads(Path("out/batch.json").read_text())["files"]] == ["done"] * 4


def test_whatever_a_file_raises_the_rest_go_on_but_for_what_ends_a_run(folder, monkeypatch):
    from napari_blind_deconv.batch import one_file

    original, errors = one_file.deconvolve_steps, [RecursionError(), KeyError("x"), AssertionError("y")]

    def broken(source, *a, **k):
        if errors and "s3" not in str(source.path):
            raise errors.pop()
        return original(source, *a, **k)

    monkeypatch.setattr(one_file, "deconvolve_steps", broken)
    assert [s for _, s, _ in told(reports(batch()))] == ["failed"] * 3 + ["done"]
    errors.append(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        reports(batch(output="other"))
    assert leftovers("out") == []
    assert not Path("other").exists() or leftovers("other") == []


def test_a_full_disk_is_one_sentence_and_what_is_done_stays(folder, monkeypatch):
    def room(_: object) -> SimpleNamespace:
        return SimpleNamespace(free=0 if Path("out/s1_report.json").exists() else 10**12)

    monkeypatch.setattr(shutil, "disk_usage", room)
    with pytest.raises(InputError, match="has not enough space"):  # for the list, too
        reports(batch())
    found = read_journal(Path("out"))
    assert [e["event"] for e in found if e["event"] in ("done", "failed")] == ["done", "done", "failed", "failed"]
    assert all("has not enough space: " in e["message"] and e["refused"] for e in found if e["event"] == "failed")
    assert leftovers("out") == []


# --- Killed


COMMAND = ("run", "in", "-o", "out", "--psf", "k.tif", "--solver", "richardson-lucy", "--image-prior", "none")


def started(*arguments: str) -> subprocess.Popen:
    code = "from napari_blind_deconv.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal")
def test_killed_at_random_moments_and_continued_it_ends_as_if_undisturbed(folder, call):
    assert call(*[a if a != "out" else "whole" for a in COMMAND])[0] == 0
    rng = random.Random(0)
    for number in range(2):
        process = started(*COMMAND)
        journal = Path("out") / JOURNAL
        while process.poll() is None and not (journal.exists() and len(read_journal(Path("out"))) > 2 * number):
            time.sleep(0.005)
        time.sleep(0.15 * rng.random())
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert call(*COMMAND)[0] == 0
    assert images("out") == images("whole")
    assert leftovers("out") == []
    # Of what was being done when it was killed, and of nothing else, more was begun than ended.
    entries = read_journal(Path("out"))
    begun = sum(e["event"] == "started" for e in entries)
    assert begun - sum(e["event"] == "done" for e in entries) <= 2
    assert [e["input"] for e in json.loads(Path("out/batch.json").read_text())["files"]] == [
        f"in/s{i}.tif" for i in range(4)
    ]


@pytest.fixture
def call(monkeypatch, capsys):
    """Run a command line in this process; gives exit code, stdout and stderr."""
    handler = signal.getsignal(signal.SIGTERM)

    def run_line(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["blind-deconv", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    yield run_line
    signal.signal(signal.SIGTERM, handler)


# --- A hostile folder


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_a_hostile_folder_is_told_file_by_file_and_the_rest_is_done(folder, call):
    good = Path("in/s0.tif").read_bytes()
    Path("in/corrupt.tif").write_bytes(good[:200] + bytes(reversed(good[200:])))
    Path("in/cut.tif").write_bytes(good[: len(good) // 2])
    Path("in/empty.tif").touch()
    Path("in/text.tif").write_text("no image\n" * 50)
    Path("in/loop.tif").symlink_to("loop.tif")
    Path("in/gone.tif").symlink_to("nowhere.tif")
    os.mkfifo("in/pipe.tif")
    terabyte(Path("in/terabyte.tif"))
    Path("in/folder.tif").mkdir()
    Path("in/bad.zarr").mkdir()
    odd = os.fsdecode(b"in/caf\xe9.tif")
    try:
        Path(odd).write_bytes(good)
    except OSError:
        odd = ""
    code, out, err = call(*COMMAND, "--json")
    assert code == 1
    found = {Path(entry["input"]).name: entry for entry in json.loads(out)["files"]}
    bad = {"corrupt.tif", "cut.tif", "empty.tif", "text.tif", "loop.tif", "gone.tif", "pipe.tif", "terabyte.tif"}
    assert {name for name, entry in found.items() if entry["status"] == "failed"} == bad | {"bad.zarr"}
    assert len(found) == len(bad) + 1 + 4 + bool(odd)
    for name in bad:
        message = found[name]["message"]
        assert message.count("\n") == 0
        assert "Error" not in message
        assert "fault of this program" not in message, message
    assert f"{len(bad) + 1} of {len(found)} files failed, the rest are done" in err
    assert leftovers("out") == []
    # The plan says the same before.
    expected = forecasts(states(prepared(batch())))
    assert {Path(one.label).name for one in expected if one.status == "fails"} >= bad - {"corrupt.tif"}


def terabyte(path: Path) -> None:
    """A small file whose header promises a terabyte of pixels."""
    import struct

    tags = [(256, 4, 1, 1 << 20), (257, 4, 1, 1 << 20), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)]
    tags += [(273, 4, 1, 200), (277, 3, 1, 1), (278, 4, 1, 1 << 20), (279, 4, 1, 4_000_000_000)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    path.write_bytes(struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", len(tags)) + entries + bytes(200))


# --- What goes in


def test_results_are_no_inputs_whatever_they_are_called(folder):
    reports(batch("in/s0.tif", maps=True))
    names = {"restored": "x.tif", "psf": "y.tif", "residual": "z.tif"}
    for ending, name in names.items():
        Path(f"out/s0_{ending}.ome.tif").rename(Path("in") / name)
    found = table_of(["in", Path("in/x.tif"), Path("in/y.tif")])
    assert [item.path.name for item in found.items] == [f"s{i}.tif" for i in range(4)]
    assert {path.name: reason.partition("(")[2] for path, reason in found.left_out} == {
        "x.tif": "restored image)", "y.tif": "point spread function)", "z.tif": "residual)"
    }  # fmt: skip
    with pytest.raises(InputError, match=r"is a result of this program \(restored image\)"):
        table_of([Path("in/x.tif")])
    Path("k.tif").rename("in/k.tif")
    assert "k.tif" not in [item.path.name for item in table_of(["in"], [Path("in/k.tif")]).items]


def test_plates_wells_and_files_of_several_images_stand_for_their_images(folder):
    plate = Path("plate.zarr")
    for well in ("A/1", "B/2"):
        for field in "01":
            written(plate / well / f"{field}.zarr", 3).rename(plate / well / field)
        attributes = {"ome": {"version": "0.5", "well": {"images": [{"path": "0"}, {"path": "1"}]}}}
        group(plate / well, attributes)
    wells = [{"path": "A/1", "rowIndex": 0, "columnIndex": 0}, {"path": "B/2", "rowIndex": 1, "columnIndex": 1}]
    group(plate, {"ome": {"version": "0.5", "plate": {"wells": wells}}})
    expected = [plate / well / field for well in ("A/1", "B/2") for field in "01"]
    assert [item.path for item in table_of([plate]).items] == expected
    assert [item.path for item in table_of([plate / "A/1"]).items] == expected[:2]
    tifffile = pytest.importorskip("tifffile")
    with tifffile.TiffWriter("two.ome.tif", ome=True) as file:
        for seed in range(2):
            file.write(picture(seed), metadata={"axes": "YX"})
    assert [(item.path.name, item.image) for item in table_of(["two.ome.tif"]).items] == [
        ("two.ome.tif", 0), ("two.ome.tif", 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(io.open(Path("two.ome.tif"), 1).read(), picture(1))
    found = reports(batch("two.ome.tif", plate))
    assert [r.status for r in found] == ["done"] * 6
    assert [r.outputs[0].name for r in found[:3]] == [
        "two_0_restored.ome.tif", "two_1_restored.ome.tif", "plate_A_1_0_restored.ome.tif"
    ]  # fmt: skip
    assert found[1].report["input"]["image"] == 1
    assert all(r.skipped for r in reports(batch("two.ome.tif", plate)))


def group(path: Path, attributes: dict) -> None:
    path.mkdir(parents=True, exist_ok=True)
    (path / "zarr.json").write_text(json.dumps({"zarr_format": 3, "node_type": "group", "attributes": attributes}))


def test_a_dry_run_says_what_would_be_and_writes_nothing(folder, call):
    reports(batch("in/s0.tif"))
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    code, out, _ = call(*COMMAND, "--dry-run")
    assert code == 2  # s0 was made with other settings
    assert "1 refused" in out
    code, out, _ = call(*[a if a != "out" else "new" for a in COMMAND], "--dry-run", "--json")
    told_of = json.loads(out)
    assert code == 0
    assert [(e["status"], e["words"]) for e in told_of["files"]] == [("to do", "in one piece")] * 4
    assert told_of["disk_bytes"] > 4 * 4 * 20 * 21
    assert all(e["predicted_gb"] > 0 for e in told_of["files"])
    assert {p: p.stat().st_mtime_ns for p in folder.rglob("*")} == before


def test_parts_with_psfs_of_their_own_take_the_time_of_all_and_the_memory_of_one(folder):
    written(Path("movies/m.ome.tif"), 0, "TYX", (6, 200, 210))
    one, each, drifting = (
        forecasts(states(prepared(batch("movies", settings=replace(QUICK, kernel_prior=Gaussian(), **how)))))[0]
        for how in ({}, {"share_psf": "none"}, {"psf_drift": 2})
    )
    assert (one.words, each.words, drifting.words) == (
        "in one piece",
        "6 PSFs, each in one piece",
        "3 PSFs, each in one piece",
    )
    assert each.gigabytes < drifting.gigabytes < one.gigabytes
    assert each.seconds > one.seconds
    assert len({found.disk_bytes for found in (one, each, drifting)}) == 1


# --- The same, whatever the order


@pytest.mark.slow
def test_threads_change_large_images_by_less_than_a_thousandth(folder):
    image = picture(0, (730, 730))
    found, threads = [], torch.get_num_threads()
    try:
        for number in (1, 2, 4):
            torch.set_num_threads(number)
            settings = Settings(kernel_prior=Known(), iterations=2)
            found.append(deconvolve(image, settings, psf=io.read(Path("k.tif")).data, maps=False).image)
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], rtol=0, atol=1e-3 * np.abs(found[0]).max())


def test_order_and_threads_change_no_byte(folder):
    """Small images: torch works on them with one thread."""
    reports(batch("in/s0.tif", "in/s1.tif", settings=QUICK))
    threads = torch.get_num_threads()
    try:
        for number, names in ((2, ("in/s1.tif", "in/s0.tif")), (4, ("in/s[01].tif",))):
            torch.set_num_threads(number)
            reports(batch(*names, output=f"out{number}", settings=QUICK))
            assert images(f"out{number}") == images("out")
    finally:
        torch.set_num_threads(threads)


def test_a_file_s_work_is_plain_data_that_any_process_may_do(folder):
    found = prepared(batch("in/s0.tif"))
    work = FileWork.from_dict(json.loads(json.dumps(found.works[0].to_dict())))
    assert work == found.works[0]
    done = restore_file(replace(work, mark="0123456789ab-000001-"))
    assert (done.status, leftovers("out")) == ("done", [])
    assert restore_file(replace(work, said=Said(axes="ZZZ"))).status == "failed"
