"""The same answers, however many threads share the batch."""

import pytest
import torch

from ddpm import ImageUNet
from experiments.threads import shared_out


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@torch.no_grad()
def test_answers_are_the_network_s(two_threads, generator):
    """For an odd batch and for one image, for a step each and one for all, with labels and without."""
    torch.manual_seed(0)
    network = ImageUNet(200, 10, widths=(8, 16), dim=8).eval()
    torch.nn.init.normal_(network.head[0].weight)
    called = shared_out(network)
    for n in (5, 1):
        x, y, t = torch.randn(n, 1, 8, 8, generator=generator), torch.arange(n), 1 + torch.arange(n)
        for steps, labels in ((t, y), (t[:1], y), (t, None), (t[:1], None), (t[:1], y[:1])):
            torch.testing.assert_close(called(x, steps, labels), network(x, steps, labels), rtol=1e-5, atol=1e-5)


def test_each_thread_gets_a_part_and_no_gradient_is_lost(two_threads):
    """Without gradients two calls with half the batch; with them one call, through which they flow back."""
    seen = []

    def network(x, t, y):
        seen.append((len(x), torch.is_grad_enabled()))
        return 2 * x

    called, x = shared_out(network), torch.ones(6, 1, 2, 2, requires_grad=True)
    with torch.no_grad():
        called(x, torch.tensor([1]), None)
    assert seen == [(3, False), (3, False)]
    called(x, torch.tensor([1]), None).sum().backward()
    assert seen[2:] == [(6, True)]
    assert torch.equal(x.grad, torch.full_like(x, 2))
