"""The score card of a run on sprites, which have no labels: what tells drawn sprites from real ones."""

import torch

import plots
from evaluation import judges
from evaluation.images import draw_images
from evaluation.metrics import EVALUATION_SEED
from experiments.checkpoint import save_arrays

SHOWN = 100


def report(experiment, losses, n, out):
    """Measure n samples of a trained experiment; samples.npz and samples.png go to `out`. (card, text, "")."""
    config = experiment.config
    y = torch.zeros(n, dtype=torch.int64)
    pictures = draw_images(experiment, y, 0.0, EVALUATION_SEED + config.seed)
    train, test = (part.images for part in experiment.data)
    card = {"generated": judges.measures(pictures, train, test), "real": judges.reference(train, test, n)}
    save_arrays(out / "samples.npz", samples=(pictures * 255).round().byte().numpy())
    figure, (left, right) = plots.panels(1, 2, figsize=(10, 5))
    plots.image_grid(left, pictures[:SHOWN].permute(0, 2, 3, 1), columns=10)
    left.set_title("drawn sprites")
    plots.loss_with_floor(right, losses)
    right.set_title(f"training loss ({config.prediction}-prediction, {config.loss})")
    plots.save(figure, out / "samples.png")
    return card, as_text(card, f"{config.data}, T = {config.T}, {config.prediction}-prediction, seed {config.seed}"), ""


def as_text(card, title):
    """The card as a table for the terminal."""
    names = list(card["generated"])
    lines = [title, "", f"{'':<18}{'generated':>12}{'real test':>12}"]
    lines += [f"{name:<18}" + "".join(f"{card[row][name]:>12.4g}" for row in ("generated", "real")) for name in names]
    return "\n".join(lines)
