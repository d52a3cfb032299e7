"""The networks: the embedding's formula, what each output may depend on, and that they learn the exact answer."""

import math

import pytest
import torch
from torch import nn

from ddpm import (
    ClassEmbedding,
    ConditionedBlock,
    ImageUNet,
    NoisyClassifier,
    ResidualBlock,
    SelfAttention,
    StepEmbedding,
    TwoPixelUNet,
)
from experiments.checkpoint import load_weights, save_weights
from experiments.data import digits
from gmm import WORLDS, ExactDenoiser
from utils import Training, cosine_schedule, diffusion_loss


def test_step_embedding_is_eq_10():
    embedding, t = StepEmbedding(T=50, dim=16), torch.tensor([1, 25, 50])
    features = []
    embedding.dense.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    torch.testing.assert_close(embedding(t), nn.functional.silu(embedding.dense(features[0])))
    for row, step in zip(features[0], t.tolist(), strict=True):
        angles = [2 * math.pi * float(w) * step / 50 for w in embedding.w]
        expected = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
        assert row.tolist() == pytest.approx(expected, abs=1e-5)


def test_frequencies_are_standard_normal_and_saved_but_not_trained(tmp_path):
    w = StepEmbedding(T=50, dim=2000).w
    assert abs(float(w.mean())) < 4 / math.sqrt(1000)
    assert abs(float(w.std()) - 1) < 4 / math.sqrt(2 * 1000)
    first, second = TwoPixelUNet(50, 2), TwoPixelUNet(50, 2)
    assert "step_embedding.w" not in dict(first.named_parameters())
    assert not torch.equal(first.step_embedding.w, second.step_embedding.w)
    save_weights(tmp_path / "w.safetensors", first, {})
    load_weights(tmp_path / "w.safetensors", second, {})
    assert torch.equal(first.step_embedding.w, second.step_embedding.w)


