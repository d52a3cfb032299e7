"""Algebra: complex exponentials, one-hot rows times tables, einsum, explicit softmax and norms, float64 inside."""

import math

import torch
from torch import nn
from torch.nn.functional import one_hot

import ddpm
from ddpm import ClassEmbedding


class StepEmbedding(nn.Module):
    """sin 2πw_i x, cos 2πw_i x with x = t/T and fixed w_i ~ N(0, 1) (eq. 10), then dense layer, SiLU: (B,) -> (B, dim).

    The frequencies w are a buffer: not trained, but saved with the weights, since the weights mean nothing without.
    """

    def __init__(self, T, dim):
        super().__init__()
        self.T = T
        self.register_buffer("w", torch.normal(0.0, 1.0, size=(dim // 2,)))
        self.dense = nn.Linear(dim, dim)

    def forward(self, t):
        turns = torch.einsum("b,i->bi", t.double() / self.T, self.w.double())
        wave = torch.exp(2j * math.pi * turns)  # cos + i sin
        features = torch.cat([wave.real, wave.imag], dim=-1).to(self.w.dtype)
        h = self.dense(features)
        return h * torch.sigmoid(h)


def normalised(norm, h):
    """What an nn.GroupNorm makes of h (B, C, …): the moments of a group by einsum, in float64."""
    grouped = h.double().reshape(len(h), norm.num_groups, -1)
    mean = torch.einsum("bgn->bg", grouped) / grouped.shape[2]
    grouped = grouped - mean[..., None]
    variance = torch.einsum("bgn,bgn->bg", grouped, grouped) / grouped.shape[2]
    grouped = torch.einsum("bgn,bg->bgn", grouped, (variance + norm.eps) ** -0.5)
    flat = grouped.reshape(*h.shape[:2], -1)
    flat = torch.einsum("bcn,c->bcn", flat, norm.weight.double()) + norm.bias.double()[:, None]
    return flat.reshape(h.shape).to(h.dtype)


def swish(h):
    """SiLU: x σ(x) = x (1 + tanh(x/2)) / 2."""
    return h * (1 + torch.tanh(h / 2)) / 2


class ConditionedBlock(nn.Module):
    """A convolution, plus dense layers of the step and the class embedding, then GroupNorm and SiLU (section 2.2).

    The embeddings come as tables, one row for each step (T+1, dim) and for each label (K+1, dim), in which each image
    looks up its own: a batch has many images, but few different t and y.
    """

    def __init__(self, conv, groups, dim):
        super().__init__()
        self.conv = conv
        self.of_step = nn.Linear(dim, conv.out_channels)
        self.of_label = nn.Linear(dim, conv.out_channels)
        self.norm = nn.GroupNorm(groups, conv.out_channels)

    def forward(self, x, steps, t, labels, y):
        step = one_hot(t, len(steps)).to(steps.dtype) @ steps
        label = one_hot(y, len(labels)).to(labels.dtype) @ labels
        h = self.conv(x) + (self.of_step(step) + self.of_label(label))[..., None]
        return swish(normalised(self.norm, h))


class TwoPixelUNet(nn.Module):
    """The conditional UNet of section 2.2; the pixels have length 2, and length 1 from the first encoder block on.

    The last kernel is 2, not 1 as printed: kernel 1 cannot return from length 1 to 2. A GroupNorm group needs at
    least 4 values, or it is a sign function: 32 groups at length 1 ask for 128 channels or more.
    """

    def __init__(self, T, num_classes, channels=(64, 256), dim=64):
        super().__init__()
        wide, deep = channels
        self.num_classes = num_classes
        self.register_buffer("all_steps", torch.arange(T + 1), persistent=False)
        self.register_buffer("all_labels", torch.arange(num_classes + 1), persistent=False)
        self.step_embedding = StepEmbedding(T, dim)
        self.class_embedding = ClassEmbedding(num_classes, dim)
        self.block1 = ConditionedBlock(nn.Conv1d(1, wide, kernel_size=2), groups=4, dim=dim)
        self.block2 = ConditionedBlock(nn.Conv1d(wide, deep, kernel_size=1), groups=32, dim=dim)
        self.block3 = ConditionedBlock(nn.ConvTranspose1d(deep, wide, kernel_size=1), groups=4, dim=dim)
        self.block4 = nn.ConvTranspose1d(2 * wide, 1, kernel_size=2)

    def forward(self, x_t, t, y=None):
        if y is None:
            y = 0 * t + self.num_classes
        steps, labels = self.step_embedding(self.all_steps), self.class_embedding(self.all_labels)
        skip = self.block1(x_t, steps, t, labels, y)
        deep = self.block2(skip, steps, t, labels, y)
        back = self.block3(deep, steps, t, labels, y)
        # from length 1 to 2, a transposed convolution is a matrix for each pixel
        both = torch.cat([back, skip], dim=1)[:, :, 0]
        return torch.einsum("bc,cop->bop", both, self.block4.weight) + self.block4.bias[:, None]


class ResidualBlock(ddpm.ResidualBlock):
    def forward(self, x, step, label):
        h = self.conv1(swish(normalised(self.norm1, x)))
        numbers = self.step_dense(step) + self.class_dense(label)
        scale, shift = numbers.reshape(-1, 2, h.shape[1], 1, 1).unbind(1)
        h = normalised(self.norm2, h)
        h = torch.addcmul(h + shift, h, scale)
        return self.conv2(swish(h)) + self.shortcut(x)


class SelfAttention(ddpm.SelfAttention):
    def forward(self, x):
        qkv = self.qkv(normalised(self.norm, x)).flatten(2)
        q, k, v = qkv.unflatten(1, (3, self.heads, -1)).unbind(1)  # each (B, heads, C/heads, h·w)
        scores = torch.einsum("bhcq,bhck->bhqk", q, k).double() / math.sqrt(q.shape[2])
        weights = torch.exp(scores - scores.logsumexp(-1, keepdim=True)).to(v.dtype)
        attended = torch.einsum("bhqk,bhck->bhcq", weights, v)
        return x + self.out(attended.reshape(x.shape))


class ImageUNet(ddpm.ImageUNet):
    def forward(self, x_t, t, y=None):
        y = 0 * t + self.num_classes if y is None else y
        step, label = self.step_embedding(t), self.class_embedding(y)

        def enlarged(h, size):
            """The nearest pixel below, picked by a matrix of zeros and ones for each direction."""
            rows, columns = (
                one_hot(torch.arange(new, device=h.device) * old // new, old).to(h.dtype)
                for new, old in zip(size, h.shape[2:], strict=True)
            )
            return torch.einsum("yh,bchw,xw->bcyx", rows, h, columns)

        h0 = self.encoder_attention[0](self.encoder[0](self.stem(x_t), step, label))
        h1 = self.encoder_attention[1](self.encoder[1](self.down[0](h0), step, label))
        h2 = self.encoder_attention[2](self.encoder[2](self.down[1](h1), step, label))
        h3 = self.encoder_attention[3](self.encoder[3](self.down[2](h2), step, label))
        h = self.middle(h3, step, label)
        h = self.decoder_attention[3](self.decoder[3](torch.cat([h, h3], dim=1), step, label))
        h = torch.cat([enlarged(h, h2.shape[2:]), h2], dim=1)
        h = self.decoder_attention[2](self.decoder[2](h, step, label))
        h = torch.cat([enlarged(h, h1.shape[2:]), h1], dim=1)
        h = self.decoder_attention[1](self.decoder[1](h, step, label))
        h = torch.cat([enlarged(h, h0.shape[2:]), h0], dim=1)
        h = self.decoder_attention[0](self.decoder[0](h, step, label))
        return self.head(swish(normalised(self.norm, h)))
