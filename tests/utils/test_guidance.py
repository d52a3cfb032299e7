"""Guidance with and without a classifier, against the exact oracle."""

import pytest
import torch

from utils import classifier_free_guidance, classifier_guidance, sample


def test_guidance_weight_0_is_conditional_and_minus_1_unconditional(generator, oracle):
    denoiser, _ = oracle(T=10)
    x_t, t = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64), torch.arange(1, 11)
    y = torch.arange(10) % 2
    torch.testing.assert_close(classifier_free_guidance(denoiser, 0.0)(x_t, t, y), denoiser(x_t, t, y))
    torch.testing.assert_close(classifier_free_guidance(denoiser, -1.0)(x_t, t, y), denoiser(x_t, t, None))
    difference = denoiser(x_t, t, y) - denoiser(x_t, t, None)
    torch.testing.assert_close(classifier_free_guidance(denoiser, 2.0)(x_t, t, y), denoiser(x_t, t, y) + 2 * difference)


@pytest.mark.parametrize("w", [-1.0, 0.0, 1.0, 4.0])
def test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior(w, generator, oracle):
    """ε̄ of weight w = ε(x, t, ∅) - √(1-ᾱ) (1+w) ∇ log p(y|x_t): Bayes' rule, eqs. 14-18 in one line."""
    denoiser, schedule = oracle("overlapping", T=10)
    x_t, t = torch.randn(10, 1, 2, generator=generator, dtype=torch.float64), torch.arange(1, 11)
    y = torch.arange(10) % 2
    free = classifier_free_guidance(denoiser, w)(x_t, t, y)
    by_classifier = classifier_guidance(denoiser, denoiser.log_posterior, schedule, 1 + w)(x_t, t, y)
    torch.testing.assert_close(free, by_classifier, atol=1e-12, rtol=1e-12)


def test_only_differences_of_logits_guide_and_x_t_stays_as_it_was(generator, oracle):
    """Logits that all grow alike say nothing about the class; and what was given asks for no gradient afterwards."""
    denoiser, schedule = oracle("overlapping", T=10)
    x_t, t, y = (
        torch.randn(10, 1, 2, generator=generator, dtype=torch.float64),
        torch.arange(1, 11),
        torch.arange(10) % 2,
    )

    def shifted(x, t):
        return denoiser.log_posterior(x, t) + x.flatten(1).square().sum(1, keepdim=True)

    with torch.no_grad():
        guided = classifier_guidance(denoiser, shifted, schedule)(x_t, t, y)
        torch.testing.assert_close(guided, denoiser(x_t, t, y), atol=1e-12, rtol=1e-12)
    assert not x_t.requires_grad


def test_classifier_guidance_works_inside_the_sampler(generator, oracle):
    """The sampler runs without gradients; the classifier's gradient must be taken all the same."""
    denoiser, schedule = oracle("homework", T=10)
    guided = classifier_guidance(denoiser, denoiser.log_posterior, schedule)
    x_T = torch.randn(200, 1, 2, generator=generator, dtype=torch.float64)
    y = torch.arange(200) % 2
    x_0 = sample(guided, schedule, x_T, y, torch.Generator().manual_seed(1))
    conditional = sample(denoiser, schedule, x_T, y, torch.Generator().manual_seed(1))
    torch.testing.assert_close(x_0, conditional, atol=1e-9, rtol=1e-9)
