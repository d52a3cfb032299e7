"""The checks of the exercises of notebook 02, Network and training."""

import torch

from checks.common import RIGHT, UNANSWERED, number, verdict, wrong_shape
from experiments import two_pixel


def floor_without_labels(answer):
    """The average of the unlabelled ε-floor over t = 1 … 50, in model space."""
    if answer is ...:
        return UNANSWERED
    run = two_pixel.TwoPixel(two_pixel.Config(T=50))
    unlabelled, labelled = run.loss_floors
    in_pixels = sum(run.world.loss_floor(a) for a in run.schedule.alphas_cumprod[1:]) / run.schedule.T
    mistakes = {
        "That is the floor with label, but this network never sees one.": float(labelled.mean()),
        "That is the floor of v-prediction with some labels dropped.": run.training_floor(),
        "That is the floor in raw intensities (notebook 01); the network works in model space.": in_pixels,
    }
    for line, mistake in mistakes.items():
        if number("", answer, mistake, 5e-4, "") == RIGHT:
            return line
    return number("floor_without_labels", answer, float(unlabelled.mean()), 5e-4, "Average the floors over all steps.")


def dropped_labels(function, std_correct, std_broken):
    """One coin for n labels: standard deviation n √(p(1-p)); n coins: √(n p (1-p))."""
    n, p, random = 512, 0.3, torch.Generator().manual_seed(0)
    y = torch.zeros(n, dtype=torch.int64)
    outputs = [function(y, p, 2, random) for _ in range(200)]
    if (shape := verdict(*(wrong_shape("broken_drop_labels", output, y) for output in outputs))) != RIGHT:
        return shape
    counts = {int((output == 2).sum()) for output in outputs}
    if y.any():
        return "Your function changed the caller's labels in place: that is a bug of its own. Work on a copy."
    if not counts <= {0, n}:
        return f"The bug drops all {n} labels or none, but yours dropped {max(counts - {0, n})} of them."
    share = sum(int((output == 2).all()) for output in outputs) / len(outputs)
    if abs(share - p) > 4 * (p * (1 - p) / len(outputs)) ** 0.5:
        return f"All labels should be dropped in a share {p} of the batches, not in {share:.2f}."
    if ... in (std_correct, std_broken):
        return "broken_drop_labels is the bug. Now the two standard deviations."
    coin = (p * (1 - p)) ** 0.5
    return verdict(
        number("std_correct", std_correct, n**0.5 * coin, 0.5, "n independent coins: their variances add up."),
        number("std_broken", std_broken, n * coin, 5, "One coin decides for all n: the count is n times that coin."),
    )


def mean_and_median(guess_l2, guess_l1):
    """Mean and median of -1 with probability 0.35 and +1 with 0.65."""
    return verdict(
        number("guess_l2", guess_l2, 0.65 - 0.35, 1e-6, "L2 is least at the mean."),
        number("guess_l1", guess_l1, 1.0, 1e-6, "L1 is least at the median: the value with half of the mass below it."),
    )
