"""Loops: over images, steps and pixels, with lists and explicit indices, and numpy for some of the random numbers."""

import math
from functools import cached_property

import numpy as np
import torch

import utils
from utils import LOSSES, reverse_variance, training_target


def cosine_schedule(T, s=0.008):
    """ᾱ_t = f(t)/f(0), f(t) = cos²((t/T + s)/(1 + s) · π/2), β_t ≤ 0.999 (Nichol & Dhariwal 2021, eq. 17)."""
    f = []
    for t in range(T + 1):
        f.append(math.cos((t / T + s) / (1 + s) * math.pi / 2) ** 2)
    betas = [0.0]
    for t in range(1, T + 1):
        abar_now = f[t] / f[0]
        abar_before = f[t - 1] / f[0]
        betas.append(min(1 - abar_now / abar_before, 0.999))
    return Schedule(torch.tensor(betas, dtype=torch.float64))


class Schedule(utils.Schedule):
    @cached_property
    def alphas(self):
        """α_t = 1 - β_t (homework eq. 4)."""
        return torch.tensor([1 - beta for beta in self.betas.tolist()], dtype=torch.float64)

    @cached_property
    def alphas_cumprod(self):
        """ᾱ_t = α_1 α_2 … α_t (eq. 5), ᾱ_0 = 1."""
        product = 1.0
        table = [product]
        for t in range(1, self.T + 1):
            product = product * self.alphas[t].item()
            table.append(product)
        return torch.tensor(table, dtype=torch.float64)

    @cached_property
    def sqrt_alphas_cumprod(self):
        """√ᾱ_t, the share of the image in x_t."""
        return torch.tensor([math.sqrt(abar) for abar in self.alphas_cumprod.tolist()], dtype=torch.float64)

    @cached_property
    def sqrt_one_minus_alphas_cumprod(self):
        """√(1-ᾱ_t), the share of the noise in x_t."""
        return torch.tensor([math.sqrt(1 - abar) for abar in self.alphas_cumprod.tolist()], dtype=torch.float64)

    @cached_property
    def posterior_variance(self):
        """β̃_t = (1-ᾱ_{t-1})/(1-ᾱ_t) β_t, the variance of q(x_{t-1}|x_t, x_0) (Ho et al. 2020, eq. 7); β̃_1 = 0."""
        table = torch.zeros(self.T + 1, dtype=torch.float64)
        for t in range(2, self.T + 1):  # it is 0 at t = 0 and 1
            table[t] = (1 - self.alphas_cumprod[t - 1]) / (1 - self.alphas_cumprod[t]) * self.betas[t]
        return table


def of_image(t, i):
    """The step of image i, as a number; t is (B,), or (1,) for all images alike."""
    return int(t[i]) if len(t) > 1 else int(t[0])


def as_rows(x):
    """The images as lists of pixels."""
    return x.detach().flatten(1).tolist()


def add_noise(schedule, x0, t, eps):
    """x_t = √ᾱ_t x_0 + √(1-ᾱ_t) ε (eq. 3)."""
    image_shares = schedule.sqrt_alphas_cumprod.tolist()
    noise_shares = schedule.sqrt_one_minus_alphas_cumprod.tolist()
    noisy = []
    for i, (image, noise) in enumerate(zip(as_rows(x0), as_rows(eps), strict=True)):
        step = of_image(t, i)
        row = []
        for pixel in range(len(image)):
            row.append(image_shares[step] * image[pixel] + noise_shares[step] * noise[pixel])
        noisy.append(row)
    return torch.tensor(noisy, dtype=x0.dtype, device=x0.device).reshape(x0.shape)


def drop_labels(y, p, null_label, generator):
    """A copy of y in which each label by itself becomes the null label ∅ with probability p (Ho & Salimans 2022)."""
    kept = []
    for label in y.tolist():
        if np.random.random() < p:
            kept.append(null_label)
        else:
            kept.append(label)
    return torch.tensor(kept, dtype=y.dtype, device=y.device)


def noised_batch(schedule, x0, generator):
    """t uniform on 1 … T for each sample, ε ~ N(0, I), and x_t: (t, eps, x_t)."""
    steps, noises, images = [], [], []
    for x in x0.cpu().numpy():
        step = int(np.random.randint(1, schedule.T + 1))
        noise = np.random.standard_normal(x.shape)
        abar = schedule.alphas_cumprod[step].item()
        steps.append(step)
        noises.append(noise)
        images.append(math.sqrt(abar) * x + math.sqrt(1 - abar) * noise)
    t = torch.tensor(steps, device=x0.device)
    eps = torch.from_numpy(np.stack(noises)).to(x0)
    return t, eps, torch.from_numpy(np.stack(images)).to(x0)


def diffusion_loss(network, schedule, x0, y, generator, prediction="eps", loss="l2"):
    """The objective of eq. 9, averaged over batch and pixels, for labels that were dropped already. A scalar."""
    t, eps, x_t = noised_batch(schedule, x0, generator)
    output = network(x_t, t, y)
    total = 0.0
    for i in range(len(x0)):  # all images have as many pixels, so the mean of their means is the mean of all
        one = slice(i, i + 1)
        target = training_target(schedule, prediction, x0[one], t[one], eps[one])
        total = total + LOSSES[loss](output[one], target)
    return total / len(x0)


