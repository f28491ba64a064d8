"""Files by several processes: the same bytes, a worker that is killed, Ctrl-C, a scheduler that others have started."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from scipy import ndimage

from napari_blind_deconv import InputError, Settings, io
from napari_blind_deconv.batch import (
    Batch,
    FileProgress,
    FileReport,
    FileStarted,
    ReferenceFiles,
    Workers,
    cluster,
    prepared,
    read_journal,
    run,
)
from napari_blind_deconv.batch.events import report_from_dict, report_to_dict
from napari_blind_deconv.cli import main
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Known
from napari_blind_deconv.restoration import RichardsonLucyRestorer

pytest.importorskip("distributed")
from napari_blind_deconv.batch import dask_session, local_cluster, worker

COUNT = 6
STEPS = 300  # long enough to be killed in
CODE = "from napari_blind_deconv.cli import main; main()"
OPTIONS = ("--psf", "k.tif", "--restorer", "richardson-lucy", "--image-prior", "none")
LONG = ("--iterations", "3000")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """Images, and the PSF that they share, in the working folder."""
    monkeypatch.chdir(tmp_path)
    for seed in range(COUNT):
        picture = ndimage.gaussian_filter(np.random.default_rng(seed).random((48, 50)), 1).astype(np.float32)
        io.write(Path(f"in/s{seed}.tif"), io.Volume(picture, "YX"), {})
    taps = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    io.write(Path("k.tif"), io.Volume(taps, "YX"), {})
    return tmp_path


def batch(output="out", names=("in",), steps=STEPS, **others) -> Batch:
    restorer = RichardsonLucyRestorer(steps_taken=steps)
    settings = Settings(kernel_prior=Known(psf="k.tif"), restorer=restorer, image_prior=NoPrior())
    return Batch(names, Path(output), settings, ReferenceFiles(psf=Path("k.tif")), **others)


def images(output: str) -> dict[str, bytes]:
    """All files but reports, which hold times, and lists."""
    return {
        p.name: p.read_bytes()
        for p in sorted(Path(output).iterdir())
        if p.suffix not in (".csv", ".html", ".json", ".jsonl")
    }


def tiffs(output: str) -> list[Path]:
    return sorted(Path(output).glob("*.tif"))


def hidden(output: str) -> list[str]:
    return [p.name for p in Path(output).iterdir() if p.name.startswith(".")]


def statuses(events) -> dict[str, str]:
    return {e.path.name: e.status for e in events if isinstance(e, FileReport)}


ALL_DONE = {f"s{seed}.tif": "done" for seed in range(COUNT)}


# --- Workers of this machine


@pytest.mark.slow
def test_two_workers_give_the_bytes_of_one_process_and_say_what_they_do(folder, session):
    alone = list(run(prepared(batch("alone"))))
    together = list(run(prepared(batch("together")), session.worked))
    assert statuses(alone) == statuses(together) == ALL_DONE
    assert images("alone") == images("together")
    assert hidden("together") == []
    listed = json.loads(Path("together/batch.json").read_text())["files"]
    assert [entry["input"] for entry in listed] == [f"in/s{seed}.tif" for seed in range(COUNT)]
    # Every file is begun before it is told of, and its steps are its own.
    begun = set()
    for event in together:
        if isinstance(event, FileStarted):
            begun.add(event.index)
        elif isinstance(event, FileProgress):
            assert event.index in begun
    assert begun == set(range(1, COUNT + 1))
    stages = {e.stage for e in together if isinstance(e, FileProgress)}
    assert {"restoring", "writing"} <= stages
    # The same steps are on the scheduler, for whoever looks there.
    topics = [topic for topic in session.client.get_events() if topic.startswith("blind-deconv-")]
    assert topics


@pytest.mark.slow
def test_a_killed_worker_s_file_is_done_again_by_another(folder, session):
    list(run(prepared(batch("alone"))))
    killed = False
    with closing(run(prepared(batch()), session.worked)) as events:
        found = []
        for event in events:
            found.append(event)
            if not killed and isinstance(event, FileProgress) and event.stage != "loading":
                # Both are at work, or were a moment ago.
                os.kill(next(iter(session.client.run(os.getpid).values())), signal.SIGKILL)
                killed = True
    assert statuses(found) == ALL_DONE
    assert images("out") == images("alone")
    assert hidden("out") == []
    assert len([e for e in found if isinstance(e, FileStarted)]) <= COUNT + 1


@pytest.mark.slow
def test_a_file_that_kills_its_workers_fails_in_a_sentence_and_the_others_are_done(folder, session, monkeypatch):
    monkeypatch.setattr(session.client.cluster.scheduler, "allowed_failures", 0)
    found = []
    for event in run(prepared(batch(names=("in/s0.tif", "in/s1.tif"), steps=5000)), session.worked):
        found.append(event)
        if isinstance(event, FileStarted) and event.path.name == "s1.tif":
            busy = session.client.processing().items()
            (address,) = [address for address, keys in busy if any("s1.tif" in str(key) for key in keys)]
            os.kill(session.client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
    assert statuses(found) == {"s0.tif": "done", "s1.tif": "failed"}
    (failed,) = [e for e in found if isinstance(e, FileReport) and e.status == "failed"]
    assert "died" in failed.message
    assert hidden("out") == []


@pytest.mark.slow
def test_closed_early_nothing_is_written_any_more(folder, session):
    with closing(run(prepared(batch()), session.worked)) as events:
        for event in events:
            if isinstance(event, FileProgress) and event.stage != "loading":
                break
    assert hidden("out") == []
    there = sorted(Path("out").iterdir())
    time.sleep(1)
    assert sorted(Path("out").iterdir()) == there
    # The workers live on, and the same command continues.
    assert statuses(run(prepared(batch()), session.worked)) == ALL_DONE


@pytest.mark.slow
def test_workers_listen_to_this_machine_only_and_hold_what_they_are_given(folder, session):
    me = psutil.Process()
    listening = [
        connection.laddr.ip
        for process in (me, *me.children(recursive=True))
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert set(listening) == {"127.0.0.1"}
    (limit,) = {one["memory_limit"] for one in session.client.scheduler_info()["workers"].values()}
    assert limit == 2.5e9
    assert session.client.scheduler.address.startswith("tls://")


@pytest.mark.slow
def test_ctrl_c_ends_all_workers_and_leaves_nothing_half_written(folder):
    process = started("run", "in", "-o", "out", *OPTIONS, *LONG, "--workers", "2")
    until(lambda: Path("out").is_dir() and any("lock" in name for name in hidden("out")))
    children = psutil.Process(process.pid).children(recursive=True)
    # A terminal's Ctrl-C reaches all of them.
    os.killpg(process.pid, signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("blind-deconv: interrupted")
    assert "Traceback" not in said
    assert hidden("out") == []
    # What watches over shared memory ends a moment after the process that it serves.
    alive = psutil.wait_procs(children, timeout=20)[1]
    assert not [child for child in alive if child.status() != psutil.STATUS_ZOMBIE]


# --- A scheduler that runs already


@pytest.mark.slow
def test_a_scheduler_and_two_workers_one_of_which_is_killed(folder):
    file = folder / "scheduler.json"
    loopback = ("--host", "127.0.0.1", "--no-dashboard", "--dashboard-address", "127.0.0.1:0")
    processes = [dask("scheduler", "--scheduler-file", str(file), "--port", "0", *loopback)]
    try:
        until(file.is_file)
        common = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", *loopback)
        processes += [dask("worker", *common, cwd=elsewhere(folder, n)) for n in range(2)]
        command = started(
            "run", "in", "-o", "out", *OPTIONS, "--iterations", "1000", "--scheduler-file", str(file), "--json"
        )
        until(lambda: Path("out").is_dir() and any("lock" in name for name in hidden("out")))
        processes[1].kill()
        told, said = command.communicate(timeout=120)
        assert command.returncode == 0, said
        found = json.loads(told)["files"]
        assert [(entry["input"], entry["status"]) for entry in found] == [
            (f"in/s{n}.tif", "done") for n in range(COUNT)
        ]
        assert hidden("out") == []
        assert read_journal(Path("out"))[-1]["done"] == COUNT
        list(run(prepared(batch("alone", steps=1000))))
        # How the steps were asked for is recorded.
        assert [io.read(p).data.tobytes() for p in tiffs("out")] == [io.read(p).data.tobytes() for p in tiffs("alone")]
        # Workers that others have started are still there.
        assert processes[2].poll() is None
        work = prepared(batch("other")).works[0]
        hidden_work = replace(work, job=replace(work.job, path=Path("nowhere/a.tif")))
        with (
            cluster(Workers(scheduler_file=file)) as engine,
            pytest.raises(InputError, match=r"does not see .*nowhere"),
        ):
            next(engine([hidden_work]))
    finally:
        for process in reversed(processes):
            process.kill()
            process.wait()


def elsewhere(folder: Path, number: int) -> Path:
    """A working folder of a worker's own: names that are relative to that of the command are found all the same."""
    path = folder / f"worker{number}"
    path.mkdir()
    return path


