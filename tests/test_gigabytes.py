"""From a file to a file, block by block: what is read, what is written, and what is left of a run that ends early."""

import errno
import importlib
import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from napari_blind_deconv import InputError, Settings, deconvolve, deconvolve_steps, io
from napari_blind_deconv.batch import FileReport, References, plan, run_batch
from napari_blind_deconv.forward import CameraNoiseModel
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.pipeline.ahead import Ahead
from napari_blind_deconv.pipeline.cutting import fitting
from napari_blind_deconv.pipeline.memory import Plan
from napari_blind_deconv.restoration import RichardsonLucyRestorer
from napari_blind_deconv.synthesis import beads, gaussian_kernel, photon_counts

PIPELINE = importlib.import_module("napari_blind_deconv.pipeline.recipe")
KERNEL = gaussian_kernel((5, 7, 7), np.diag([1.0, 1.2, 1.2])).astype(np.float32)
QUICK = Settings(
    kernel_prior=Known(),
    restorer=RichardsonLucyRestorer(steps_taken=3),
    image_prior=NoPrior(),
    likelihood=CameraNoiseModel(gain=1.0),
)
SHAPE = (20, 72, 80)


def volume(seed=0):
    rng = np.random.default_rng(seed)
    grown = tuple(n + k - 1 for n, k in zip(SHAPE, KERNEL.shape, strict=True))
    return photon_counts(0.05 + beads(grown, rng, count=60, width=1.5), KERNEL, 200, rng)[0].astype(np.float32)


@pytest.fixture
def in_blocks(monkeypatch):
    """Blocks of half of the canvas, and slabs and windows as small, whatever the memory."""

    def chosen(work, limit, device, *, maps=True):
        blocks = fitting(work, 0.55 * work.canvas(*work.shape[:1], work.shape[1:]))
        assert blocks is not None
        return Plan(work, device, blocks, maps, 0.0, 1.0, limit)

    monkeypatch.setattr(PIPELINE, "planned", chosen)
    monkeypatch.setattr("napari_blind_deconv.pipeline.sources.SLAB", 20_000)
    monkeypatch.setattr("napari_blind_deconv.pipeline.ahead._MOST", 0)
    monkeypatch.setattr("napari_blind_deconv.pipeline.surveying._SIDE", {3: 24})
    monkeypatch.setattr("napari_blind_deconv.crops._SIDE", {3: 24})
    monkeypatch.setattr("napari_blind_deconv.report._AT_ONCE", 20_000)


def written(folder, name, *, compression=None):
    path = folder / name
    io.write(path, io.Volume(volume(), "ZYX", (0.3, 0.1, 0.1)), {})
    if compression is not None:
        tifffile = pytest.importorskip("tifffile")
        tifffile.imwrite(path, volume(), compression=compression, metadata={"axes": "ZYX"}, ome=True)
    return path


def steps_of(path, folder, form="ome-tiff", *, maps=False):
    jobs = plan([path], folder, maps=maps, form=form)
    return jobs[0], run_batch(jobs, QUICK, References(psf=io.Volume(KERNEL, "ZYX")), max_memory_gb=1e3)


@pytest.mark.parametrize(
    ("name", "compression", "form"),
    [
        ("large.ome.tif", None, "ome-zarr"),
        ("large.ome.tif", "zlib", "ome-tiff"),
        ("large.ome.zarr", None, "ome-zarr-0.4"),
        ("large.ome.zarr", None, "ome-tiff"),
    ],
)
def test_a_file_in_blocks_gives_the_files_of_the_whole_and_is_never_read_whole(
    name, compression, form, tmp_path, in_blocks, monkeypatch
):
    path = written(tmp_path, name, compression=compression)
    largest, read = [0], io.Source.read

    def counted(self, region=None):
        part = read(self, region)
        largest[0] = max(largest[0], part.size)
        return part

    monkeypatch.setattr(io.Source, "read", counted)
    job, steps = steps_of(path, tmp_path / "out", form, maps=True)
    *_, report = steps
    assert report.status == "done", report.message
    assert largest[0] < 0.75 * math.prod(SHAPE)
    monkeypatch.undo()
    whole_job, steps = steps_of(path, tmp_path / "whole", "ome-tiff", maps=True)
    *_, whole = steps
    assert report.report["plan"]["blocks"] > 1
    assert whole.report["plan"]["blocks"] == 1
    assert report.report["input"] == whole.report["input"]
    inner = tuple(slice(4, -4) for _ in SHAPE)
    # The residual's unit is the noise, which blocks read from a few windows.
    for name, most in (("image", 1e-3), ("residual", 1e-2)):
        one, other = ({"image": j.restored, **j.maps}[name] for j in (job, whole_job))
        ours, theirs = io.read(one), io.read(other)
        assert (ours.axes, ours.data.dtype) == (theirs.axes, theirs.data.dtype)
        assert ours.voxel_size_um == theirs.voxel_size_um
        difference = (ours.data - theirs.data)[inner] / np.ptp(theirs.data[inner])
        assert np.sqrt(np.mean(difference**2)) <= most
        record = ours.description["provenance"]
        assert record["settings"] == report.report["settings"]
        assert record["role"] in {"restored image", "residual"}
    assert {path.name for path in job.restored.parent.iterdir()} == set(report.report["outputs"])
    assert json.loads(job.report.read_text())["plan"] == report.report["plan"]
    if form != "ome-tiff":
        finest, *coarser = io.levels(job.restored)
        assert all(level.read().mean() == pytest.approx(finest.read().mean(), rel=0.05) for level in coarser)