class Training(utils.Training):
    def run(self, loss_of, parts=1):
        """Train from the present step to the last, yielding the loss after each; loss_of(network, generator).

        Each step averages the gradients of `parts` calls of loss_of, which need the memory of one. Raises
        FloatingPointError, with the weights as they were, at the first loss that is not finite.
        """
        for step in range(self.step, self.steps):
            for parameter in self.network.parameters():
                parameter.grad = None
            values = []
            for _ in range(parts):
                loss = loss_of(self.network, self.generator)
                if not math.isfinite(loss.item()):
                    raise FloatingPointError(f"step {step + 1}: the loss is {loss.item()}")
                loss.backward()
                values.append(loss.item())
            for parameter in self.network.parameters():  # the gradients were added; their mean is wanted
                if parameter.grad is not None:
                    parameter.grad /= parts
            self.optimizer.step()
            self.lr_schedule.step()
            self.ema.update_parameters(self.network)
            self.losses.append(sum(values) / parts)
            yield self.losses[step]


def reverse_step(denoiser, schedule, x_t, t, y, generator, variance="posterior"):
    """x_{t-1} = (x_t - (1-α_t)/√(1-ᾱ_t) ε̂(x_t, t, y)) / √α_t + σ_t z, z ~ N(0, I) (eq. 13)."""
    predicted = as_rows(denoiser(x_t, t, y))
    alphas, abars = schedule.alphas.tolist(), schedule.alphas_cumprod.tolist()
    variances = reverse_variance(schedule, variance).tolist()
    before = []
    for i, image in enumerate(as_rows(x_t)):
        step = of_image(t, i)
        noise = np.random.normal(size=len(image)).tolist() if step > 1 else [0.0] * len(image)
        row = []
        for pixel in range(len(image)):
            mean = image[pixel] - (1 - alphas[step]) / math.sqrt(1 - abars[step]) * predicted[i][pixel]
            row.append(mean / math.sqrt(alphas[step]) + math.sqrt(variances[step]) * noise[pixel])
        before.append(row)
    return torch.tensor(before, dtype=x_t.dtype, device=x_t.device).reshape(x_t.shape)


@torch.no_grad()
def reverse_process(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """Yields (T, x_T), (T-1, x_{T-1}), …, (0, x_0): ancestral sampling from the given noise x_T."""
    pairs = [(schedule.T, x_T)]
    while pairs[-1][0] > 0:
        step, x = pairs[-1]
        t = torch.tensor([step] * len(x), device=x.device)
        pairs.append((step - 1, reverse_step(denoiser, schedule, x, t, y, generator, variance)))
    yield from pairs


def sample_trajectory(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """The whole reverse process, shape (T+1, *x_T.shape), indexed by t: the last entry is x_T, the first x_0."""
    trajectory = torch.zeros(schedule.T + 1, *x_T.shape, dtype=x_T.dtype, device=x_T.device)
    for t, x in reverse_process(denoiser, schedule, x_T, y, generator, variance):
        trajectory[t] = x
    return trajectory


def sample(denoiser, schedule, x_T, y, generator, variance="posterior"):
    """x_0, shape of x_T: the end of the reverse process that starts at the noise x_T."""
    for _, x in reverse_process(denoiser, schedule, x_T, y, generator, variance):
        last = x
    return last


def classifier_free_guidance(denoiser, w):
    """ε̄ = (1+w) ε(x_t, t, y) - w ε(x_t, t, ∅) (eq. 18; Ho & Salimans 2022, eq. 6). w = 0 is the plain conditional."""

    def guided(x_t, t, y):
        with_label, without = denoiser(x_t, t, y), denoiser(x_t, t, None)
        images = []
        for i in range(len(x_t)):
            images.append((1 + w) * with_label[i] - w * without[i])
        return torch.stack(images)

    return guided


def classifier_guidance(denoiser, classifier, schedule, scale=1.0):
    """ε̂ = ε(x_t, t, ∅) - √(1-ᾱ_t) s ∇ log f(y|x_t, t) (eqs. 14-15; Dhariwal & Nichol 2021, eq. 14, with scale s).

    classifier(x_t, t) returns logits (B, K); y holds real labels, not ∅. Minus, because the score is -ε/√(1-ᾱ_t).
    Their algorithm 1 adds s Σ ∇ log f to the mean of eq. 13 instead, which is the same only where β_t is small.
    """

    def gradient_of_image(x, step, label):
        """∇ log f(label | x, step) for one image x (1, *shape)."""
        with torch.enable_grad():
            x = x.detach().clone().requires_grad_(True)
            logits = classifier(x, torch.tensor([step], device=x.device))[0]
            total = 0.0
            for logit in logits:  # the softmax by hand; the largest is taken away, so that no exponential overflows
                total = total + torch.exp(logit - logits.max().detach())
            log_f = logits[label] - logits.max().detach() - torch.log(total)
            log_f.backward(inputs=[x])
        return x.grad

    def guided(x_t, t, y):
        eps = denoiser(x_t, t, None).clone()
        for i in range(len(x_t)):
            step = of_image(t, i)
            gradient = gradient_of_image(x_t[i : i + 1], step, int(y[i]))[0]
            eps[i] = eps[i] - schedule.sqrt_one_minus_alphas_cumprod[step].item() * scale * gradient
        return eps

    return guided