def dask(*arguments: str, cwd: Path | None = None) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    return subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def until(there, seconds: float = 90) -> None:
    last = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < last
        time.sleep(0.02)


# --- Without any worker


def test_who_is_to_work_is_said_once():
    for wrong, words in (
        ({}, "workers are not given"),
        ({"count": 2, "scheduler": "tcp://a:1"}, "given by workers and scheduler"),
        ({"count": 0}, "workers 0 must be at least 1"),
        ({"scheduler": "tcp://a:1", "dashboard": True}, "dashboard"),
    ):
        with pytest.raises(InputError, match=words):
            Workers(**wrong)


def test_a_scheduler_that_is_not_there_is_one_sentence(folder, monkeypatch):
    monkeypatch.setattr(dask_session, "_ANSWER", 0.2)
    works = prepared(batch()).works
    for workers, words in (
        (Workers(scheduler="tcp://127.0.0.1:9"), "scheduler tcp://127.0.0.1:9 does not answer"),
        (Workers(scheduler="nonsense"), "scheduler nonsense does not answer"),
        (Workers(scheduler_file=Path("none.json")), "scheduler file none.json is not there"),
    ):
        with pytest.raises(InputError, match=words), cluster(workers) as engine:
            list(engine(works))


def test_a_missing_package_names_the_extra(folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'"napari-blind-deconv\[scale\]"'), cluster(Workers(count=2)):
        pass


