"""The true q(x_{t-1}|x_t) from one x_t between the modes, and the Gaussians that samplers put in its place."""

import torch
from torch.distributions import Normal

import plots
from evaluation.committed import experiment
from exact.error_ledger import between_the_modes, gaussian_steps
from gmm import GaussianMixture

STEPS = ((5, 2), (50, 20))  # T and t: the same noise, and a step ten times shorter
STYLES = {
    "posterior": (r"eq. 13 with $\tilde\beta_t$", plots.BLUE, "-"),
    "beta": (r"eq. 13 with $\beta_t$", plots.ORANGE, "--"),
    "second_moment": ("second moments", plots.VERMILION, "-."),
}


def draw():
    figure, axes = plots.panels(1, 2, figsize=(7.4, 3.6))
    for ax, (T, t) in zip(axes, STEPS, strict=True):
        run = experiment(T)
        x_t, direction = between_the_modes(run, t), direction_of_modes(run)
        truth = run.mixture.reverse_kernel(x_t, *run.schedule.alphas_cumprod[[t, t - 1]])
        centre, scale = truth.mean() @ direction, float(run.scale)
        along = torch.linspace(-1, 1, 400, dtype=torch.float64) * (0.42 if T == 5 else 0.22) * scale
        density = along_the_modes(truth, direction).log_prob((centre + along).unsqueeze(-1)).exp() * scale
        x = along / scale
        ax.fill_between(x, density, color="0.8", label="exact")
        for name, step in gaussian_steps(run, x_t, t, t - 1).items():
            label, colour, style = STYLES[name]
            normal = Normal(step.mean @ direction, (direction @ step.covariance_matrix @ direction).sqrt())
            values = normal.log_prob(centre + along).exp() * scale
            ax.plot(x, values, color=colour, linestyle=style, label=label)
        ax.set(title=f"$T = {T}$, from $t = {t}$ to $t = {t - 1}$", ylim=(0, None))
        ax.set(xlabel="intensity along the line through the modes", ylabel="density")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    figure.suptitle("Eq. 13 gets the variance wrong more than the shape")
    return figure


def direction_of_modes(run):
    """The unit vector (2,) from mode 0 to mode 1."""
    apart = run.mixture.means[1] - run.mixture.means[0]
    return apart / apart.norm()


def along_the_modes(mixture, direction):
    """The mixture's projection on a unit vector: a mixture in one dimension."""
    return GaussianMixture((mixture.means @ direction).unsqueeze(-1), mixture.std, mixture.weights)
