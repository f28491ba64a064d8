"""Channels of different colours: a wavelength each, one of them by itself, and what files say of them."""

import numpy as np
import pytest
import tifffile

from napari_blind_deconv import InputError, Settings, deconvolve, io
from napari_blind_deconv.batch import References, Said
from napari_blind_deconv.batch.cropping import region_of, text_of
from napari_blind_deconv.image_priors import NoPrior
from napari_blind_deconv.kernel_priors import Microscope
from napari_blind_deconv.settings import override, settings_from_dict, settings_to_dict

OPTICS = {"na": 1.2, "immersion_index": 1.333, "sample_index": 1.333, "zernike_rad": (), "depth_um": 0.0}
VOXELS = (0.1, 0.1)


def settings_of(**fields):
    prior = Microscope(**OPTICS, **fields)
    return Settings(kernel_prior=prior, kernel_size=(9,), iterations=2, image_prior=NoPrior())


def colours(seed, count=3, shape=(40, 44)):
    return np.random.default_rng(seed).poisson(30, (count, *shape)).astype(np.float32)


def test_every_channel_has_the_psf_of_its_own_wavelength():
    waves, data = (0.45, 0.55, 0.7), colours(0)
    several = deconvolve(data, settings_of(emissions_um=waves), axes="CYX", voxel_size_um=VOXELS)
    for channel, wave in enumerate(waves):
        one = deconvolve(data[channel], settings_of(emission_um=wave), axes="YX", voxel_size_um=VOXELS)
        np.testing.assert_array_equal(several.kernel[channel], one.kernel)
        np.testing.assert_array_equal(several.image[channel], one.image)


def test_a_region_teaches_every_channel_by_its_own_wavelength():
    data, box = colours(1), (slice(2, 38), slice(3, 40))
    settings = settings_of(emissions_um=(0.45, 0.55, 0.7))
    several = deconvolve(data, settings, axes="CYX", voxel_size_um=VOXELS, region=box)
    one = deconvolve(data[2], settings_of(emission_um=0.7), axes="YX", voxel_size_um=VOXELS, region=box)
    np.testing.assert_array_equal(several.kernel[2], one.kernel)


@pytest.mark.parametrize("waves", [(0.5,), (0.45, 0.55)])
def test_another_number_of_wavelengths_is_refused(waves):
    with pytest.raises(InputError, match=f"emissions_um of {len(waves)} channels?, but the image has 3 channels"):
        deconvolve(colours(2), settings_of(emissions_um=waves), axes="CYX", voxel_size_um=VOXELS)


def test_channels_that_share_a_psf_have_one_wavelength():
    values = settings_to_dict(settings_of(emissions_um=(0.45, 0.55))) | {"share_psf": "channel"}
    with pytest.raises(InputError, match="emissions_um gives channels PSFs of their own"):
        settings_from_dict(values)


def test_wavelengths_are_set_from_the_command_line():
    values = override(settings_to_dict(settings_of()), "kernel_prior.emissions_um=[0.46,[0.5,0.54],null]")
    assert settings_from_dict(values).kernel_prior.emissions_um == (0.46, (0.5, 0.54), None)


def test_doubts_of_one_channel_name_it():
    settings = settings_of(emissions_um=(0.45, 0.7, 0.7))
    report = deconvolve(colours(3), settings, axes="CYX", voxel_size_um=(0.12, 0.12)).report
    [said] = [sentence for sentence in report["warnings"] if "Nyquist" in sentence]
    assert said.startswith("channel 1: pixels of 0.12 µm are too coarse")


@pytest.mark.parametrize("seed", range(3))
def test_ranges_go_through_their_text(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(2, 90, 4))
    starts = [int(rng.integers(0, n)) for n in shape]
    region = tuple(slice(a, int(rng.integers(a + 1, n + 1))) for a, n in zip(starts, shape, strict=True))
    text = text_of(region, "CZYX", shape)
    assert (region_of(text, "CZYX", shape) if text else tuple(slice(0, n) for n in shape)) == region


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Q=1:2", "names axis Q, but the image has CYX"),
        ("Y=3:3", "must lie within"),
        ("C=0:4", "3 pixels"),
        ("1:2", ""),
    ],
)
def test_other_ranges_are_refused(text, words):
    with pytest.raises(InputError, match=words):
        region_of(text, "CYX", (3, 40, 44))


def test_a_part_of_a_file_is_restored_as_the_part_by_itself(tmp_path):
    data = colours(4)
    said = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP", "Cy5"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", data, metadata=said)
    mask = np.ones(data.shape, np.uint8)
    mask[:, 10:14, 20:26] = 0
    tifffile.imwrite(tmp_path / "mask.tif", mask, metadata={"axes": "CYX"}, photometric="minisblack")
    settings = settings_of(emission_um=0.52)
    part = (slice(1, 2), slice(4, 40), slice(2, 44))
    report = _report(tmp_path, settings, text_of(part, "CYX", data.shape), io.read(tmp_path / "mask.tif"))
    assert report.status == "done", report.message
    restored = io.read(report.outputs[0])
    expected = deconvolve(data[part], settings, axes="CYX", voxel_size_um=VOXELS, mask=mask[part])
    np.testing.assert_array_equal(restored.data, expected.image)
    assert restored.description["channel_names"] == ["GFP"]


def _report(folder, settings, crop, mask):
    from napari_blind_deconv._types import finished
    from napari_blind_deconv.batch import restoring
    from napari_blind_deconv.batch.one_file import reported
    from napari_blind_deconv.batch.plan import Job

    job = Job.of(folder / "a.ome.tif", folder / "out")
    said = Said(voxel_size_um=VOXELS, crop=crop)
    return finished(reported(job, restoring(job, settings, References(mask=mask), said)))


@pytest.mark.parametrize("unit", ["nm", "µm"])
def test_optics_are_read_from_ome(tmp_path, unit):
    waves = [461.0, 519.0]
    given = [w if unit == "nm" else w / 1000 for w in waves]
    channel = {"Name": ["DAPI", "GFP"], "EmissionWavelength": given, "EmissionWavelengthUnit": [unit] * 2}
    tifffile.imwrite(tmp_path / "a.ome.tif", np.ones((2, 8, 9), "u2"), metadata={"axes": "CYX", "Channel": channel})
    said = io.header(tmp_path / "a.ome.tif").description["optics"]
    assert said["emissions_um"] == pytest.approx([0.461, 0.519])


def test_objective_and_immersion_are_read_from_ome():
    from xml.etree import ElementTree

    from napari_blind_deconv.io.ome_optics import optics_of

    root = ElementTree.fromstring(
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Instrument>'
        '<Objective ID="Objective:0" LensNA="0.3" Immersion="Air"/>'
        '<Objective ID="Objective:1" LensNA="1.4" Immersion="Oil"/></Instrument>'
        '<Image><ObjectiveSettings ID="Objective:1"/><Pixels><Channel EmissionWavelength="461"/>'
        '<Channel EmissionWavelength="nonsense"/><Channel EmissionWavelength="519000"/></Pixels></Image></OME>'
    )
    found = optics_of(root, 0)
    assert found == {"emissions_um": [0.461, None, None], "na": 1.4, "immersion_index": 1.515}
    assert optics_of(root, 0, [1]) == {"na": 1.4, "immersion_index": 1.515}
    assert optics_of(root, 1) == {}
