"""The checks of the exercises of notebook 02, Network and training."""

from checks.common import RIGHT, UNANSWERED, number
from checks.written import written
from experiments import two_pixel
from homework.reference import reference

utils = reference()[1].utils


def unet_forward(function):
    """TwoPixelUNet.forward, exercise 1.6 of the homework."""
    return written("1.6", function, "forward")


def loss(function):
    """Eq. 9, exercise 1.9 of the homework."""
    return written("1.9", function)


def training_run(function):
    """Training.run, exercise 1.10 of the homework."""
    return written("1.10", function, "run")


def floor_without_labels(answer):
    """The average of the unlabelled ε-floor over t = 1 … 50, in model space."""
    if answer is ...:
        return UNANSWERED
    run, alphas_cumprod = two_pixel.TwoPixel(two_pixel.Config(T=50)), utils.cosine_schedule(50).alphas_cumprod[1:]
    unlabelled, in_pixels = (sum(w.loss_floor(a) for a in alphas_cumprod) / 50 for w in (run.mixture, run.world))
    labelled = sum(run.mixture.labelled_loss_floor(a) for a in alphas_cumprod) / 50
    mistakes = {
        "That is the floor with label, but this network never sees one.": labelled,
        "That is the floor of v-prediction with some labels dropped.": run.training_floor(),
        "That is the floor in raw intensities (notebook 01); the network works in model space.": in_pixels,
    }
    for line, mistake in mistakes.items():
        if number("", answer, mistake, 5e-4, "") == RIGHT:
            return line
    return number("floor_without_labels", answer, unlabelled, 5e-4, "Average the floors over all steps.")
