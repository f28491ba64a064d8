"""The experiments: consistent scenes, the command that runs them, and figures better than those of the slides."""

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_blind_deconv import io
from napari_blind_deconv.cli import main
from napari_blind_deconv.experiments import EXPERIMENTS, NOISE
from napari_blind_deconv.image_priors import SparseGradients
from napari_blind_deconv.settings import Settings

COMMAND = "napari_blind_deconv.cli.experiments.EXPERIMENTS"


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run ``blind-deconv experiments`` in this process; gives exit code, stdout and stderr."""
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["blind-deconv", "experiments", *arguments])
        with pytest.raises(SystemExit) as end:
            main()
        return (end.value.code, *capsys.readouterr())

    yield run
    signal.signal(signal.SIGTERM, handler)


class Smaller:
    """A part of an experiment's frame, and few steps."""

    def __init__(self, experiment, part=slice(40, 104), **settings):
        self.title, self.reported = experiment.title, experiment.reported
        self.experiment, self.part = experiment, part
        self.settings = {"kernel_size": (9,), "iterations": 2, "image_prior": SparseGradients()} | settings

    def sample(self):
        whole = self.experiment.sample()
        settings = Settings(kernel_prior=whole.settings.kernel_prior, **self.settings)
        part = (self.part, self.part)
        return replace(whole, observed=whole.observed[part], truth=whole.truth[part], settings=settings)


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_experiments_are_what_they_say(name):
    experiment = EXPERIMENTS[name]
    sample, again = experiment.sample(), experiment.sample()
    np.testing.assert_array_equal(sample.observed, again.observed)
    assert sample.observed.shape == sample.truth.shape
    assert sample.truth.min() >= 0
    assert sample.truth.max() <= 1
    assert sample.kernel.min() >= 0
    assert sample.kernel.sum() == pytest.approx(1, abs=1e-5)
    # Defaults that a user would choose: only the two priors are said.
    plain = Settings(kernel_prior=sample.settings.kernel_prior, image_prior=sample.settings.image_prior)
    assert sample.settings == plain
    assert sample.settings.kernel_prior == type(sample.settings.kernel_prior)()
    assert sample.settings.image_prior == type(sample.settings.image_prior)()
    assert set(experiment.reported) == {"psnr", "ssim", "ke"}


def test_the_noise_is_as_strong_as_it_says():
    sample = EXPERIMENTS["circle"].sample()
    flat = sample.observed[:40, :40]
    assert flat.std() == pytest.approx(NOISE, rel=0.05)


def test_the_command_writes_files_a_table_and_a_picture(call, monkeypatch):
    monkeypatch.setattr(COMMAND, {name: Smaller(experiment) for name, experiment in EXPERIMENTS.items()})
    code, out, err = call("--output", "here")
    assert (code, err) == (0, "")
    for experiment in EXPERIMENTS.values():
        assert experiment.title in out
        for value in experiment.reported.values():
            assert f"{value:.4g}" in out
    assert "really good" in out  # the slides' own SSIM of the circle, graded
    found = json.loads(Path("here/experiments.json").read_text())
    for entry in found["experiments"]:
        files = {part: io.read(Path("here") / name) for part, name in entry["files"].items()}
        assert files["restored"].data.shape == files["truth"].data.shape == (64, 64)
        assert (Path("here") / f"{entry['name']}_report.json").is_file()
        assert entry["beaten"]["ke"] == (entry["ours"]["ke"] < entry["slides"]["ke"])
        assert entry["beaten"]["ssim"] == (entry["ours"]["ssim"] > entry["slides"]["ssim"])
    width, height = Image.open("here/experiments.png").size
    assert width > 5 * 256
    assert height > 3 * 256


def test_json_is_all_that_is_on_stdout(call, monkeypatch):
    monkeypatch.setattr(COMMAND, {"circle": Smaller(EXPERIMENTS["circle"])})
    code, out, err = call("--output", "here", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == json.loads(Path("here/experiments.json").read_text())


def test_an_experiment_that_fails_does_not_stop_the_others(call, monkeypatch):
    broken = Smaller(EXPERIMENTS["circle"], kernel_size=(101,))
    monkeypatch.setattr(COMMAND, {"circle": broken, "grass": Smaller(EXPERIMENTS["grass"])})
    code, out, err = call("--output", "here")
    assert code == 1
    assert err.count("\n") == 1
    assert "kernel_size" in err
    assert "failed" in out
    assert Path("here/grass_restored.ome.tif").is_file()
    assert not json.loads(Path("here/experiments.json").read_text())["all_beaten"]


def test_a_folder_that_cannot_be_is_refused(call):
    Path("file").write_text("")
    code, out, err = call("--output", "file/here")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1


@pytest.mark.slow
def test_all_figures_of_the_slides_are_beaten(call):
    code, out, _ = call("--output", "here", "--json")
    assert code == 0
    for entry in json.loads(out)["experiments"]:
        ours, slides = entry["ours"], entry["slides"]
        assert ours["psnr"] > slides["psnr"], entry["name"]
        assert ours["ssim"] > slides["ssim"], entry["name"]
        assert ours["ke"] < slides["ke"], entry["name"]
        assert ours["ke"] <= 0.10, entry["name"]
