"""What nobody should have: each kind of fault that fuzzing has found, and laws that keep the kind away."""

import hashlib
import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from annotated_types import Ge, GroupedMetadata, Gt, Le, Lt
from pydantic import AfterValidator
from pydantic.fields import FieldInfo
from safetensors.torch import save as to_bytes
from scipy import ndimage

from fuzz.judge import KINDS
from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv.batch import find_inputs, plan, run_batch
from napari_blind_deconv.batch.fingerprints import network_files
from napari_blind_deconv.cli import main
from napari_blind_deconv.cli.faults import TRACEBACK, OneLine
from napari_blind_deconv.cli.shown import shown
from napari_blind_deconv.failures import in_words
from napari_blind_deconv.forward import CameraNoiseModel
from napari_blind_deconv.image_priors import Diffusion, PatchMixture
from napari_blind_deconv.kernel_priors import Known, Learned, Lenslets
from napari_blind_deconv.networks.denoiser import Denoiser
from napari_blind_deconv.networks.unet import UNetShape
from napari_blind_deconv.networks.weights import load, save, shipped_path
from napari_blind_deconv.pipeline.posing import Levels
from napari_blind_deconv.settings import (
    FAMILIES,
    override,
    settings_from_dict,
)

QUICK = Settings(kernel_size=(5,), iterations=2)
COMPONENTS = [
    Settings,
    *(c for kinds in FAMILIES.values() for c in kinds.values()),
]


def picture(shape=(20, 21), seed=0) -> np.ndarray:
    return ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1).astype(np.float32)


def written(path: Path, data=None) -> Path:
    io.write(path, io.Volume(picture() if data is None else data, "YX"), {})
    return path


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command line in this process, in an empty folder; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["blind-deconv", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


# --- Numbers


def rules(metadata):
    for rule in metadata:
        if isinstance(rule, FieldInfo):
            yield from rules(rule.metadata)
        elif isinstance(rule, GroupedMetadata):
            yield from rule
        else:
            yield rule


def unbounded(annotation, metadata=()) -> bool:
    """Whether a number of this type may be of any size."""
    if annotation in (int, float):
        found = {type(rule) for rule in rules(metadata)}
        # A size that is no positive odd number is refused by a function.
        return not (found & {Ge, Gt, AfterValidator} and found & {Le, Lt})
    inner = getattr(annotation, "__metadata__", None)
    if inner is not None:
        return unbounded(annotation.__origin__, inner)
    return any(unbounded(part, metadata) for part in getattr(annotation, "__args__", ()))


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda c: c.__name__)
def test_every_number_has_a_range(component):
    for name, info in component.__pydantic_fields__.items():
        # Quantities of a microscope are validated by a function of their own.
        if any(type(rule).__name__ == "BeforeValidator" for rule in info.metadata):
            continue
        assert not unbounded(info.annotation, info.metadata), name


@pytest.mark.parametrize(
    ("settings", "scale", "said"),
    [
        (QUICK, 1e31, "at most 1e+30"),
        (QUICK, 1e-31, "at least 1e-30"),
        (replace(QUICK, background=-1e20), 1.0, "uniform grey"),
        (replace(QUICK, likelihood=CameraNoiseModel(gain=1e20)), 1.0, "spans only"),
        (replace(QUICK, likelihood=CameraNoiseModel(gain=0.01, read_noise=1e20)), 1.0, "spans only"),
        (replace(QUICK, likelihood=CameraNoiseModel(gain=0.01, offset=-1e20)), 1.0, "offset is -1e"),
        (replace(QUICK, likelihood=CameraNoiseModel(gain=0.01, offset=2.0)), 1.0, "offset is 2"),
        (replace(QUICK, kernel_prior=Lenslets(width_px=8)), 1.0, "do not fit into a PSF"),
    ],
)
def test_what_no_image_can_be_is_refused(settings, scale, said):
    with pytest.raises(InputError) as error:
        deconvolve(picture().astype(np.float64) * scale, settings)
    assert said in str(error.value)


@pytest.mark.parametrize("voxels", [(1e-300, 1e300), (1e-9, 1e-9), (1e9, 1e9), (0.1, 1e4)])
def test_voxels_are_between_a_picometre_and_a_metre(voxels):
    with pytest.raises(InputError, match=r"voxel size .* must lie between 1e-06 and 1e\+06 µm"):
        deconvolve(picture(), QUICK, voxel_size_um=voxels)