def test_null_label_is_all_zeros():
    embedding = ClassEmbedding(num_classes=3, dim=8)
    zeros = embedding.layers(torch.zeros(1, 3))
    torch.testing.assert_close(embedding(torch.tensor([3])), zeros)
    onehot = embedding.layers(torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(embedding(torch.tensor([1])), onehot)


def test_unet_has_the_layers_of_section_2_2():
    """Kernel sizes 2, 1, 1, 2 and 4, 32, 4 groups; every group has at least 4 values (else it is a sign function)."""
    network = TwoPixelUNet(50, 2)
    convs = [m for m in network.modules() if isinstance(m, nn.Conv1d | nn.ConvTranspose1d)]
    assert [c.kernel_size for c in convs] == [(2,), (1,), (1,), (2,)]
    assert [type(c) for c in convs] == [nn.Conv1d, nn.Conv1d, nn.ConvTranspose1d, nn.ConvTranspose1d]
    norms = [m for m in network.modules() if isinstance(m, nn.GroupNorm)]
    assert [n.num_groups for n in norms] == [4, 32, 4]
    assert all(n.num_channels // n.num_groups >= 4 for n in norms)


def test_conditioned_block_is_conv_plus_embeddings_then_norm_then_silu(generator):
    """SiLU(norm(conv(x) + dense(step) + dense(label))), written out for each image and its own rows of the tables."""
    block = ConditionedBlock(nn.Conv1d(3, 8, kernel_size=2), 2, dim=6)
    nn.init.normal_(block.norm.weight)
    nn.init.normal_(block.norm.bias)
    x, steps, labels = (torch.randn(*shape, generator=generator) for shape in ((3, 3, 4), (11, 6), (4, 6)))
    t, y = torch.tensor([1, 10, 4]), torch.tensor([0, 3, 1])
    together = block(x, steps, t, labels, y)
    for i in range(3):
        shift = block.step_dense(steps[t[i]]) + block.class_dense(labels[y[i]])
        h = block.norm(block.conv(x[i : i + 1]) + shift[None, :, None])
        torch.testing.assert_close(together[i : i + 1], h / (1 + (-h).exp()), rtol=1e-5, atol=1e-5)


def test_unet_is_its_blocks_one_after_another(generator):
    """Every block gets the step and the label of its image, and the answer is that of the last layer as it is."""
    network = TwoPixelUNet(10, 2, channels=(16, 128), dim=8)
    x_t, t, y = torch.randn(3, 1, 2, generator=generator), torch.tensor([1, 10, 4]), torch.tensor([0, 2, 1])
    assert network.step_embedding.T == 10
    each = (network.step_embedding(t), torch.arange(3), network.class_embedding(y), torch.arange(3))  # a row an image
    h1 = network.encoder1(x_t, *each)
    h = network.decoder1(network.encoder2(h1, *each), *each)
    expected = network.decoder2(torch.cat([h, h1], dim=1))
    torch.testing.assert_close(network(x_t, t, y), expected, rtol=1e-5, atol=1e-5)


def test_each_image_is_denoised_by_itself(generator):
    """An image's output depends on its own x_t, t and y, on nothing else in the batch, and on each of the three."""
    network = TwoPixelUNet(50, 2).eval()
    x_t, t, y = torch.randn(6, 1, 2, generator=generator), torch.arange(1, 7), torch.tensor([0, 1, 2, 0, 1, 2])
    together = network(x_t, t, y)
    assert together.shape == x_t.shape
    for i in range(6):
        alone = network(x_t[i : i + 1], t[i : i + 1], y[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], atol=1e-5, rtol=1e-5)
    for changed in (network(x_t + 0.5, t, y), network(x_t, t + 1, y), network(x_t, t, (y + 1) % 3)):
        assert ((changed - together).abs().amax((1, 2)) > 1e-3).all()
    torch.testing.assert_close(network(x_t, t, None), network(x_t, t, torch.full((6,), 2)))


def test_one_step_for_all_images_is_that_step_for_each(generator):
    """t of shape (1,), as the samplers ask: with a label for each image, and with none."""
    x_t, digits, one = (
        torch.randn(6, 1, 2, generator=generator),
        torch.randn(6, 1, 8, 8, generator=generator),
        torch.tensor([7]),
    )
    t, y = one.expand(6), torch.tensor([0, 1, 2, 0, 1, 2])
    mixture, schedule = WORLDS["overlapping"], cosine_schedule(50)
    exact, classifier = ExactDenoiser(mixture, schedule.alphas_cumprod), NoisyClassifier(50, 2)
    for denoiser, x in ((TwoPixelUNet(50, 2), x_t), (exact, x_t.double()), (image_unet(), digits)):
        for labels in (y, None):
            torch.testing.assert_close(denoiser(x, one, labels), denoiser(x, t, labels), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(classifier(x_t, one), classifier(x_t, t), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(exact.log_posterior(x_t.double(), one), exact.log_posterior(x_t.double(), t))


@pytest.mark.parametrize("make", [TwoPixelUNet, NoisyClassifier])
def test_every_parameter_takes_part(make, generator):
    network = make(50, 2)
    x_t, t = torch.randn(32, 1, 2, generator=generator), torch.arange(1, 33)
    arguments = (x_t, t, torch.arange(32) % 3) if isinstance(network, TwoPixelUNet) else (x_t, t)
    network(*arguments).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_output_can_be_any_size(generator):
    """No norm or activation after the last layer: scaling its weights scales the output."""
    network = TwoPixelUNet(50, 2)
    x_t, t = torch.randn(8, 1, 2, generator=generator), torch.full((8,), 3)
    before = network(x_t, t)
    with torch.no_grad():
        network.decoder2.weight.mul_(100)
        network.decoder2.bias.mul_(100)
    torch.testing.assert_close(network(x_t, t), 100 * before, rtol=1e-4, atol=1e-4)


def test_skip_connection_carries_the_image_past_the_deep_path(generator):
    network, t = TwoPixelUNet(50, 2), torch.full((8,), 3)
    network.decoder1.register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    one, other = torch.randn(2, 8, 1, 2, generator=generator)
    assert (network(one, t) - network(other, t)).abs().max() > 1e-2


# --- images -------------------------------------------------------------------------------------------------------


def image_unet():
    """An ImageUNet whose zero-initialised layers are filled, so that every path carries something."""
    network = ImageUNet(200, 10)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d) and not module.weight.any():
                nn.init.kaiming_uniform_(module.weight)
    return network.eval()


@pytest.mark.parametrize("size", [8, 28])
def test_image_is_denoised_by_itself_and_asks_for_all_its_inputs(size, generator):
    network = image_unet()
    x_t = torch.randn(4, 1, size, size, generator=generator)
    t, y = torch.tensor([1, 60, 120, 199]), torch.tensor([0, 9, 10, 3])
    together = network(x_t, t, y)
    assert together.shape == x_t.shape
    for i in range(4):
        alone = network(x_t[i : i + 1], t[i : i + 1], y[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], atol=1e-4, rtol=1e-4)
    for changed in (network(x_t + 0.5, t, y), network(x_t, t + 1, y), network(x_t, t, (y + 1) % 11)):
        assert ((changed - together).abs().amax((1, 2, 3)) > 1e-3).all()
    torch.testing.assert_close(network(x_t, t, None), network(x_t, t, torch.full((4,), 10)))


def test_residual_block_scales_and_shifts_after_the_norm(generator):
    """x + conv2(silu(norm(conv1(silu(norm(x)))) (1 + a) + b)), written out for one image."""
    block = ResidualBlock(8, 16, dim=6)
    nn.init.normal_(block.conv2.weight, std=0.1)
    x, step, label = (torch.randn(1, *shape, generator=generator) for shape in ((8, 5, 5), (6,), (6,)))
    a, b = (block.step_dense(step) + block.class_dense(label))[0].split(16)
    h = block.norm2(block.conv1(nn.functional.silu(block.norm1(x))))[0]
    h = h * (1 + a[:, None, None]) + b[:, None, None]
    expected = block.shortcut(x) + block.conv2(nn.functional.silu(h)[None])
    torch.testing.assert_close(block(x, step, label), expected)


def test_every_parameter_of_the_image_network_takes_part(generator):
    network = image_unet()
    x_t, t = torch.randn(4, 1, 28, 28, generator=generator), torch.tensor([1, 60, 120, 199])
    network(x_t, t, torch.tensor([0, 9, 10, 3])).square().mean().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_attention_acts_below_the_widest_level_and_each_level_halves_the_image(generator):
    """28 → 14, 7, 4, 2, and 16 channels in all for a colour image folded 2 × 2."""
    network, seen = ImageUNet(200, 10, image_channels=3), []
    for block in network.encoder:
        block.register_forward_hook(lambda _, inputs, output: seen.append(tuple(output.shape[1:])))
    x = torch.randn(1, 3, 28, 28, generator=generator)
    assert network(x, torch.tensor([5])).shape == x.shape
    assert seen == [(32, 14, 14), (64, 7, 7), (96, 4, 4), (128, 2, 2)]
    for attention in (network.encoder_attention, network.decoder_attention):
        assert [type(a) for a in attention] == [nn.Identity] + [SelfAttention] * 3
    assert [(d.kernel_size, d.stride, d.padding) for d in network.down] == [((3, 3), (2, 2), (1, 1))] * 3
    assert (network.stem[1].in_channels, network.head[0].out_channels) == (12, 12)


def test_image_unet_is_its_blocks_one_after_another(generator):
    """Written out for two levels: the skip connection leaves after the attention, new pixels repeat their neighbour."""
    network = ImageUNet(200, 10, widths=(8, 16), dim=8)
    for block in network.modules():
        if isinstance(block, ResidualBlock):
            nn.init.normal_(block.conv2.weight, std=0.1)
    x, t, y = torch.randn(2, 1, 8, 8, generator=generator), torch.tensor([3, 150]), torch.tensor([1, 10])
    step, label = network.step_embedding(t), network.class_embedding(y)
    wide = network.encoder[0](network.stem(x), step, label)
    deep = network.encoder_attention[1](network.encoder[1](network.down[0](wide), step, label))
    h = torch.cat([network.middle(deep, step, label), deep], dim=1)
    h = network.decoder_attention[1](network.decoder[1](h, step, label))
    h = h.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    h = network.decoder[0](torch.cat([h, wide], dim=1), step, label)
    torch.testing.assert_close(network(x, t, y), network.head(nn.functional.silu(network.norm(h))))


def test_noisy_classifier_adds_the_step_before_each_silu(generator):
    """silu(conv(x) + dense(step)) twice, then the head, written out."""
    network = NoisyClassifier(50, 3, channels=8, dim=6)
    x, t, silu = torch.randn(5, 1, 2, generator=generator), torch.tensor([1, 50, 7, 7, 30]), nn.functional.silu
    step = network.step_embedding(t)
    h = silu(network.conv1(x).squeeze(2) + network.step_dense1(step))
    h = silu(network.conv2(h.unsqueeze(2)).squeeze(2) + network.step_dense2(step))
    torch.testing.assert_close(network(x, t), network.head(h))


def test_every_output_pixel_sees_the_whole_image(generator):
    """A change in one corner reaches the opposite one, through the levels below and through attention."""
    network = image_unet()
    x_t, t = torch.randn(1, 1, 28, 28, generator=generator), torch.tensor([50])
    changed = x_t.clone()
    changed[..., 0, 0] += 1
    assert ((network(changed, t) - network(x_t, t)).abs() > 0).all()


def test_image_unet_has_skip_connections_and_no_bound(generator):
    """With all below the widest level silent the image still shows; the answer grows with the head's weights."""
    network, t = image_unet(), torch.tensor([50])
    one, other = torch.randn(2, 1, 1, 28, 28, generator=generator)
    before = network(one, t)
    with torch.no_grad():
        network.head[0].weight.mul_(100)
        network.head[0].bias.mul_(100)
    torch.testing.assert_close(network(one, t), 100 * before, rtol=1e-3, atol=1e-3)
    network.down[0].register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    assert (network(one, t) - network(other, t)).abs().max() > 1e-2


def test_attention_is_softmax_of_products_over_all_pixels(generator):
    """Against the formula written out: softmax(qkᵀ/√d) v for each head."""
    layer = SelfAttention(16, heads=2)
    x = torch.randn(1, 16, 3, 3, generator=generator)
    q, k, v = layer.qkv(layer.norm(x)).flatten(2)[0].split(16)  # each (16, 9)
    heads = []
    for head in range(2):
        rows = slice(8 * head, 8 * head + 8)
        weights = (q[rows].T @ k[rows] / math.sqrt(8)).softmax(-1)  # (query, key)
        heads.append(v[rows] @ weights.T)
    expected = x + layer.out(torch.cat(heads).view(1, 16, 3, 3))
    torch.testing.assert_close(layer(x), expected)


def test_image_network_overfits_a_batch():
    """Sixteen digits, the same noise each time: 150 steps must explain nearly all of it."""
    train, _ = digits()
    x0, y = 2 * train.images[:16] - 1, train.labels[:16]

    def loss_of(network, _):
        return diffusion_loss(network, cosine_schedule(20), x0, y, torch.Generator().manual_seed(0))

    training = Training(ImageUNet(20, 10), 150, 2e-3, torch.Generator().manual_seed(0))
    list(training.run(loss_of))
    assert training.losses[0] > 0.9
    assert training.losses[-1] < 0.05
