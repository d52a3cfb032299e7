"""The exact denoisers of a finite training set: the best that any network could do on it, which is to copy.

If the clean image is one of the training images, each as likely as any other, then Bayes gives the probability of each
of them behind a noisy image z, for every kind of noise. The best denoiser is the mean of the training images under that
posterior. Training images are (n, C, h, w), noisy images z (B, C, h, w); a posterior is (B, n), float64, rows summing
to 1. They stand in closed form, so the networks of the three small systems can be measured against them.
"""

import numpy as np
import torch
from scipy.spatial.distance import cdist
from scipy.special import gammaln

TOLERANCE = 1e-6  # rounding that a chain of float32 steps leaves in z


def flat(images):
    """(n, C, h, w) as NumPy (n, C·h·w), float64."""
    return np.asarray(images, dtype=np.float64).reshape(len(images), -1)


def normalised(log_p):
    """Rows exp(log_p) over their sum, as a tensor (B, n)."""
    return torch.from_numpy(log_p).softmax(1)


def mixed_posterior(images, z, level):
    """Of the images that could have been mixed with uniform noise into z = level·n + (1 - level)·x, n ~ U[0, 1)^d.

    Flat over the images with 0 ≤ (z - (1-level) x_i) / level ≤ 1 in every pixel, since all noise images are equally
    likely: those within level/2 of the middle of that range in every pixel. If there is none, as happens off the
    training distribution, the nearest image has it all.
    """
    distance = cdist(flat(z), (1 - level) * flat(images) + level / 2, "chebyshev")
    possible = distance <= np.maximum(level / 2 + TOLERANCE, distance.min(1, keepdims=True))
    return torch.from_numpy(possible / possible.sum(1, keepdims=True))


def gaussian_posterior(images, z, alpha_bar):
    """Of z = √ᾱ x + √(1-ᾱ) ε, ε ~ N(0, I): p(x_i|z) ∝ exp(-‖z - √ᾱ x_i‖² / 2(1-ᾱ)).

    ‖z‖² is the same for all images and drops out; the rest is one matrix product, fast enough for 60,000 images.
    """
    images = flat(images)
    overlap = np.sqrt(alpha_bar) * flat(z) @ images.T - alpha_bar / 2 * (images**2).sum(1)
    return normalised(overlap / (1 - alpha_bar))


def counted_bits_posterior(images, z, t):
    """Of z made from a binary image by t of its N pixels, all different, turned into fair bits.

    p(x_i|z) ∝ C(N - m_i, t - m_i), the number of ways to choose the t pixels so that all m_i in which z differs from
    x_i are among them; 0 if m_i > t. Raises ValueError if z differs from every image in more than t pixels.
    """
    z, images = flat(z), flat(images)
    m, N = cdist(z, images, "cityblock"), z.shape[1]
    if (m.min(1) > t).any():
        raise ValueError(f"an image differs from every training image in more than {t} pixels")
    log_p = gammaln(N - m + 1) - gammaln(np.maximum(t - m, 0) + 1)  # the rest, (N-t)!, is the same for all
    return normalised(np.where(m <= t, log_p, -np.inf))


def independent_bits_posterior(images, z, clean):
    """Of z made from a binary image by keeping each pixel with probability `clean`, else turning it into a fair bit.

    p(x_i|z) ∝ ((1-s)/(1+s))^{m_i}, s = clean. A grey z counts by its distance |z - x_i|, which is the expectation of
    m_i if its values are probabilities of ink.
    """
    m = cdist(flat(z), flat(images), "cityblock")
    return normalised(m * np.log((1 - clean) / (1 + clean)))


def posterior_mean(images, posterior):
    """E[x|z] = Σ_i p(x_i|z) x_i, (B, C, h, w): the image of least expected squared error."""
    mean = posterior @ torch.from_numpy(flat(images))
    return mean.to(images.dtype).view(len(posterior), *images.shape[1:])


def mean_one_step_before(images, z, clean_before, clean_step):
    """E[z_t | z_{t+1}], (B, C, h, w), if noise hits each pixel on its own: the exact answer of the step-by-step task.

    z_t keeps a pixel of the training image with probability clean_before, z = z_{t+1} keeps one of z_t with probability
    clean_step, else they are fair bits. A grey z counts as a mixture of ink and paper.
    """
    x = posterior_mean(images, independent_bits_posterior(images, z, clean_before * clean_step))

    def ink_before(b, x):  # P(z_t = 1 | z_{t+1} = b, clean pixel x), by Bayes
        prior = (1 + clean_before) / 2 if x else (1 - clean_before) / 2
        like, unlike = ((1 + clean_step) / 2, (1 - clean_step) / 2)[:: 1 if b else -1]
        return prior * like / (prior * like + (1 - prior) * unlike)

    on_paper, on_ink = ((1 - x) * ink_before(b, 0) + x * ink_before(b, 1) for b in (0, 1))
    return (1 - z) * on_paper + z * on_ink


def effective_size(posterior):
    """How many images the posterior is spread over, (B,): exp of its entropy, n if flat over n."""
    return torch.special.entr(posterior).sum(1).exp()
