"""The two-pixel world: a Gaussian mixture, and everything about its diffusion that is known exactly.

A Gaussian mixture stays one under an affine map, under diffusion, under conditioning on its label, and under
Bayes' rule given a noisy observation. Each of these maps returns another `GaussianMixture`; density, score, best
noise prediction, denoised mean and covariance, reverse kernel and loss floor all follow from them.
"""

import math

import torch
from torch.nn.functional import one_hot


class GaussianMixture:
    """p(x) = Σ_k π_k N(x; μ_k, σ_k² I), for x of shape (..., d).

    means (..., K, d), std (..., K) or one number for all, weights (..., K); leading dimensions, if any, hold a
    batch of mixtures. Everything is float64. Raises ValueError unless std > 0 and the weights are a distribution.
    """

    def __init__(self, means, std, weights):
        self.means = torch.as_tensor(means, dtype=torch.float64)
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        self.std = torch.as_tensor(std, dtype=torch.float64).expand(self.means.shape[:-1])
        if not (torch.isfinite(self.means).all() and (self.std > 0).all()):
            raise ValueError("a mixture needs finite means, and std > 0 in every component")
        if self.weights.shape[-1] != self.num_classes:
            raise ValueError("a mixture needs one weight for each component")
        if not ((self.weights >= 0).all() and torch.allclose(self.weights.sum(-1), torch.ones(()).double())):
            raise ValueError("the weights of a mixture are >= 0 and add up to 1")

    @property
    def num_classes(self):
        """K; the labels are 0 … K-1 and the null label ∅ is K."""
        return self.means.shape[-2]

    @property
    def dim(self):
        return self.means.shape[-1]

    # --- the distribution -------------------------------------------------------------------------------------

    def sample(self, n, generator=None):
        """n draws x (n, d) with their labels y (n,); from a batch of n mixtures, one draw of each."""
        K, d = self.num_classes, self.dim
        y = torch.multinomial(self.weights.expand(n, K), 1, generator=generator)  # (n, 1)
        mean = self.means.expand(n, K, d).gather(1, y[..., None].expand(n, 1, d)).squeeze(1)
        std = self.std.expand(n, K).gather(1, y)
        return mean + std * torch.randn(n, d, generator=generator, dtype=torch.float64), y.squeeze(1)

    def joint_log_prob(self, x):
        """log π_k + log N(x; μ_k, σ_k² I), shape (..., K)."""
        squared_distance = (x.unsqueeze(-2) - self.means).square().sum(-1)
        normaliser = self.dim * (self.std.log() + 0.5 * math.log(2 * math.pi))
        return self.weights.log() - squared_distance / (2 * self.std**2) - normaliser

    def log_prob(self, x):
        """log p(x) in nats, shape (...)."""
        return self.joint_log_prob(x).logsumexp(-1)

    def posterior(self, x):
        """p(y | x), shape (..., K)."""
        return self.joint_log_prob(x).softmax(-1)

    def score(self, x):
        """∇ log p(x) = Σ_k p(k|x) (μ_k - x)/σ_k², shape (..., d)."""
        pull = (self.means - x.unsqueeze(-2)) / self.std.unsqueeze(-1) ** 2
        return (self.posterior(x).unsqueeze(-1) * pull).sum(-2)

    def mean(self):
        """E[x], shape (..., d)."""
        return (self.weights.unsqueeze(-1) * self.means).sum(-2)

    def covariance(self):
        """Cov[x] = Σ_k π_k (σ_k² I + (μ_k - E[x])(μ_k - E[x])ᵀ), shape (..., d, d)."""
        deviation = self.means - self.mean().unsqueeze(-2)
        between = torch.einsum("...k,...ki,...kj->...ij", self.weights, deviation, deviation)
        within = (self.weights * self.std**2).sum(-1)
        return between + within[..., None, None] * torch.eye(self.dim, dtype=torch.float64)

    def variance(self):
        """tr Cov[x] / d: the mean variance of a pixel, shape (...)."""
        between = (self.means - self.mean().unsqueeze(-2)).square().mean(-1)
        return (self.weights * (self.std**2 + between)).sum(-1)

    # --- the maps under which a mixture stays a mixture ---------------------------------------------------------

    def affine(self, scale, shift):
        """The distribution of scale · x + shift, for a number scale > 0 and a shift of shape (d,) or a number."""
        shift = torch.as_tensor(shift, dtype=torch.float64)
        return GaussianMixture(scale * self.means + shift, scale * self.std, self.weights)

    def given_label(self, y):
        """p(x | y): weight one on component y, or p(x) itself where y is the null label K. y of shape (...)."""
        y = torch.as_tensor(y)
        chosen = one_hot(y, self.num_classes + 1)[..., :-1].double()
        weights = torch.where((y == self.num_classes).unsqueeze(-1), self.weights, chosen)
        return GaussianMixture(self.means, self.std, weights)

    def diffused(self, alpha_bar):
        """q(x_t): the distribution of √ᾱ x + √(1-ᾱ) ε (Ho et al. 2020, eq. 4). alpha_bar a number or shape (...)."""
        alpha_bar = torch.as_tensor(alpha_bar, dtype=torch.float64).unsqueeze(-1)
        std = (alpha_bar * self.std**2 + 1 - alpha_bar).sqrt()
        return GaussianMixture(alpha_bar.sqrt().unsqueeze(-1) * self.means, std, self.weights)

    def given_noisy(self, x_t, alpha_bar):
        """q(x | x_t) for x_t (..., d) = √ᾱ x + √(1-ᾱ) ε: a mixture for each x_t, by Bayes' rule.

        Within component k it is the Gaussian of linear regression of x on x_t: mean μ_k + gain (x_t - √ᾱ μ_k) with
        gain = √ᾱ σ_k² / (ᾱσ_k² + 1 - ᾱ), variance σ_k² (1-ᾱ) / (ᾱσ_k² + 1 - ᾱ); its weight is p(k | x_t).
        """
        noisy = self.diffused(alpha_bar)
        alpha_bar = torch.as_tensor(alpha_bar, dtype=torch.float64).unsqueeze(-1)
        gain = alpha_bar.sqrt() * self.std**2 / noisy.std**2
        means = self.means + gain.unsqueeze(-1) * (x_t.unsqueeze(-2) - noisy.means)
        return GaussianMixture(means, self.std * (1 - alpha_bar).sqrt() / noisy.std, noisy.posterior(x_t))

    # --- what a diffusion model is supposed to learn ------------------------------------------------------------

    def best_eps(self, x_t, alpha_bar):
        """ε*(x_t) = E[ε | x_t] = -√(1-ᾱ) ∇ log q(x_t), the noise prediction of least squared error; shape of x_t."""
        alpha_bar = torch.as_tensor(alpha_bar, dtype=torch.float64)
        return -(1 - alpha_bar).sqrt().unsqueeze(-1) * self.diffused(alpha_bar).score(x_t)

    def reverse_kernel(self, x_t, alpha_bar_t, alpha_bar_s):
        """q(x_s | x_t) for a less noisy s < t, exactly: x_t (..., d) is x_s diffused by ᾱ_t/ᾱ_s. A mixture for each."""
        return self.diffused(alpha_bar_s).given_noisy(x_t, alpha_bar_t / alpha_bar_s)

    def loss_floor(self, alpha_bar, n=2**12, seed=0):
        """E‖ε - ε*(x_t)‖²/d, the least possible loss (eq. 9) of a network that is told no label, for one ᾱ < 1.

        ε - ε* is √(ᾱ/(1-ᾱ)) times E[x_0|x_t] - x_0, so the floor is ᾱ/(1-ᾱ) E[tr Cov(x_0|x_t)]/d. The mean over
        q(x_t) is taken over n scrambled Sobol points for each component; with the default the average over a schedule
        is right to 4e-4 of itself or better, a single step to 1 %; to a third, if modes lie 100 σ apart, where the
        floor is nearly 0.
        """
        noisy = self.diffused(alpha_bar)
        u = torch.quasirandom.SobolEngine(self.dim, scramble=True, seed=seed).draw(n, dtype=torch.float64)
        z = torch.special.ndtri(u.clamp(1e-12, 1 - 1e-12)).unsqueeze(-2)  # uniform to standard normal
        x_t = noisy.means + noisy.std.unsqueeze(-1) * z  # (n, K, d)
        expected_variance = (self.given_noisy(x_t, alpha_bar).variance().mean(0) * self.weights).sum()
        return float(alpha_bar / (1 - alpha_bar) * expected_variance)

    def labelled_loss_floor(self, alpha_bar):
        """E‖ε - ε*(x_t, y)‖²/d = Σ_k π_k ᾱσ_k² / (ᾱσ_k² + 1 - ᾱ): the floor of a network that is told the label."""
        signal = alpha_bar * self.std**2
        return float((self.weights * signal / (signal + 1 - alpha_bar)).sum())


