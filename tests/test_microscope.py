"""The microscope as a rung: what it refuses, what is free, and that it finds the numbers of a synthetic microscope."""

import math

import numpy as np
import pytest
import torch
from laws import assert_kernel, kernel_of, noise

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.evidence import Evidence, NaturalSpectrum
from napari_blind_deconv.forward import corner_sigma
from napari_blind_deconv.fourier import irfftn, rfftn, transfer
from napari_blind_deconv.kernel_priors import Microscope
from napari_blind_deconv.kernel_priors.descent import minimum
from napari_blind_deconv.kernel_priors.dispersion import information
from napari_blind_deconv.kernel_priors.quantity import Unknown
from napari_blind_deconv.metrics import mnc
from napari_blind_deconv.settings import override, settings_from_dict, settings_to_dict
from napari_blind_deconv.statistics import kernel_statistics
from napari_blind_deconv.synthesis import beads, cells, photon_counts

AIR = {"immersion_index": 1.0, "sample_index": 1.0, "emission_um": 0.6}


def values(**numbers: float) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(value) for name, value in numbers.items()}


def exact(microscope: Microscope, shape, **numbers: float) -> np.ndarray:
    kernel = microscope.kernel(values(**numbers), microscope.sampling(shape), shape)
    return kernel.numpy().astype(np.float32)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"na": 1.4, "immersion_index": 1.33}, r"na 1\.4 must be below kernel_prior\.immersion_index 1\.33.*immersion"),
        ({"na": 3}, r"kernel_prior\.na 3 must be between 0\.05 and 1\.7"),
        ({"emission_um": 520}, r"emission_um 520 must be between 0\.2 and 2 µm; given in nm\? write 0\.52"),
        ({"excitation_um": 488}, r"excitation_um 488 must be .*write 0\.488"),
        ({"depth_um": -3}, r"depth_um -3 must be between 0 and 500 µm; depth is measured from the cover glass"),
        ({"sample_index": 0.9}, r"sample_index 0\.9 must be between 1 and 2; .*water 1\.33"),
        ({"pinhole_airy": 0}, r"pinhole_airy 0 must be between 0\.05 and 20"),
        ({"na": [0.9, 0.7]}, r"na \[0\.9, 0\.7\] must be two numbers, the lower one first"),
        ({"na": "high"}, r"na high must be a number, two numbers \(the lower one first\) or null"),
        ({"zernike_rad": 3}, r"zernike_rad 3 must be a list"),
        ({"zernike_rad": [100]}, r"zernike_rad 100 must be between -30 and 30 rad"),
        ({"modality": "sted"}, r"modality 'sted' must be 'widefield', 'confocal' or 'light-sheet'"),
    ],
)
def test_what_physics_forbids_is_refused_in_one_sentence(fields, sentence):
    with pytest.raises(InputError, match=sentence) as refusal:
        settings_from_dict({"kernel_prior": {"kind": "microscope", **fields}})
    assert "\n" not in str(refusal.value)
    assert "{" not in str(refusal.value)


def test_an_unknown_voxel_size_is_asked_for():
    image = np.random.default_rng(0).random((32, 32))
    with pytest.raises(InputError, match="voxel size"):
        deconvolve(image, Settings(kernel_prior=Microscope(), kernel_size=(5,)))


def test_numbers_are_set_from_the_command_line():
    settings = {"kernel_prior": {"kind": "microscope"}}
    for assignment in ("na=0.9", "emission_um=[0.5,0.6]", "depth_um=null", "zernike_rad=[0.3,[-1,1],null]"):
        settings = override(settings, f"kernel_prior.{assignment}")
    prior = settings_from_dict(settings).kernel_prior
    assert (prior.na, prior.emission_um, prior.depth_um) == (0.9, (0.5, 0.6), None)
    assert prior.zernike_rad == (0.3, (-1.0, 1.0), None)
    assert settings_from_dict(settings_to_dict(settings_from_dict(settings))).kernel_prior == prior


def test_only_what_is_open_and_matters_is_fitted():
    def names(ndim: int, **fields) -> set[str]:
        return {u.name for u in Microscope(**fields).unknowns(ndim)}

    modes = {f"zernike_{j}" for j in range(4, 12)}
    assert names(2, na=0.9, **AIR) == modes  # no mismatch, no depth
    assert names(3, na=1.3, emission_um=0.5) == {"depth_um", *modes} - {"zernike_4"}  # defocus is a shift of the stack
    assert names(3, zernike_rad=[]) == {"na", "emission_um", "depth_um"}
    assert names(2, zernike_rad=[0.1, None, [-1, 1]], na=[0.8, 1.0], **AIR) == {"na", "zernike_5", "zernike_6"}
    assert names(3, modality="confocal", zernike_rad=[], **AIR) == {"na", "excitation_um"}
    assert names(3, modality="light-sheet", na=0.8, zernike_rad=[], sheet_um=None, **AIR) == {"sheet_um"}


def test_free_numbers_stay_within_their_bounds_and_find_their_way_back():
    bounded = Unknown("na", 0.2, 1.4, 0.8, 0.3).within(0.5, 0.9)
    for value in (0.51, 0.7, 0.89):
        assert float(bounded.value(torch.tensor(bounded.coordinate(value)))) == pytest.approx(value)
    assert 0.5 <= float(bounded.value(torch.tensor(-50.0))) <= float(bounded.value(torch.tensor(50.0))) <= 0.9 + 1e-6