def test_a_run_by_one_process_does_not_import_dask(folder):
    code = (
        "import sys\nfrom napari_blind_deconv.cli import main\n"
        f"sys.argv = ['blind-deconv', 'run', 'in/s0.tif', '-o', 'out', *{OPTIONS}]\n"
        "try:\n    main()\nfinally:\n    assert not {'dask', 'distributed'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_memory_is_shared_and_too_many_workers_are_refused(monkeypatch):
    monkeypatch.setattr(local_cluster, "free_bytes", lambda: int(10e9))
    assert local_cluster.memory_limit(4, None) == int(9.5e9 / 4)
    assert local_cluster.memory_limit(2, 4.0) == 5e9
    with pytest.raises(InputError, match=r"workers 10 leave 0.9 GB .*choose at most 9"):
        local_cluster.memory_limit(10, None)
    with pytest.raises(InputError, match=r"4 for each of 3 workers is more than the 9.5 GB"):
        local_cluster.memory_limit(3, 4.0)


def test_every_worker_has_a_graphics_card_of_its_own(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert local_cluster.cards_of(2, "auto") == ["0", "1"]
    assert local_cluster.cards_of(2, "cpu") == []
    with pytest.raises(InputError, match="workers 3 for 2 graphics cards must be one a card; choose at most 2"):
        local_cluster.cards_of(3, "cuda")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert local_cluster.cards_of(2, "cuda") == ["3", "5"]


def test_reports_travel_as_plain_data(folder):
    for event in run(prepared(batch())):
        if isinstance(event, FileReport):
            data = json.loads(json.dumps(report_to_dict(event)))
            again = report_from_dict(data)
            assert (again.label, again.status, again.outputs) == (event.label, event.status, event.outputs)
            assert io.to_json(again.report) == io.to_json(event.report)
    # What nobody waits for any more is not begun.
    worker.stop("ended")
    assert worker.restore({"call": "ended", "number": 0}) is None
    assert worker.stop("never heard of") == 0


# --- Parts of a table


def test_shards_are_the_whole_and_share_nothing(folder, capsys, monkeypatch):
    whole = [work.job.label for work in prepared(batch()).works]
    parts = [[work.job.label for work in prepared(batch(f"o{i}", shard=(i, 3))).works] for i in (1, 2, 3)]
    assert sorted(label for part in parts for label in part) == sorted(whole)
    assert max(map(len, parts)) - min(map(len, parts)) <= 1
    # A file is restored as it is in the whole.
    for number in (1, 2):
        assert set(statuses(run(prepared(batch(f"part{number}", shard=(number, 2))))).values()) == {"done"}
    list(run(prepared(batch("alone"))))
    assert images("part1") | images("part2") == images("alone")
    for shard, words in (((0, 3), "shard 0/3 must be"), ((4, 3), "shard 4/3 must be")):
        with pytest.raises(InputError, match=words):
            prepared(batch(shard=shard))
    with pytest.raises(InputError, match="a different file in every shard"):
        prepared(batch(shard=(1, 2), psf_from="first"))
    for text, words in (("2", "--shard '2' must be"), ("3/2", "--shard 3/2 must be")):
        monkeypatch.setattr(sys, "argv", ["blind-deconv", "run", "in", "-o", "out", "--shard", text])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert words in capsys.readouterr().err
