"""What the networks are asked: exercises 1.4 to 1.6 and 5.1 to 5.3."""

from unittest.mock import patch

import torch
from torch import nn

from homework.questions.asking import CLOSE, EXACT, Chance, Unfit, again, normal, question, steps, unchanged


def canonical(module, name):
    """A parameter seen as (out, in, ...), so that a transposed convolution and its twin look alike."""
    value = getattr(module, name)
    transposed = isinstance(module, nn.ConvTranspose1d | nn.ConvTranspose2d) and name == "weight"
    return value.transpose(0, 1) if transposed else value


@torch.no_grad()
def fill(network):
    """Give every layer weights by its shape alone: layers of the same shape get the same, in whatever order they come.

    The second half of a layer's inputs has the weights of the first, and so has a norm's second half, so that two parts
    may be concatenated in either order; biases are 0, but for those of the norms.
    """
    for module in network.modules():
        for name, _ in module.named_parameters(recurse=False):
            value = canonical(module, name)
            if isinstance(module, nn.GroupNorm):
                half = normal(-(-len(value) // 2), seed=len(name))
                value.copy_(0.3 * torch.cat([half, half])[: len(value)] + (name == "weight"))
            elif name == "weight":
                inputs = value.shape[1]
                half = normal(value.shape[0], -(-inputs // 2), *value.shape[2:], seed=value.shape[0])
                value.copy_(torch.cat([half, half], 1)[:, :inputs] / (value[0].numel() ** 0.5))
            else:
                value.zero_()
    return network.double().eval()


def frequencies(embedding, n):
    """The fixed frequencies among what is saved with the weights. Unfit if there are none, or not n."""
    trained = {name for name, p in embedding.named_parameters() if p.requires_grad}
    saved = {name: value for name, value in embedding.state_dict().items() if name not in trained}
    if not saved:
        raise Unfit("no numbers w_i are saved with the weights without being trained (register_buffer)")
    fitting = [value for _, value in sorted(saved.items()) if value.numel() == n]
    if not fitting:
        sizes = " and ".join(str(value.numel()) for value in saved.values())
        raise Unfit(f"{n} numbers w_i are asked for, half as many as features; saved with the weights are {sizes}")
    return fitting[0]  # a view of it


def set_frequencies(embedding):
    """Four frequencies that are known."""
    w = frequencies(embedding, 4)
    w.copy_(torch.tensor([0.3, -0.7, 1.1, 1.9]).view_as(w))


def features(embedding, *t):
    """What the dense layer is given, for known frequencies; the order of the features is free."""
    given = []
    set_frequencies(embedding)
    for layer in embedding.modules():
        if isinstance(layer, nn.Linear):
            layer.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0].detach()))
    embedding(steps(*t))
    if not given:
        raise Unfit("no dense layer (nn.Linear) was called")
    return given[0].sort(1).values


@question("ddpm.StepEmbedding")
def step_embedding(code):
    def made(T=50, dim=8, seed=0):
        return again(lambda _: code.ddpm.StepEmbedding(T, dim), seed)

    yield "features at t = 1, 7, 25, 50 for T = 50, sorted", lambda: features(made(), 1, 7, 25, 50), CLOSE
    yield "features at t = 1, 3, 5 for T = 5, sorted", lambda: features(made(5), 1, 3, 5), CLOSE
    yield "features at t = 0, sorted", lambda: features(made(), 0), CLOSE

    def embedded():
        """The embedding for known frequencies and dense weights, which are alike for all features."""
        embedding = fill(made())
        set_frequencies(embedding)
        for p in embedding.parameters():
            if p.ndim > 1:
                p.data.copy_(p.mean(1, keepdim=True).expand_as(p))
        return embedding(steps(1, 7, 25, 50))

    yield "embedding at t = 1, 7, 25, 50 if the dense layer adds all features up", embedded, CLOSE
    yield "shape of the embedding of three steps", lambda: torch.tensor(made()(steps(1, 2, 3)).shape), EXACT

    def drawn():
        w = frequencies(made(dim=1000), 500)
        return torch.stack([w.mean(), w.std(), w.abs().mean()])

    yield "mean, std and mean size of 500 frequencies", drawn, Chance(1 / 500**0.5)
    yield (
        "sets of 500 numbers that are trained, besides the dense layer",
        lambda: float(sum(p.numel() == 500 and p.requires_grad for p in made(dim=1000).parameters())),
        EXACT,
    )
    yield "the same step embedded twice: difference", lambda: (lambda e: e(steps(3)) - e(steps(3)))(made()), EXACT
    yield "frequencies of two embeddings alike (1 if they are)", lambda: alike(made(), made(seed=1)), EXACT

    def unused():
        embedding = made()
        embedding(steps(1, 2, 3)).square().sum().backward()
        idle = [p.grad is None or not p.grad.any() for p in embedding.parameters() if p.requires_grad]
        return torch.tensor([float(sum(idle)), float(len(idle) == 0)])

    yield "parameters without effect", unused, EXACT


def alike(one, other):
    """1 if two embeddings have the same frequencies, else 0."""
    first, second = (frequencies(e, 4) for e in (one, other))
    return torch.tensor(float(torch.equal(first, second)))


@question("ddpm.ConditionedBlock")
def conditioned_block(code):
    def block(conv=None, groups=2):
        conv = nn.Conv1d(3, 8, kernel_size=2) if conv is None else conv
        return fill(code.ddpm.ConditionedBlock(conv, groups, 6))

    tables = {"steps": normal(11, 6, seed=2), "labels": normal(4, 6, seed=3)}
    some_t, some_y = steps(1, 10, 4, 4), steps(0, 3, 1, 2)

    def answer(length=2, conv=None, groups=2, t=some_t, y=some_y, factor=1.0):
        x = normal(4, 3, length)
        return block(conv, groups)(factor * x, tables["steps"], t, tables["labels"], y)

    yield "block with a convolution of kernel 2", answer, EXACT
    yield "block on images of length 5", lambda: answer(5), EXACT
    yield "block with a transposed convolution of kernel 1", lambda: answer(1, nn.ConvTranspose1d(3, 8, 1)), EXACT
    yield "block with four groups", lambda: answer(groups=4), EXACT
    yield "block on an image ten times as bright", lambda: answer(factor=10.0), EXACT
    yield "block with one t for all images", lambda: answer(t=steps(7)), EXACT
    yield "effect of the step", lambda: answer(t=steps(1, 2, 3, 4)) - answer(t=steps(5, 6, 7, 8)), EXACT
    yield "effect of the label", lambda: answer(y=steps(0, 1, 2, 3)) - answer(y=steps(1, 2, 3, 0)), EXACT

    def groups():
        return torch.tensor(
            sorted(m.num_groups for m in block(groups=4).modules() if isinstance(m, nn.GroupNorm)), dtype=torch.float64
        )

    yield "groups of its GroupNorm", groups, EXACT
    yield (
        "matrices of dense layers: one for the step, one for the label",
        lambda: float(sum(p.squeeze().shape == (8, 6) for p in block().parameters())),
        EXACT,
    )

    def unused():
        network = block()
        network(
            normal(4, 3, 2), tables["steps"], steps(1, 2, 3, 4), tables["labels"], steps(0, 1, 2, 3)
        ).sum().backward()
        return torch.tensor(float(sum(p.grad is None for p in network.parameters())))

    yield "parameters without effect", unused, EXACT


class FixedEmbedding(nn.Module):
    """In the place of a step embedding: some smooth functions of t/T, so that other exercises do not wait for it."""

    def __init__(self, T, dim):
        super().__init__()
        self.T, self.w = T, normal(dim)
        self.idle = nn.Parameter(torch.zeros(()))

    def forward(self, t):
        return torch.sin(self.w * (1 + 3 * t.unsqueeze(1) / self.T)) + self.idle


def with_fixed_embedding(kind, *arguments, **options):
    """A network of that class, made with the fixed embedding in the place of its module's, filled with weights."""
    with patch.dict(kind.__init__.__globals__, StepEmbedding=FixedEmbedding):
        return fill(again(lambda _: kind(*arguments, **options)))


@question("ddpm.TwoPixelUNet")
def two_pixel_unet(code):
    def network(T=10, K=2, **options):
        return with_fixed_embedding(code.ddpm.TwoPixelUNet, T, K, **options)

    x, t, y = normal(6, 1, 2), steps(1, 2, 5, 9, 10, 10), steps(0, 1, 2, 2, 1, 0)
    small = {"channels": (16, 128), "dim": 8}

    def answer(x=x, t=t, y=y, **options):
        return network(**small | options)(x, t, y)

    yield "ε̂ of channels (16, 128)", answer, CLOSE
    yield "ε̂ of the default channels (64, 256)", lambda: network()(x, t, y), CLOSE
    yield "ε̂ of an image ten times as bright", lambda: answer(10 * x), CLOSE
    yield "ε̂ with y = None", lambda: network(**small)(x, t), CLOSE
    yield "ε̂ with one t for all images", lambda: answer(t=steps(7)), CLOSE
    yield "ε̂ of one image", lambda: answer(x[:1], t[:1], y[:1]), CLOSE
    yield "ε̂ of three classes, T = 50", lambda: answer(y=(y + 1) % 4, t=5 * t, T=50, K=3), CLOSE
    yield "effect of the step", lambda: answer(t=t) - answer(t=11 - t), CLOSE
    yield "effect of the label", lambda: answer(y=y) - answer(y=(y + 1) % 3), CLOSE

    def groups():
        return torch.tensor(
            sorted(m.num_groups for m in network(**small).modules() if isinstance(m, nn.GroupNorm)),
            dtype=torch.float64,
        )

    yield "groups of its norms", groups, EXACT

    def unused():
        unet = network(**small)
        unet(x, t, y).square().sum().backward()
        return torch.tensor(float(sum(p.grad is None for p in unet.parameters())))

    yield "parameters without effect", unused, EXACT


@question("ddpm.ResidualBlock")
def residual_block(code):
    def answer(c_in=8, c_out=8, size=5, groups=4, factor=1.0):
        block = fill(code.ddpm.ResidualBlock(c_in, c_out, 6, groups))
        with torch.no_grad():  # scale and shift that differ, in the order that the docstring says
            for layer in (block.step_dense, block.class_dense):
                layer.weight.copy_(normal(*layer.weight.shape, seed=4))
        x, step, label = factor * normal(3, c_in, size, size), normal(3, 6, seed=1), normal(3, 6, seed=2)
        return block(x, step, label)

    yield "block of equal channels", answer, EXACT
    yield "block from 8 to 16 channels", lambda: answer(c_out=16), EXACT
    yield "block on images of 4 x 4 pixels", lambda: answer(size=4), EXACT
    yield "block on images ten times as bright", lambda: answer(factor=10.0), EXACT
    yield (
        "change of the x that it was given",
        lambda: unchanged(
            lambda x: fill(code.ddpm.ResidualBlock(8, 8, 6, 4))(x, normal(3, 6, seed=1), normal(3, 6, seed=2)),
            normal(3, 8, 5, 5),
        ),
        EXACT,
    )


@question("ddpm.SelfAttention")
def self_attention(code):
    def layer(heads=2, channels=16):
        attention = fill(code.ddpm.SelfAttention(channels, heads, 4))
        with torch.no_grad():
            attention.qkv.weight.copy_(normal(*attention.qkv.weight.shape, seed=6) / 2)
            attention.out.weight.copy_(normal(*attention.out.weight.shape, seed=7))
        return attention

    yield "attention of two heads", lambda: layer()(normal(2, 16, 4, 4)), EXACT
    yield "attention of one head", lambda: layer(1)(normal(2, 16, 4, 4)), EXACT
    yield "attention of four heads", lambda: layer(4)(normal(2, 16, 4, 4)), EXACT
    yield "attention on an image of 3 x 5 pixels", lambda: layer()(normal(2, 16, 3, 5)), EXACT
    yield "attention of an image by itself", lambda: layer()(normal(2, 16, 4, 4)[1:]), EXACT
    yield "attention on an image ten times as bright", lambda: layer()(10 * normal(2, 16, 4, 4)), EXACT


@question("ddpm.ImageUNet")
def image_unet(code):
    def network(channels=1, widths=(8, 16, 24, 32)):
        return with_fixed_embedding(code.ddpm.ImageUNet, 20, 3, channels, widths, dim=8)

    x, t, y = normal(3, 1, 8, 8), steps(1, 12, 20), steps(0, 2, 3)
    yield "ε̂ of images (3, 1, 8, 8)", lambda: network()(x, t, y), CLOSE
    yield "ε̂ of images (1, 1, 12, 12)", lambda: network()(normal(1, 1, 12, 12), t[:1], y[:1]), CLOSE
    yield "ε̂ of images in colour", lambda: network(3)(normal(3, 3, 8, 8), t, y), CLOSE
    yield "ε̂ with y = None", lambda: network()(x, t), CLOSE
    yield "ε̂ with one t for all images", lambda: network()(x, steps(7), y), CLOSE
    yield "effect of the step", lambda: network()(x, t, y) - network()(x, t.flip(0), y), CLOSE
    yield "effect of the label", lambda: network()(x, t, y) - network()(x, t, y.flip(0)), CLOSE

    def unused():
        unet = network()
        unet(x, t, y).square().sum().backward()
        return torch.tensor(float(sum(p.grad is None for p in unet.parameters())))

    yield "parameters without effect", unused, EXACT
