"""Loops: over images, channels, groups, heads and pixels, with lists and explicit indices; norm and softmax by hand."""

import math

import torch
from torch import nn

import ddpm
from ddpm import ClassEmbedding


class StepEmbedding(nn.Module):
    """sin 2πw_i x, cos 2πw_i x with x = t/T and fixed w_i ~ N(0, 1) (eq. 10), then dense layer, SiLU: (B,) -> (B, dim).

    The frequencies w are a buffer: not trained, but saved with the weights, since the weights mean nothing without.
    """

    def __init__(self, T, dim):
        super().__init__()
        self.T = T
        self.register_buffer("w", torch.tensor([torch.randn(()).item() for _ in range(dim // 2)]))
        self.linear = nn.Linear(dim, dim)

    def forward(self, t):
        rows = []
        for step in t.tolist():
            x = step / self.T
            row = []
            for i in range(len(self.w)):
                row.append(torch.sin(2 * math.pi * self.w[i] * x))
            for i in range(len(self.w)):
                row.append(torch.cos(2 * math.pi * self.w[i] * x))
            rows.append(torch.stack(row))
        return nn.functional.silu(self.linear(torch.stack(rows)))


def group_norm(norm, image):
    """What an nn.GroupNorm makes of one image (C, length), group by group."""
    size = len(image) // norm.num_groups
    channels = []
    for group in range(norm.num_groups):
        part = image[group * size : (group + 1) * size]
        mean = part.sum() / part.numel()
        variance = ((part - mean) ** 2).sum() / part.numel()
        for c in range(group * size, (group + 1) * size):
            channels.append((image[c] - mean) / torch.sqrt(variance + norm.eps) * norm.weight[c] + norm.bias[c])
    return torch.stack(channels)


class ConditionedBlock(nn.Module):
    """A convolution, plus dense layers of the step and the class embedding, then GroupNorm and SiLU (section 2.2).

    The embeddings come as tables, one row for each step (T+1, dim) and for each label (K+1, dim), in which each image
    looks up its own: a batch has many images, but few different t and y.
    """

    def __init__(self, conv, groups, dim):
        super().__init__()
        self.conv = conv
        self.norm = nn.GroupNorm(groups, conv.out_channels)
        self.dense = nn.ModuleList([nn.Linear(dim, conv.out_channels) for _ in range(2)])

    def forward(self, x, steps, t, labels, y):
        images = []
        for i in range(len(x)):
            step = steps[t[i] if len(t) > 1 else t[0]]
            label = labels[y[i] if len(y) > 1 else y[0]]
            h = self.conv(x[i])
            shift = self.dense[0](step) + self.dense[1](label)
            h = torch.stack([h[:, pixel] + shift for pixel in range(h.shape[1])], dim=1)
            h = group_norm(self.norm, h)
            images.append(h / (1 + torch.exp(-h)))
        return torch.stack(images)


class TwoPixelUNet(nn.Module):
    """The conditional UNet of section 2.2; the pixels have length 2, and length 1 from the first encoder block on.

    The last kernel is 2, not 1 as printed: kernel 1 cannot return from length 1 to 2. A GroupNorm group needs at
    least 4 values, or it is a sign function: 32 groups at length 1 ask for 128 channels or more.
    """

    def __init__(self, T, num_classes, channels=(64, 256), dim=64):
        super().__init__()
        self.T, self.num_classes = T, num_classes
        self.time = StepEmbedding(T, dim)
        self.label = ClassEmbedding(num_classes, dim)
        convolutions = [
            nn.Conv1d(1, channels[0], 2),
            nn.Conv1d(channels[0], channels[1], 1),
            nn.ConvTranspose1d(channels[1], channels[0], 1),
        ]
        self.blocks = nn.ModuleList()
        for conv, groups in zip(convolutions, [4, 32, 4], strict=True):
            self.blocks.append(ConditionedBlock(conv, groups, dim))
        self.last = nn.ConvTranspose1d(channels[0] + channels[0], 1, 2)

    def forward(self, x_t, t, y=None):
        if y is None:
            y = torch.tensor([self.num_classes] * len(x_t), device=x_t.device)
        steps = self.time(torch.tensor(list(range(self.T + 1)), device=x_t.device))
        labels = self.label(torch.tensor(list(range(self.num_classes + 1)), device=x_t.device))
        outputs = [x_t]
        for block in self.blocks:
            outputs.append(block(outputs[-1], steps, t, labels, y))
        return self.last(torch.cat([outputs[3], outputs[1]], dim=1))


class ResidualBlock(ddpm.ResidualBlock):
    def forward(self, x, step, label):
        outputs = []
        for i in range(len(x)):
            h = group_norm(self.norm1, x[i])
            h = self.conv1(h * torch.sigmoid(h))
            h = group_norm(self.norm2, h)
            # one step or one label may stand for all images
            numbers = self.step_dense(step[i % len(step)]) + self.class_dense(label[i % len(label)])
            c_out = len(h)
            h = torch.stack([h[c] * (1 + numbers[c]) + numbers[c_out + c] for c in range(c_out)])
            h = self.conv2(h * torch.sigmoid(h))
            outputs.append(self.shortcut(x[i]) + h)
        return torch.stack(outputs)


class SelfAttention(ddpm.SelfAttention):
    def forward(self, x):
        outputs = []
        for image in x:
            c, h, w = image.shape
            qkv = self.qkv(group_norm(self.norm, image)).reshape(3 * c, h * w)
            size = c // self.heads
            attended = []  # the channels of the first head, of the second, …
            for head in range(self.heads):
                start = head * size
                q = qkv[start : start + size]
                k = qkv[c + start : c + start + size]
                v = qkv[2 * c + start : 2 * c + start + size]
                pixels = []
                for pixel in range(h * w):
                    scores = (q[:, pixel].unsqueeze(1) * k).sum(0) / math.sqrt(size)
                    weights = torch.exp(scores - scores.max())
                    weights = weights / weights.sum()
                    pixels.append((v * weights).sum(1))
                attended.append(torch.stack(pixels, dim=1))
            outputs.append(image + self.out(torch.cat(attended).reshape(c, h, w)))
        return torch.stack(outputs)


class ImageUNet(ddpm.ImageUNet):
    def forward(self, x_t, t, y=None):
        if y is None:
            y = torch.tensor([self.num_classes] * len(x_t), device=x_t.device)
        step = self.step_embedding(t)
        label = self.class_embedding(y)
        h = self.stem(x_t)
        skips = []
        for i in range(4):
            h = self.encoder[i](h, step, label)
            h = self.encoder_attention[i](h)
            skips.append(h)
            if i < 3:
                h = self.down[i](h)
        h = self.middle(h, step, label)
        for i in [3, 2, 1, 0]:
            height, width = skips[i].shape[2:]
            rows = [row * h.shape[2] // height for row in range(height)]  # the pixel below each pixel
            columns = [column * h.shape[3] // width for column in range(width)]
            h = h[:, :, rows][:, :, :, columns]
            h = torch.cat([h, skips[i]], dim=1)
            h = self.decoder[i](h, step, label)
            h = self.decoder_attention[i](h)
        h = self.norm(h)
        return self.head(h * torch.sigmoid(h))
