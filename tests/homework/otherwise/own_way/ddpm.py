"""Own way: other attributes, layers in another order, Conv1d with kernel 1 for dense layers, no biases, own helpers."""

import math
from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

import ddpm
from ddpm import ClassEmbedding


class StepEmbedding(nn.Module):
    """sin 2πw_i x, cos 2πw_i x with x = t/T and fixed w_i ~ N(0, 1) (eq. 10), then dense layer, SiLU: (B,) -> (B, dim).

    The frequencies w are a buffer: not trained, but saved with the weights, since the weights mean nothing without.
    """

    def __init__(self, T, dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(dim, dim), nn.SiLU())
        self.length = T
        self.register_buffer("frequencies", torch.zeros(1, dim // 2).normal_())

    def forward(self, t):
        angle = math.tau * self.frequencies * t[:, None] / self.length
        return self.layers(torch.stack([angle.sin(), angle.cos()], dim=2))  # sin, cos, sin, cos, … when flattened


def pointwise(c_in, c_out):
    """A dense layer, as a convolution with kernel 1."""
    return nn.Conv1d(c_in, c_out, kernel_size=1, bias=False)


class ConditionedBlock(nn.Module):
    """A convolution, plus dense layers of the step and the class embedding, then GroupNorm and SiLU (section 2.2).

    The embeddings come as tables, one row for each step (T+1, dim) and for each label (K+1, dim), in which each image
    looks up its own: a batch has many images, but few different t and y.
    """

    def __init__(self, conv, groups, dim):
        super().__init__()
        channels = conv.out_channels
        self.activate = nn.Sequential(nn.GroupNorm(groups, channels), nn.SiLU())
        self.by_label = pointwise(dim, channels)
        self.by_step = pointwise(dim, channels)
        self.spatial = conv

    def forward(self, x, steps, t, labels, y):
        h = self.spatial(x)
        for layer, table, index in ((self.by_label, labels, y), (self.by_step, steps, t)):
            h = h + layer(table.index_select(0, index).unsqueeze(-1))
        return self.activate(h)


class TwoPixelUNet(nn.Module):
    """The conditional UNet of section 2.2; the pixels have length 2, and length 1 from the first encoder block on.

    The last kernel is 2, not 1 as printed: kernel 1 cannot return from length 1 to 2. A GroupNorm group needs at
    least 4 values, or it is a sign function: 32 groups at length 1 ask for 128 channels or more.
    """

    def __init__(self, T, num_classes, channels=(64, 256), dim=64):
        super().__init__()
        c1, c2 = channels
        self.null = num_classes
        self.to_pixels = nn.ConvTranspose1d(2 * c1, 1, kernel_size=2, bias=False)
        self.up = ConditionedBlock(pointwise(c2, c1), 4, dim)
        self.deep = ConditionedBlock(pointwise(c1, c2), 32, dim)
        self.from_pixels = ConditionedBlock(nn.Conv1d(1, c1, kernel_size=2, bias=False), 4, dim)
        self.embed_y = ClassEmbedding(num_classes, dim)
        self.embed_t = StepEmbedding(T, dim)

    def forward(self, x_t, t, y=None):
        if y is None:
            y = t.new_full((1,), self.null)
        # tables of what is asked for only, in which image i has row i
        condition = {
            "steps": self.embed_t(t),
            "t": torch.arange(len(t), device=t.device),
            "labels": self.embed_y(y),
            "y": torch.arange(len(y), device=y.device),
        }
        skip = self.from_pixels(x_t, **condition)
        h = self.up(self.deep(skip, **condition), **condition)
        return self.to_pixels(torch.cat([skip, h], dim=1))


class ResidualBlock(ddpm.ResidualBlock):
    def forward(self, x, step, label):
        def modulate(h):
            half = h.shape[1]
            dense = self.step_dense(step).add(self.class_dense(label))
            factor, summand = dense[:, :half] + 1, dense[:, half:]
            return (h.movedim(1, -1) * factor[:, None, None] + summand[:, None, None]).movedim(-1, 1)

        layers = (self.norm1, nn.SiLU(), self.conv1, self.norm2, modulate, nn.SiLU(), self.conv2)
        h = x
        for layer in layers:
            h = layer(h)
        return h.add(self.shortcut(x))


class SelfAttention(ddpm.SelfAttention):
    def forward(self, x):
        batch, channels, height, width = x.shape
        per_head = channels // self.heads

        def as_batch(part):
            """(B, C, h, w) -> (B·heads, h·w, C/heads): each head is an image of its own."""
            return part.reshape(batch * self.heads, per_head, height * width).mT

        query, key, value = map(as_batch, self.qkv(self.norm(x)).chunk(3, dim=1))
        scores = torch.bmm(query * per_head**-0.5, key.mT)
        attended = torch.bmm(F.softmax(scores, dim=2), value).mT
        return self.out(attended.reshape(batch, channels, height, width)).add(x)


class ImageUNet(ddpm.ImageUNet):
    def forward(self, x_t, t, y=None):
        if y is None:
            y = t.new_full((len(x_t),), self.num_classes)
        embedded = {"step": self.step_embedding(t), "label": self.class_embedding(y)}

        def level(i, h):
            """Level i of the UNet with all levels below it, for the encoder's h that comes into it."""
            skip = self.encoder_attention[i](self.encoder[i](h, **embedded))
            if i + 1 < len(self.encoder):
                h = level(i + 1, self.down[i](skip))
                doubled = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
                h = doubled[:, :, : skip.shape[2], : skip.shape[3]]  # an odd size was rounded up on the way down
            else:
                h = self.middle(skip, **embedded)
            h = self.decoder[i](torch.cat([skip, h], dim=1), **embedded)
            return self.decoder_attention[i](h)

        to_image = nn.Sequential(self.norm, nn.SiLU(), self.head)
        return to_image(partial(level, 0)(self.stem(x_t)))
