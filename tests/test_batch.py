"""Many files: planned without harm, restored one by one, and a bad one does not stop the rest."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError, Progress
from napari_blind_deconv.batch import (
    FileReport,
    FileStarted,
    find_inputs,
    plan,
    read_references,
    run_batch,
)
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.settings import Settings

QUICK = Settings(kernel_size=(5,), iterations=2)


def picture(shape=(24, 26), seed=0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1).astype(np.float32)


def written(path: Path, data=None, axes="YX", voxel_size_um=(0.2, 0.1)) -> Path:
    io.write(path, io.Volume(picture() if data is None else data, axes, voxel_size_um), {})
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("b.tif", "a.ome.tif", "a_restored.ome.tif", "a_psf.ome.tif", ".hidden.tif"):
        written(tmp_path / "in" / name)
    (tmp_path / "in" / "notes.txt").write_text("not an image")
    return tmp_path / "in"


def test_folders_and_patterns_leave_out_what_we_wrote(folder):
    assert [p.name for p in find_inputs([folder])] == ["a.ome.tif", "b.tif"]
    assert [p.name for p in find_inputs([f"{folder}/*.tif"])] == ["a.ome.tif", "b.tif"]
    assert [p.name for p in find_inputs([f"{folder.parent}/**/b*.tif"])] == ["b.tif"]


def test_a_file_is_taken_once_and_one_that_is_named_is_taken(folder):
    found = find_inputs([folder / "b.tif", folder, f"{folder}/../in/b.tif", folder / "a_psf.ome.tif"])
    assert [p.name for p in found] == ["b.tif", "a.ome.tif", "a_psf.ome.tif"]


def test_a_name_with_brackets_is_a_name(tmp_path):
    written(tmp_path / "a[1].tif")
    assert find_inputs([tmp_path / "a[1].tif"]) == [tmp_path / "a[1].tif"]


def test_what_fits_nothing_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no image"):
        find_inputs([tmp_path / "empty"])
    with pytest.raises(InputError, match="fits no image"):
        find_inputs([f"{tmp_path}/*.tif"])


def test_results_are_named_after_the_stem(tmp_path):
    (job,) = plan([Path("x/a.ome.tif")], tmp_path)
    assert [p.name for p in job.outputs] == ["a_restored.ome.tif", "a_psf.ome.tif", "a_report.json"]
    assert all(p.parent == tmp_path for p in job.outputs)


@pytest.mark.parametrize("other", ["y/a.tif", "x/A.ome.tif", "x/a.tiff"])
def test_results_of_one_name_are_refused(tmp_path, other):
    with pytest.raises(InputError, match=r"would both write .*; rename one"):
        plan([Path("x/a.ome.tif"), Path(other)], tmp_path)


def test_no_input_is_overwritten(tmp_path):
    inputs = [tmp_path / "a.tif", tmp_path / "a_restored.ome.tif"]
    with pytest.raises(InputError, match="is an input and would be overwritten"):
        plan(inputs, tmp_path)
    with pytest.raises(InputError, match="is an input and would be overwritten"):
        plan(inputs[:1], tmp_path / "." / "..", keep=[tmp_path / ".." / "a_psf.ome.tif"])


def test_names_too_long_are_refused_before_the_work(tmp_path):
    with pytest.raises(InputError, match="too long"):
        plan([Path("a" * 245 + ".tif")], tmp_path)


def test_one_bad_file_does_not_stop_the_rest(tmp_path):
    good = [written(tmp_path / "a.tif"), written(tmp_path / "c.tif", picture((5, 20, 21)), "CYX")]
    (tmp_path / "b.tif").write_bytes(good[0].read_bytes()[:500])
    out = tmp_path / "out"
    events = list(run_batch(plan([good[0], tmp_path / "b.tif", good[1]], out), QUICK))
    reports = [event for event in events if isinstance(event, FileReport)]
    assert [(r.path.name, r.status, r.refused) for r in reports] == [
        ("a.tif", "done", False), ("b.tif", "failed", True), ("c.tif", "done", False)
    ]  # fmt: skip
    assert "truncated or damaged" in reports[1].message
    assert [e.index for e in events if isinstance(e, FileStarted)] == [1, 2, 3]
    assert sum(isinstance(e, Progress) for e in events) > 4
    assert names(out) == sorted(p.name for r in reports for p in r.outputs)


def test_files_written_hold_image_psf_and_how_they_were_made(tmp_path):
    stack = written(tmp_path / "a.tif", picture((2, 6, 20, 21)), "CZYX", (0.3, 0.1, 0.2))
    (report,) = [e for e in run_batch(plan([stack], tmp_path / "out"), QUICK) if isinstance(e, FileReport)]
    restored, psf = (io.read(path) for path in report.outputs[:2])
    assert (restored.axes, restored.data.shape, restored.data.dtype) == ("CZYX", (2, 6, 20, 21), np.float32)
    assert (psf.axes, psf.data.shape) == ("CZYX", (2, 5, 5, 5))
    assert restored.voxel_size_um == psf.voxel_size_um == pytest.approx((0.3, 0.1, 0.2))
    np.testing.assert_allclose(psf.data.sum((1, 2, 3)), 1, rtol=1e-5)
    said = json.loads(report.outputs[2].read_text())
    assert restored.description["provenance"]["settings"] == said["settings"]
    assert said["input"]["file"] == "a.tif"
    assert {"seconds", "peak_memory_mb", "noise_sigma", "kernel", "warnings", "versions", "seed"} <= set(said)


def test_maps_are_written_where_asked_for_and_are_no_inputs_of_the_next_run(tmp_path):
    image = written(tmp_path / "a.tif", picture((20, 21)), "YX", (0.1, 0.2))
    known = Settings(kernel_size=(5,), iterations=2)
    for maps in (False, True):
        out = tmp_path / str(maps)
        (report,) = [e for e in run_batch(plan([image], out, maps=maps), known) if isinstance(e, FileReport)]
        endings = ["residual", "prior_share"] if maps else []
        assert [p.name for p in report.outputs[2:-1]] == [f"a_{name}.ome.tif" for name in endings]
        assert names(out) == sorted(p.name for p in report.outputs) == sorted(report.report["outputs"])
        for path in report.outputs[2:-1]:
            read = io.read(path)
            assert (read.axes, read.data.shape, read.data.dtype) == ("YX", (20, 21), np.float32)
            assert read.voxel_size_um == pytest.approx((0.1, 0.2))
        with pytest.raises(InputError, match="holds no image"):
            find_inputs([out])


def test_planes_share_a_psf_without_z_and_keep_their_step(tmp_path):
    stack = written(tmp_path / "a.tif", picture((4, 20, 21)), "ZYX", (0.3, 0.1, 0.2))
    settings = Settings(kernel_size=(5,), iterations=2, planes=True)
    (report,) = [e for e in run_batch(plan([stack], tmp_path / "out"), settings) if isinstance(e, FileReport)]
    restored, psf = (io.read(path) for path in report.outputs[:2])
    assert restored.voxel_size_um == pytest.approx((0.3, 0.1, 0.2))
    assert (psf.axes, psf.data.shape, psf.voxel_size_um) == ("YX", (5, 5), pytest.approx((0.1, 0.2)))


def test_axes_and_voxels_may_be_said_instead_of_read(tmp_path):
    movie = written(tmp_path / "a.tif", picture((4, 20, 21)), "ZYX", (0.3, 0.1, 0.2))
    events = run_batch(plan([movie], tmp_path / "out"), QUICK, axes="tyx", voxel_size_um=(0.5, 0.5))
    (report,) = [e for e in events if isinstance(e, FileReport)]
    restored = io.read(report.outputs[0])
    assert (restored.axes, restored.voxel_size_um) == ("TYX", pytest.approx((0.5, 0.5)))


def test_references_are_compared_with_and_named(tmp_path):
    observed, truth = written(tmp_path / "a.tif"), written(tmp_path / "t.tif")
    psf = written(tmp_path / "k.tif", np.ones((3, 3)))
    references = read_references(psf=psf, truth=truth, true_psf=psf)
    jobs = plan([observed], tmp_path / "out", keep=[psf, truth])
    events = list(run_batch(jobs, Settings(kernel_prior=Known(), iterations=2), references))
    assert events[-1].report["metrics"]["ke"] == 0
    assert events[-1].report["references"] == {"psf": "k.tif", "truth": "t.tif", "true_psf": "k.tif"}


def test_stopping_between_steps_leaves_nothing(tmp_path):
    events = run_batch(plan([written(tmp_path / "a.tif")], tmp_path / "out"), QUICK)
    while not isinstance(next(events), Progress):
        pass
    events.close()
    assert names(tmp_path) == ["a.tif"]


def test_a_folder_that_cannot_be_written_to_is_refused_before_any_file_is_read(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="output folder"):
        next(run_batch(plan([tmp_path / "missing.tif"], tmp_path / "out"), QUICK))


def test_what_needs_too_much_memory_is_refused_by_its_header(tmp_path):
    jobs = plan([written(tmp_path / "a.tif")], tmp_path / "out")
    *_, report = run_batch(jobs, QUICK, max_memory_gb=0.01)
    assert report.refused
    assert "even in the smallest blocks, but max_memory_gb" in report.message
    assert names(tmp_path) == ["a.tif"]
