"""Three experiments of a talk on blind deconvolution with a diffusion prior, made anew from material that ships.

Dekel Galor and Arya Raeesi, *Blind Deconvolution* (December 2025), blurred a synthetic circle and a photograph of a dog
that eats grass by motions, and a photograph of a cat by a Gaussian, estimated image and kernel together, and reported
PSNR, SSIM and KE. Their pictures, kernels and noise are not public. Here the scenes are a disk, and the grass and the
cat of scikit-image (CC0), none of which the networks of this package have been trained on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from numpy.typing import NDArray
from skimage import color, data
from skimage.util import img_as_float32

from napari_blind_deconv.image_priors import Diffusion
from napari_blind_deconv.kernel_priors import Gaussian, KernelPrior, Motion
from napari_blind_deconv.settings import Settings
from napari_blind_deconv.synthesis import Sample, blurred, gaussian_kernel

Float = NDArray[np.float32]

NOISE = 0.01
"""Standard deviation of the noise, for scenes within 0 … 1: a moderate camera's."""
_SIDE = 280  # pixels: the scene of the first two, which reaches beyond the frame
_SUPPORT = 25  # pixels, of the kernels
_WIDTH = 2.5  # pixels: standard deviation of the Gaussian


@dataclass(frozen=True)
class Experiment:
    """A scene, how it is blurred, and the figures that the talk reports.

    Attributes
    ----------
    title
        What is done, in words.
    scene
        The sharp scene, within 0 … 1, larger than the frame by the kernel's size less one.
    kernel
        The kernel that blurs it.
    kernel_prior
        What is said to be known of the kernel.
    reported
        PSNR in dB, SSIM and KE of the talk.
    """

    title: str
    scene: Callable[[], Float]
    kernel: Callable[[], Float]
    kernel_prior: KernelPrior
    reported: Mapping[str, float]

    def sample(self) -> Sample:
        """The observation with its truth, and the default settings but for the two priors."""
        kernel = self.kernel()
        observed, truth = blurred(self.scene(), kernel)
        noise = np.random.default_rng(1).normal(0, NOISE, observed.shape)
        settings = Settings(kernel_prior=self.kernel_prior, image_prior=Diffusion())
        return Sample((observed + noise).astype(np.float32), truth, kernel, "YX", None, settings)


def disk() -> Float:
    """A bright disk on a dark ground, its rim as sharp as pixels allow."""
    fine = 8
    place = (np.arange(fine * _SIDE) + 0.5) / fine - _SIDE / 2
    inside = np.hypot(place[:, None], place[None, :]) < _SIDE / 4
    cover = inside.reshape(_SIDE, fine, _SIDE, fine).mean((1, 3))
    return (0.1 + 0.8 * cover).astype(np.float32)


def grass() -> Float:
    """The middle of a photograph of grass (linolafett, CC0, in scikit-image)."""
    picture = img_as_float32(data.grass())
    top, left = ((n - _SIDE) // 2 for n in picture.shape)
    return np.ascontiguousarray(picture[top : top + _SIDE, left : left + _SIDE])


def cat() -> Float:
    """A cat, the whole picture (Stéfan van der Walt, CC0, in scikit-image), grey."""
    return color.rgb2gray(img_as_float32(data.chelsea())).astype(np.float32)


def motion(seed: int) -> Float:
    """A smooth, curved path drawn from the motion prior."""
    drawn = Motion().sample((_SUPPORT, _SUPPORT), torch.Generator().manual_seed(seed))
    return drawn.numpy().astype(np.float32)


def gaussian() -> Float:
    """A round Gaussian."""
    return gaussian_kernel((_SUPPORT, _SUPPORT), _WIDTH**2 * np.eye(2))


EXPERIMENTS: Mapping[str, Experiment] = MappingProxyType(
    {
        "circle": Experiment(
            "Motion kernel, synthetic circle",
            disk,
            lambda: motion(4),
            Motion(),
            MappingProxyType({"psnr": 26.83, "ssim": 0.9642, "ke": 0.9926}),
        ),
        "grass": Experiment(
            "Motion kernel, grass",
            grass,
            lambda: motion(11),
            Motion(),
            MappingProxyType({"psnr": 22.74, "ssim": 0.7313, "ke": 3.4408}),
        ),
        "cat": Experiment(
            "Gaussian kernel, cat",
            cat,
            gaussian,
            Gaussian(),
            MappingProxyType({"psnr": 28.16, "ssim": 0.7412, "ke": 0.7803}),
        ),
    }
)
