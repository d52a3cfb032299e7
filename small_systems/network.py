"""The small UNet of the naive and the bare-bones system: convolutions that know where they are and how noisy it is."""

import torch
from torch import nn


class PlacedConv(nn.Conv2d):
    """A 3 × 3 convolution that sees, beside its input, the row, the column and the noise level of every pixel.

    All three lie in [0, 1]. Convolutions alone cannot distinguish places (Liu et al. 2018, CoordConv);
    `coordinates` = False leaves row and column out.
    """

    def __init__(self, c_in, c_out, coordinates):
        super().__init__(c_in + (3 if coordinates else 1), c_out, 3, padding=1)
        self.coordinates = coordinates

    def forward(self, x, level):
        b, _, h, w = x.shape
        channels = [x, level.view(b, 1, 1, 1).expand(b, 1, h, w)]
        if self.coordinates:
            row, column = torch.linspace(0, 1, h, device=x.device), torch.linspace(0, 1, w, device=x.device)
            channels += [row.view(1, 1, h, 1).expand(b, 1, h, w), column.expand(b, 1, h, w)]
        return super().forward(torch.cat(channels, dim=1))


class Block(nn.Module):
    """x + convolve(ReLU(convolve(x))), then ReLU; a pointwise convolution where the channels differ."""

    def __init__(self, c_in, c_out, coordinates):
        super().__init__()
        self.conv1 = PlacedConv(c_in, c_out, coordinates)
        self.conv2 = PlacedConv(c_out, c_out, coordinates)
        self.shortcut = nn.Identity() if c_in == c_out else nn.Conv2d(c_in, c_out, 1)

    def forward(self, x, level):
        h = self.conv1(x, level).relu()
        return (self.shortcut(x) + self.conv2(h, level)).relu()


class SmallUNet(nn.Module):
    """(image (B, C, H, W), noise level (B,) in [0, 1]) -> (B, C, H, W), for even H and W.

    As in the texts: down by max-pooling, up by repeating pixels, skip connections that add. Pixels are first folded
    2 × 2 into channels, which costs a quarter of the work. The last bias is `bias`, a guess at the mean of the output.
    """

    def __init__(self, channels, widths=(32, 64), coordinates=True, bias=0.0):
        super().__init__()
        below = (widths[0], *widths[:-1])
        self.stem = PlacedConv(4 * channels, widths[0], coordinates)
        self.encoder = nn.ModuleList(Block(a, b, coordinates) for a, b in zip(below, widths, strict=True))
        self.middle = Block(widths[-1], widths[-1], coordinates)
        self.decoder = nn.ModuleList(Block(b, a, coordinates) for a, b in zip(below, widths, strict=True))
        self.head = PlacedConv(widths[0], 4 * channels, coordinates)
        nn.init.constant_(self.head.bias, bias)

    def forward(self, x, level):
        h, skips = self.stem(nn.functional.pixel_unshuffle(x, 2), level), []
        for i, block in enumerate(self.encoder):
            h = block(nn.functional.max_pool2d(h, 2, ceil_mode=True) if i else h, level)
            skips.append(h)
        h = self.middle(h, level)
        for i in reversed(range(len(skips))):
            h = nn.functional.interpolate(h, size=skips[i].shape[2:]) + skips[i]
            h = self.decoder[i](h, level)
        return nn.functional.pixel_shuffle(self.head(h, level), 2)
