"""Laws of networks in the form of `diffusers`: the schedule, the exact posterior mean, and folders that are refused."""

import json
import math
import socket
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from laws import noise

from napari_blind_deconv import InputError, Settings, deconvolve
from napari_blind_deconv.image_priors import Diffusion
from napari_blind_deconv.kernel_priors import Gaussian
from napari_blind_deconv.networks import Schedule, VariancePreserving, load_folder, variance_preserving
from napari_blind_deconv.networks.diffusers_folder import read_schedule

KINDS = ("epsilon", "v_prediction", "sample")
BETAS = ("linear", "scaled_linear", "squaredcos_cap_v2")

schedules = st.builds(
    Schedule,
    num_train_timesteps=st.integers(2, 1000),
    beta_start=st.floats(1e-5, 1e-2),
    beta_end=st.floats(1e-2, 0.5),
    beta_schedule=st.sampled_from(BETAS),
    prediction_type=st.sampled_from(KINDS),
)


@given(schedules, st.floats(0, 1))
def test_noise_rises_with_the_step_and_the_step_is_found_again(schedule, share):
    assert (np.diff(schedule.sigmas) > 0).all()
    step = share * (len(schedule.sigmas) - 1)
    log_sigma = np.interp(step, np.arange(len(schedule.sigmas)), np.log(schedule.sigmas))
    assert schedule.step(math.exp(log_sigma)) == pytest.approx(step, abs=1e-6)


def test_given_betas_take_the_place_of_the_schedule():
    betas = (0.01, 0.3, 0.02)
    kept = np.cumprod([0.99, 0.7, 0.98])
    assert np.allclose(Schedule(trained_betas=betas).sigmas, np.sqrt(1 / kept - 1))


def gaussian_network(schedule, mean, brightness, colour, multiple):
    """The best network for independent Gaussian pixels: variances along the channels' mean, and across it."""

    def predict(planes, step):
        assert planes.shape[-1] % multiple == planes.shape[-2] % multiple == 0
        log_sigma = np.interp(float(step[0]), np.arange(len(schedule.sigmas)), np.log(schedule.sigmas))
        kept = 1 / (1 + math.exp(2 * log_sigma))
        along = planes.mean(1, keepdim=True)
        answer = (along - kept**0.5 * mean) / (kept * brightness + 1 - kept)
        answer = (1 - kept) ** 0.5 * (answer + (planes - along) / (kept * colour + 1 - kept))
        clean = (planes - (1 - kept) ** 0.5 * answer) / kept**0.5
        velocity = kept**0.5 * answer - (1 - kept) ** 0.5 * clean
        return {"epsilon": answer, "v_prediction": velocity, "sample": clean}[schedule.prediction_type]

    return predict


@given(
    schedule=schedules,
    channels=st.sampled_from((1, 3)),
    share=st.floats(0, 1),
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    multiple=st.sampled_from((1, 4)),
    brightness=st.floats(0.01, 1),
)
@settings(max_examples=60, deadline=None)
def test_of_gaussian_images_the_answer_is_the_posterior_mean(schedule, channels, share, shape, multiple, brightness):
    """Told grey images' noise as equation (2) says, a network of colours is exact too."""
    predict = gaussian_network(schedule, 0.2, brightness, 0.03, multiple)
    denoise = VariancePreserving(predict, schedule, channels, multiple)
    low, high = denoise.sigma_range
    sigma = low * (high / low) ** share
    mean, variance = 0.6, brightness / (4 * channels)
    noisy = mean + (variance + sigma**2) ** 0.5 * noise((2, *shape), 5)
    expected = mean + variance / (variance + sigma**2) * (noisy - mean)
    assert torch.allclose(denoise(noisy, sigma), expected, rtol=1e-6, atol=1e-6 * (1 + sigma))


def test_many_planes_go_through_in_portions_that_do_not_matter(monkeypatch):
    denoise = VariancePreserving(lambda planes, step: planes * step[:, None, None, None], Schedule(), 3, 4)
    noisy = noise((2, 3, 7, 9), 1)
    together = denoise(noisy, 0.3)
    monkeypatch.setattr(variance_preserving, "_AT_ONCE", 200)
    assert torch.allclose(denoise(noisy, 0.3), together)
    assert torch.allclose(denoise(noisy[1, 2], 0.3), together[1, 2])


@pytest.mark.parametrize("factor", [0.99, 1.01])
def test_noise_beyond_the_schedule_is_refused(factor):
    denoise = VariancePreserving(lambda planes, step: planes, Schedule())
    end = denoise.sigma_range[factor > 1]
    denoise(noise((4, 4), 0), end)
    with pytest.raises(InputError, match=r"no noise level .* allowed: 0\.01 to 157\.4"):
        denoise(noise((4, 4), 0), factor * end)


CONFIG = {
    "_class_name": "UNet2DModel",
    "in_channels": 1,
    "out_channels": 1,
    "block_out_channels": [8, 8],
    "norm_num_groups": 4,
    "layers_per_block": 1,
    "attention_head_dim": 4,
    "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"],
}