@pytest.mark.parametrize(
    "prior", [Diffusion(strength=1.0, edges=100), Diffusion(weight=1e6, edges=100), Diffusion(strength=0.0)]
)
def test_the_ends_of_a_range_make_no_number_beyond_another_one(prior):
    noisy = torch.from_numpy(picture((12, 13)))
    coefficients = torch.stack([noisy] * len(prior.filters((1.0, 1.0))))
    for level in prior.levels(3, 0.01):
        assert bool(prior.denoise(coefficients, level, (1.0, 1.0)).isfinite().all())


@pytest.mark.parametrize("unit", [1e-300, 1.0, 1e307])
def test_a_psf_may_have_any_unit(unit):
    taps = np.outer([1, 2, 1], [1, 2, 1]) * unit
    result = deconvolve(picture(), Settings(kernel_prior=Known(), iterations=2), psf=taps)
    np.testing.assert_allclose(result.kernel, np.outer([1, 2, 1], [1, 2, 1]) / 16, rtol=1e-6)


def test_a_result_that_is_not_finite_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(Levels, "restored", lambda _, image: image * np.float32(np.nan))
    with pytest.raises(InputError, match="restored image is not finite"):
        deconvolve(picture(), QUICK)
    *_, report = run_batch(plan([written(tmp_path / "a.tif")], tmp_path / "out"), QUICK)
    assert report.refused
    assert [p.name for p in tmp_path.iterdir()] == ["a.tif"]


# --- Settings


@pytest.mark.parametrize("kind", [{}, [], None, 3, "a" * 10_000])
def test_a_kind_that_is_none_is_refused_shortly(kind):
    with pytest.raises(InputError, match="is unknown") as error:
        settings_from_dict({"estimator": {"kind": kind}})
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("assignment", ["estimator=", "estimator.", "x", "kernel_size"])
def test_a_long_assignment_is_refused_shortly(assignment):
    with pytest.raises(InputError) as error:
        settings_from_dict(override({}, assignment + "a" * 10_000 + ("=1" if "=" not in assignment else "")))
    assert len(str(error.value)) < 700


@pytest.mark.parametrize("prior", ["1", "{}", "[]", "null", '{"psf": "k.tif"}'])
def test_a_kernel_prior_that_is_none_beside_a_psf(call, prior):
    written(Path("a.tif"))
    code, _, err = call("run", "a.tif", "-o", "out", "--psf", "k.tif", "--set", f"kernel_prior={prior}")
    assert (code, err.count("\n")) == (2, 1), err


def test_what_is_bound_later_is_no_setting():
    for values in (
        {"image_prior": {"kind": "diffusion", "turn": 1}},
        {"kernel_prior": {"kind": "known", "kernel": [1]}},
    ):
        with pytest.raises(InputError, match="is unknown"):
            settings_from_dict(values)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe{\x00", "not UTF-8"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"kernel_weight": ' + b"9" * 5000 + b"}", "too many digits"),
        (b'{"kernel_weight": 1e999}', "must be a finite number"),
        (b'{"a": ', "not valid JSON"),
        (b" " * (17 << 20), "has more than 16 MB"),
    ],
)
def test_settings_files_that_are_none(call, content, said):
    written(Path("a.tif"))
    Path("s.json").write_bytes(content)
    code, out, err = call("run", "a.tif", "-o", "out", "--settings", "s.json")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_a_mark_at_the_beginning_of_a_settings_file_is_no_fault(tmp_path):
    (tmp_path / "s.json").write_bytes(b"\xef\xbb\xbf{}")
    assert io.read_json(tmp_path / "s.json") == {}


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders")
def test_what_is_no_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "pipe", "is a pipe"), (tmp_path, "is a folder"), (Path("/dev/zero"), "is a device")):
        with pytest.raises(InputError, match=said):
            io.read_json(path)
    with pytest.raises(InputError, match="cannot be read"):
        io.read_json(tmp_path / "a\x00b")


def test_loops_of_links_are_no_input(tmp_path):
    loop = tmp_path / "loop.tif"
    loop.symlink_to(loop)
    assert find_inputs([loop]) == [loop]
    with pytest.raises(InputError):
        io.read(loop)


