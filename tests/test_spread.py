"""One file by several workers: the bytes of a single process, workers that are killed, and a run that is left."""

import importlib
import os
import signal
import time
from concurrent.futures import CancelledError
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from napari_blind_deconv import InputError, Settings, io
from napari_blind_deconv.batch import (
    Batch,
    FileProgress,
    FileReport,
    FileStarted,
    ReferenceFiles,
    Workers,
    needed,
    prepared,
    run,
)
from napari_blind_deconv.batch.forecast import plan_of
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.pipeline.cutting import fitting
from napari_blind_deconv.pipeline.memory import Plan
from napari_blind_deconv.restoration import ByPrior, RichardsonLucyRestorer
from napari_blind_deconv.spread import Done, Step, in_turn
from napari_blind_deconv.synthesis import beads, gaussian_kernel, photon_counts

pytest.importorskip("distributed")
import distributed

from napari_blind_deconv.batch import worker
from napari_blind_deconv.batch.spreading import Spread

KERNEL = gaussian_kernel((3, 5, 5), np.diag([0.6, 1.0, 1.0])).astype(np.float32)
LUCY = Settings(kernel_prior=Known(psf="k.tif"), restorer=RichardsonLucyRestorer(steps_taken=4), image_prior=NoPrior())
SMOOTH = Settings(kernel_prior=Known(psf="k.tif"), restorer=ByPrior(), iterations=2)
SPACE = (16, 48, 56)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with a PSF; every plan has blocks, and slabs are small, whatever the memory."""
    monkeypatch.chdir(tmp_path)
    io.write(Path("k.tif"), io.Volume(KERNEL, "ZYX"), {})

    def chosen(work, limit, device, *, maps=True):
        blocks = fitting(work, 0.6 * work.canvas(1, work.shape[1:]))
        assert blocks is not None
        return Plan(work, device, blocks, maps, 0.0, 1.0, limit)

    for module in ("pipeline.recipe", "batch.forecast"):
        monkeypatch.setattr(importlib.import_module(f"napari_blind_deconv.{module}"), "planned", chosen)
    monkeypatch.setattr("napari_blind_deconv.pipeline.sources.SLAB", 3000)
    monkeypatch.setattr("napari_blind_deconv.pipeline.surveying._SIDE", {3: 24})
    return tmp_path


def images(count: int, seed: int):
    """Beads with counted light."""
    rng = np.random.default_rng(seed)
    grown = tuple(n + k - 1 for n, k in zip(SPACE, KERNEL.shape, strict=True))
    scenes = [0.05 + beads(grown, rng, count=40, width=1.5) for _ in range(count)]
    return np.stack([photon_counts(scene, KERNEL, 200, rng)[0] for scene in scenes]).astype(np.float32)


def volume(axes: str = "ZYX", seed: int = 0) -> str:
    """The name of a file; two frames or channels where axes say so, with a hot pixel and a dead one."""
    count = 1 if axes == "ZYX" else 2
    values = images(count, seed)
    values[:, 8, 20, 30] = 50 * values.max()
    values[0, 5, 10:12, 7] = np.nan
    values = values[0] if axes == "ZYX" else values
    name = "large.ome.zarr"
    io.write(Path(name), io.Volume(values, axes, (0.3, 0.1, 0.1)), {})
    return name


def batch(name: str, output: str, settings: Settings = LUCY, *, maps: bool = False, mask: Path | None = None) -> Batch:
    references = ReferenceFiles(psf=Path("k.tif"), mask=mask)
    return Batch((name,), Path(output), settings, references, maps=maps, form="ome-zarr")


def written(output: str) -> dict[str, np.ndarray]:
    """All images of a folder, maps among them."""
    return {path.name: io.read(path).data for path in sorted(Path(output).glob("*.ome.zarr"))}


def hidden(output: str) -> list[str]:
    return [path.name for path in Path(output).glob(".*")]


def report_of(events) -> dict:
    (found,) = [event for event in events if isinstance(event, FileReport)]
    assert found.status == "done", found.message
    return found.report


def same(one: str, other: str) -> None:
    ours, theirs = written(one), written(other)
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name], err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axes", "settings", "maps", "masked"),
    [("ZYX", LUCY, True, True), ("TZYX", LUCY, False, False), ("CZYX", SMOOTH, True, False)],
)
def test_one_file_by_two_workers_is_that_of_one_process(axes, settings, maps, masked, folder, session):
    name, mask = volume(axes), None
    if masked:
        mask = Path("mask.tif")
        io.write(mask, io.Volume((np.indices(SPACE)[2] < 50).astype(np.uint8), "ZYX"), {})
    alone = report_of(run(prepared(batch(name, "alone", settings, maps=maps, mask=mask))))
    events = list(run(prepared(batch(name, "together", settings, maps=maps, mask=mask)), session.worked))
    together = report_of(events)
    same("alone", "together")
    assert together["plan"]["blocks"] > 2
    for key in ("defects", "left_out", "flux_ratio", "residual_sigma", "trust", "noise", "frc"):
        assert together.get(key) == alone.get(key), key
    # Blocks are counted as they end.
    steps = [(e.step, e.total) for e in events if isinstance(e, FileProgress) and e.stage == "restoring"]
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert hidden("together") == []
    assert len([e for e in events if isinstance(e, FileStarted)]) == 1


@pytest.mark.slow
def test_left_early_nothing_is_written_and_workers_stop(folder, session):
    settings = replace(SMOOTH, iterations=5000)
    with closing(run(prepared(batch(volume(), "out", settings)), session.worked)) as events:
        for event in events:
            if isinstance(event, FileProgress) and event.message.startswith("block 1"):
                break
        left = time.monotonic()
    assert time.monotonic() - left < 5
    assert hidden("out") == []
    until(lambda: not any(session.client.processing().values()))


@pytest.mark.slow
def test_answers_come_in_order_and_no_more_parts_are_taken_than_there_is_room_for(session):
    taken, answered = [], []

    def parts():
        for number in range(12):
            taken.append(number)
            yield number

    for answer in Spread(session.client)(Squares(), parts()):
        if isinstance(answer, Done):
            answered.append(answer.found)
            assert len(taken) - len(answered) <= 4
    assert answered == [answer.found for answer in in_turn(Squares(), range(12)) if isinstance(answer, Done)]


@pytest.mark.slow
def test_blocks_of_a_killed_worker_are_done_by_another(folder, session):
    settings = replace(SMOOTH, iterations=60)
    name = volume()
    report_of(run(prepared(batch(name, "alone", settings))))
    killed, found = False, []
    for event in run(prepared(batch(name, "together", settings)), session.worked):
        found.append(event)
        killed = killed or (isinstance(event, FileProgress) and "block" in event.message and kill_one(session))
    assert killed
    report_of(found)
    same("alone", "together")
    assert hidden("together") == []


class Squares:
    """The square of a number."""

    def steps(self, part):
        yield Step(1, 1)
        return part**2


class Lost:
    """A client whose parts all end in an error."""

    status = "running"

    def __init__(self, error: Exception) -> None:
        self.error = error

    def nthreads(self):
        return {"worker": 1}

    def submit(self, *arguments, **named):
        return self

    def add_done_callback(self, call):
        call(self)

    def done(self):
        return True

    def result(self):
        raise self.error

    def cancel(self, futures, force):
        self.cancelled = len(futures)

    def run(self, function, call, on_error):
        self.stopped = function, call


@pytest.mark.parametrize(
    ("error", "known", "words"),
    [
        (distributed.KilledWorker("part", None, 3), MemoryError, "died on a part"),
        (CancelledError(), InputError, "stopped during the work"),
        (ImportError("no module"), InputError, "same version"),
        (InputError(subject="a", value="is wrong", remedy="b"), InputError, "a is wrong; b"),
    ],
    ids=["killed", "gone", "version", "refused"],
)
def test_parts_that_fail_end_the_others_and_say_what_it_means(error, known, words):
    client = Lost(error)
    with pytest.raises(known, match=words):
        list(Spread(client)(Squares(), range(5)))
    assert client.cancelled == 2
    assert client.stopped[0] is worker.stop


def test_workers_are_no_more_than_files_unless_one_is_large(folder, monkeypatch):
    found = prepared(batch(volume(), "out"))
    workers = Workers(count=3, max_memory_gb=1)
    assert needed(workers, found.works).count == 3
    monkeypatch.undo()
    os.chdir(folder)
    assert needed(workers, found.works).count == 1
    assert needed(Workers(scheduler="tcp://a:1"), found.works).scheduler == "tcp://a:1"
    # Results go to files, so that they are no reason to have no plan.
    assert plan_of(found.works[0])[1].work.results == (0.0, 0.0)


def kill_one(session) -> bool:
    """Kill a worker that has something to do, if there is one."""
    busy = [address for address, keys in session.client.processing().items() if keys]
    if busy:
        os.kill(session.client.run(os.getpid, workers=busy[:1])[busy[0]], signal.SIGKILL)
    return bool(busy)


def until(there, seconds: float = 30) -> None:
    last = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < last
        time.sleep(0.02)
