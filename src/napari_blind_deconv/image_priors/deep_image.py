"""The deep image prior: an untrained convolutional network finds images easier to make than noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from annotated_types import Ge, Gt, Le, Len

from napari_blind_deconv import networks
from napari_blind_deconv._torch import torch
from napari_blind_deconv._types import InputError, component
from napari_blind_deconv.forward import DataTerm

if TYPE_CHECKING:
    from torch import Tensor

_STEPS = 300
_INPUT_CHANNELS = 8
# Share of the earlier outputs in the average, once there are enough of them.
_AVERAGED = 0.97


@component
class DeepImage:
    """The scene as the output of a small untrained network: Ulyanov et al. 2018.

    Noise goes in, the scene x = net(z) + mean(y) comes out, and the weights are fitted to this one observation,

        min over the weights:  ‖y - H x‖²_R,

    by Adam. Convolutions at several resolutions make smooth shapes and repeated texture long before they make noise,
    so that the fit is stopped where the residual reaches the noise (doi:10.1109/CVPR.2018.00984). The scene is the
    moving average of the outputs. No property of images is stated, and the result is not calibrated: an
    experiment.
    """

    kind: Literal["deep-image"] = "deep-image"
    seed: Annotated[int, Ge(0), Le(2**63 - 1)] = 0
    """Seed of the noise that goes in."""
    widths: Annotated[tuple[Annotated[int, Gt(0), Le(256)], ...], Len(1, 8)] = (8, 16, 32, 64)
    """Channels at full, half, quarter … resolution."""
    learning_rate: Annotated[float, Gt(0), Le(1)] = 1e-3
    """Step of Adam."""

    @property
    def own_steps(self) -> int:
        """Steps, where none are asked for."""
        return _STEPS

    def restore(
        self, data: DataTerm, *, spacing: tuple[float, ...], steps: int, generator: torch.Generator
    ) -> Iterator[Tensor]:
        """Yield the scene on the canvas after every step, at most ``steps`` of them; the noise level stops the fit.

        Parameters
        ----------
        data
            What is observed, how it was blurred, and its noise; one network makes all of a batch, each from noise of
            its own.
        spacing
            Not used: a network does not know how large a pixel is.
        steps
            Of Adam.
        generator
            Decides the first weights.

        Raises
        ------
        InputError
            For more than three axes.
        """
        observed, frame, ndim = data.filled, data.frame, data.frame.ndim
        if ndim > 3:
            raise InputError(
                subject="image_prior=deep-image",
                value="works on 1 to 3 axes",
                allowed=f"but the image has {ndim}",
                remedy="choose another `image_prior`",
            )
        network = self._network(ndim, generator).to(observed)
        noise = torch.Generator().manual_seed(self.seed)
        entering = torch.randn((len(observed), _INPUT_CHANNELS, *frame.canvas), generator=noise).to(observed)
        mean = observed.mean(tuple(range(-ndim, 0)), keepdim=True)
        optimiser = torch.optim.Adam(network.parameters(), lr=self.learning_rate)
        average = None
        for step in range(steps):
            with torch.enable_grad():
                scene = network(entering)[:, 0] + mean
                misfit = data.misfit(scene) / observed.numel()
                optimiser.zero_grad()
                misfit.backward()
            optimiser.step()
            new = scene.detach()
            average = new if average is None else torch.lerp(average, new, 1 - min(_AVERAGED, step / (step + 9)))
            yield average
            if float(misfit.detach()) <= 1:
                return

    def _network(self, ndim: int, generator: torch.Generator) -> networks.UNet:
        # Drawn on the CPU: the same network on every device.
        with torch.random.fork_rng(devices=[]):
            seed = int(torch.randint(2**31, (1,), generator=generator, device=generator.device))
            torch.default_generator.manual_seed(seed)
            network = networks.UNet(
                networks.UNetShape(ndim=ndim, widths=self.widths, surround="replicate"), channels=_INPUT_CHANNELS
            )
            torch.nn.init.normal_(network.tail.weight, std=1e-3)
        return network