def written(folder, weights="diffusion_pytorch_model.safetensors", **config):
    """A folder of the form, its weights no weights."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / weights).write_bytes(b"no tensors")
    return folder


def test_a_folder_without_configuration_says_what_it_holds(tmp_path):
    with pytest.raises(InputError, match=r"has no config\.json; the folder of a diffusers UNet2DModel holds"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "complaint"), [("diffusion_pytorch_model.bin", "pickled weights"), ("other.safetensors", "has no diff")]
)
def test_only_safetensors_are_read(tmp_path, name, complaint):
    with pytest.raises(InputError, match=rf"{complaint}.*save_pretrained\(folder, safe_serialization=True\)"):
        load_folder(written(tmp_path, name))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("_class_name", "UNet2DConditionModel"),
        ("in_channels", 4),
        ("out_channels", 3),
        ("time_embedding_type", "fourier"),
        ("num_class_embeds", 10),
        ("block_out_channels", None),
    ],
)
def test_networks_of_another_kind_are_refused_by_name(tmp_path, field, value):
    with pytest.raises(InputError, match=field):
        load_folder(written(tmp_path, **{field: value}))


def test_without_diffusers_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(InputError, match=r"pip install 'napari-blind-deconv\[diffusers\]'"):
        load_folder(written(tmp_path))
    prior = Diffusion(weights=str(tmp_path / "diffusion_pytorch_model.safetensors"))
    with pytest.raises(InputError, match=r"napari-blind-deconv\[diffusers\]"):
        prior.levels(3, 0.1)


def test_damaged_json_is_named(tmp_path):
    (written(tmp_path) / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"config\.json' is no JSON"):
        load_folder(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ({"_class_name": "ScoreSdeVeScheduler", "sigma_max": 1348.0}, r"ScoreSdeVeScheduler.* has no beta_schedule"),
        ({"beta_schedule": "sigmoid"}, "beta_schedule 'sigmoid'"),
        ({"beta_schedule": "linear", "beta_end": 1.5}, "beta_end 1.5"),
        ({"beta_schedule": "linear", "rescale_betas_zero_snr": True}, "rescale_betas_zero_snr True"),
    ],
)
def test_unknown_schedules_are_refused_by_name(tmp_path, content, complaint):
    path = tmp_path / "scheduler_config.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=complaint):
        read_schedule(path)


@pytest.fixture
def diffusers(monkeypatch):
    """The package itself, and no way out of this machine."""
    package = pytest.importorskip("diffusers", reason="the extra `diffusers` is not installed")

    def refused(*_):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    return package


def network(diffusers, channels=1, **config):
    torch.manual_seed(3)
    fields = {k: v for k, v in CONFIG.items() if not k.startswith("_")}
    return diffusers.UNet2DModel(**fields | {"in_channels": channels, "out_channels": channels} | config).eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("betas", BETAS)
def test_the_clean_image_is_that_of_the_scheduler(diffusers, tmp_path, kind, betas):
    model = network(diffusers)
    scheduler = diffusers.DDPMScheduler(beta_schedule=betas, prediction_type=kind, clip_sample=False)
    model.save_pretrained(tmp_path / "unet")
    scheduler.save_pretrained(tmp_path / "scheduler")
    denoise, step = load_folder(tmp_path), 300
    kept = scheduler.alphas_cumprod[step]
    noisy = 0.5 + noise((1, 1, 8, 12), 2, torch.float32)
    seen = (2 * noisy - 1) * kept**0.5
    with torch.no_grad():
        clean = scheduler.step(model(seen, step).sample, step, seen).pred_original_sample
    ours = denoise(noisy[0], float(((1 - kept) / kept) ** 0.5) / 2)
    assert torch.allclose(ours, (clean[0] + 1) / 2, atol=1e-3)
    assert torch.equal(load_folder(tmp_path / "unet")(noisy[0], 0.1), denoise(noisy[0], 0.1))


def test_a_network_alone_has_the_schedule_of_ho_et_al(diffusers, tmp_path):
    network(diffusers, 3, out_channels=6).save_pretrained(tmp_path)
    denoise = load_folder(tmp_path)
    kept = diffusers.DDPMScheduler().alphas_cumprod.double()
    assert denoise.channels == 3
    assert np.allclose(denoise.schedule.sigmas, ((1 - kept) / kept).sqrt(), rtol=1e-3)
    assert denoise(noise((2, 5, 7), 0, torch.float32), 0.1).shape == (2, 5, 7)
    assert load_folder(tmp_path / "diffusion_pytorch_model.safetensors") is denoise


@pytest.mark.parametrize("change", [{"block_out_channels": [8, 16]}, {"layers_per_block": 2}, {"act_fn": "none"}])
def test_weights_of_another_architecture_are_refused(diffusers, tmp_path, change):
    network(diffusers).save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(InputError, match=r"cannot be read: .* config\.json must describe"):
        load_folder(tmp_path)


def test_damaged_weights_are_refused(diffusers, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_folder(written(tmp_path))


@pytest.mark.parametrize("shape", [(20, 23), (3, 14, 15)])
def test_planes_and_volumes_are_restored_with_it(diffusers, tmp_path, shape):
    network(diffusers).save_pretrained(tmp_path)
    given = {"kernel_prior": Gaussian(sigma_px=1.0), "kernel_size": (3,) * len(shape), "iterations": 3}
    observed = 0.5 + 0.1 * noise(shape, 7).numpy()
    own, ours = (
        deconvolve(observed, Settings(image_prior=prior, noise_sigma=0.1, **given)).image
        for prior in (Diffusion(weights=str(tmp_path)), Diffusion())
    )
    assert own.shape == shape
    assert np.isfinite(own).all()
    assert not np.allclose(own, ours)
