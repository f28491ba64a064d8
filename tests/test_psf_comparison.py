"""Laws of the figures, curves and tables of PSFs: known widths come back, in µm, whatever the grid."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from napari_blind_deconv import io
from napari_blind_deconv._types import InputError
from napari_blind_deconv.cli import main
from napari_blind_deconv.metrics import (
    compare_psfs,
    psf_figures,
    psf_profiles,
    resample_psf,
    score_kernel,
    strehl_ratio,
)

FWHM = 2 * np.sqrt(2 * np.log(2))
seeds = st.integers(0, 2**32 - 1)
widths = st.floats(0.9, 2.5)


def gaussian(sigmas, centre=None, size=None) -> np.ndarray:
    """Sampled, not integrated, so that its width is exact."""
    centre = np.zeros(len(sigmas)) if centre is None else centre
    size = size or [2 * int(np.ceil(5 * s + 1)) + 1 for s in sigmas]
    lines = [
        np.exp(-((np.arange(n) - n // 2 - c) ** 2) / 2 / s**2) for n, s, c in zip(size, sigmas, centre, strict=True)
    ]
    grid = np.ones(())
    for line in lines:
        grid = np.multiply.outer(grid, line)
    return grid / grid.sum()


def integrated(sigma: float, size: int) -> np.ndarray:
    """The light of a Gaussian in each of a line of unit voxels."""
    edges = np.arange(size + 1) - size / 2
    return np.diff(special.erf(edges / sigma / np.sqrt(2))) / 2


def rough(shape, seed) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) ** 3 + 1e-3


@given(st.lists(st.tuples(widths, st.floats(-0.5, 0.5), st.floats(0.05, 0.5)), min_size=1, max_size=3))
def test_a_gaussian_between_the_taps_has_its_width_in_micrometres(axes):
    sigmas, centre, voxels = zip(*axes, strict=True)
    figures = psf_figures(gaussian(sigmas, centre), voxels)
    assert figures.fwhm == pytest.approx([FWHM * s * h for s, h in zip(sigmas, voxels, strict=True)], rel=0.005)
    assert figures.centroid == pytest.approx([c * h for c, h in zip(centre, voxels, strict=True)], abs=1e-3)
    assert figures.asymmetry < 0.02


@given(st.tuples(widths, widths, widths), seeds)
def test_noise_of_the_hundredth_part_of_the_peak_moves_widths_by_little(sigmas, seed):
    psf = gaussian(sigmas)
    noise = 0.01 * psf.max() * np.random.default_rng(seed).standard_normal(psf.shape)
    assert psf_figures(psf + noise).fwhm == pytest.approx(psf_figures(psf).fwhm, rel=0.08)


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.integers(3, 7)] * n)), seeds, st.data())
def test_figures_follow_the_axes_and_ignore_scale_and_margin(shape, seed, data):
    psf, voxels = rough(shape, seed), np.linspace(0.1, 0.3, len(shape))
    order = data.draw(st.permutations(range(len(shape))))
    plain, turned = psf_figures(psf, voxels), psf_figures(psf.transpose(order), voxels[list(order)])
    for name in ("fwhm", "extent99", "centroid", "size"):
        assert getattr(turned, name) == pytest.approx([getattr(plain, name)[i] for i in order], rel=1e-4, abs=1e-6)
    for name in ("entropy_nats", "peak", "asymmetry", "border_fraction"):
        assert getattr(turned, name) == pytest.approx(getattr(plain, name), rel=1e-4, abs=1e-6)
    wide = psf_figures(7.3 * np.pad(psf, 2), voxels)
    for name in ("fwhm", "extent99", "entropy_nats", "asymmetry", "fwhm_principal"):
        assert getattr(wide, name) == pytest.approx(getattr(plain, name), rel=1e-4, abs=1e-6)


@given(st.floats(-80, 80), st.floats(1.3, 2.0))
def test_a_turned_gaussian_has_its_ellipticity_and_orientation(degrees, ratio):
    angle, short = np.radians(degrees), 1.5
    y, x = np.mgrid[-15:16, -15:16]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    figures = psf_figures(np.exp(-(along**2) / 2 / (ratio * short) ** 2 - across**2 / 2 / short**2), (0.2, 0.2))
    assert figures.fwhm_principal == pytest.approx([0.2 * FWHM * ratio * short, 0.2 * FWHM * short], rel=0.005)
    assert figures.ellipticity == pytest.approx(1 - 1 / ratio, abs=0.005)
    assert (figures.orientation_deg - degrees + 90) % 180 - 90 == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("degrees", [0, 8, 20])
def test_tilt_is_measured_in_space_not_in_voxels(degrees):
    z, _, x = (g * h for g, h in zip(np.mgrid[-20:21, -20:21, -20:21], (0.2, 0.1, 0.1), strict=True))
    y = np.mgrid[-20:21, -20:21, -20:21][1] * 0.1
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    along, across = z * c + x * s, x * c - z * s
    figures = psf_figures(np.exp(-(along**2) / 0.5 - across**2 / 0.08 - y**2 / 0.08), (0.2, 0.1, 0.1))
    assert figures.tilt_deg == pytest.approx(degrees, abs=0.2)


def test_a_round_psf_has_no_direction_and_equal_taps_fill_their_box():
    ball = psf_figures(gaussian((1.5, 1.5, 1.5)))
    assert (ball.tilt_deg, ball.orientation_deg) == (None, None)
    assert ball.ellipticity == pytest.approx(0, abs=1e-3)
    box = psf_figures(np.pad(np.ones((4, 5)), 6), (0.5, 0.1))
    assert box.extent99 == pytest.approx((0.99 * 2, 0.99 * 0.5))
    assert box.entropy_nats == pytest.approx(np.log(20))
    assert box.fwhm == pytest.approx((2, 0.5), rel=0.01)


def test_asymmetry_is_one_for_what_does_not_meet_its_turn_and_zero_for_what_is_it():
    assert psf_figures(np.array([0, 0, 1.0, 1.0, 0])).asymmetry == pytest.approx(0, abs=1e-6)
    line = np.zeros((9, 9))
    line[0, :5] = line[:5, 0] = 1
    assert psf_figures(line).asymmetry > 0.6


@given(st.floats(0.7, 3.0), st.floats(0.3, 4.0))
def test_resampling_keeps_the_light_and_gives_the_light_in_the_new_voxels(sigma, ratio):
    taps = integrated(sigma, 61)
    there = resample_psf(taps, (1.0,), (ratio,))
    edges = (np.arange(there.size + 1) - there.size / 2) * ratio
    expected = np.diff(special.erf(edges / sigma / np.sqrt(2))) / 2
    assert there.sum() == pytest.approx(1)
    assert there.size % 2 == 1
    assert there.min() >= 0
    assert np.linalg.norm(there - expected) < 0.01 * np.linalg.norm(expected)


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.integers(1, 6)] * n)), seeds)
def test_resampling_to_its_own_voxels_is_nothing_but_a_margin(shape, seed):
    psf, voxels = rough(shape, seed), np.linspace(0.1, 0.3, len(shape))
    same = resample_psf(psf, voxels, voxels)
    assert same.shape == tuple(n + 1 - n % 2 for n in shape)
    assert same[tuple(slice(n) for n in shape)] == pytest.approx(psf / psf.sum(), abs=1e-9)


@pytest.mark.parametrize("fine", [1e-6, 1e-9])
def test_voxels_that_are_too_fine_by_a_unit_are_refused_with_the_name_of_the_psf(fine):
    psf = rough((7, 9), 0)
    with pytest.raises(InputError, match=r"beads: voxel size .* on voxels of .*correct the unit"):
        compare_psfs([psf, psf], names=["ours", "beads"], voxel_size_um=[(fine, fine), (0.1, 0.1)])


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.integers(3, 7)] * n)), seeds, st.data())
def test_a_psf_equals_its_moved_and_brightened_copy(shape, seed, data):
    psf = rough(shape, seed)
    shift = [data.draw(st.integers(0, 3)) for _ in shape]
    moved = 5 * np.pad(psf, [(s + 2, 5 - s) for s in shift])
    row = compare_psfs([psf, moved], voxel_size_um=[[0.2] * psf.ndim] * 2).rows[1]
    assert (row.ke, row.mnc, row.ke_rel_subpixel) == pytest.approx((0, 1, 0), abs=2e-4)
    move = [0.2 * (s + 2 + n // 2 - (n + 7) // 2) for s, n in zip(shift, shape, strict=True)]
    assert row.shift == pytest.approx(move, abs=1e-6)


@given(st.tuples(st.floats(1.2, 2.5), st.floats(1.2, 2.5)), st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)))
def test_a_shift_between_pixels_does_not_count_in_the_subpixel_figure(sigmas, centre):
    size = (25, 25)
    row = compare_psfs([gaussian(sigmas, size=size), gaussian(sigmas, centre, size)]).rows[1]
    assert row.ke_rel_subpixel < 0.02
    assert row.shift == pytest.approx(centre, abs=0.02)


@given(st.integers(1, 3).flatmap(lambda n: st.tuples(*[st.integers(3, 7)] * n)), seeds)
def test_a_table_agrees_with_the_metrics_and_ke_is_symmetric(shape, seed):
    psfs = [rough(shape, seed), rough(shape, seed + 1), rough(shape, seed + 2)]
    forth, back = compare_psfs(psfs, reference=0), compare_psfs(psfs, reference=-1)
    assert (forth.reference, back.reference) == (0, 2)
    assert forth.rows[2].ke == pytest.approx(back.rows[0].ke)
    assert forth.rows[2].mnc == pytest.approx(back.rows[0].mnc)
    figures = score_kernel(psfs[1], psfs[0])
    assert {name: getattr(forth.rows[1], name) for name in figures} == pytest.approx(figures)


def test_other_voxels_are_resampled_and_the_table_says_so():
    fine, coarse = integrated(4.0, 81), integrated(2.0, 41)
    table = compare_psfs([coarse, fine], ["january", "june"], [(0.2,), (0.1,)])
    assert table.rows[1].ke_rel < 0.01
    assert table.notes == ("june: resampled from voxels of 0.1 to 0.2 µm for the comparison",)
    assert table.rows[1].figures.fwhm == pytest.approx(table.rows[0].figures.fwhm, rel=0.02)


def test_an_unknown_voxel_size_is_said_and_lengths_stay_apart():
    table = compare_psfs([gaussian((1.5,)), gaussian((1.5,))], ["a", "b"], [None, (0.1,)])
    assert "b: the reference has no voxel size, so it was compared pixel by pixel" in table.notes
    assert [row.figures.unit for row in table.rows] == ["px", "µm"]
    assert table.rows[1].ke == 0


def test_the_table_is_json_and_a_plane_is_a_volume_of_one_plane():
    plane = gaussian((1.5, 1.2))
    table = compare_psfs([plane, plane[None]], voxel_size_um=[(0.1, 0.2), (0.5, 0.1, 0.2)], ideal=plane)
    told = json.loads(json.dumps(table.to_dict(), allow_nan=False))
    assert told["reference"] == "PSF 1"
    assert {row["strehl"] for row in told["psfs"]} == {1.0}
    assert told["psfs"][0]["fwhm"] == told["psfs"][1]["fwhm"]


@pytest.mark.parametrize(
    ("psfs", "options", "said"),
    [
        ([np.ones((3, 3)), np.ones((3, 3, 3))], {}, r"PSF 2 has 3 axes \(3, 3, 3\), but PSF 1 has 2 .*plane in focus"),
        ([np.ones((3, 3)), np.zeros((3, 3))], {"names": ["a", "b"]}, "b: PSF has no positive value"),
        ([np.ones((3, 3))], {"reference": 1}, "reference 1 is not there, as with 1 PSFs it is 0 to 0"),
        ([np.ones((3, 3))], {"voxel_size_um": [(0.1,)]}, "PSF 1: voxel size .* has 1 lengths, but the PSF has 2 axes"),
        ([np.ones((3, 3))], {"voxel_size_um": [(0.1, -1.0)]}, "must be positive"),
        ([np.ones((3, 3))], {"voxel_size_um": []}, "voxel sizes are 0, but there are 1 PSFs"),
        ([np.ones((3, 3))], {"names": ["a", "b"]}, "names are 2, but there are 1 PSFs"),
        ([], {}, "nothing can be compared"),
    ],
)
def test_what_cannot_be_compared_is_refused(psfs, options, said):
    with pytest.raises(InputError, match=said):
        compare_psfs(psfs, **options)


@given(st.floats(1.0, 2.0), st.floats(1.05, 2.0), st.floats(-0.5, 0.5))
def test_strehl_is_the_loss_of_peak_and_ignores_shift_and_support(sigma, wider, shift):
    ideal, ours = gaussian((sigma, sigma)), gaussian((sigma * wider,) * 2, (shift, 0))
    assert strehl_ratio(np.pad(ideal, ((0, 3), (5, 0))), ideal) == pytest.approx(1)
    assert strehl_ratio(gaussian((sigma, sigma), (shift, 0), ideal.shape), ideal) == pytest.approx(1, rel=0.01)
    assert strehl_ratio(ours, gaussian((sigma, sigma), size=ours.shape)) == pytest.approx(wider**-2, rel=0.01)


@given(widths, widths, st.floats(0.05, 0.3), st.floats(-0.4, 0.4))
def test_curves_of_a_gaussian_are_gaussians_in_micrometres(sigma, axial_sigma, voxel, shift):
    psf = gaussian((axial_sigma, sigma, sigma), (shift, shift, -shift))
    curves = psf_profiles(psf, (2 * voxel, voxel, voxel))
    assert curves.radial == pytest.approx(np.exp(-(curves.radius**2) / 2 / (sigma * voxel) ** 2), abs=0.02)
    bell = np.exp(-(curves.axial_position**2) / 2 / (2 * axial_sigma * voxel) ** 2)
    assert curves.axial == pytest.approx(bell / bell.max(), abs=0.02)
    mtf = np.exp(-2 * (np.pi * sigma * voxel * curves.frequency) ** 2)
    assert curves.mtf == pytest.approx(mtf, abs=0.02)
    assert curves.frequency[-1] == pytest.approx(0.5 / voxel)
    axial = np.exp(-2 * (np.pi * 2 * axial_sigma * voxel * curves.axial_frequency) ** 2)
    assert curves.axial_mtf == pytest.approx(axial, abs=0.02)


@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_sections_show_the_axes_that_there_are(ndim):
    curves = psf_profiles(gaussian((1.5, 1.2, 1.0)[:ndim]))
    assert set(curves.sections) == {1: set(), 2: {"yx"}, 3: {"yx", "zx", "zy"}}[ndim]
    assert all(plane.max() == 1 for plane in curves.sections.values())
    assert (curves.axial is None) == (ndim < 3)
    assert list(curves.spacing) == ["z", "y", "x"][-ndim:]


def test_a_delta_passes_every_frequency():
    curves = psf_profiles(np.pad(np.ones((1, 1)), 5))
    assert curves.mtf == pytest.approx(1)


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run `psf compare` in a folder with two PSFs; gives exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)
    io.write(Path("january.tif"), io.Volume(gaussian((2.0, 1.2, 1.2)), "ZYX", (0.3, 0.1, 0.1)), {})
    io.write(Path("june.tif"), io.Volume(gaussian((2.5, 1.5, 1.2)), "ZYX", (0.3, 0.1, 0.1)), {})
    io.write(Path("plane.tif"), io.Volume(gaussian((1.2, 1.2)), "YX", (0.1, 0.1)), {})
    io.write(Path("two.tif"), io.Volume(np.stack([gaussian((1.2, 1.2)), gaussian((1.2, 1.2))]), "CYX", (0.1, 0.1)), {})

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["blind-deconv", "psf", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    return run


def test_the_command_tells_widths_in_micrometres_and_distances(call):
    code, out, err = call("january.tif", "june.tif", "--figure", "figure.png")
    assert (code, err) == (0, "")
    assert f"{0.3 * FWHM * 2:.3f} x {0.1 * FWHM * 1.2:.3f} x {0.1 * FWHM * 1.2:.3f} µm" in out
    assert "against january.tif" in out
    assert Path("figure.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("reference", ["2", "june.tif"])
def test_the_reference_is_a_file_or_a_number(call, reference):
    told = json.loads(call("january.tif", "june.tif", "--reference", reference, "--ideal", "june.tif", "--json")[1])
    assert told["reference"] == "june.tif"
    assert [row["ke"] > 0 for row in told["psfs"]] == [True, False]
    assert told["psfs"][1]["strehl"] == pytest.approx(1)


def test_a_reference_that_is_not_listed_comes_first_and_channels_are_psfs(call):
    told = json.loads(call("two.tif", "--reference", "plane.tif", "--json")[1])
    assert [row["name"] for row in told["psfs"]] == ["plane.tif", "two.tif C1", "two.tif C2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("january.tif", "plane.tif"), "a plane cannot be compared with a volume"),
        (("january.tif", "absent.tif"), "absent.tif does not exist"),
        (("january.tif", "--reference", "3"), "--reference 3 is not there"),
        (("january.tif", "--voxel-size-um", "0.1,0.1"), "has 2 lengths, but january.tif has axes ZYX"),
        ((), "Missing argument"),
    ],
)
def test_the_command_refuses_in_one_line(call, arguments, said):
    code, out, err = call(*arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
