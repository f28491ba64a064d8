"""Laws of the pupil model: its oracle (psf-generator), its gradients, light, symmetries, voxels."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import assert_kernel

from napari_blind_deconv.optics import Optics, Pupil, Sampling, ideal_psf, noll, psf

MODES = tuple(range(4, 12))


def number(value: float) -> torch.Tensor:
    return torch.tensor(value, dtype=torch.float64)


def microscope(**values) -> Optics:
    plain = {k: v if isinstance(v, str) else torch.as_tensor(v, dtype=torch.float64) for k, v in values.items()}
    return Optics(**plain)


def sampling_of(optics: Optics, shape, voxels, modes=MODES, **more) -> Sampling:
    waves = [float(optics.emission_um)] + [float(optics.excitation_um)] * (optics.modality == "confocal")
    limits = {"na": float(optics.na), "wavelength_um": min(waves), "index": float(optics.immersion_index)}
    return Sampling.of(shape, voxels, noll_indices=modes, **{**limits, **more})


def sampled_at(sampling: Sampling, z, y, x) -> Sampling:
    """The same pupil, its light at points instead of over pixels."""
    eye = [torch.eye(len(places), dtype=torch.float64) for places in (y, x)]
    return replace(sampling, z=z, fine=(y, x), box=(eye[0], eye[1]))


def test_noll_indices_are_those_of_his_table():
    table = [
        (0, 0),
        (1, 1),
        (1, -1),
        (2, 0),
        (2, -2),
        (2, 2),
        (3, -1),
        (3, 1),
        (3, -3),
        (3, 3),
        (4, 0),
        (4, 2),
        (4, -2),
    ]
    assert [noll(j) for j in range(1, 14)] == table
    assert len({noll(j) for j in range(1, 121)}) == 120


def test_zernike_polynomials_are_orthonormal_over_the_pupil():
    pupil = Pupil.of(14, range(1, 22))
    gram = torch.einsum("ayx,byx,yx->ab", pupil.modes, pupil.modes, pupil.weights)
    assert torch.allclose(gram, torch.eye(21, dtype=torch.float64), atol=1e-12)


@given(power=st.tuples(st.integers(0, 4), st.integers(0, 4)))
def test_quadrature_over_the_disk_is_exact(power):
    """Mean of x^2a y^2b over the disk: Γ(a+½) Γ(b+½) / (π Γ(a+b+2))."""
    a, b = power
    pupil = Pupil.of(10)
    exact = math.gamma(a + 0.5) * math.gamma(b + 0.5) / (math.pi * math.gamma(a + b + 2))
    assert float((pupil.weights * pupil.x ** (2 * a) * pupil.y ** (2 * b)).sum()) == pytest.approx(exact, rel=1e-12)


def oracle(optics: Optics, planes: int, pixels: int, step_um: float, depth: bool):
    """psf-generator's Cartesian scalar field, its coordinates, and its intensity, unit sum.

    With an index mismatch it scales its coordinates by the sample's index but its angles by the immersion's; lengths
    are given to it such that this cancels.
    """
    generator = pytest.importorskip("psf_generator", reason="psf-generator is the oracle of the pupil model")
    ratio = float(optics.immersion_index / optics.sample_index) if depth else 1.0
    coefficients = torch.zeros(15)
    osa = {noll(j): place for place, j in enumerate([1, 3, 2, 5, 4, 6, 9, 7, 8, 10, 15, 13, 11, 12, 14])}
    for j, value in zip(MODES, optics.zernike_rad.tolist(), strict=False):
        n, m = noll(j)
        coefficients[osa[n, m]] = value * math.sqrt((n + 1) * (1 if m == 0 else 2))  # its modes peak at one
    propagator = generator.ScalarCartesianPropagator(
        n_pix_pupil=256,
        n_pix_psf=pixels,
        wavelength=1e3 * float(optics.emission_um),
        na=float(optics.na),
        pix_size=1e3 * step_um * (pixels - 1) / pixels * ratio,  # its pixels lie fov / (n - 1) apart
        defocus_step=400.0 * ratio,
        n_defocus=planes,
        zernike_coefficients=coefficients,
        apod_factor=True,
        gibson_lanni=depth,
        z_p=1e3 * float(optics.depth_um),
        n_s=float(optics.sample_index),
        n_i=float(optics.immersion_index),
        n_i0=float(optics.immersion_index),
        n_g=float(optics.immersion_index),
        n_g0=float(optics.immersion_index),
    )
    field = propagator.compute_focus_field().squeeze(1)
    intensity = (field.real**2 + field.imag**2).double()
    z = torch.linspace(propagator.defocus_min, propagator.defocus_max, planes, dtype=torch.float64) / 1e3 / ratio
    places = step_um * (torch.arange(pixels, dtype=torch.float64) - pixels // 2)
    return z, places, intensity / intensity.sum()


@pytest.mark.parametrize(
    "optics",
    [
        microscope(na=0.5, emission_um=0.6, immersion_index=1.0, sample_index=1.0),
        microscope(na=1.3, emission_um=0.52, immersion_index=1.515, sample_index=1.515),
        microscope(
            na=0.9, immersion_index=1.0, sample_index=1.0, zernike_rad=[0.2, -0.4, 0.3, 0.5, -0.3, 0.2, 0.4, 0.3]
        ),
        microscope(na=1.2, immersion_index=1.515, sample_index=1.4, depth_um=4.0, zernike_rad=[0.0, 0.3]),
    ],
    ids=["air", "oil", "aberrated", "deep"],
)
def test_the_pupil_model_agrees_with_psf_generator(optics):
    """To 0.3 % in the Euclidean norm: what the oracle's jagged pupil edge leaves. Best focus is whole planes away."""
    planes, pixels, step = 5, 41, 0.07
    deep = float(optics.depth_um) > 0
    z, places, theirs = oracle(optics, 3 * planes, pixels, step, deep)
    wide = sampling_of(optics, (planes, pixels, pixels), (0.5, step, step), depth_um=10.0)
    ours = psf(optics, sampled_at(wide, z[planes : 2 * planes], places, places))
    stacks = [theirs[first : first + planes] for first in range(2 * planes + 1)]
    errors = [float((ours - t / t.sum()).norm() / ours.norm()) for t in stacks]
    assert min(errors) < 0.003, errors
    assert deep or min(errors) == errors[planes]


