"""What is there already: never replaced unasked, and image and report change together, whenever a process dies."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.batch import plan, refuse_replacing, run_batch
from napari_blind_deconv.cli import main
from napari_blind_deconv.settings import Settings

NAMES = ("restored", "psf", "report")


def write(folder: Path, run: int, names=NAMES, outdated=(), stores=()) -> None:
    with io.atomic(*(folder / n for n in names), outdated=[folder / n for n in outdated]) as temporary:
        for name, path in zip(names, temporary, strict=True):
            if name in stores:
                (path / "0").mkdir(parents=True)
                (path / "zarr.json").write_text(str(run))
                (path / "0" / "c").write_text(str(run))
            else:
                path.write_text(str(run))


def run_of(path: Path) -> str:
    """That a file was written by; of a store, if all of it is from one run."""
    if not path.is_dir():
        return path.read_text()
    found = {(path / name).read_text() for name in ("zarr.json", "0/c")}
    assert len(found) == 1
    return found.pop()


def there(folder: Path) -> dict[str, str]:
    return {p.name: run_of(p) for p in folder.iterdir() if not p.name.startswith(".")}


@contextmanager
def before_every_call(act) -> Iterator[None]:
    """Act before every call that changes a folder: what is there then is what a process that dies leaves behind."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync"), (os, "unlink"), (os, "rmdir")):
            original = getattr(owner, name)
            patch.setattr(owner, name, lambda *a, _original=original, **k: (act(), _original(*a, **k))[1])
        yield


# Whether the image of the first run and that of the second are stores: folders.
KINDS = [((), ()), (("restored", "residual"), ("restored",)), ((), ("restored",)), (("restored",), ())]


@pytest.mark.parametrize(("before", "after"), KINDS)
def test_a_process_that_dies_leaves_no_report_beside_another_runs_files(tmp_path, before, after):
    write(tmp_path, 1, ("restored", "psf", "residual", "report"), stores=before)
    moments = []

    def look() -> None:
        found = there(tmp_path)
        moments.append(found)
        if "report" in found:
            expected = {"restored", "psf"} | ({"residual"} if found["report"] == "1" else set())
            assert found.keys() - {"report"} == expected
            assert len(set(found.values())) == 1

    with before_every_call(look):
        write(tmp_path, 2, outdated=("residual",), stores=after)
    assert there(tmp_path) == dict.fromkeys(NAMES, "2")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
    assert len(moments) > 10


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
@pytest.mark.parametrize(("before", "after"), KINDS)
def test_an_interruption_at_any_call_leaves_the_old_result_or_the_new_one(tmp_path, error, before, after):
    count = 0

    def stop() -> None:
        nonlocal count
        count -= 1
        if count == 0:
            raise error

    ends = []
    for moment in range(1, 50):
        folder = tmp_path / str(moment)
        folder.mkdir()
        write(folder, 1, ("restored", "psf", "residual", "report"), stores=before)
        count = moment
        try:
            with before_every_call(stop):
                write(folder, 2, outdated=("residual",), stores=after)
        except (KeyboardInterrupt, InputError):
            pass
        found = there(folder)
        ends.append(found["report"])
        names = (*NAMES, "residual") if found["report"] == "1" else NAMES
        assert found == dict.fromkeys(names, found["report"])
    assert ends == sorted(ends)
    assert set(ends) == {"1", "2"}


def test_a_folder_in_the_place_of_a_result_keeps_what_is_there(tmp_path):
    write(tmp_path, 1)
    (tmp_path / "residual").mkdir()
    with pytest.raises(InputError, match="residual is a folder"):
        write(tmp_path, 2, outdated=("residual",))
    (tmp_path / "residual").rmdir()
    assert there(tmp_path) == dict.fromkeys(NAMES, "1")


def test_a_store_alone_is_replaced_by_a_store_and_nothing_else_of_a_folder_is(tmp_path):
    for run in (1, 2):
        write(tmp_path, run, ("a",), stores=("a",))
        assert there(tmp_path) == {"a": str(run)}
    (tmp_path / "a" / "zarr.json").rename(tmp_path / "a" / "notes.txt")
    with pytest.raises(InputError, match="a is a folder"):
        write(tmp_path, 3, ("a",), stores=("a",))
    assert (tmp_path / "a" / "0" / "c").read_text() == "2"


def picture(path: Path) -> Path:
    values = ndimage.gaussian_filter(np.random.default_rng(0).random((20, 21)), 1).astype(np.float32)
    io.write(path, io.Volume(values, "YX"), {})
    return path


def restore(image: Path, out: Path, iterations: int, **options) -> None:
    settings = Settings(kernel_size=(5,), iterations=iterations)
    *_, report = run_batch(plan([image], out, **options), settings)
    assert report.status == "done", report.message


