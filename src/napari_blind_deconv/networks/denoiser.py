"""A denoiser for white Gaussian noise of any known level, which is a score at every level."""

from torch import Tensor, cat, nn

from napari_blind_deconv.networks.unet import UNet, UNetShape


class Denoiser(nn.Module):
    """The posterior mean E[x | x + σ n], and with it the score ∇ log p_σ = (D(x; σ) - x) / σ² (Tweedie).

    The network sees the noisy values and a map of the noise level, and answers what to add to the values:

        D(x; σ) = c_skip x + c_out F(c_in x, c_in σ)                                            (1)

    as in Karras et al. 2022 (arXiv:2206.00364, eq. 7). F is homogeneous, so that c_in only sets the size of the
    figures and cancels with c_out = 1 / c_in; c_skip = 1. What is left is D(x; σ) = x + F(x, σ), and with it

        D(a x; a σ) = a D(x; σ) for every a > 0:                                                (2)

    one network for every intensity scale. The weight of the loss is theirs (`training`).
    """

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.network = UNet(shape, channels=2)
        self.shape = shape

    def forward(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """The mean of the clean values given the noisy ones.

        Parameters
        ----------
        noisy
            Shape ``(..., *space)``; the leading axes are a batch.
        sigma
            Standard deviation of the noise, in the unit of ``noisy``: a number or a map that broadcasts to it, > 0.
        """
        space = noisy.shape[noisy.ndim - self.shape.ndim :]
        level = noisy.new_ones(()) * sigma
        stacked = cat([v.reshape(-1, 1, *space) for v in (noisy, level.expand_as(noisy))], 1)
        return noisy + self.network(stacked).reshape(noisy.shape)

    def score(self, noisy: Tensor, sigma: Tensor | float) -> Tensor:
        """∇ log p_σ at the noisy values."""
        return (self(noisy, sigma) - noisy) / sigma**2
