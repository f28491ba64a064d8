"""Death at any call that changes a folder: what is left is settled by whoever comes next, who may die as well."""

import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_blind_deconv import InputError, io
from napari_blind_deconv.batch.journal import JOURNAL, opened, read_journal, working

NAMES = ("restored", "psf", "report")
OLD = (*NAMES[:2], "residual", "report")
MARK = "0123456789ab-000001-"
CALLS = ((Path, "replace"), (Path, "unlink"), (Path, "mkdir"), (os, "fsync"), (os, "rmdir"), (os, "unlink"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no forks")


def write(folder: Path, run: int, names=NAMES, outdated=(), store=False, mark="") -> None:
    with io.atomic(*(folder / n for n in names), outdated=[folder / n for n in outdated], mark=mark) as temporary:
        for name, path in zip(names, temporary, strict=True):
            if store and name == "restored":
                (path / "0").mkdir(parents=True)
                (path / "zarr.json").write_text(str(run))
                (path / "0" / "c").write_text(str(run))
            else:
                path.write_text(str(run))


def there(folder: Path) -> dict[str, str]:
    def run_of(path: Path) -> str:
        if not path.is_dir():
            return path.read_text()
        found = {(path / name).read_text() for name in ("zarr.json", "0/c")}
        assert len(found) == 1
        return found.pop()

    return {p.name: run_of(p) for p in folder.iterdir() if not p.name.startswith(".")}


def dies(act: Callable[[], object], moment: int) -> bool:
    """Whether a process that does this dies before its call of this number; nothing of it is cleaned up then."""
    child = os.fork()
    if not child:
        count = 0

        def counted(original):
            def call(*a, **k):
                nonlocal count
                count += 1
                if count == moment:
                    os._exit(9)
                return original(*a, **k)

            return call

        for owner, name in CALLS:
            setattr(owner, name, counted(getattr(owner, name)))
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize(("before", "after"), [(False, False), (True, False), (False, True)])
def test_a_death_at_any_call_is_settled_even_by_one_that_dies_of_it(tmp_path, before, after):
    rng = np.random.default_rng(0)
    ends = []
    for moment in itertools.count(1):
        folder = tmp_path / str(moment)
        folder.mkdir()
        write(folder, 1, OLD, store=before)
        died = dies(lambda folder=folder: write(folder, 2, outdated=("residual",), store=after, mark=MARK), moment)
        found = there(folder)
        # Never a new image beside an old report.
        if "report" in found:
            assert set(found.values()) == {found["report"]}
        # Who settles it may die as well, anywhere, and the next one too.
        for _ in range(2):
            dies(lambda folder=folder: io.recover(folder, MARK), int(rng.integers(1, 8)))
        io.recover(folder, MARK)
        found = there(folder)
        assert found == dict.fromkeys(OLD if found["report"] == "1" else NAMES, found["report"])
        assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []
        ends.append(found["report"])
        if not died:
            break
    assert ends == sorted(ends)
    assert ends[0] == "1"
    assert ends[-1] == "2"
    assert len(ends) > 15


def test_only_leftovers_of_the_mark_are_touched_and_records_of_others_are_not_believed(tmp_path):
    (tmp_path / "mine.tif").write_text("mine")
    (tmp_path / ".ffffffffffff-000001-a.tmp").write_text("of a live run")
    (tmp_path / f".{MARK}a.tmp").write_text("left")
    # A record that would rename what no commit of ours renames.
    (tmp_path / f".{MARK}commit.tmp").write_text('{"temporary": [".x.tmp"], "paths": ["mine.tif"], "aside": []}')
    assert io.recover(tmp_path, MARK) == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == [".ffffffffffff-000001-a.tmp", "mine.tif"]
    assert (tmp_path / "mine.tif").read_text() == "mine"


@pytest.mark.parametrize("torn", [b'{"event": "do', b"\xff\xfe", b"[" * 5000, b"3"])
def test_a_torn_last_line_is_passed_over_and_closed(tmp_path, torn):
    with opened(tmp_path) as journal:
        journal.begin()
        journal.note("done", input="a\udce9.tif")
    with (tmp_path / JOURNAL).open("ab") as file:
        file.write(torn)
    with opened(tmp_path) as journal:
        journal.begin()
        journal.note("done", input="b.tif")
    found = [entry.get("input") for entry in read_journal(tmp_path) if entry["event"] == "done"]
    assert found == ["a\udce9.tif", "b.tif"]


def test_a_journal_clears_up_after_the_dead_and_refuses_the_living(tmp_path):
    with opened(tmp_path) as journal:
        journal.begin()
        run = journal.run
        with pytest.raises(InputError, match=rf"is in use by another run \(process {os.getpid()} on"):
            opened(tmp_path).__enter__()
    (tmp_path / f".{run}-000001-x.tmp").write_text("left")
    # A worker of a dead run that still lives is left alone, and so is what it writes.
    with working(tmp_path, f"{run}-000002-"), pytest.raises(InputError, match="is in use by another run"):
        opened(tmp_path).__enter__()
    with opened(tmp_path) as journal:
        assert journal.cleared >= 1
    assert [p.name for p in tmp_path.iterdir()] == [JOURNAL]


def test_who_dies_lets_go(tmp_path):
    def take() -> None:
        with opened(tmp_path) as journal:
            journal.begin()
            os._exit(9)

    assert dies(take, 10**6)
    with opened(tmp_path) as journal:
        assert [entry["event"] for entry in journal.earlier] == ["run"]


def test_a_journal_that_was_not_begun_leaves_no_trace(tmp_path):
    with opened(tmp_path / "a" / "b"):
        pass
    assert list(tmp_path.iterdir()) == []
