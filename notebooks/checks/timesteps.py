"""The checks of the exercises of notebook 04, Timesteps."""

from instruments import expected_std
from scipy.optimize import brentq

from checks.common import RIGHT, UNANSWERED, number, verdict
from checks.written import written
from homework.reference import reference

SIGMA = 0.55  # of the one Gaussian
utils = reference()[1].utils


def cosine_schedule(function):
    """Eqs. 11-12, exercise 1.1 of the homework."""
    return written("1.1", function)


def best_lambda(answer):
    """λ for which β̃^(1-λ) β^λ gives the right σ at T = 10."""
    if answer is ...:
        return UNANSWERED
    schedule = utils.cosine_schedule(10)
    low, high = (utils.reverse_variance(schedule, name) for name in ("posterior", "beta"))

    def surplus(x):
        return expected_std(schedule, SIGMA, low ** (1 - x) * high**x) - SIGMA

    verdict_on_lam = number("lam", answer, brentq(surplus, 0, 1), 0.006, "")
    if verdict_on_lam == RIGHT or "asked for" in verdict_on_lam:
        return verdict_on_lam
    if not 0 <= float(answer) <= 1:
        return "lam is asked for between 0 and 1."
    return f"The samples of T = 10 get σ = {SIGMA + surplus(float(answer)):.4f} with that, where {SIGMA} is right."


def steps_for_one_percent(T_posterior, T_beta):
    """The least T from which on σ is within 1 % of the truth, for either variance."""

    def least(name):
        T, error = 400, 0.0  # many enough for either
        while error <= 0.01 * SIGMA:
            T -= 1
            schedule = utils.cosine_schedule(T)
            error = abs(expected_std(schedule, SIGMA, utils.reverse_variance(schedule, name)) - SIGMA)
        return T + 1

    hint = f"Take the first T from which on |σ - {SIGMA}| is at most {0.01 * SIGMA:.4f}."
    return verdict(
        number("T_posterior", T_posterior, least("posterior"), 0, hint),
        number("T_beta", T_beta, least("beta"), 0, hint),
    )
