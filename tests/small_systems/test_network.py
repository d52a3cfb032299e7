"""The small UNet: shapes, and what its extra channels let it tell apart."""

import pytest
import torch

from small_systems.network import PlacedConv, SmallUNet


@pytest.mark.parametrize("size", [8, 16, 28])
@pytest.mark.parametrize("channels", [1, 3])
def test_output_has_the_shape_of_the_image_and_starts_near_the_bias(size, channels):
    network = SmallUNet(channels, bias=0.5)
    out = network(torch.rand(2, channels, size, size), torch.tensor([0.1, 0.9]))
    assert out.shape == (2, channels, size, size)
    assert abs(out.mean() - 0.5) < 0.3


def outputs_of_a_flat_image(coordinates, level=0.5):
    """Far from the border, where padding is not seen."""
    conv = PlacedConv(1, 4, coordinates)
    return conv(torch.ones(1, 1, 9, 9), torch.tensor([level]))[0, :, 2:-2, 2:-2]


def test_coordinates_let_a_convolution_tell_places_apart():
    assert outputs_of_a_flat_image(True).std((1, 2)).min() > 1e-3
    assert outputs_of_a_flat_image(False).std((1, 2)).max() < 1e-6


@pytest.mark.parametrize("coordinates", [True, False])
def test_every_image_is_told_its_own_noise_level(coordinates):
    network = SmallUNet(1, coordinates=coordinates)
    x = torch.rand(1, 1, 16, 16).expand(3, -1, -1, -1)
    out = network(x, torch.tensor([0.2, 0.8, 0.2]))
    torch.testing.assert_close(out[0], out[2])
    assert (out[0] - out[1]).abs().max() > 1e-3


def test_skip_connection_passes_by_the_lower_level(generator):
    network = SmallUNet(1, widths=(4, 8))
    for block in (network.encoder[1], network.middle, network.decoder[1]):
        for parameter in block.parameters():
            torch.nn.init.zeros_(parameter)
    a, b = network(torch.rand(2, 1, 8, 8, generator=generator), torch.full((2,), 0.5))
    assert (a - b).abs().max() > 1e-3
