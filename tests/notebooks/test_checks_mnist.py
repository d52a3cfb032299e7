"""The checks of notebook 06 say what is wrong with an answer."""

import copy

import pytest
from checks import mnist as checks
from checks.common import RIGHT
from torch import nn

from evaluation.committed import mnist_scorecard


def replace_threes(images, labels, copied=True, which=3):
    images = images.clone() if copied else images
    images[labels == which] = images[labels == which][0].clone()
    return images


def block(one=1.0):
    def forward(self, x, step, label):
        scale, shift = (self.step_dense(step) + self.class_dense(label))[:, :, None, None].chunk(2, dim=1)
        h = self.norm2(self.conv1(nn.functional.silu(self.norm1(x)))) * (one + scale) + shift
        return self.shortcut(x) + self.conv2(nn.functional.silu(h))

    return forward


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("best_guidance", (4.0, 1.0, mnist_scorecard()), "best_w"),
        ("residual_block", (block(),), RIGHT),
        ("residual_block", (block(one=0.0),), "With scale 0"),
        ("collapsed_class", (lambda images, labels: images, "diversity"), "Not all images of class 3"),
        ("collapsed_class", (lambda i, y: replace_threes(i, y, copied=False), "diversity"), "Work on a copy"),
        ("collapsed_class", (lambda i, y: replace_threes(i, y, which=4), "diversity"), "other classes"),
        ("collapsed_class", (replace_threes, ...), "Now say"),
        ("collapsed_class", (replace_threes, "fidelity"), "and is 0.00"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*copy.deepcopy(arguments))
