"""The MNIST job as the Hugging Face diffusion course does it (unit 2, class-conditioned): diffusers' UNet2DModel.

The label is embedded in 4 numbers, which are further channels of the image. T = 1000, cosine betas, ε-prediction, Adam
at 1e-3, batches of 128, no moving average, no label dropped. The course draws with all 1000 steps; here it is SAMPLED
of them by the same scheduler, since 1000 take a CPU hours.
"""

import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DModel

LR, T, LABEL_CHANNELS, WIDTHS = 1e-3, 1000, 4, (32, 64, 64)
SAMPLED = 50  # steps


class LabelledUNet(torch.nn.Module):
    """UNet2DModel at the course's widths, asked as network(x_t, t, y) about images (B, 1, 28, 28)."""

    def __init__(self, num_classes, size):
        super().__init__()
        self.embedding = torch.nn.Embedding(num_classes, LABEL_CHANNELS)
        self.unet = UNet2DModel(
            sample_size=size,
            in_channels=1 + LABEL_CHANNELS,
            out_channels=1,
            layers_per_block=2,
            block_out_channels=WIDTHS,
            down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
        )

    def forward(self, x_t, t, y):
        label = self.embedding(y)[:, :, None, None].expand(-1, -1, *x_t.shape[2:])
        return self.unet(torch.cat([x_t, label], dim=1), t).sample


class ItsWay:
    """The course's loop and settings around that network."""

    batch_size = 128

    def __init__(self, num_classes, size):
        self.network = LabelledUNet(num_classes, size)
        self.scheduler = DDPMScheduler(num_train_timesteps=T, beta_schedule="squaredcos_cap_v2")
        self.optimizer = torch.optim.Adam(self.network.parameters(), LR)

    def step(self, images, labels):
        """One training step on images (B, 1, h, w) in [0, 1]; returns the loss."""
        x0 = 2 * images - 1
        eps, t = torch.randn_like(x0), torch.randint(0, T, (len(x0),))
        loss = F.mse_loss(self.network(self.scheduler.add_noise(x0, eps, t), t, labels), eps)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def sample(self, labels):
        """Digits of the classes `labels`, (n, 1, h, w) in [0, 1]."""
        self.network.eval()
        size = self.network.unet.config.sample_size
        x = torch.randn(len(labels), 1, size, size)
        self.scheduler.set_timesteps(SAMPLED)
        for t in self.scheduler.timesteps:
            x = self.scheduler.step(self.network(x, t, labels), t, x).prev_sample
        return (x.clamp(-1, 1) + 1) / 2
