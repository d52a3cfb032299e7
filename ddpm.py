"""The networks: step and class embeddings, the conditional UNets for two pixels and for images, the noisy classifier.

Every UNet is called as network(x_t, t, y): x_t (B, 1, 2) or (B, C, H, W), t int64 in 1 … T, y int64 with ∅ =
num_classes, or None for ∅ everywhere. t and y are (B,), or (1,) for all images alike. None of them knows the schedule.
"""

import math

import torch
from torch import nn
from torch.nn.functional import one_hot


class StepEmbedding(nn.Module):
    """sin 2πw_i x, cos 2πw_i x, x = t/T, dim/2 fixed w_i ~ N(0, 1) (eq. 10); dense layer, SiLU: (B,) -> (B, dim).

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


def convolve(conv, x):
    """conv(x). With a kernel of 1 on images of length 1 it is a matrix product, which is faster when written as one."""
    if conv.kernel_size != (1,):
        return conv(x)
    weight = conv.weight.squeeze(2)  # (out, in), but (in, out) of a transposed convolution
    return nn.functional.linear(x.squeeze(2), weight.T if conv.transposed else weight, conv.bias).unsqueeze(2)


class ConditionedBlock(nn.Module):
    """A convolution, plus dense layers of the step and the class embedding, then GroupNorm and SiLU (section 2.2).

    The embeddings come as tables, one row for each step (T+1, dim) and for each label (K+1, dim), in which each image
    looks up its own: a batch has many images, but few different t and y.
    """

    def __init__(self, conv, groups, dim):
        super().__init__()
        self.conv = conv
        self.step_dense = nn.Linear(dim, conv.out_channels)
        self.class_dense = nn.Linear(dim, conv.out_channels)
        self.norm = nn.GroupNorm(groups, conv.out_channels)

    def forward(self, x, steps, t, labels, y):
        h = convolve(self.conv, x)
        condition = self.step_dense(steps)[t] + self.class_dense(labels)[y]  # (B, channels), the same for every pixel
        return nn.functional.silu(self.norm(h + condition.unsqueeze(2)))


class TwoPixelUNet(nn.Module):
    """The conditional UNet of section 2.2; the pixels have length 2, and length 1 from the first encoder block on.

    The last kernel is 2, not 1 as in the homework's text: kernel 1 cannot return from length 1 to 2. A GroupNorm group
    needs at least 4 values, or it is a sign function: 32 groups at length 1 ask for 128 channels or more.
    """

    def __init__(self, T, num_classes, channels=(64, 256), dim=64):
        super().__init__()
        c1, c2 = channels
        self.T, self.num_classes = T, num_classes
        self.step_embedding = StepEmbedding(T, dim)
        self.class_embedding = ClassEmbedding(num_classes, dim)
        self.encoder1 = ConditionedBlock(nn.Conv1d(1, c1, kernel_size=2), 4, dim)
        self.encoder2 = ConditionedBlock(nn.Conv1d(c1, c2, kernel_size=1), 32, dim)
        self.decoder1 = ConditionedBlock(nn.ConvTranspose1d(c2, c1, kernel_size=1), 4, dim)
        self.decoder2 = nn.ConvTranspose1d(2 * c1, 1, kernel_size=2)

    def forward(self, x_t, t, y=None):
        y = torch.full_like(t, self.num_classes) if y is None else y
        steps = self.step_embedding(torch.arange(self.T + 1, device=t.device))  # of all steps, (T+1, dim)
        labels = self.class_embedding(torch.arange(self.num_classes + 1, device=t.device))  # of all labels, (K+1, dim)
        h1 = self.encoder1(x_t, steps, t, labels, y)  # (B, c1, 1)
        h2 = self.encoder2(h1, steps, t, labels, y)  # (B, c2, 1)
        h = self.decoder1(h2, steps, t, labels, y)  # (B, c1, 1)
        return self.decoder2(torch.cat([h, h1], dim=1))  # skip connection; (B, 1, 2)


class ResidualBlock(nn.Module):
    """x + f(x), f: norm, SiLU, convolve, norm, times (1 + scale) plus shift, SiLU, convolve.

    Step and class embedding each pass through a dense layer; their sum has first the scales, then the shifts of all
    channels. If f changes the number of channels, x passes through `shortcut`. In `ConditionedBlock` the embeddings
    come before the norm, which takes part of what they say away again; here after it, and as a factor, too (Dhariwal
    & Nichol 2021, sec. 3.1).
    """

    def __init__(self, c_in, c_out, dim, groups=8):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(groups, c_in), nn.Conv2d(c_in, c_out, 3, padding=1)
        self.step_dense, self.class_dense = nn.Linear(dim, 2 * c_out), nn.Linear(dim, 2 * c_out)
        self.norm2, self.conv2 = nn.GroupNorm(groups, c_out), nn.Conv2d(c_out, c_out, 3, padding=1)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)
        nn.init.zeros_(self.conv2.weight)  # a new block is the identity: deep nets then start as shallow ones
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x, step, label):
        condition = self.step_dense(step) + self.class_dense(label)
        scale, shift = condition[:, :, None, None].chunk(2, dim=1)  # each (B, c_out, 1, 1)
        h = self.conv1(nn.functional.silu(self.norm1(x)))
        h = self.norm2(h) * (1 + scale) + shift
        return self.shortcut(x) + self.conv2(nn.functional.silu(h))


class SelfAttention(nn.Module):
    """x + out(attention of norm(x)), of every pixel to every other, over `heads` heads (Vaswani et al. 2017).

    (B, C, h, w) -> the same. The channels of `qkv` are q, then k, then v, each with those of the first head first.
    """

    def __init__(self, channels, heads=4, groups=8):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        qkv = self.qkv(self.norm(x)).view(b, 3, self.heads, c // self.heads, h * w)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # each (B, heads, h·w, C/heads)
        attended = nn.functional.scaled_dot_product_attention(q, k, v)
        return x + self.out(attended.transpose(-1, -2).reshape(b, c, h, w))


class ImageUNet(nn.Module):
    """A conditional UNet for images (B, C, H, W) with even H and W: four blocks down, four up (problem 5).

    Pixels are first folded 2 × 2 into channels, which costs a quarter of the work; attention acts below the widest
    level. Each level halves the size, rounding up: 28 → 14, 7, 4, 2 and 8 → 4, 2, 1, 1. On the way down: block,
    attention, whose output is the skip connection too, then a smaller image; below the last level the block in the
    middle; on the way up: a larger image by nearest neighbours, beside it the skip connection, block, attention; at the
    end norm, SiLU, head.
    """

    def __init__(self, T, num_classes, image_channels=1, widths=(32, 64, 96, 128), dim=128):
        super().__init__()
        self.num_classes = num_classes
        self.step_embedding = StepEmbedding(T, dim)
        self.class_embedding = ClassEmbedding(num_classes, dim)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * image_channels, widths[0], 3, padding=1))
        below = (widths[0], *widths[:-1])
        self.encoder = nn.ModuleList(ResidualBlock(a, b, dim) for a, b in zip(below, widths, strict=True))
        self.encoder_attention = nn.ModuleList(attention(i, c) for i, c in enumerate(widths))
        self.down = nn.ModuleList(nn.Conv2d(c, c, 3, stride=2, padding=1) for c in widths[:-1])
        self.middle = ResidualBlock(widths[-1], widths[-1], dim)
        self.decoder = nn.ModuleList(ResidualBlock(2 * b, a, dim) for a, b in zip(below, widths, strict=True))
        self.decoder_attention = nn.ModuleList(attention(i, c) for i, c in enumerate(below))
        self.norm = nn.GroupNorm(8, widths[0])
        self.head = nn.Sequential(nn.Conv2d(widths[0], 4 * image_channels, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, x_t, t, y=None):
        y = torch.full_like(t, self.num_classes) if y is None else y
        step, label = self.step_embedding(t), self.class_embedding(y)
        h, skips = self.stem(x_t), []
        for i, (block, attend) in enumerate(zip(self.encoder, self.encoder_attention, strict=True)):
            h = attend(block(h, step, label))
            skips.append(h)
            h = self.down[i](h) if i < len(self.down) else self.middle(h, step, label)
        for i in reversed(range(len(skips))):
            h = nn.functional.interpolate(h, size=skips[i].shape[2:])
            h = self.decoder[i](torch.cat([h, skips[i]], dim=1), step, label)
            h = self.decoder_attention[i](h)
        return self.head(nn.functional.silu(self.norm(h)))


def attention(level, channels):
    """Self-attention, but none at level 0, where it would cost most and the images are still local detail."""
    return SelfAttention(channels) if level > 0 else nn.Identity()


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
        h = nn.functional.silu(convolve(self.conv2, h) + self.step_dense2(step).unsqueeze(2))
        return self.head(h.squeeze(2))