@pytest.mark.parametrize("axes", ["YXS", "SYX", "ZYXS"])
def test_one_colour_sample_comes_back(tmp_path, axes):
    sizes = {"Z": 3, "Y": 5, "X": 6, "S": 1}
    values = np.random.default_rng(0).random([sizes[axis] for axis in axes], np.float32)
    io.write(tmp_path / "a.tif", io.Volume(values, axes), {})
    read = io.read(tmp_path / "a.tif")
    assert (read.axes, read.data.shape) == (axes, values.shape)
    np.testing.assert_array_equal(read.data, values)


# --- Networks


def small(path: Path, **shape) -> Path:
    network = UNetShape(**{"widths": (4, 8), **shape})
    card = {"name": "own", "network": {"widths": network.widths, "ndim": network.ndim}, "unit": "1"}
    save(path, Denoiser(network).state_dict(), {**card, "sigma_range": (0.01, 0.5)})
    return path


def change_card(path: Path, **fields) -> None:
    card = path.with_suffix(".json")
    signed = {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    card.write_text(json.dumps(json.loads(card.read_text()) | signed | fields))


def test_a_card_that_claims_too_much_is_refused_before_memory_is_taken(tmp_path, monkeypatch):
    path = small(tmp_path / "n.safetensors")
    change_card(path, network={"widths": [4096] * 10, "blocks": 64})
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read"))
    with pytest.raises(InputError, match="does not fit its model card: it has"):
        load(path)


def test_a_file_with_a_hole_is_refused_before_it_is_read(tmp_path):
    path = small(tmp_path / "n.safetensors")
    with path.open("r+b") as file:
        file.truncate(2 << 30)
    with pytest.raises(InputError, match="does not fit its model card: it has 2147483648 bytes"):
        load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_refused(tmp_path, value):
    path = small(tmp_path / "n.safetensors")
    state = {name: t.contiguous() for name, t in Denoiser(UNetShape(widths=(4, 8))).state_dict().items()}
    next(iter(state.values())).fill_(value)
    path.write_bytes(to_bytes(state))
    change_card(path)
    with pytest.raises(InputError, match="NaN, infinite or not floats"):
        load(path)


@pytest.mark.parametrize("prior", [Diffusion, Learned])
def test_an_answer_that_is_not_finite_is_refused(tmp_path, prior):
    path = small(tmp_path / "n.safetensors")
    state = {name: torch.full(t.shape, 1e38) for name, t in Denoiser(UNetShape(widths=(4, 8))).state_dict().items()}
    path.write_bytes(to_bytes(state))
    change_card(path)
    family = "image_prior" if prior is Diffusion else "kernel_prior"
    with pytest.raises(InputError, match="returns values that are NaN or infinite"):
        deconvolve(picture(), replace(QUICK, **{family: prior(weights=str(path))}))


@pytest.mark.parametrize("prior", [Diffusion, Learned])
def test_a_network_of_volumes_does_not_denoise_planes(tmp_path, prior):
    path = small(tmp_path / "n.safetensors", ndim=3)
    with pytest.raises(InputError, match="works on 3 axes"):
        prior(weights=str(path))._network("cpu")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("weights", lambda t: -t, "no weights that sum to one"),
        ("covariances", lambda t: t + 1e30, "beyond all images"),
        ("covariances", lambda t: t.reshape(-1), "has the shape"),
    ],
)
def test_mixtures_that_are_none_are_refused(tmp_path, name, change, said):
    from safetensors.torch import load as from_bytes

    path = tmp_path / "m.safetensors"
    tensors = from_bytes(shipped_path("patches").read_bytes())
    tensors[name] = change(tensors[name]).contiguous()
    path.write_bytes(to_bytes(tensors))
    path.with_suffix(".json").write_bytes(shipped_path("patches").with_suffix(".json").read_bytes())
    change_card(path)
    with pytest.raises(InputError, match=said):
        PatchMixture(weights=str(path)).mixture()


@pytest.mark.parametrize("name", [".", "/", "a\x00b", "missing"])
def test_names_that_are_no_network(call, name):
    written(Path("a.tif"))
    Path("s.json").write_text(json.dumps({"image_prior": {"kind": "diffusion", "weights": name}, "iterations": 1}))
    code, _, err = call("run", "a.tif", "-o", "out", "--settings", "s.json", "--kernel-size", "3")
    assert (code, err.count("\n")) == (2, 1), err