PARAMETERS = {
    "na": 1.1,
    "emission_um": 0.55,
    "immersion_index": 1.5,
    "sample_index": 1.36,
    "depth_um": 2.0,
    "excitation_um": 0.48,
    "pinhole_airy": 0.8,
    "sheet_um": 1.5,
}


@pytest.mark.parametrize("name", [*PARAMETERS, *(f"zernike_{j}" for j in MODES)])
def test_gradients_are_those_of_finite_differences(name):
    """In double precision, against central differences, for every number of every modality that knows it."""
    modality = {"sheet_um": "light-sheet"}.get(name, "confocal")
    shape, voxels = (5, 9, 9), (0.3, 0.1, 0.1)
    probe = torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    aberrations = torch.linspace(-0.4, 0.5, len(MODES), dtype=torch.float64)
    base = microscope(modality=modality, **PARAMETERS, zernike_rad=aberrations)
    sampling = sampling_of(base, shape, voxels, depth_um=4.0)

    def value(moved: torch.Tensor) -> torch.Tensor:
        if not name.startswith("zernike"):
            return (psf(replace(base, **{name: moved}), sampling) * probe).sum()
        place = MODES.index(int(name.removeprefix("zernike_")))
        return (
            psf(replace(base, zernike_rad=aberrations.index_put((torch.tensor(place),), moved)), sampling) * probe
        ).sum()

    at = number(PARAMETERS.get(name, 0.0) if name in PARAMETERS else float(aberrations[MODES.index(int(name[8:]))]))
    at.requires_grad_(True)
    [slope] = torch.autograd.grad(value(at), at)
    step = 1e-5
    with torch.no_grad():
        expected = (value(at + step) - value(at - step)) / (2 * step)
    assert float(slope) == pytest.approx(float(expected), rel=1e-5, abs=1e-9)
    assert abs(float(slope)) > 1e-6


