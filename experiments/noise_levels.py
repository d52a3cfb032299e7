"""Which noise levels a network is trained at: more of them where its loss is farthest above the least possible one."""

import torch

from utils import LOSSES, add_noise, diffusion_loss, standard_normal, training_target

NOISY = 0.6  # of T: above it an image is no more than a hint (ᾱ_t < 0.35 for the cosine schedule)


def steps_with_more_noise(T, n, share, generator):
    """n steps (n,): uniform on 1 … T, but with probability `share` each uniform on the noisier ones, t > 0.6 T."""
    lowest = 1 + int(NOISY * T)
    any_step = torch.randint(1, T + 1, (n,), generator=generator, device=generator.device)
    noisy_step = torch.randint(lowest, T + 1, (n,), generator=generator, device=generator.device)
    chosen = torch.rand(n, generator=generator, device=generator.device) < share
    return torch.where(chosen, noisy_step, any_step)


def more_high_noise(share):
    """`utils.diffusion_loss` with the steps of `steps_with_more_noise`; with a share of 0, that function itself.

    No t is weighted and every t occurs, so the least loss at each t, and the best network, stay what they are.
    """
    if share == 0:
        return diffusion_loss

    def objective(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
        t = steps_with_more_noise(schedule.T, len(x0), share, generator).to(x0.device)
        eps = standard_normal(x0, generator)
        x_t = add_noise(schedule, x0, t, eps)
        return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))

    return objective