def test_of_a_network_s_folder_only_what_is_read_counts(tmp_path):
    for name in ("unet/config.json", "unet/weights.safetensors", "scheduler/s.json", "deep/er/x.json", "photo.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    found = network_files(Settings(image_prior=Diffusion(weights=str(tmp_path))))
    assert {path.name for path in found if path.exists()} == {"config.json", "weights.safetensors", "s.json"}


def test_a_wrong_network_is_refused_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(
        sys.modules["napari_blind_deconv.pipeline.in_one_piece"], "posed", lambda *_: pytest.fail("worked")
    )
    missing = str(tmp_path / "n.safetensors")
    for settings in (
        Settings(image_prior=Diffusion(weights=missing)),
        Settings(image_prior=PatchMixture(weights=missing)),
        Settings(kernel_prior=Learned(weights=missing)),
    ):
        with pytest.raises(InputError, match="cannot be read"):
            deconvolve(picture(), settings)


# --- What is said

ERRORS = [
    (MemoryError("Unable to allocate 8 TiB"), "not enough memory"),
    (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
    (OSError(28, "No space left on device", "a.tif"), "a.tif: no space left on device"),
    (RuntimeError("linalg.eigh: failed"), "a fault of this program"),
    (KeyError("kind"), "a fault of this program"),
]


@pytest.mark.parametrize(("error", "said"), ERRORS, ids=lambda v: type(v).__name__)
def test_no_exception_is_named(tmp_path, monkeypatch, capsys, error, said):
    assert said in in_words(error)
    assert type(error).__name__ not in in_words(error)
    lines = []
    monkeypatch.delenv(TRACEBACK, raising=False)
    with OneLine(lines.append) as ended:
        raise error
    assert said in lines[0]
    assert ended.code == (70 if "fault" in said else 1)
    monkeypatch.setenv(TRACEBACK, "1")
    with pytest.raises(type(error)), OneLine(lines.append):
        raise error
    assert len(lines) == 1


def test_a_fault_in_one_file_is_told_without_its_class(tmp_path, monkeypatch):
    monkeypatch.setattr("napari_blind_deconv.batch.one_file.deconvolve_steps", lambda *_, **__: 1 / 0)
    *_, report = run_batch(plan([written(tmp_path / "a.tif")], tmp_path / "out"), QUICK)
    assert (report.status, report.refused) == ("failed", False)
    assert "Error" not in report.message
    assert "batch/one_file.py, line" in report.message


def test_names_of_files_may_hold_anything(call):
    stem = os.fsdecode(b"caf\xe9 red\x1b[31m two\nlines " + "\u202efit\x9b".encode())
    try:
        written(Path(f"{stem}.tif"))
    except (OSError, InputError):
        pytest.skip("this file system does not hold such names")
    code, out, err = call("run", f"{stem}.tif", "-o", "out", "--kernel-size", "3", "--iterations", "1")
    assert (code, err) == (0, "")
    assert shown(f"{stem}.tif: done") in out
    assert all(letter.isprintable() or letter == "\n" for letter in out)
    assert io.read_json(Path("out") / f"{stem}_report.json")["input"]["file"] == f"{stem}.tif"
    assert io.read(Path("out") / f"{stem}_psf.ome.tif").description["provenance"]["input"]["file"] == f"{stem}.tif"


@pytest.mark.parametrize("text", ["µm ‖k‖ 日本", "a\tb", "\u2066x", "\x7f"])
def test_only_what_can_be_printed_is_shown(text):
    assert shown(text).isprintable()
    assert shown(text) == text or not text.isprintable()


# --- The fuzzers themselves


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(3))
def test_a_case_comes_back_from_its_seed(tmp_path, monkeypatch, kind, number):
    made = []
    for turn in "ab":
        (tmp_path / turn).mkdir()
        monkeypatch.chdir(tmp_path / turn)
        command = KINDS[kind][0](np.random.default_rng([1, number]), tmp_path / turn)
        made.append((command, sorted(p.name for p in (tmp_path / turn).iterdir())))
    assert made[0] == made[1]
