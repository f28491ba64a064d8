"""Who works on a batch, chosen in the window: several processes, one of which is killed, and a scheduler of others."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest
from batches import finish, images, look, rows, settings, undisturbed
from gui import RUN_MS, click, spots
from napari.qt.threading import WorkerBase
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_blind_deconv import InputError, io
from napari_blind_deconv._napari.batch_command import batch_command
from napari_blind_deconv.batch import Batch, Halt, ReferenceFiles, Said, Workers, attended, prepared, run
from napari_blind_deconv.cli import main

pytest.importorskip("distributed")
from napari_blind_deconv.batch import dask_session, local_cluster

COUNT = 4
STEPS = 1000  # long enough to be killed in
STOP_SECONDS = 15.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Images, and the PSF that they share."""
    (tmp_path / "in").mkdir()
    for number in range(COUNT):
        io.write(tmp_path / f"in/s{number}.tif", io.Volume(spots((48, 50 + number)), "YX", (0.1, 0.1)), {})
    taps = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    io.write(tmp_path / "k.tif", io.Volume(taps, "YX"), {})
    return tmp_path


@pytest.fixture
def widget(qtbot: Any, open_widget: Any, folder: Path) -> Any:
    """The batch widget with images that take some seconds each."""
    widget = open_widget("Batch")
    widget.form.settings.form.set_value(settings(folder, STEPS))
    look(qtbot, widget, folder / "in")
    return widget


def choose(qtbot: Any, widget: Any, times: int) -> None:
    """Unfold who works, and go down in the list."""
    click(qtbot, widget.form.who.fold)
    for _ in range(times):
        qtbot.keyClick(widget.form.who.who.box, Qt.Key.Key_Down)


