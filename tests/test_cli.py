"""The command line as people meet it: what it writes, what it says, how it refuses and how it is interrupted."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from scipy import ndimage

from napari_blind_deconv import io
from napari_blind_deconv.cli import main
from napari_blind_deconv.presets import SOLVERS
from napari_blind_deconv.settings import (
    ESTIMATORS,
    IMAGE_PRIORS,
    KERNEL_PRIORS,
    RESTORERS,
    Settings,
    settings_to_dict,
)

QUICK = ("--kernel-size", "5", "--iterations", "2")
START = "import sys; print('ready', flush=True); from napari_blind_deconv.cli import main; main()"


def picture(shape=(48, 48), seed=0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.5).astype(np.float32)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """The working folder, with one image in it."""
    monkeypatch.chdir(tmp_path)
    io.write(Path("a.tif"), io.Volume(picture(), "YX", (0.2, 0.1)), {})
    return tmp_path


@pytest.fixture
def call(folder, monkeypatch, capsys):
    """Run a command line in this process; gives exit code, stdout and stderr."""
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["blind-deconv", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def refused(call, folder):
    """Run a command line that must be refused: exit code 2, one line on stderr, nothing written."""

    def run(*arguments: object) -> str:
        before = sorted(folder.rglob("*"))
        code, out, err = call(*arguments)
        assert code == 2
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.startswith("blind-deconv: ")
        assert sorted(folder.rglob("*")) == before
        return err

    return run


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_run_writes_three_files_and_says_what_it_found(call):
    io.write(Path("k.tif"), io.Volume(np.ones((3, 3)), "YX"), {})
    code, out, err = call("run", "a.tif", "-o", "out", *QUICK, "--truth", "a.tif", "--true-psf", "k.tif")
    assert (code, err) == (0, "")
    assert names(Path("out")) == ["a_psf.ome.tif", "a_report.json", "a_restored.ome.tif"]
    for said in (
        "a.tif: done in",
        str(Path("out/a_psf.ome.tif")),
        "5 x 5 px, FWHM",
        "µm",
        "noise",
        "PSNR (dB)",
        "KE",
        "MNC",
    ):
        assert said in out
    restored, psf = io.read(Path("out/a_restored.ome.tif")), io.read(Path("out/a_psf.ome.tif"))
    assert (restored.data.shape, restored.data.dtype, restored.axes) == ((48, 48), np.float32, "YX")
    assert restored.voxel_size_um == psf.voxel_size_um == pytest.approx((0.2, 0.1))
    assert psf.data.sum() == pytest.approx(1, abs=1e-5)
    report = json.loads(Path("out/a_report.json").read_text())
    assert report["settings"]["kernel_size"] == [5]
    assert {"psnr", "ssim", "ke", "ke_rel", "mnc", "grades"} <= set(report["metrics"])


def test_json_is_all_that_is_on_stdout(call):
    code, out, err = call("run", "a.tif", "-o", "out", *QUICK, "--json")
    (entry,) = json.loads(out)["files"]
    assert (code, err) == (0, "")
    assert entry["status"] == "done"
    assert [Path(path).name for path in entry["outputs"]] == ["a_restored.ome.tif", "a_psf.ome.tif", "a_report.json"]
    assert entry["report"]["settings"]["iterations"] == 2


def test_settings_come_from_defaults_then_file_then_options_then_set(call):
    file = {"seed": 1, "kernel_weight": 2.0, "background": 0.01, "kernel_prior": {"kind": "gaussian"}, "iterations": 2}
    Path("s.json").write_text(json.dumps(file))
    options = ("--settings", "s.json", "--seed", 3, "--kernel-weight", 4, "--set", "kernel_weight=5", *QUICK)
    code, out, _ = call("run", "a.tif", "-o", "out", "--json", *options, "--image-prior-strength", "0.5")
    settings = json.loads(out)["files"][0]["report"]["settings"]
    assert code == 0
    expected = {"seed": 3, "kernel_weight": 5.0, "background": 0.01, "planes": False}
    assert {name: settings[name] for name in expected} == expected
    assert settings["kernel_prior"]["kind"] == "gaussian"
    assert settings["image_prior"]["strength"] == 0.5


@pytest.mark.parametrize("source", ["out/a_report.json", "out/a_restored.ome.tif"])
def test_a_run_can_be_repeated_from_what_it_wrote(call, source):
    call("run", "a.tif", "-o", "out", *QUICK, "--set", "kernel_weight=3", "--json")
    code, _, _ = call("run", "a.tif", "-o", "again", "--settings", source)
    assert code == 0
    np.testing.assert_array_equal(*(io.read(Path(f"{f}/a_restored.ome.tif")).data for f in ("out", "again")))


def test_a_psf_alone_means_that_it_is_known(call):
    taps = np.ones((3, 5)) / 15
    io.write(Path("k.tif"), io.Volume(taps, "YX", (0.2, 0.1)), {})
    assert call("run", "a.tif", "-o", "out", "--psf", "k.tif", "--iterations", 2)[0] == 0
    np.testing.assert_allclose(io.read(Path("out/a_psf.ome.tif")).data, taps, rtol=1e-5)


def test_some_failed(call):
    Path("b.tif").write_bytes(Path("a.tif").read_bytes()[:700])
    io.write(Path("c.tif"), io.Volume(picture(seed=1), "YX"), {})
    code, out, err = call("run", "*.tif", "-o", "out", *QUICK)
    assert code == 1
    assert "failed: b.tif" in out
    assert "1 of 3 files failed, the rest are done" in err
    listed = json.loads(Path("out/batch.json").read_text())["files"]
    assert [(entry["input"], entry["status"]) for entry in listed] == [
        ("a.tif", "done"), ("b.tif", "failed"), ("c.tif", "done")
    ]  # fmt: skip
    assert "c_restored.ome.tif" in names(Path("out"))


def test_many_files_are_told_as_a_table(call):
    for name in "bcd":
        io.write(Path(f"[{name}].tif"), io.Volume(picture((20, 20)), "YX"), {})
    code, out, err = call("run", ".", "-o", "out", *QUICK)
    assert code == 0
    assert [f"[{i}/4]" in err for i in range(1, 5)] == [True] * 4
    assert all(f"[{name}].tif" in out for name in "bcd")


def stored(name: str, data: np.ndarray, **options: object) -> str:
    tifffile.imwrite(name, data, **options)
    return name


def with_some(value: float, count: int) -> np.ndarray:
    data = picture()
    data.flat[:count] = value
    return data


IMAGES = {
    "constant": (np.full((48, 48), 3.0, "f4"), ["constant", "3"]),
    "all NaN": (np.full((48, 48), np.nan, "f4"), ["no finite value"]),
    "thin": (picture((2, 48)), ["2 pixels along Y", "at least 3"]),
    "complex": (picture().astype("c8"), ["complex64"]),
    "boolean": (picture() > 0.5, ["bool"]),
}
BLANK_CHANNEL = np.stack([picture(), np.ones((48, 48), "f4")])


@pytest.mark.parametrize("case", IMAGES)
def test_images_that_cannot_be_worked_with(refused, case):
    data, said = IMAGES[case]
    message = refused("run", stored("x.tif", data), "-o", "out", *QUICK)
    assert all(part in message for part in ["x.tif", *said])


def test_a_blank_channel_is_named(refused):
    name = stored("x.tif", BLANK_CHANNEL, imagej=True, metadata={"axes": "CYX"})
    assert "channel 2 of 2 is constant, every pixel is 1" in refused("run", name, "-o", "out", *QUICK)


@pytest.mark.parametrize(("value", "count"), [(np.nan, 7), (np.inf, 2)])
def test_pixels_that_are_not_finite_are_left_out_and_told(call, value, count):
    code, out, err = call("run", stored("x.tif", with_some(value, count)), "-o", "out", *QUICK)
    assert code == 0
    assert f"{count} pixels are NaN or infinite" in " ".join((out + err).split())
    assert np.isfinite(io.read(Path("out/x_restored.ome.tif")).data).all()


def test_fill_nan_fills_them(call):
    assert call("run", stored("x.tif", with_some(np.nan, 7)), "-o", "out", *QUICK, "--fill-nan")[0] == 0
    assert np.isfinite(io.read(Path("out/x_restored.ome.tif")).data).all()


OPTIONS = {
    "kernel larger than the image": (["--kernel-size", 49], ["--kernel-size", "49", "larger than the image"]),
    "even kernel": (["--kernel-size", 8], ["--kernel-size 8", "odd", "9"]),
    "kernel of words": (["--kernel-size", "big"], ["--kernel-size 'big'", "such as"]),
    "kernel of three axes": (["--kernel-size", "5,5,5"], ["3 axes", "has 2"]),
    "negative voxel": (["--voxel-size-um", "-0.1,0.1"], ["--voxel-size-um '-0.1,0.1'", "positive"]),
    "zero voxel": (["--voxel-size-um", "0,0.1"], ["positive"]),
    "infinite voxel": (["--voxel-size-um", "inf,0.1"], ["positive"]),
    "voxel of three axes": (["--voxel-size-um", "1,1,1"], ["3 lengths", "2 spatial axes"]),
    "axes": (["--axes", "TYX"], ["'TYX'", "3 axes", "has 2"]),
    "unknown setting": (["--set", "kernel_wieght=2"], ["'kernel_wieght' is unknown", "did you mean 'kernel_weight'?"]),
    "unknown field": (["--set", "image_prior.strenght=1"], ["image_prior.strenght", "did you mean 'strength'?"]),
    "unknown prior field": (["--set", "kernel_prior.foo=1"], ["kernel_prior.foo", "no settings"]),
    "no assignment": (["--set", "seed"], ["'seed'", "path=value"]),
    "unknown kernel prior": (["--kernel-prior", "unifrm"], ["'unifrm'", "did you mean 'uniform'?"]),
    "unknown image prior": (["--image-prior", "tv"], ["'tv'", "total-variation"]),
    "unknown solver": (["--solver", "fft"], ["'fft'", "richardson-lucy"]),
    "unknown device": (["--device", "tpu"], ["device", "'tpu'", "cpu"]),
    "NaN": (["--kernel-weight", "nan"], ["--kernel-weight nan", "finite"]),
    "infinite": (["--background", "inf"], ["background", "finite"]),
    "NaN by path": (["--set", "noise_sigma=NaN"], ["--noise-sigma nan", "finite"]),
    "infinite strength": (["--image-prior-strength", "inf"], ["strength", "finite"]),
    "strength of nothing": (["--image-prior", "none", "--image-prior-strength", 1], ["strength"]),
    "no iterations": (["--iterations", 0], ["iterations", "at least 1"]),
    "too little memory": (["--max-memory-gb", 0.001], ["needs about", "--max-memory-gb"]),
    "no memory": (["--max-memory-gb", 0], ["--max-memory-gb 0", "positive"]),
    "missing settings": (["--settings", "no.json"], ["no.json", "cannot be read"]),
    "missing PSF": (["--psf", "no.tif"], ["no.tif", "does not exist"]),
    "missing truth": (["--truth", "no.tif"], ["no.tif", "does not exist"]),
    "known without PSF": (["--kernel-prior", "known"], ["--kernel-prior known has no PSF", "with --psf"]),
    "not a number": (["--iterations", "many"], ["--iterations", "many"]),
    "unknown option": (["--kernal-size", "5"], ["--kernal-size", "See 'blind-deconv run --help'"]),
    "kernel of one number by path": (["--set", "kernel_size=8"], ["--kernel-size 8", "such as [15, 15]"]),
    "words for a number": (["--set", "kernel_weight=high"], ["--kernel-weight 'high' must be a number"]),
    "folder that is a file": (["-o", "a.tif"], ["output folder a.tif is a file"]),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_that_cannot_be(refused, case):
    options, said = OPTIONS[case]
    message = refused("run", "a.tif", "-o", "out", *options)
    assert all(part in message for part in said), message


PSFS = {
    "zero": (np.zeros((5, 5)), (0.2, 0.1), "zero everywhere"),
    "negative": (np.eye(5) - 0.1, (0.2, 0.1), "20 negative values"),
    "dimensions": (np.ones((3, 5, 5)), None, "3 axes"),
    "voxels": (np.ones((5, 5)), (0.2, 0.3), "voxels"),
    "size": (np.eye(1, 51 * 51).reshape(51, 51), (0.2, 0.1), "no light in its middle"),
}


@pytest.mark.parametrize("case", PSFS)
def test_psfs_that_do_not_fit(refused, case):
    data, voxel_size_um, said = PSFS[case]
    io.write(Path("k.tif"), io.Volume(data, "ZYX"[-data.ndim :], voxel_size_um), {})
    message = refused("run", "a.tif", "-o", "out", "--kernel-prior", "known", "--psf", "k.tif")
    assert said in message
    assert "PSF k.tif" in message


def test_a_psf_is_not_silently_ignored(refused):
    io.write(Path("k.tif"), io.Volume(np.ones((3, 3)), "YX"), {})
    message = refused("run", "a.tif", "-o", "out", "--kernel-prior", "motion", "--psf", "k.tif")
    assert "--kernel-prior motion cannot use the PSF" in message


def test_a_known_psf_is_recorded_and_found_again(call):
    io.write(Path("k.tif"), io.Volume(np.eye(5), "YX", (0.2, 0.1)), {})
    assert call("run", "a.tif", "-o", "first", "--psf", "k.tif", "--iterations", 2)[0] == 0
    assert call("run", "a.tif", "-o", "again", "--settings", "first/a_report.json")[0] == 0
    first, again = (io.read(Path(folder, "a_restored.ome.tif")).data for folder in ("first", "again"))
    np.testing.assert_array_equal(first, again)


FILES = {
    "missing": (None, "does not exist"),
    "empty": (b"", "0 bytes"),
    "no TIFF": (b"\x89PNG\r\n\x1a\n" + bytes(64), "not a TIFF"),
    "truncated": (700, "truncated or damaged"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_cannot_be_read(refused, case):
    content, said = FILES[case]
    if content is not None:
        Path("x.tif").write_bytes(Path("a.tif").read_bytes()[:content] if isinstance(content, int) else content)
    message = refused("run", "x.tif", "-o", "out", *QUICK)
    assert "x.tif" in message
    assert said in message


def test_a_voxel_size_that_is_known_in_part_stays_so_unless_another_is_given(refused, call):
    said = {"axes": "ZYX", "unit": "um", "spacing": 0}
    stored("z.tif", picture((5, 20, 21)), imagej=True, resolution=(10, 10), metadata=said)
    wanted = ("run", "z.tif", "-o", "out", "--kernel-size", 3)
    assert "along Z" in refused(*wanted, "--kernel-prior", "microscope")
    assert call(*wanted)[0] == 0
    assert io.read(Path("out/z_restored.ome.tif")).voxel_size_um == (None, pytest.approx(0.1), pytest.approx(0.1))
    assert "PhysicalSizeZ" not in tifffile.TiffFile("out/z_psf.ome.tif").ome_metadata
    assert call(*wanted, "--voxel-size-um", "0.3,0.1,0.1", "--overwrite")[0] == 0
    assert io.read(Path("out/z_psf.ome.tif")).voxel_size_um == pytest.approx((0.3, 0.1, 0.1))


def test_outputs_that_cannot_be_written(refused):
    Path("file").write_text("")
    assert "output folder file" in refused("run", "a.tif", "-o", "file", *QUICK)
    assert "output folder" in refused("run", "a.tif", "-o", "file/below", *QUICK)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_folder_without_permission(refused):
    Path("locked").mkdir(mode=0o500)
    assert "is not writable" in refused("run", "a.tif", "-o", "locked", *QUICK)


def test_clashes_are_refused(refused):
    Path("other").mkdir()
    for name in ("other/a.tif", "a_restored.ome.tif"):
        io.write(Path(name), io.Volume(picture(), "YX"), {})
    assert "would both write" in refused("run", "a.tif", "other/a.tif", "-o", "out", *QUICK)
    assert "would be overwritten" in refused("run", "a.tif", "a_restored.ome.tif", "-o", ".", *QUICK)


@pytest.mark.parametrize("text", ['{"kernel_wieght": 1}', '{"kernel_weight": NaN}', "{", "[]", '{"seed": "x"}'])
def test_settings_files_that_cannot_be(refused, text):
    Path("s.json").write_text(text)
    assert refused("run", "a.tif", "-o", "out", "--settings", "s.json")


@pytest.mark.parametrize("arguments", [["run", "a.tif"], ["run", "-o", "out"], ["sharpen"], ["run", "a.tif", "-o"]])
def test_usage_errors_are_one_line(refused, arguments):
    refused(*arguments)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on file sizes")
def test_a_full_disk_leaves_nothing(folder):
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000)); " + START
    done = subprocess.run(
        [sys.executable, "-c", limited, "run", "a.tif", "-o", "out", *QUICK],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert "output folder out has not enough space" in done.stderr
    assert "MB" in done.stderr
    assert names(folder) == ["a.tif"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "delay_s"), [("SIGINT", 0.15), ("SIGINT", 1.0), ("SIGINT", 4.0), ("SIGTERM", 1.0)])
def test_an_interruption_ends_cleanly_at_any_time(folder, number, delay_s):
    endless = ["run", "a.tif", "-o", "out", "--kernel-size", "5", "--iterations", "100000"]
    with subprocess.Popen(
        [sys.executable, "-c", START, *endless], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(delay_s)
        process.send_signal(getattr(signal, number))
        try:
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, err
    assert out == ""
    assert err.count("\n") == 1, err
    assert "interrupted" in err
    assert names(folder) == ["a.tif"]


def test_metrics_compare_and_describe(call):
    io.write(Path("k.tif"), io.Volume(np.ones((3, 3)), "YX"), {})
    code, out, err = call("metrics", "--image", "a.tif", "--truth", "a.tif", "--psf", "k.tif", "--true-psf", "k.tif")
    assert (code, err) == (0, "")
    for said in (
        "PSNR (dB)  inf (really good)",
        "SSIM       1 (really good)",
        "KE         0",
        "FWHM       3.00, 3.00 px",
    ):
        assert said in out
    code, out, _ = call("metrics", "--psf", "k.tif", "--json")
    assert code == 0
    assert json.loads(out)["kernel"]["entropy_nats"] == pytest.approx(np.log(9))


def test_metrics_of_a_stack_with_a_single_plane_and_of_its_plane(call):
    io.write(Path("z.tif"), io.Volume(picture()[None], "ZYX"), {})
    assert call("metrics", "--image", "z.tif", "--truth", "a.tif")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to score"),
        (["--image", "a.tif"], "go together"),
        (["--true-psf", "a.tif"], "--psf"),
        (["--image", "a.tif", "--truth", "b.tif"], "same shape"),
        (["--image", "a.tif", "--truth", "a.tif", "--data-range", "0"], "--data-range 0"),
        (["--image", "a.tif", "--truth", "a.tif", "--intensity", "log"], "absolute and affine"),
        (["--image", "a.tif", "--truth", "a.tif", "--border", "-1"], "--border -1"),
        (["--image", "a.tif", "--truth", "a.tif", "--max-shift", "x"], "'x' is not a whole number"),
        (["--psf", "z.tif", "--true-psf", "z.tif"], "no positive value"),
    ],
)
def test_metrics_that_cannot_be(refused, arguments, said):
    io.write(Path("b.tif"), io.Volume(picture((48, 50)), "YX"), {})
    io.write(Path("z.tif"), io.Volume(np.zeros((3, 3)), "YX"), {})
    assert said in refused("metrics", *arguments)


def test_info_names_what_there_is(call):
    code, out, _ = call("info", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["components"]["kernel_priors"] == sorted(KERNEL_PRIORS)
    assert found["devices"][0]["device"] == "cpu"
    code, out, _ = call("info")
    assert code == 0
    assert "torch threads" in out


def test_demo_restores_tables_and_draws(call, monkeypatch):
    kernel = np.ones((3, 3), np.float32) / 9
    truth = picture((40, 40))
    plane = SimpleNamespace(
        observed=ndimage.convolve(truth, kernel), truth=truth, kernel=kernel, axes="YX", voxel_size_um=None,
        settings=Settings(kernel_size=(5,), iterations=2),
    )  # fmt: skip
    deep = SimpleNamespace(
        observed=picture((7, 20, 21)), truth=picture((7, 20, 21)), kernel=kernel[None].repeat(3, 0), axes="ZYX",
        voxel_size_um=(0.3, 0.1, 0.1), settings=Settings(kernel_size=(3,), iterations=2),
    )  # fmt: skip
    samples = {"plane": lambda: plane, "deep": lambda: deep}
    monkeypatch.setattr("napari_blind_deconv.cli.demo.SAMPLES", samples)
    code, out, _ = call("demo", "--output", "shown")
    assert code == 0
    assert all(said in out for said in ("plane", "deep", "PSNR before", "MNC", str(Path("shown/demo.png"))))
    assert Path("shown/demo.png").read_bytes().startswith(b"\x89PNG")
    assert "deep_restored.ome.tif" in names(Path("shown"))


def test_help_is_quick_because_it_imports_nothing_heavy(folder):
    code = (
        "import sys; from napari_blind_deconv.cli import _run; assert _run(['run', '--help']) == 0; "
        "print(sorted({'torch', 'tifffile', 'numpy', 'skimage', 'zarr'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


def test_help_names_every_component(call):
    text = re.sub(r"\s+", "", call("run", "--help")[1])
    for option, registry in (
        ("kernel-prior", KERNEL_PRIORS),
        ("image-prior", IMAGE_PRIORS),
        ("solver", SOLVERS),
        ("estimator", ESTIMATORS),
        ("restorer", RESTORERS),
    ):
        (said,) = re.findall(rf"--{option}<str>(.*?\.)--", text)
        assert all(name in said for name in registry), said


def test_help_without_a_command(call):
    code, out, _ = call()
    assert code == 0
    assert "Usage: blind-deconv" in out


def test_settings_files_may_hold_everything(call):
    Path("s.json").write_text(json.dumps(settings_to_dict(Settings(kernel_size=(5,), iterations=2))))
    assert call("run", "a.tif", "-o", "out", "--settings", "s.json")[0] == 0


def test_pixels_to_leave_out_and_a_region_come_from_files_or_ranges(call, refused):
    labels = np.zeros((48, 48), np.uint8)
    labels[2:5, 6:10] = 3
    inside = np.zeros((48, 48), np.uint8)
    inside[4:40, :] = 7
    io.write(Path("labels.tif"), io.Volume(labels, "YX"), {})
    io.write(Path("used.tif"), io.Volume((labels == 0).astype(np.uint8), "YX"), {})
    io.write(Path("inside.tif"), io.Volume(inside, "YX"), {})
    gaussian = ("run", "a.tif", *QUICK, "--kernel-prior", "gaussian")
    for folder, given in {
        "one": ("--leave-out", "labels.tif", "--region", "inside.tif"),
        "two": ("--mask", "used.tif", "--region", "4:40,:"),
    }.items():
        code, out, _ = call(*gaussian, "-o", folder, *given)
        report = io.read_json(Path(folder, "a_report.json"))
        assert code == 0
        assert report["noise"]["words"].removeprefix("noise of ") in out
        assert f"left out {report['left_out']['words']}" in out
    one, two = (io.read_json(Path(folder, "a_report.json")) for folder in ("one", "two"))
    assert one["defects"] == two["defects"] == {"outside": 12}
    assert one["region"] == two["region"]
    assert (one["references"], two["references"]) == (
        {"leave_out": "labels.tif", "region": "inside.tif"},
        {"mask": "used.tif"},
    )
    np.testing.assert_array_equal(*(io.read(Path(folder, "a_psf.ome.tif")).data for folder in ("one", "two")))
    assert "--mask and --leave-out" in refused(*gaussian, "-o", "no", "--mask", "used.tif", "--leave-out", "labels.tif")
    assert "--region '9:4,:'" in refused(*gaussian, "-o", "no", "--region", "9:4,:")
    assert "9:90 along X must lie within 0:48" in refused(*gaussian, "-o", "no", "--region", ":,9:90")
