"""Laws of blocks and of the planner: blocks are the whole, plans fit, and only a full memory makes them smaller."""

import importlib
import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.forward import CameraNoiseModel, DataTerm, GaussianNoise, Noise
from napari_blind_deconv.image_priors import NoPrior, SparseGradients, TotalVariation
from napari_blind_deconv.kernel_priors import Gaussian, Known
from napari_blind_deconv.machine import _left_in_groups
from napari_blind_deconv.pipeline import deconvolve_steps, memory
from napari_blind_deconv.pipeline.cutting import Work, fitting
from napari_blind_deconv.pipeline.memory import Plan, limit_bytes, planned
from napari_blind_deconv.restoration import ByData, ByPrior, RichardsonLucyRestorer, Task
from napari_blind_deconv.restoration.halo import BLEND, halo_of, radii
from napari_blind_deconv.restoration.in_blocks import InBlocks
from napari_blind_deconv.synthesis import beads, cells, gaussian_kernel, photon_counts
from napari_blind_deconv.tiling import Cut, Mixer

KERNEL = gaussian_kernel((9, 9), np.array([[2.0, 0.4], [0.4, 1.2]]))
CPU = torch.device("cpu")
QUICK = Settings(kernel_prior=Known(), iterations=4, likelihood=CameraNoiseModel(gain=1.0))
# The module, not the function of its name.
MODULE = importlib.import_module("napari_blind_deconv.pipeline.recipe")
WHOLE = importlib.import_module("napari_blind_deconv.pipeline.in_one_piece")
PREPARATION = importlib.import_module("napari_blind_deconv.pipeline.preparation")
BLOCKS = importlib.import_module("napari_blind_deconv.pipeline.blocks")
ONE_BLOCK = importlib.import_module("napari_blind_deconv.pipeline.one_block")


def observed(shape=(96, 88), seed=0):
    scene = cells(tuple(n + 8 for n in shape), np.random.default_rng(seed + 1))
    return photon_counts(scene, KERNEL, 300, np.random.default_rng(seed))[0]


def in_blocks(share):
    """A planner that cuts into blocks of a share of the canvas, whatever the memory."""

    def chosen(work, limit, device, *, maps=True):
        blocks = fitting(work, share * work.canvas(*work.shape[:1], work.shape[1:]))
        assert blocks is not None
        return Plan(work, device, blocks, maps, 0.0, 1.0, limit)

    return chosen


@st.composite
def cuts(draw):
    ndim = draw(st.integers(1, 3))
    numbers = [st.integers(12, 40), st.integers(1, 3), st.integers(0, 4), st.integers(0, 2)]
    return Cut(*(tuple(draw(number) for _ in range(ndim)) for number in numbers))


