"""The checks of the exercises of notebook S1, Naive diffusion."""

import torch

from checks.common import RIGHT, UNANSWERED, number, verdict, wrong_shape
from exact.finite_set import counted_bits_posterior
from small_systems.naive import clean_share


def steps_until_noise(steps):
    """The first T with (1 - 1/1024)^{32 T} < 0.01."""
    if steps is ...:
        return UNANSWERED
    first = next(T for T in range(1, 1000) if clean_share(T, 32, 1024) < 0.01)
    return number("steps_needed", steps, first, 0, "Solve (1 - 1/N)^{kT} < 0.01 with N = 1024 pixels.")


def renoising_step(function):
    """Every pixel of f's answer is ½, so the pixels that are not are the noise of the next z."""
    asked = []

    def f(z, level):
        asked.append(level)
        return torch.full_like(z, 0.5)

    z = torch.randint(0, 2, (50, 1, 8, 8), generator=torch.Generator().manual_seed(0)).float()
    output = function(f, z, 48, 16, torch.Generator().manual_seed(1))
    if (shape := wrong_shape("renoising_step", output, z)) != RIGHT:
        return shape
    if not asked:
        return "The step never asks f."
    level = torch.as_tensor(asked[0], dtype=torch.float32)
    if level.shape != (50,) or not torch.allclose(level, torch.tensor(48 / 64)):
        return "f wants to know how much of z is noise: t over the number of pixels, once for each image, shape (B,)."
    places = output != 0.5
    noisy = places.sum((1, 2, 3))
    if (noisy == 64).all():
        return "All of z is still coins: the noise was put on z, and f's answer was thrown away."
    if not (noisy > 0).any():
        return "There is no noise on it: f's answer is only half of the step."
    if not (noisy == 16).all():
        least, most = int(noisy.min()), int(noisy.max())
        return (
            f"Tried with t = 48 and left = 16: of each image 16 pixels should be noise, in yours {least} to {most} are."
        )
    if (places == places[:1]).all():
        return "Every image has its noise at the same places."
    if abs(float(output[places].mean()) - 0.5) > 0.07 or (output[places] == z[places]).all():  # 800 coins: ± 0.018
        return "The noise should be fresh coins, black or white with equal chance."
    return RIGHT


def which_image(probabilities):
    """Of 0000, 0111, 1111 behind 0001 with two of four pixels turned into coins."""
    if probabilities is ...:
        return UNANSWERED
    images = torch.tensor([[0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]]).float().view(3, 1, 1, 4)
    truth = counted_bits_posterior(images, torch.tensor([0, 0, 0, 1]).float().view(1, 1, 1, 4), 2)[0]
    if not isinstance(probabilities, (list, tuple)) or len(probabilities) != 3:
        return f"Three probabilities in a list are asked for, not {probabilities!r}."
    if all(isinstance(p, (int, float)) for p in probabilities) and abs(sum(probabilities) - 1) > 0.01:
        return f"The three should sum to 1; yours sum to {sum(probabilities):g}."
    hint = "In how many ways can two pixels be chosen so that all that differ are among them?"
    names = ("that of 0000", "that of 0111", "that of 1111")
    return verdict(*(number(n, p, float(q), 5e-3, hint) for n, p, q in zip(names, probabilities, truth, strict=True)))