class ExactDenoiser:
    """The oracle as just another denoiser: (x_t, t, y) -> ε*, called like a network and never wrong.

    It computes in float64 on the CPU, whatever the device and type of x_t, and answers in those of x_t.

    alphas_cumprod (T+1,) is indexed by t. x_t (B, *image) with d values an image, t (B,) or (1,), y (B,) or None for ∅.
    """

    def __init__(self, mixture, alphas_cumprod):
        self.mixture, self.alphas_cumprod = mixture, alphas_cumprod

    def __call__(self, x_t, t, y=None):
        mixture = self.mixture if y is None else self.mixture.given_label(y.cpu())
        eps = mixture.best_eps(x_t.flatten(1).to("cpu", torch.float64), self.alphas_cumprod[t.cpu()])
        return eps.view(x_t.shape).to(x_t)

    def log_posterior(self, x_t, t):
        """log p(y | x_t), shape (B, K): the exact answer of a noisy classifier; differentiable in x_t."""
        noisy = self.mixture.diffused(self.alphas_cumprod[t.cpu()])
        return noisy.joint_log_prob(x_t.flatten(1).to("cpu", torch.float64)).log_softmax(-1).to(x_t)


# The homework's world as printed; with the minus signs that its text probably lost; and with modes that overlap,
# so that guidance has something to do. Class 0 has the darker left pixel.
WORLDS = {
    "homework": GaussianMixture([[0.35, 0.65], [0.75, 0.45]], 0.1, [0.35, 0.65]),
    "signed": GaussianMixture([[-0.35, 0.65], [0.75, -0.45]], 0.1, [0.35, 0.65]),
    "overlapping": GaussianMixture([[-0.35, 0.65], [0.75, -0.45]], 0.45, [0.35, 0.65]),
}