@given(moment=st.integers(0, 60), form=st.sampled_from(["ome-tiff", "ome-zarr"]))
@examples(max_examples=6, deadline=None)
def test_a_run_that_is_left_leaves_nothing(moment, form, tmp_path_factory):
    folder = tmp_path_factory.mktemp("left")
    path = written(folder, "large.ome.tif")
    _, steps = steps_of(path, folder / "out", form, maps=True)
    seen = list(itertools.islice(steps, moment))
    steps.close()
    if any(isinstance(event, FileReport) for event in seen):
        assert (folder / "out" / "large_report.json").exists()
        assert not [p for p in (folder / "out").iterdir() if p.name.startswith(".")]
    else:
        assert not (folder / "out").exists()


def test_a_disk_that_fills_up_while_blocks_are_written_is_said_and_nothing_stays(tmp_path, in_blocks, monkeypatch):
    path = written(tmp_path, "large.ome.tif")
    sink = type(io.create(tmp_path / "probe.ome.tif", replace(io.header(path)), {}))
    (tmp_path / "probe.ome.tif").unlink()

    def full(self, region, values):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(sink, "_write", full)
    _, steps = steps_of(path, tmp_path / "out")
    *_, report = steps
    assert report.status == "failed"
    assert "has not enough space" in report.message
    assert not (tmp_path / "out").exists()


def test_a_file_that_no_plan_has_room_for_is_refused_by_its_name(tmp_path):
    path = written(tmp_path, "large.ome.tif")
    jobs = plan([path], tmp_path / "out")
    *_, report = run_batch(jobs, QUICK, References(psf=io.Volume(KERNEL, "ZYX")), max_memory_gb=0.001)
    assert f"{path} of 20 × 72 × 80 pixels" in report.message
    assert report.refused


@pytest.mark.parametrize("form", ["ome-tiff", "ome-zarr", "ome-zarr-0.4"])
@pytest.mark.parametrize("axes", ["ZYX", "YXZ", "CZYX"])
def test_sinks_give_back_what_was_written(form, axes, tmp_path):
    shape = tuple({"C": 2, "Z": 5, "Y": 30, "X": 40}[a] for a in axes)
    values = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    header = io.Header(shape, values.dtype, axes, None, {})
    half = tuple(slice(n // 2) for n in shape)
    with io.create(tmp_path / f"image{io.WRITERS[form].suffix}", header, {}, form) as sink:
        sink.write(half, values[half])
        np.testing.assert_array_equal(sink.read(half), values[half])
        sink.write(None, values)
        np.testing.assert_array_equal(sink.read(), values)
        sink.record({"later": 1})
    found = io.read(tmp_path / f"image{io.WRITERS[form].suffix}")
    assert found.description["provenance"]["later"] == 1


@st.composite
def chunked(draw):
    shape = tuple(draw(st.integers(1, 12)) for _ in range(draw(st.integers(1, 3))))
    return shape, tuple(draw(st.integers(1, n)) for n in shape)


@given(drawn=chunked(), most=st.sampled_from([8, 200, 10**6]), seed=st.integers(0, 9))
@examples(max_examples=40, deadline=None)
def test_reading_ahead_reads_the_same_and_decodes_a_chunk_once(drawn, most, seed):
    shape, grain = drawn
    values = np.random.default_rng(seed).normal(size=shape)
    decoded = []

    class Chunks:
        def __init__(self):
            self.shape, self.dtype = shape, values.dtype

        def read(self, region):
            decoded.append(region)
            return values[region]

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("napari_blind_deconv.pipeline.ahead._MOST", most)
        source = Ahead(Chunks(), grain)
        for start in range(shape[0]):
            slab = (slice(start, start + 1), *(slice(0, n) for n in shape[1:]))
            np.testing.assert_array_equal(source.read(slab), values[slab])
        one = tuple(slice(n // 2, n // 2 + 1) for n in shape)
        np.testing.assert_array_equal(source.read(one), values[one])
    if most > 8 * values.size:
        starts = [region[0].start for region in decoded[: -(-shape[0] // grain[0])]]
        assert all(after - before == grain[0] for before, after in itertools.pairwise(starts))


def test_a_sink_refuses_what_is_no_image_before_anything_is_computed(tmp_path):
    path = tmp_path / "odd.ome.tif"
    io.write(path, io.Volume(volume()[0], "YX"), {})
    jobs = plan([path], tmp_path / "out")
    *_, report = run_batch(jobs, QUICK, References(psf=io.Volume(KERNEL[2], "YX")), axes="QX")
    assert report.status == "failed"
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError):
        io.check_room(tmp_path, 10**18)


def test_from_python_a_source_is_restored_into_a_sink(tmp_path, in_blocks):
    source, target = io.open(written(tmp_path, "large.ome.tif")), tmp_path / "restored.ome.zarr"
    with io.atomic(target) as (temporary,), io.create(temporary, source.header, {}, "ome-zarr") as sink:
        result = deconvolve(source, QUICK, axes=source.axes, psf=KERNEL, maps=False, out=sink)
    assert result.image is sink
    assert result.report["plan"]["blocks"] > 1
    plain = deconvolve(source, QUICK, axes=source.axes, psf=KERNEL, maps=False)
    np.testing.assert_array_equal(io.read(target).data, plain.image)


def test_a_run_can_be_left_between_all_parts_of_the_work():
    stages = [(p.stage, p.total > 0) for p in deconvolve_steps(volume(), QUICK, psf=KERNEL)]
    for stage, several in {"preparing": 8, "restoring": 4, "checking": 2, "writing": 2, "reporting": 1}.items():
        assert sum(name == stage for name, _ in stages) >= several
    assert {name for name, counted in stages if counted} == {"restoring"}