def workers() -> list[psutil.Process]:
    """The processes that this one has started to work."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE and "spawn_main" in " ".join(child.cmdline()):
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def at_once(widget: Any) -> int:
    return sum(row.share > 0 for row in widget.panel.table.rows.rows if row.status == "running")


ALL_DONE = [(f"s{number}.tif", "done") for number in range(COUNT)]


@pytest.mark.slow
def test_two_processes_one_of_which_is_killed_do_all_images(qtbot: Any, widget: Any, folder: Path) -> None:
    choose(qtbot, widget, 1)
    assert widget.form.who.fold.text().endswith("Who works: 2 processes of this machine")
    qtbot.waitUntil(lambda: "of one process" in widget.panel.status.text(), timeout=RUN_MS)
    finish(qtbot, widget)
    ticks, heard = [time.monotonic()], set()

    def both() -> bool:
        ticks.append(time.monotonic())
        heard.add(widget.panel.status.text())
        return at_once(widget) == 2

    click(qtbot, widget.panel.run)
    qtbot.waitUntil(both, timeout=RUN_MS)
    # Starting them takes seconds, in which the window lives.
    assert any(words.startswith("Starting 2 processes") for words in heard)
    assert max(np.diff(ticks)) < 0.5 * (ticks[-1] - ticks[0])
    assert any("2 images at once, 0 of 4 done with" in words for words in heard)
    started = workers()
    assert len(started) == 2
    os.kill(started[0].pid, signal.SIGKILL)
    finish(qtbot, widget)
    assert rows(widget) == ALL_DONE
    assert "4 of 4 done" in widget.panel.status.text()
    assert images(folder / "restored") == undisturbed(folder, "alone", steps=STEPS)
    assert workers() == []


@pytest.mark.slow
def test_stop_ends_processes_continue_starts_others_and_a_closed_window_leaves_none(
    qtbot: Any, viewer: Any, widget: Any, folder: Path
) -> None:
    choose(qtbot, widget, 1)
    widget.form.who.count.set_value(1)
    threads = set(threading.enumerate())
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: at_once(widget) == 1, timeout=RUN_MS)
    assert len(workers()) == 1
    began = time.monotonic()
    click(qtbot, widget.panel.stop)
    finish(qtbot, widget)
    assert time.monotonic() - began < STOP_SECONDS
    assert workers() == []
    assert [path.name for path in (folder / "restored").iterdir() if path.name.startswith(".")] == []
    assert widget.panel.status.text().startswith("Stopped: 0 of 4 done. There are 4 images left")
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: rows(widget)[0][1] == "done" and at_once(widget) == 1, timeout=RUN_MS)
    assert widget.panel.status.text().startswith("s1 (2 of 4): restoring, step")
    started = workers()
    viewer.close()
    qtbot.waitUntil(lambda: not WorkerBase._worker_set, timeout=RUN_MS)
    assert psutil.wait_procs(started, timeout=STOP_SECONDS)[1] == []
    # Pools, of Qt and of Dask, keep threads that wait.
    new = [one.name for one in set(threading.enumerate()) - threads]
    assert [name for name in new if not name.startswith(("Dummy", "Dask-Offload", "Dask-Callback"))] == []
    assert not (folder / "restored/s3_restored.ome.tif").exists()
    # The folder is free: whoever runs again continues.
    with closing(run(prepared(asked(folder)))) as events:
        assert next(events).skipped


def asked(folder: Path) -> Batch:
    return Batch(
        (str(folder / "in"),), folder / "restored", settings(folder, STEPS), ReferenceFiles(psf=folder / "k.tif")
    )


@pytest.fixture
def scheduler(folder: Path) -> Iterator[tuple[Path, list[subprocess.Popen[bytes]]]]:
    """The file of a scheduler that others have started on the loopback device, and its two workers."""
    file = folder / "scheduler.json"
    loopback = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    processes = [dask("scheduler", "--scheduler-file", str(file), "--port", "0", *loopback)]
    common = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", *loopback)
    processes += [dask("worker", *common) for _ in range(2)]
    yield file, processes[1:]
    for process in reversed(processes):
        process.kill()
        process.wait()


def dask(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_scheduler_and_two_workers_one_of_which_is_killed(
    scheduler: tuple[Path, list[subprocess.Popen[bytes]]], qtbot: Any, widget: Any
) -> None:
    file, others = scheduler
    choose(qtbot, widget, 3)
    widget.form.who.file.set_value(str(file))
    qtbot.waitUntil(file.is_file, timeout=RUN_MS)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: at_once(widget) == 2, timeout=RUN_MS)
    others[0].kill()
    finish(qtbot, widget)
    assert rows(widget) == ALL_DONE
    # That of others lives on; without any, a run waits, and can be stopped all the same.
    assert others[1].poll() is None
    others[1].kill()
    others[1].wait()
    widget.form.overwrite.setChecked(True)
    widget.form.maps.setChecked(True)
    click(qtbot, widget.panel.run)
    qtbot.waitUntil(lambda: widget.panel.status.text() == "Waiting for the first worker …", timeout=RUN_MS)
    click(qtbot, widget.panel.stop)
    began = time.monotonic()
    finish(qtbot, widget)
    assert time.monotonic() - began < STOP_SECONDS
    assert "Stopped" in widget.panel.status.text()


def test_why_there_are_no_workers_is_said_in_a_sentence(
    qtbot: Any, widget: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(words: str) -> None:
        click(qtbot, widget.panel.look)
        qtbot.waitUntil(lambda: words in widget.panel.status.text(), timeout=RUN_MS)
        finish(qtbot, widget)

    choose(qtbot, widget, 1)
    with monkeypatch.context() as patch:
        patch.setattr(local_cluster, "free_bytes", lambda: int(1.5e9))
        said("The run would be refused: “Processes” 2 leave 0.7 GB of memory for each must leave 1 GB")
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda name: None)
        said('install it with: pip install "napari-blind-deconv[scale]"')
        click(qtbot, widget.panel.run)
        assert not widget.is_busy
    script = folder / "script.py"
    script.write_text("import napari\nnapari.run()\n")
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["__main__"], "__file__", str(script), raising=False)
        patch.setattr(sys.modules["__main__"], "__spec__", None)
        with pytest.raises(InputError, match=r"script .*script.py would be run again by each process"):
            widget.form.workers()
        script.write_text('if __name__ == "__main__":\n    napari.run()\n')
        assert widget.form.workers() == Workers(count=2, device="cpu")
    monkeypatch.setattr(dask_session, "_ANSWER", 0.5)
    # A scheduler that does not answer.
    qtbot.keyClick(widget.form.who.who.box, Qt.Key.Key_Down)
    qtbot.waitUntil(
        lambda: "would be refused: there is no address of a Dask scheduler yet" in widget.panel.status.text(),
        timeout=RUN_MS,
    )
    widget.form.who.address.set_value("tcp://127.0.0.1:9")
    click(qtbot, widget.panel.run)
    finish(qtbot, widget)
    assert "scheduler tcp://127.0.0.1:9 does not answer; check the address" in widget.panel.status.text()
    assert [status for _, status in rows(widget)] == ["to do"] * COUNT
    assert widget.panel.run.isEnabled()


def test_the_copied_line_continues_what_the_window_began(
    qtbot: Any, widget: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    widget.form.settings.form.set_value(settings(folder))
    widget.form.maps.setChecked(True)
    widget.form.voxels.box.setText("0.2, 0.1")
    click(qtbot, widget.panel.run)
    finish(qtbot, widget)
    click(qtbot, widget.copy)
    line = QApplication.clipboard().text()
    assert widget.panel.status.text() == f"Copied: {line}"
    monkeypatch.setattr(sys, "argv", [*shlex.split(line), "--json"])
    before = {path: path.stat().st_mtime_ns for path in (folder / "restored").glob("*.tif")}
    with pytest.raises(SystemExit, match="0"):
        main()
    capsys.readouterr()
    assert {path: path.stat().st_mtime_ns for path in (folder / "restored").glob("*.tif")} == before
    choose(qtbot, widget, 1)
    click(qtbot, widget.copy)
    assert QApplication.clipboard().text() == f"{line} --workers 2"


def test_a_line_says_all_that_is_not_the_default(folder: Path) -> None:
    said = Said("ZYX", (0.3, 0.1, 0.1), 1.5)
    batch = Batch(("a b.tif",), folder, said=said, form="ome-zarr", overwrite=True, psf_from="all")
    for workers, words in (
        (Workers(scheduler="tcp://a:1"), "--scheduler tcp://a:1"),
        (Workers(scheduler_file=Path("s.json")), "--scheduler-file s.json"),
    ):
        assert batch_command(batch, workers) == (
            f"blind-deconv run 'a b.tif' --output {folder} --kernel-prior uniform --axes ZYX "
            f"--voxel-size-um 0.3,0.1,0.1 --max-memory-gb 1.5 --psf-from all --format ome-zarr --overwrite {words}"
        )


def test_asked_to_stop_while_they_start_workers_begin_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    halt = Halt()

    @contextmanager
    def started(workers: Workers) -> Iterator[Any]:
        halt.ask()
        yield SimpleNamespace(closed=False)

    monkeypatch.setattr(dask_session, "opened", started)
    with attended(Workers(count=1), halt) as engine:
        steps = engine(prepared(asked(folder)).works)
        assert [next(steps).stage for _ in range(2)] == ["starting", "stopping"]
        # It does not look like an end.
        with pytest.raises(InputError, match="was asked to stop"):
            next(steps)