def test_draws_respect_what_is_fixed_and_bounded():
    prior = Microscope(na=[0.5, 0.6], zernike_rad=[], **AIR).in_voxels((0.1, 0.1))
    widths = [
        float(1 / prior.sample((15, 15), torch.Generator().manual_seed(seed)).square().sum().sqrt())
        for seed in range(8)
    ]
    narrow, wide = (1 / np.linalg.norm(exact(prior, (15, 15), na=na)) for na in (0.6, 0.5))
    assert narrow <= min(widths) < max(widths) <= wide


def test_update_finds_the_aperture_from_clean_statistics():
    prior = Microscope(zernike_rad=[], **AIR).in_voxels((0.1, 0.1))
    shape = (13, 13)
    truth = torch.from_numpy(exact(prior, shape, na=0.7))
    scene = noise((80, 80), 0).float()
    observed = irfftn(rfftn(scene, 2) * transfer(truth, (80, 80)), (80, 80))
    statistics = kernel_statistics(scene, observed, shape)
    found = prior.update(statistics, torch.from_numpy(exact(prior, shape, na=0.5)), 1.0)
    assert_kernel(found, shape)
    assert float((found - truth).norm() / truth.norm()) < 0.01


def observation(prior: Microscope, support, frame, photons: float, seed: int, scene_of=cells, **numbers: float):
    rng = np.random.default_rng(seed)
    scene = scene_of(tuple(n + k - 1 for n, k in zip(frame, support, strict=True)), rng)
    counts, _ = photon_counts(scene, exact(prior, support, **numbers), photons, rng)
    image = torch.from_numpy(counts / counts.max())[None].float()
    spacing = [v / min(prior.voxel_size_um) for v in prior.voxel_size_um]
    return Evidence.of(image, corner_sigma(image), spacing=spacing)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_aperture_is_found_within_its_error(seed):
    prior = Microscope(**AIR).in_voxels((0.1, 0.1))
    evidence = observation(prior, (21, 21), (192, 192), 2000, seed, na=0.6)
    *_, last = prior.fit(evidence, (21, 21))
    found = last.parameters["na"]
    assert found.error is not None
    assert abs(found.value - 0.6) < 3 * found.error
    assert found.error < 0.15
    truth = exact(prior, (21, 21), na=0.6)
    assert mnc(last.kernel.numpy(), truth) > 0.98


def test_an_aberration_that_the_image_shows_is_kept():
    prior = Microscope(na=0.8, zernike_rad=[0, 0, 0, 0, 0, 0, 0, [-3, 3]], **AIR).in_voxels((0.1, 0.1))
    evidence = observation(prior, (25, 25), (192, 192), 5000, 3, zernike_11=1.2)
    *_, last = prior.fit(evidence, (25, 25))
    found = last.parameters["zernike_11"]
    assert abs(abs(found.value) - 1.2) < max(3 * found.error, 0.1)  # a plane does not see the sign
    assert mnc(last.kernel.numpy(), exact(prior, (25, 25), zernike_11=1.2)) > 0.98


def points(shape, rng):
    return 0.02 + beads(shape, rng, count=60)


@pytest.mark.slow
def test_the_depth_of_a_mismatched_stack_is_found_within_its_error():
    prior = Microscope(na=1.25, emission_um=0.52, sample_index=1.36, zernike_rad=[]).in_voxels((0.3, 0.12, 0.12))
    evidence = observation(prior, (17, 25, 25), (32, 64, 64), 2000, 5, points, depth_um=7.0)
    *_, last = prior.fit(evidence, (17, 25, 25))
    found = last.parameters["depth_um"]
    assert abs(found.value - 7.0) < max(3 * found.error, 0.5)


def test_a_field_that_is_what_the_evidence_says_is_not_dispersed():
    """A Gaussian field of the assumed spectrum; then the same number of frequencies, but their scatter doubled."""
    shape = (96, 96)
    white = noise(shape, 7).float()
    frequency = torch.fft.fftfreq(96)[:, None].square() + torch.fft.rfftfreq(96).square()
    field = irfftn(rfftn(white, 2) / (frequency.sqrt() + 0.02) ** 1.5, shape)
    prior = Microscope(zernike_rad=[], **AIR).in_voxels((0.1, 0.1))

    def kernel(theta: torch.Tensor) -> torch.Tensor:
        return prior.kernel({"na": 0.7 + 0.1 * theta[0]}, prior.sampling((15, 15), torch.float32), (15, 15))

    truth = kernel(torch.zeros(1))
    blurred = irfftn(rfftn(field / field.std(), 2) * transfer(truth, shape), shape)
    spectrum = NaturalSpectrum.of(Evidence.of(blurred + 0.01 * noise(shape, 8).float(), 0.01))
    image = minimum(lambda *parts: spectrum.nats(truth, *parts), spectrum.start(truth), 64)
    honest = information(spectrum, kernel, torch.zeros(1), image).dispersion
    stripes = blurred * (1 + 0.8 * torch.sign(torch.sin(torch.arange(96) * 2 * math.pi / 24)))
    dispersed = NaturalSpectrum.of(Evidence.of(stripes + 0.01 * noise(shape, 8).float(), 0.01))
    again = minimum(lambda *parts: dispersed.nats(truth, *parts), dispersed.start(truth), 64)
    assert honest < 3
    assert information(dispersed, kernel, torch.zeros(1), again).dispersion > honest


def test_kernels_are_found_from_any_start_of_the_update():
    prior = Microscope(na=0.8, zernike_rad=[], **AIR).in_voxels((0.1, 0.1))
    flat = kernel_of((9, 9), 3, torch.float32)
    scene = noise((40, 40), 1).float()
    found = prior.update(kernel_statistics(scene, scene, (9, 9)), flat, 1.0)
    assert np.allclose(found.numpy(), exact(prior, (9, 9)), atol=1e-5)
