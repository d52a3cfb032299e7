"""The pictures of notebook 06, MNIST."""

import torch

import plots
from evaluation.committed import generator, mnist_samples
from utils import add_noise, x0_from_eps


@torch.no_grad()
def one_guess(run, t, seed=0):
    """A generated digit, its x_t at step t, and what the network takes it for without label."""
    digit, steps = run.to_model(mnist_samples(1.0).images[seed : seed + 1]), torch.tensor([t])
    x_t = add_noise(run.schedule, digit, steps, torch.randn(digit.shape, generator=generator(seed)))
    x_0 = x0_from_eps(run.schedule, x_t, steps, run.denoiser()(x_t, steps, None))
    _, ax = plots.panels(1, 1, figsize=(6, 2.2))
    plots.image_strip(ax, torch.cat([run.to_pixels(x) for x in (digit, x_t, x_0)]).squeeze(1))
    ax.set_title(f"a digit, its $x_t$ at t = {t}, and the guess $\\hat x_0$, without label")
