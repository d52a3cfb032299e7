"""The two-pixel network as section 2.2 prints it: every layer is called for every image. The baselines get it."""

import torch
from torch.nn.functional import silu

from ddpm import TwoPixelUNet
from experiments.two_pixel import TwoPixel


class PlainUNet(TwoPixelUNet):
    """The same layers and weights, without what `TwoPixelUNet` saves: tables of embeddings, and matrix products."""

    def forward(self, x_t, t, y=None):
        y = torch.full_like(t, self.num_classes) if y is None else y
        step, label = self.step_embedding(t), self.class_embedding(y)

        def block(part, x):
            condition = part.step_dense(step) + part.class_dense(label)
            return silu(part.norm(part.conv(x) + condition.unsqueeze(2)))

        h1 = block(self.encoder1, x_t)
        h = block(self.decoder1, block(self.encoder2, h1))
        return self.decoder2(torch.cat([h, h1], dim=1))


def plain_experiment(config):
    """The two-pixel experiment of a config, its network plain, with the same weights to begin with."""
    experiment = TwoPixel(config)
    network = PlainUNet(config.T, experiment.num_classes)
    network.load_state_dict(experiment.network.state_dict())
    experiment.network = network
    return experiment