@given(cut=cuts(), batch=st.integers(1, 2), seed=st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_blocks_cover_everything_once_and_are_mixed_without_a_trace(cut, batch, seed):
    if not cut.fits:
        return
    values = np.random.default_rng(seed).normal(size=(batch, *cut.space)).astype(np.float32)
    mixer, out, times = Mixer(cut), np.full_like(values, np.nan), np.zeros(cut.space, int)
    parts = []
    for tile in cut.tiles:
        assert tuple(s.stop - s.start for s in tile.seen) == cut.seen
        for seen, kept, n, halo in zip(tile.seen, tile.kept, cut.space, cut.halo, strict=True):
            assert seen.start == 0 or kept.start - seen.start >= halo
            assert seen.stop == n or seen.stop - kept.stop >= halo
        parts += mixer.add(tile, values[(..., *tile.kept)])
    for place, part in parts:
        out[(..., *place)] = part
        times[place] += 1
    assert (times == 1).all()
    np.testing.assert_allclose(out, values, atol=1e-5)


def task(ndim, prior, *, counts, seed=0, frames=1):
    shape = {2: (88, 72), 3: (30, 36, 40)}[ndim]
    kernel = KERNEL if ndim == 2 else gaussian_kernel((7, 7, 7), np.diag([1.5, 1.2, 1.0]))
    grown = tuple(n + k - 1 for n, k in zip(shape, kernel.shape, strict=True))
    rng = np.random.default_rng(seed)
    scenes = [cells(grown, rng) if ndim == 2 else 0.02 + beads(grown, rng, count=20, width=1.5) for _ in range(frames)]
    y = torch.tensor(np.stack([photon_counts(s, kernel, 300, rng)[0] for s in scenes]), dtype=torch.float32)
    scale = float(y.quantile(0.999))
    noise = Noise((float(y.mean()) / scale**2) ** 0.5, torch.ones(()), gain=1 / scale, dark=0.0)
    data = DataTerm.of(y / scale, torch.tensor(kernel), noise, model_error=0.01)
    generator = torch.Generator().manual_seed(seed)
    return Task(data, noise, prior, (1.0,) * ndim, None, generator, counts=counts, non_negative=counts)


@pytest.mark.parametrize(
    ("restorer", "prior", "counts", "ndim", "frames"),
    [
        (ByPrior(), SparseGradients(), False, 2, 1),
        (ByPrior(), SparseGradients(), True, 2, 2),
        (ByPrior(), TotalVariation(), True, 3, 1),
        (ByPrior(), NoPrior(), False, 3, 1),
        (RichardsonLucyRestorer(), NoPrior(), True, 2, 2),
        (RichardsonLucyRestorer(), NoPrior(), False, 3, 1),
        (ByData(), SparseGradients(), True, 2, 1),
    ],
)
def test_a_restoration_in_blocks_is_that_of_the_whole(restorer, prior, counts, ndim, frames):
    whole = task(ndim, prior, counts=counts, frames=frames)
    halo = halo_of(radii(whole.data.blur.kernel), restorer, prior)
    several = InBlocks(restorer, (2, 2) if ndim == 2 else (1, 1, 2), halo, (BLEND,) * ndim, frames=1)
    *_, one = restorer.restore(whole)
    *_, other = several.restore(whole)
    crop = whole.data.frame.crop
    difference = (crop(other.scene) - crop(one.scene)) / float(crop(one.scene).max() - crop(one.scene).min())
    # Beyond its border nobody knows the image, and the two do not know it in different ways.
    inner = difference[(..., *(slice(k // 2 + 4, -(k // 2) - 4) for k in whole.data.blur.kernel.shape))]
    assert float(inner.square().mean().sqrt()) <= 1e-3
    assert float(inner.abs().max()) <= 2e-2


def test_too_narrow_a_halo_leaves_seams():
    whole = task(2, NoPrior(), counts=False)
    restorer = RichardsonLucyRestorer()
    *_, one = restorer.restore(whole)
    errors = []
    for halo in (0, 16):
        *_, other = InBlocks(restorer, (1, 2), (halo, halo), (BLEND, BLEND)).restore(whole)
        errors.append(float(whole.data.frame.crop(other.scene - one.scene).abs().max()))
    assert errors[1] < 0.1 * errors[0]


@pytest.mark.parametrize("axes", ["YX", "TYX", "CYX", "XYT"])
def test_a_run_in_blocks_is_that_of_the_whole_with_defects_maps_and_report(axes, monkeypatch):
    settings_ = replace(QUICK, restorer=RichardsonLucyRestorer(), image_prior=NoPrior(), iterations=None)
    frames = [observed(seed=i) for i in range(1 if axes == "YX" else 2)]
    named = {"YX": lambda: frames[0], "XYT": lambda: np.stack(frames, -1).swapaxes(0, 1)}
    image = named.get(axes, lambda: np.stack(frames))()
    image[tuple({"Y": 40, "X": 30}.get(a, 0) for a in axes)] = np.nan
    whole = deconvolve(image, settings_, axes=axes, psf=KERNEL)
    monkeypatch.setattr(MODULE, "planned", in_blocks(0.5))
    cut = deconvolve(image, settings_, axes=axes, psf=KERNEL)
    assert cut.report["plan"]["blocks"] > 1
    assert whole.report["plan"]["blocks"] == 1
    inner = tuple(slice(8, -8) if a in "YX" else slice(None) for a in axes)
    assert np.abs(cut.image - whole.image)[inner].max() <= 1e-3 * np.ptp(whole.image)
    np.testing.assert_array_equal(np.isnan(cut.maps["residual"]), np.isnan(whole.maps["residual"]))
    assert cut.report["defects"] == whole.report["defects"]
    assert cut.report["input"] == whole.report["input"]
    np.testing.assert_allclose(cut.report["residual_sigma"], whole.report["residual_sigma"], rtol=0.02)
    np.testing.assert_allclose(cut.report["flux_ratio"], whole.report["flux_ratio"], rtol=1e-3)
    # The same part of the image is split in the same way.
    parts, wholes = ([r] if isinstance(r, dict) else r for r in (cut.report["frc"], whole.report["frc"]))
    for part, of_whole in zip(parts, wholes, strict=True):
        assert part["resolution_before"] == pytest.approx(of_whole["resolution_before"], rel=0.1)
    json.dumps(cut.report)


def test_a_run_in_blocks_has_curves_that_end_where_its_report_does(monkeypatch):
    monkeypatch.setattr(MODULE, "planned", in_blocks(0.5))
    given_ = replace(QUICK, kernel_prior=Gaussian(), kernel_size=(9, 9), restorer=RichardsonLucyRestorer())
    steps, curves = deconvolve_steps(observed(), given_, axes="YX"), {}
    while True:
        try:
            progress = next(steps)
        except StopIteration as end:
            report = end.value.report
            break
        for name, value in progress.figures().items():
            curves.setdefault(name, []).append(value)
    assert report["plan"]["blocks"] == len(curves["misfit"]) > 1
    assert len(curves["evidence_nats"]) > 1
    [local] = [check for check in report["trust"] if check["check"] == "residual_size"]
    assert curves["misfit"][-1] == pytest.approx(local["value"], rel=0.02)


def test_a_mapped_file_is_restored_into_a_mapped_file(tmp_path, monkeypatch):
    image = observed()
    np.save(tmp_path / "image.npy", image)
    mapped = np.load(tmp_path / "image.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(tmp_path / "out.npy", "w+", np.float32, image.shape)
    monkeypatch.setattr(MODULE, "planned", in_blocks(0.6))
    result = deconvolve(mapped, QUICK, psf=KERNEL, out=out, maps=False)
    out.flush()
    assert result.maps == {}
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), deconvolve(image, QUICK, psf=KERNEL).image)


def test_no_more_than_a_part_is_read_at_once(monkeypatch):
    class Parts:
        shape, dtype, largest = (96, 88), np.dtype(np.float32), 0

        def read(self, region):
            part = data[region]
            self.largest = max(self.largest, part.size)
            return part

    data, source = observed(), Parts()
    monkeypatch.setattr(MODULE, "planned", in_blocks(0.5))
    monkeypatch.setattr("napari_blind_deconv.pipeline.sources.SLAB", 2000)
    monkeypatch.setattr("napari_blind_deconv.pipeline.surveying._SIDE", {2: 32})
    monkeypatch.setattr("napari_blind_deconv.crops._SIDE", {2: 40})
    monkeypatch.setattr("napari_blind_deconv.report._AT_ONCE", 2000)
    assert np.isfinite(deconvolve(source, QUICK, psf=KERNEL).image).all()
    assert source.largest < data.size


class Counting:
    """A sink that counts how often every pixel comes, and the most that come or go at once."""

    def __init__(self, shape):
        self.shape, self.dtype, self.largest = shape, np.dtype(np.float32), 0
        self.array, self.times = np.full(shape, np.nan, np.float32), np.zeros(shape, int)

    def write(self, region, values):
        self.array[region] = values
        self.times[region] += 1
        self.largest = max(self.largest, values.size)

    def read(self, region):
        assert self.times[region].all()
        self.largest = max(self.largest, self.array[region].size)
        return self.array[region]


@given(
    share=st.sampled_from([0.3, 0.5, 0.8]),
    axes=st.sampled_from(["YX", "TYX", "XCY"]),
    keeps=st.booleans(),
    whole=st.booleans(),
)
@settings(max_examples=8, deadline=None)
def test_sinks_take_every_pixel_once_and_hold_what_arrays_would(share, axes, keeps, whole):
    image = observed((72, 64))
    image = {"YX": lambda: image, "TYX": lambda: np.stack([image, image]), "XCY": lambda: np.stack([image.T] * 2, 1)}[
        axes
    ]()
    quick = replace(QUICK, iterations=2)
    sinks = {}

    def sink(name):
        assert name not in sinks
        return sinks.setdefault(name, Counting(image.shape))

    with pytest.MonkeyPatch.context() as patched:
        if not whole:
            patched.setattr(MODULE, "planned", in_blocks(share))
        result = deconvolve(image, quick, axes=axes, psf=KERNEL, out=sink("image"), maps=sink if keeps else False)
        plain = deconvolve(image, quick, axes=axes, psf=KERNEL, maps=keeps)
    assert result.image is sinks["image"]
    assert (
        set(result.maps)
        == set(plain.maps)
        == set(sinks) - {"image"}
        == ({"residual", "prior_share"} if keeps else set())
    )
    for name, values in {"image": plain.image, **plain.maps}.items():
        assert (sinks[name].times == 1).all()
        np.testing.assert_array_equal(sinks[name].array, values)
        assert whole or sinks[name].largest < image.size


@pytest.mark.parametrize("counts", [False, True])
def test_cancel_is_answered_after_every_block_and_step(counts, monkeypatch):
    chosen = replace(QUICK, likelihood=QUICK.likelihood if counts else GaussianNoise())
    monkeypatch.setattr(MODULE, "planned", in_blocks(0.4))
    steps = list(deconvolve_steps(observed(), chosen, psf=KERNEL))
    blocks = {s.message for s in steps if s.message.startswith("block ")}
    assert len(blocks) >= 4
    assert sum(s.message.startswith("block 1 ") for s in steps) >= 4
    places = [s.step for s in steps if s.total]
    assert places == sorted(places)
    assert all(s.step <= s.total for s in steps)


@given(
    shape=st.lists(st.integers(40, 400), min_size=2, max_size=3),
    gigabytes=st.floats(0.01, 3),
    maps=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_plans_stay_within_their_limit_or_are_refused(shape, gigabytes, maps):
    work = Work((1, *shape), 1, (9,) * len(shape), (2,) * len(shape), QUICK)
    limit = memory.resident_bytes() + 1.2e8 + 1e9 * gigabytes
    try:
        plan = planned(work, limit, CPU, maps=maps)
    except InputError as error:
        assert "smallest blocks" in str(error)  # noqa: PT017 - whether it is refused is drawn
        return
    assert plan.bytes <= limit
    if plan.blocks is not None:
        assert all(n >= s for n, s in zip(shape, plan.blocks.cut.seen, strict=True))
        assert plan.blocks.cut.fits


@given(shape=st.tuples(st.integers(1, 4), st.integers(80, 600), st.integers(80, 600)), maps=st.booleans())
@settings(max_examples=20, deadline=None)
def test_plans_become_smaller_until_there_is_none(shape, maps):
    work = Work(shape, 1, (9, 9), (2, 2), QUICK)
    plan = planned(work, limit_bytes(None), CPU, maps=maps)
    assert plan.blocks is None
    sizes = []
    while (plan := memory.smaller(plan)) is not None:
        assert plan.bytes <= plan.limit
        sizes.append(work.canvas(plan.blocks.frames, plan.blocks.cut.seen))
    assert 1 <= len(sizes) <= 12
    assert all(after <= before / 3 for before, after in itertools.pairwise(sizes))


def test_what_cannot_end_is_not_started():
    steps = deconvolve_steps(observed(), QUICK, psf=KERNEL, max_memory_gb=0.001)
    begun = []
    with pytest.raises(InputError, match="even in the smallest blocks"):
        begun.extend(step.stage for step in steps)
    assert set(begun) <= {"planning"}


STAGES = [
    (PREPARATION, "looked_for"),
    (WHOLE, "posed"),
    (WHOLE, "kernel_of_channel"),
    (WHOLE, "restoring"),
    (WHOLE, "assessed"),
    (MODULE, "joined_maps"),
]
IN_BLOCKS = [
    (PREPARATION, "ranged"),
    (PREPARATION, "surveyed"),
    (BLOCKS, "posed_in_parts"),
    (BLOCKS, "kernel_of_channel"),
    (BLOCKS, "settled"),
    (ONE_BLOCK, "restored"),
    (BLOCKS, "written"),
    (BLOCKS, "share_check"),
]
FULL = [
    MemoryError("no room"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
    torch.OutOfMemoryError("CUDA out of memory"),
]


def failing(error, otherwise=None):
    """What raises an error; the first time only, where it otherwise is something."""
    called = []

    def fail(*arguments, **named):
        called.append(1)
        if otherwise is None or len(called) == 1:
            raise error
        return otherwise(*arguments, **named)

    return fail


@pytest.mark.parametrize(("module", "stage"), STAGES)
@pytest.mark.parametrize("error", FULL, ids=["numpy", "torch", "cuda"])
def test_a_full_memory_at_any_stage_of_the_whole_leads_to_blocks_and_is_said(module, stage, error, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(module, stage, failing(error))
        report = deconvolve(observed((64, 56)), replace(QUICK, iterations=2), psf=KERNEL).report
    assert "memory ran out in one piece" in report["plan"]["smaller"][0]
    assert any("memory ran out" in sentence for sentence in report["warnings"])


@pytest.mark.parametrize(("module", "stage"), IN_BLOCKS)
def test_a_memory_that_is_full_at_any_stage_of_blocks_leads_to_smaller_ones_or_ends_in_a_sentence(
    module, stage, monkeypatch
):
    image, quick = observed((160, 96)), replace(QUICK, iterations=2)
    monkeypatch.setattr(PREPARATION, "looked_for", failing(MemoryError()))
    with monkeypatch.context() as patched:
        patched.setattr(module, stage, failing(MemoryError(), otherwise=getattr(module, stage)))
        report = deconvolve(image, quick, psf=KERNEL).report
    assert len(report["plan"]["smaller"]) == 2
    monkeypatch.setattr(module, stage, failing(MemoryError()))
    with pytest.raises(InputError, match="even in the smallest blocks"):
        deconvolve(image, quick, psf=KERNEL)


@pytest.mark.parametrize("error", FULL, ids=["numpy", "torch", "cuda"])
def test_a_memory_that_is_full_while_writing_leads_to_smaller_blocks(error):
    class Full(Counting):
        left = 1

        def write(self, region, values):
            self.left -= 1
            if not self.left:
                raise error
            super().write(region, values)

    image = observed((160, 96))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PREPARATION, "looked_for", failing(MemoryError()))
        result = deconvolve(image, replace(QUICK, iterations=2), psf=KERNEL, out=Full(image.shape), maps=False)
    assert len(result.report["plan"]["smaller"]) == 2
    assert np.isfinite(result.image.array).all()


@pytest.mark.parametrize("error", [RuntimeError("a fault"), ValueError("out of range"), ZeroDivisionError("zero")])
def test_any_other_error_is_raised_as_it_is(error, monkeypatch):
    monkeypatch.setattr(WHOLE, "restoring", failing(error))
    with pytest.raises(type(error), match=str(error)):
        deconvolve(observed((64, 56)), QUICK, psf=KERNEL)


def test_a_kernel_that_was_found_is_not_looked_for_again(monkeypatch):
    found = []
    known = Gaussian.fit

    def counted(self, *arguments, **named):
        found.append(1)
        return known(self, *arguments, **named)

    monkeypatch.setattr(Gaussian, "fit", counted)
    monkeypatch.setattr(WHOLE, "restoring", failing(MemoryError()))
    result = deconvolve(observed((64, 56)), Settings(kernel_prior=Gaussian(), kernel_size=(9,), iterations=2))
    assert len(found) == 1
    assert result.kernel.shape == (9, 9)


def test_limits_of_control_groups_count(tmp_path):
    group = tmp_path / "a" / "b"
    group.mkdir(parents=True)
    (group / "memory.max").write_text("max\n")
    (group / "memory.current").write_text("5\n")
    (tmp_path / "a" / "memory.max").write_text("1000\n")
    (tmp_path / "a" / "memory.current").write_text("700\n")
    (tmp_path / "a" / "memory.stat").write_text("anon 1\ninactive_file 200\n")
    own = tmp_path / "own"
    own.write_text("0::/a/b\n")
    assert _left_in_groups(tmp_path, own) == [500]
    old = tmp_path / "memory" / "q"
    old.mkdir(parents=True)
    (old / "memory.limit_in_bytes").write_text("90\n")
    (old / "memory.usage_in_bytes").write_text("30\n")
    own.write_text("4:cpu,memory:/q\n3:cpuset:/\n")
    assert _left_in_groups(tmp_path, own) == [60]
