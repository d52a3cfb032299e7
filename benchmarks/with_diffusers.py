"""The two-pixel jobs, written with diffusers: its usual training loop and sampling loop around our network.

diffusers counts its steps from 0 to T-1, so the network is asked at their step + 1.
"""

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from diffusers.training_utils import EMAModel


def ddpm_scheduler(experiment):
    """The scheduler of the config: cosine betas, v-prediction, x̂_0 clipped.

    diffusers clips to one range around zero, so it gets the smallest that holds 4 σ around every mode, as ours does.
    """
    mixture = experiment.mixture
    return DDPMScheduler(
        num_train_timesteps=experiment.config.T,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="v_prediction",
        clip_sample=True,
        clip_sample_range=float((mixture.means.abs() + 4 * mixture.std.unsqueeze(1)).max()),
    )


def training(experiment, batches):
    """Trains for ever on the batches (x0, y), yielding the loss after each step."""
    network, scheduler = experiment.network, ddpm_scheduler(experiment)
    optimizer = torch.optim.Adam(network.parameters(), experiment.config.lr)
    lr_schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, experiment.config.steps)
    ema = EMAModel(network.parameters(), decay=0.999)
    for x0, y in batches:
        noise = torch.randn_like(x0)
        t = torch.randint(0, scheduler.config.num_train_timesteps, (len(x0),))
        output = network(scheduler.add_noise(x0, noise, t), t + 1, y)
        loss = F.mse_loss(output, scheduler.get_velocity(x0, noise, t))
        loss.backward()
        optimizer.step()
        lr_schedule.step()
        optimizer.zero_grad()
        ema.step(network.parameters())
        yield loss.item()


@torch.no_grad()
def sampling(experiment, n):
    """Draws n images (n, 1, 2) without label, again and again, yielding after each reverse step."""
    network, scheduler = experiment.network, ddpm_scheduler(experiment)
    generator = torch.Generator().manual_seed(experiment.config.seed)
    while True:
        x = torch.randn(n, 1, 2, generator=generator)
        scheduler.set_timesteps(experiment.config.T)
        for t in scheduler.timesteps:
            output = network(x, (t + 1).expand(n))
            x = scheduler.step(output, t, x, generator=generator).prev_sample
            yield x
