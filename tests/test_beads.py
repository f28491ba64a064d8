"""Laws of the PSF measured from beads: the truth comes back; a bad bead, their order, the camera change nothing."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage, special

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.beads import measure_psf
from napari_blind_deconv.beads.averaging import Look, unlike
from napari_blind_deconv.beads.cleaning import cleaned
from napari_blind_deconv.beads.detection import find_beads
from napari_blind_deconv.beads.windows import background_of, cut
from napari_blind_deconv.cli import main
from napari_blind_deconv.metrics import compare_psfs

SIGMAS = {2: (1.7, 1.3), 3: (2.2, 1.2, 1.3)}
SPACE = {2: (120, 131), 3: (30, 64, 66)}
SUPPORT = {2: (15, 13), 3: (17, 11, 11)}
PLACES = {
    2: [(25.3, 30.2), (60.5, 100.7), (90.1, 40.4), (30.8, 85.0), (95.6, 99.5), (60.2, 62.9)],
    3: [(14.3, 15.2, 17.4), (15.5, 47.7, 16.1), (14.9, 17.4, 48.8), (15.2, 48.2, 49.5), (14.6, 32.2, 32.7)],
}


def bead(ndim, place, shape=None) -> np.ndarray:
    """The light of one bead of unit sum, integrated over voxels."""
    grid = np.ones(())
    for n, s, c in zip(shape or SPACE[ndim], SIGMAS[ndim], place, strict=True):
        edges = (np.arange(n + 1) - 0.5 - c) / s / np.sqrt(2)
        grid = np.multiply.outer(grid, np.diff(special.erf(edges)) / 2)
    return grid


def truth(ndim, size=None) -> np.ndarray:
    size = size or SUPPORT[ndim]
    psf = bead(ndim, [n // 2 for n in size], size)
    return psf / psf.sum()


def scene(ndim, extra=(), peak=400.0, places=None) -> np.ndarray:
    unit = truth(ndim).max()
    beads = [(place, 1 - 0.1 * i) for i, place in enumerate(PLACES[ndim] if places is None else places)]
    return sum(peak / unit * light * bead(ndim, place) for place, light in [*beads, *extra])


def counts(clean, seed=0, background=20.0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(clean + background).astype(np.uint16)


def error(measured) -> float:
    """KE / ‖k‖ to the truth on the measured support."""
    return compare_psfs([truth(measured.kernel.ndim, measured.kernel.shape), measured.kernel]).rows[1].ke_rel


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize(("peak", "allowed"), [(30, 0.32), (400, 0.06), (10_000, 0.015)])
def test_the_psf_of_separate_beads_comes_back(ndim, peak, allowed):
    measured = measure_psf(counts(scene(ndim, peak=peak)), voxel_size_um=(0.2,) * ndim)
    assert measured.kernel.sum() == pytest.approx(1, abs=1e-5)
    assert measured.kernel.min() >= 0
    assert all(n % 2 for n in measured.kernel.shape)
    assert len(PLACES[ndim]) - 2 <= sum(b.used for b in measured.beads) <= len(PLACES[ndim])
    assert error(measured) < allowed


@pytest.mark.parametrize("ndim", [2, 3])
def test_centres_are_found_between_voxels(ndim):
    measured = measure_psf(counts(scene(ndim, peak=5000)), kernel_size=SUPPORT[ndim])
    found = sorted(b.centre_px for b in measured.beads)
    assert np.array(found) == pytest.approx(np.array(sorted(PLACES[ndim])), abs=0.08)


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("kind", ["doublet", "clump", "saturated", "cut"])
def test_one_bad_bead_is_left_out_and_changes_next_to_nothing(ndim, kind):
    at = {2: (95.0, 70.0), 3: (15.0, 32.0, 54.0)}[ndim]
    places = PLACES[ndim][:-1]
    beside = tuple(a + d for a, d in zip(at, (0.5, 2.0, 2.5)[-ndim:], strict=True))
    rng = np.random.default_rng(1)
    clump = [(tuple(np.array(at) + rng.normal(0, 2.5, ndim)), 0.2) for _ in range(12)]
    extra = {"doublet": [(at, 1), (beside, 0.9)], "clump": clump, "saturated": [(at, 4)], "cut": [((*at[:-1], 1.0), 1)]}
    clean = scene(ndim, extra[kind], peak=1000, places=places)
    stack = np.minimum(counts(clean), 1500)
    measured = measure_psf(stack, kernel_size=SUPPORT[ndim])
    report = measured.to_dict()
    assert report["used"] == len(places)
    assert (
        set(report["rejected"])
        & {
            "doublet": {"not like the others", "another one in its window"},
            "clump": {"not like the others", "another one in its window"},
            "saturated": {"saturated"},
            "cut": {"too close to the border"},
        }[kind]
    )
    without = measure_psf(counts(scene(ndim, peak=1000, places=places)), kernel_size=SUPPORT[ndim])
    assert error(measured) < error(without) + 0.02


@pytest.mark.parametrize("ndim", [2, 3])
def test_turns_of_the_stack_turn_the_psf(ndim):
    stack = counts(scene(ndim, peak=2000))
    plain = measure_psf(stack, kernel_size=(11,))
    flipped = measure_psf(stack[..., ::-1], kernel_size=(11,))
    swapped = measure_psf(np.swapaxes(stack, 0, -1), kernel_size=(11,))
    assert flipped.kernel[..., ::-1] == pytest.approx(plain.kernel, abs=0.01 * float(plain.kernel.max()))
    assert np.swapaxes(swapped.kernel, 0, -1) == pytest.approx(plain.kernel, abs=0.01 * float(plain.kernel.max()))


def test_gain_and_offset_of_the_camera_change_nothing():
    stack = counts(scene(2)).astype(float)
    plain = measure_psf(stack, kernel_size=(13,))
    other = measure_psf(3.5 * stack + 700, kernel_size=(13,))
    assert other.kernel == pytest.approx(plain.kernel, abs=1e-3 * float(plain.kernel.max()))
    assert [b.used for b in other.beads] == [b.used for b in plain.beads]


def test_light_and_order_of_the_beads_do_not_matter():
    places = PLACES[2]
    errors = [
        error(measure_psf(counts(scene(2, peak=3000, places=order)), kernel_size=(13,)))
        for order in (places, places[::-1])
    ]
    assert max(errors) < 0.03


def test_the_spread_is_that_of_the_noise_and_falls_with_light():
    faint, bright = (measure_psf(counts(scene(3, peak=p)), kernel_size=SUPPORT[3]) for p in (300, 3000))
    assert bright.to_dict()["spread_relative"] < 0.5 * faint.to_dict()["spread_relative"]
    assert max(bright.to_dict()["fwhm_sd"]) < max(faint.to_dict()["fwhm_sd"])
    assert bright.to_dict()["fwhm_mean"] == pytest.approx(bright.to_dict()["psf"]["fwhm"], rel=0.02)


def test_the_report_is_json_and_names_every_bead():
    measured = measure_psf(counts(scene(2)), voxel_size_um=(0.1, 0.1), bead_diameter_um=0.4)
    told = json.loads(json.dumps(measured.to_dict(), allow_nan=False))
    assert told["found"] == len(told["beads"]) == len(PLACES[2])
    assert told["psf"]["unit"] == "µm"
    assert any("beads of 0.4 µm widen this PSF by" in sentence for sentence in told["warnings"])


def test_one_bead_is_taken_but_not_trusted():
    measured = measure_psf(counts(scene(2, peak=2000, places=PLACES[2][-1:])))
    assert any("from 1 bead only" in sentence for sentence in measured.warnings)
    assert measured.to_dict()["spread_relative"] is None
    assert error(measured) < 0.1


@pytest.mark.parametrize(
    ("stack", "options", "said"),
    [
        (np.random.default_rng(0).normal(100, 5, (40, 40)), {}, "no bead above the background"),
        (counts(scene(2)), {"kernel_size": (99, 99)}, r"none of 6 beads can be used .* too close to the border"),
        (np.minimum(counts(scene(2, peak=5000)), 255).astype(np.uint8), {}, r"none of 6 beads .*6 saturated"),
        (counts(scene(2)), {"kernel_size": (8,)}, "odd numbers of 3 or more"),
        (counts(scene(2)), {"kernel_size": (5, 5, 5)}, "does not fit a bead stack"),
        (counts(scene(2)), {"voxel_size_um": (0.1,)}, "1 lengths, but the bead stack has 2 axes"),
        (np.ones((9, 9)), {}, "constant"),
        (np.full((9, 9), np.nan), {}, "81 values that are NaN"),
        (np.ones((1, 9, 9)), {}, "at least 3 voxels"),
        (np.ones((9, 9), complex), {}, "complex"),
    ],
)
def test_what_gives_no_psf_is_refused_with_the_reason(stack, options, said):
    with pytest.raises(InputError, match=said):
        measure_psf(stack, **options)


def test_a_window_between_voxels_is_the_scene_moved():
    stack = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(30, 31, 32)), 1.5).astype(np.float32)
    window = cut(stack, (14.3, 15.6, 16.5), (7, 5, 9))
    moved = ndimage.shift(stack.astype(float), (-0.3, -0.6, -0.5), order=5, mode="mirror")
    assert window == pytest.approx(moved[11:18, 13:18, 12:21], abs=1e-4)
    whole = cut(stack, (14, 15, 16), (7, 5, 9))
    assert whole == pytest.approx(stack[11:18, 13:18, 12:21], abs=1e-4)


def test_the_background_of_few_counts_is_near_their_mean_not_their_median():
    stack = np.random.default_rng(0).poisson(0.4, (60, 60)).astype(np.float32)
    stack[27:34, 27:34] += 500
    found = background_of(stack, np.array([30, 30]), (15, 15))
    assert found.level == pytest.approx(0.4, abs=0.15)


def test_cleaning_keeps_the_light_of_a_haze_and_none_of_the_noise():
    rng, shape = np.random.default_rng(0), (41, 41, 41)
    core, haze = truth(3, shape), np.full(shape, 1 / 41**3)
    expected, noise = 0.5 * core + 0.5 * haze, 1e-4
    found = cleaned(expected + noise * rng.standard_normal(shape), np.full(shape, noise), (5, 3, 3))
    assert np.linalg.norm(found - expected) < 0.15 * np.linalg.norm(expected)
    alone = cleaned(core + noise * rng.standard_normal(shape), np.full(shape, noise), (5, 3, 3))
    assert np.linalg.norm(alone - core) < 0.1 * np.linalg.norm(core)


def test_outliers_stand_far_below_the_rest_and_equals_are_never_outliers():
    assert not unlike(np.full(5, 0.99)).any()
    assert unlike(np.array([0.99, 0.985, 0.98, 0.6])).tolist() == [False, False, False, True]
    assert Look((5, 7), (2.0, 3.0)).focus[2, 3] == 1


def test_candidates_are_ordered_by_height_and_noise_gives_none():
    found = find_beads(counts(scene(3, peak=300)).astype(np.float32), np.inf)
    assert len(found.places) == len(PLACES[3])
    assert (np.diff(found.heights) <= 0).all()
    off = np.abs(found.places[:, None] - np.array(PLACES[3])[None]).max(2)
    assert (off.min(0) < 1).all()
    empty = np.random.default_rng(0).normal(size=(40, 41)).astype(np.float32)
    assert len(find_beads(empty, np.inf).places) == 0


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with a stack of beads; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    io.write(Path("beads.tif"), io.Volume(counts(scene(3)), "ZYX", (0.3, 0.1, 0.1)), {})
    io.write(Path("two.tif"), io.Volume(np.stack([counts(scene(2)), counts(scene(2))]), "CYX", (0.1, 0.1)), {})
    io.write(Path("frames.tif"), io.Volume(np.stack([counts(scene(2)), counts(scene(2))]), "TYX", (0.1, 0.1)), {})

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["blind-deconv", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    return run


def test_the_command_writes_a_psf_that_a_run_can_use(call):
    code, out, err = call("psf", "measure", "beads.tif", "-o", "out", "--kernel-size", "9,7,7")
    assert (code, err) == (0, "")
    assert "beads.tif: 5 of 5 beads used" in out
    psf = io.read(Path("out/beads_psf.ome.tif"))
    assert (psf.axes, psf.voxel_size_um, psf.data.shape) == ("ZYX", (0.3, 0.1, 0.1), (9, 7, 7))
    report = json.loads(Path("out/beads_psf_report.json").read_text())
    assert report["used"] == 5
    code, _, err = call("run", "beads.tif", "-o", "run", "--psf", "out/beads_psf.ome.tif", "--iterations", "1")
    assert (code, err) == (0, "")
    assert io.read(Path("run/beads_psf.ome.tif")).data == pytest.approx(psf.data, abs=1e-6)


def test_a_channel_is_chosen_and_the_report_is_json(call):
    code, out, _ = call("psf", "measure", "two.tif", "-o", "out", "--channel", "2", "--json")
    assert code == 0
    assert json.loads(out)["used"] == len(PLACES[2])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("two.tif",), "has 2 channels, each with a PSF of its own; choose one with --channel N"),
        (("two.tif", "--channel", "3"), "--channel 3 is not there"),
        (("frames.tif",), "save a frame"),
        (("beads.tif", "--kernel-size", "8"), "odd numbers of 3 or more"),
        (("beads.tif", "--saturation", "-1"), "--saturation -1 must be a positive number"),
        (("absent.tif",), "does not exist"),
    ],
)
def test_the_command_refuses_in_one_line_and_writes_nothing(call, arguments, said):
    code, out, err = call("psf", "measure", *arguments, "-o", "out")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not Path("out").exists()