def test_an_earlier_result_is_replaced_only_where_that_is_allowed_and_its_maps_go_with_it(tmp_path):
    image, out = picture(tmp_path / "a.tif"), tmp_path / "out"
    restore(image, out, 2, maps=True)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    assert "a_residual.ome.tif" in before
    for name in before:
        for other in [p for p in before if p != name]:
            (out / other).unlink()
        with pytest.raises(InputError, match=r"is there already, .*`?overwrite`?"):
            plan([image], out)
        for other, content in before.items():
            (out / other).write_bytes(content)
    restore(image, out, 3, overwrite=True)
    assert sorted(p.name for p in out.iterdir()) == ["a_psf.ome.tif", "a_report.json", "a_restored.ome.tif"]
    made = io.read(out / "a_restored.ome.tif").description["provenance"]["settings"]
    assert made == io.read_json(out / "a_report.json")["settings"]
    assert made["iterations"] == 3


def test_a_failed_run_leaves_the_earlier_result(tmp_path):
    image, out = picture(tmp_path / "a.tif"), tmp_path / "out"
    restore(image, out, 2, maps=True)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    image.write_bytes(image.read_bytes()[:300])
    *_, report = run_batch(plan([image], out, overwrite=True), Settings())
    assert report.status == "failed"
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("link", [None, Path.symlink_to, Path.hardlink_to])
def test_what_is_read_is_never_written(tmp_path, overwrite, link):
    kept = tmp_path / "kept.json"
    kept.write_text("{}")
    target = kept if link is None else tmp_path / "link.json"
    if link:
        link(target, kept)
    with pytest.raises(InputError, match="is an input and would be overwritten"):
        refuse_replacing([target], [kept], overwrite=overwrite)


def test_a_folder_is_no_result_that_may_be_replaced(tmp_path):
    with pytest.raises(InputError, match="is a folder"):
        refuse_replacing([tmp_path], [], overwrite=True)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command line in this process, in a folder of its own; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["blind-deconv", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_run_says_what_is_there_and_replaces_it_where_asked_to(call):
    picture(Path("a.tif"))
    command = ("run", "a.tif", "-o", "out", "--kernel-size", "3", "--iterations", "1")
    assert call(*command)[0] == 0
    before = content(Path("out"))
    # The same again is done already.
    assert call(*command)[0] == 0
    assert content(Path("out")) == before
    command = (*command[:-1], "2")
    code, out, err = call(*command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "out/a_restored.ome.tif is there already" in err
    assert "allow it to be replaced with --overwrite" in err
    assert content(Path("out")) == before
    assert call(*command, "--overwrite")[0] == 0
    # Settings that are read are not written, whoever asks.
    code, _, err = call(*command, "--overwrite", "--settings", "out/a_report.json")
    assert (code, "out/a_report.json is an input and would be overwritten" in err) == (2, True)


@pytest.mark.parametrize("option", ["kernel_prior=learned", "image_prior=diffusion"])
def test_a_network_and_its_card_are_not_written(call, option):
    picture(Path("a.tif"))
    Path("out").mkdir()
    Path("out/a_report.json").write_text("{}")
    family = option.partition("=")[0]
    weights = ("--set", option, "--set", f"{family}.weights=out/a_report.safetensors")
    code, _, err = call("run", "a.tif", "-o", "out", "--overwrite", *weights)
    assert (code, "out/a_report.json is an input" in err) == (2, True)


def test_several_images_replace_no_list_of_others(call):
    for name in "ab":
        picture(Path(f"{name}.tif"))
    Path("out").mkdir()
    Path("out/batch.json").write_text("{}")
    code, _, err = call("run", "a.tif", "b.tif", "-o", "out")
    assert (code, "out/batch.json is there already" in err) == (2, True)
    assert list(content(Path("out"))) == ["out/batch.json"]


def test_psf_commands_replace_nothing_unasked(call):
    taps = np.outer([1, 2, 1], [1, 2, 1]).astype(np.float32)
    io.write(Path("k.tif"), io.Volume(taps, "YX"), {})
    assert call("psf", "compare", "k.tif", "--figure", "f.png")[0] == 0
    before = content(Path())
    for figure, options in (("f.png", ()), ("k.tif", ("--overwrite",)), (".", ("--overwrite",))):
        assert call("psf", "compare", "k.tif", "--figure", figure, *options)[0] == 2
    Path("out").mkdir()
    Path("out/k_report.json").write_text("{}")
    code, _, err = call("psf", "measure", "k.tif", "-o", "out", "--overwrite")
    assert (code, "out/k_report.json is there already" in err) == (2, True)
    Path("out/k_report.json").unlink()
    assert content(Path()) == before


@pytest.mark.parametrize("command", ["demo", "experiments"])
def test_samples_replace_nothing_unasked(call, command):
    Path("out").mkdir()
    Path(f"out/{command}.png").write_bytes(b"mine")
    code, out, err = call(command, "-o", "out")
    assert (code, out) == (2, "")
    assert f"out/{command}.png is there already" in err
    assert content(Path()) == {f"out/{command}.png": b"mine"}