@settings(max_examples=12)
@given(
    modality=st.sampled_from(["widefield", "confocal", "light-sheet"]),
    na=st.floats(0.3, 1.3),
    depth=st.floats(0.0, 8.0),
    voxel=st.floats(0.05, 0.4),
    seed=st.integers(0, 99),
)
def test_every_psf_is_a_kernel(modality, na, depth, voxel, seed):
    aberrations = 0.5 * torch.randn(len(MODES), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    optics = microscope(modality=modality, na=na, depth_um=depth, sample_index=1.33, zernike_rad=aberrations)
    shape = (7, 11, 9)
    assert_kernel(psf(optics, sampling_of(optics, shape, (2 * voxel, voxel, voxel), depth_um=depth)), shape)


@pytest.mark.parametrize("modality", ["widefield", "confocal", "light-sheet"])
def test_without_aberrations_a_psf_is_even_round_and_brightest_in_the_middle(modality):
    optics = microscope(modality=modality, na=1.2)
    values = ideal_psf(optics, (9, 17, 17), (0.3, 0.1, 0.1))
    for axis in range(3):
        assert torch.allclose(values, values.flip(axis), atol=1e-9)
    assert torch.allclose(values, values.transpose(1, 2), atol=1e-9)
    assert int(values.argmax()) == values.numel() // 2


def test_turning_a_psf_by_180_degrees_is_aberrating_it_the_other_way():
    aberrations = torch.tensor([0.0, 0.3, -0.2, 0.4, 0.1, 0.3, -0.3, 0.2], dtype=torch.float64)
    optics = microscope(na=1.2, zernike_rad=aberrations)
    sampling = sampling_of(optics, (7, 15, 15), (0.3, 0.1, 0.1))
    turned = psf(replace(optics, zernike_rad=-aberrations), sampling)
    assert torch.allclose(psf(optics, sampling).flip(0, 1, 2), turned, atol=1e-6)


def test_a_plane_does_not_see_the_sign_of_even_aberrations():
    even = torch.tensor([0.4, 0.3, -0.2, 0.0, 0.0, 0.0, 0.0, 0.5], dtype=torch.float64)
    optics = microscope(na=0.9, zernike_rad=even)
    sampling = sampling_of(optics, (15, 15), (0.1, 0.1))
    assert torch.allclose(psf(optics, sampling), psf(replace(optics, zernike_rad=-even), sampling), atol=1e-9)


@pytest.mark.parametrize("voxel", [0.08, 0.2, 0.45])
def test_a_pixel_holds_the_light_of_the_smaller_ones_in_it(voxel):
    """Three by three pixels of a third of the size add up, sampled coarser or finer than light varies."""
    optics = microscope(na=1.2, emission_um=0.5, zernike_rad=[0.3, 0.2])
    shape = (3, 7, 9)
    coarse = psf(optics, sampling_of(optics, shape, (0.4, voxel, voxel)))
    fine = psf(optics, sampling_of(optics, (3, 21, 27), (0.4, voxel / 3, voxel / 3)))
    added = fine.unflatten(2, (9, 3)).sum(3).unflatten(1, (7, 3)).sum(2)
    assert float((added - coarse).norm() / coarse.norm()) < 0.005


def test_the_pupil_is_fine_enough_for_the_voxels():
    """A pupil of half as many more rows changes nothing."""
    optics = microscope(na=1.3, sample_index=1.33, depth_um=15.0, zernike_rad=[0.0, 0.4, 0.4])
    sampling = sampling_of(optics, (29, 63, 63), (0.25, 0.1, 0.1), depth_um=15.0)
    finer = replace(sampling, pupil=Pupil.of(3 * len(sampling.pupil.x) // 2, MODES))
    first, second = psf(optics, sampling), psf(optics, finer)
    assert float((first - second).norm() / second.norm()) < 1e-3


def test_best_focus_is_in_the_middle_at_any_depth():
    for depth in (0.0, 3.0, 10.0, 25.0):
        optics = microscope(na=1.2, sample_index=1.38, depth_um=depth)
        values = psf(optics, sampling_of(optics, (61, 31, 31), (0.2, 0.1, 0.1), depth_um=depth))
        sharpness = values.square().sum((1, 2))
        middle = float((sharpness * (torch.arange(61) - 30)).sum() / sharpness.sum())
        assert abs(middle * 0.2) < 1.0, depth


def test_a_pinhole_closes_from_wide_field_detection_to_the_square():
    """An open pinhole leaves the excitation's PSF along z unhelped; a closed one multiplies it by the emission's."""
    sizes = [0.05, 1.0, 10.0]
    widths = []
    for size in sizes:
        optics = microscope(modality="confocal", na=1.2, pinhole_airy=size)
        profile = psf(optics, sampling_of(optics, (41, 15, 15), (0.1, 0.1, 0.1), depth_um=0.0))[:, 7, 7]
        widths.append(float((profile > profile.max() / 2).sum()))
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]


@pytest.mark.parametrize("shape", [(15,), (13, 9), (5, 13, 9)])
def test_fewer_axes_are_a_plane_or_a_line_in_focus(shape):
    optics = microscope(na=0.8)
    whole = (1,) * (3 - len(shape)) + shape
    values = psf(optics, sampling_of(optics, shape, (0.2, 0.1, 0.1)[-len(shape) :]), shape=shape)
    assert_kernel(values, shape)
    assert int(values.argmax()) == math.prod(whole) // 2
