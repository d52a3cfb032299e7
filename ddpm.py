"""The networks: step and class embeddings, the two-pixel conditional UNet, and the classifier of noisy images.

Every network is called as network(x_t, t, y): x_t (B, 1, 2), t (B,) int64 in 1 … T, y (B,) int64 with
∅ = num_classes, or None for ∅ everywhere. None of them knows the noise schedule.
"""

import math

import torch
from torch import nn
from torch.nn.functional import one_hot


class StepEmbedding(nn.Module):
    """sin 2πw_i x, cos 2πw_i x with x = t/T and fixed w_i ~ N(0, 1) (eq. 10), then a dense layer: (B,) -> (B, dim).

    The frequencies w are a buffer: not trained, but saved with the weights, since the weights mean nothing without.
    """

    def __init__(self, T, dim):
        super().__init__()
        self.T = T
        self.register_buffer("w", torch.randn(dim // 2))
        self.dense = nn.Linear(dim, dim)

    def forward(self, t):
        angle = 2 * math.pi * self.w * (t.unsqueeze(1) / self.T)
        return nn.functional.silu(self.dense(torch.cat([angle.sin(), angle.cos()], dim=1)))


class ClassEmbedding(nn.Module):
    """Linear layers on the one-hot label, which is all zeros for ∅ = num_classes: (B,) -> (B, dim)."""

    def __init__(self, num_classes, dim):
        super().__init__()
        self.num_classes = num_classes
        self.layers = nn.Sequential(nn.Linear(num_classes, dim), nn.SiLU(), nn.Linear(dim, dim))

    def forward(self, y):
        return self.layers(one_hot(y, self.num_classes + 1)[:, :-1].to(self.layers[0].weight))


class ConditionedBlock(nn.Module):
    """A convolution, plus dense layers of the step and the class embedding, then GroupNorm and SiLU (section 2.2)."""

    def __init__(self, conv, groups, dim):
        super().__init__()
        self.conv = conv
        self.step_dense = nn.Linear(dim, conv.out_channels)
        self.class_dense = nn.Linear(dim, conv.out_channels)
        self.norm = nn.GroupNorm(groups, conv.out_channels)

    def forward(self, x, step, label):
        h = self.conv(x) + (self.step_dense(step) + self.class_dense(label)).unsqueeze(2)
        return nn.functional.silu(self.norm(h))


class TwoPixelUNet(nn.Module):
    """The conditional UNet of section 2.2; the pixels have length 2, and length 1 from the first encoder block on.

    The last kernel is 2, not 1 as printed: kernel 1 cannot return from length 1 to 2. A GroupNorm group needs at
    least 4 values, or it is a sign function: 32 groups at length 1 ask for 128 channels or more.
    """

    def __init__(self, T, num_classes, channels=(64, 256), dim=64):
        super().__init__()
        c1, c2 = channels
        self.num_classes = num_classes
        self.step_embedding = StepEmbedding(T, dim)
        self.class_embedding = ClassEmbedding(num_classes, dim)
        self.encoder1 = ConditionedBlock(nn.Conv1d(1, c1, kernel_size=2), 4, dim)
        self.encoder2 = ConditionedBlock(nn.Conv1d(c1, c2, kernel_size=1), 32, dim)
        self.decoder1 = ConditionedBlock(nn.ConvTranspose1d(c2, c1, kernel_size=1), 4, dim)
        self.decoder2 = nn.ConvTranspose1d(2 * c1, 1, kernel_size=2)

    def forward(self, x_t, t, y=None):
        y = torch.full_like(t, self.num_classes) if y is None else y
        step, label = self.step_embedding(t), self.class_embedding(y)
        h1 = self.encoder1(x_t, step, label)  # (B, c1, 1)
        h2 = self.encoder2(h1, step, label)  # (B, c2, 1)
        h = self.decoder1(h2, step, label)  # (B, c1, 1)
        return self.decoder2(torch.cat([h, h1], dim=1))  # skip connection; (B, 1, 2)


class NoisyClassifier(nn.Module):
    """f_φ(y | x_t, t) for classifier guidance: (x_t, t) -> logits (B, num_classes)."""

    def __init__(self, T, num_classes, channels=128, dim=64):
        super().__init__()
        self.step_embedding = StepEmbedding(T, dim)
        self.conv1 = nn.Conv1d(1, channels, kernel_size=2)
        self.conv2 = nn.Conv1d(channels, channels, kernel_size=1)
        self.step_dense1 = nn.Linear(dim, channels)
        self.step_dense2 = nn.Linear(dim, channels)
        self.head = nn.Linear(channels, num_classes)

    def forward(self, x_t, t):
        step = self.step_embedding(t)
        h = nn.functional.silu(self.conv1(x_t) + self.step_dense1(step).unsqueeze(2))
        h = nn.functional.silu(self.conv2(h) + self.step_dense2(step).unsqueeze(2))
        return self.head(h.squeeze(2))
