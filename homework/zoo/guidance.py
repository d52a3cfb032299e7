"""Wrong guidance: exercises 4.1 and 4.2."""

from homework.zoo.bug import Bug

FREE, BY_CLASSIFIER = "utils.classifier_free_guidance", "utils.classifier_guidance"

BUGS = (
    # --- 4.1, without a classifier ----------------------------------------------------------------------------------
    Bug(
        FREE,
        "(1 + w) * denoiser(x_t, t, y) - w * denoiser(x_t, t, None)",
        "w * denoiser(x_t, t, y) + (1 - w) * denoiser(x_t, t, None)",
        "w = 1 gives the plain conditional prediction, and w = 0 the unconditional one: that is the other convention. "
        "Which w leaves the conditional prediction alone in eq. 18?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
        wild="image generators whose guidance scale is 1 + w",
    ),
    Bug(
        FREE,
        "- w * denoiser(x_t, t, None)",
        "+ w * denoiser(x_t, t, None)",
        "Both predictions are added, so that ε̄ grows to (1 + 2w) times ε where they agree. Do the factors add up to 1?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        FREE,
        "(1 + w) * denoiser(x_t, t, y) - w * denoiser(x_t, t, None)",
        "(1 + w) * denoiser(x_t, t, None) - w * denoiser(x_t, t, y)",
        "It leads away from the class that was asked for: with w = 0 there is no label at all. Which of the two "
        "predictions has the factor 1 + w?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        FREE,
        "(1 + w) * denoiser",
        "(1 - w) * denoiser",
        "The factors add up to 1 - 2w, so where both predictions agree, ε̄ is not what they agree on. What should they "
        "add up to?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        FREE,
        "denoiser(x_t, t, None)",
        "denoiser(x_t, t, torch.zeros_like(y))",
        "The unconditional prediction is asked with label 0, which is a class. What says that there is no label?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        FREE,
        "(1 + w) * denoiser(x_t, t, y) - w * denoiser(x_t, t, None)",
        "denoiser(x_t, t, y) - w * denoiser(x_t, t, None)",
        "Only the unconditional prediction is weighted. What is left of ε̄ where both predictions agree?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        FREE,
        "(1 + w) * denoiser(x_t, t, y) - w * denoiser(x_t, t, None)",
        "denoiser(x_t, t, y)",
        "w has no effect. What does guidance add to the conditional prediction?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        FREE,
        "denoiser(x_t, t, None)",
        "denoiser(x_t, t - 1, None)",
        "The two predictions are asked at different t. Which noise level does x_t have?",
        tests=(
            "test_guidance_weight_0_is_conditional_and_minus_1_unconditional",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    # --- 4.2, by a classifier ---------------------------------------------------------------------------------------
    Bug(
        BY_CLASSIFIER,
        "denoiser(x_t, t, None) - at",
        "denoiser(x_t, t, None) + at",
        "It leads away from the class that was asked for. The score points up the density; which way does ε point?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * scale",
        "scale",
        "The gradient is too strong at small t: it is a score, and ε̂ is not. Which factor turns one into the other?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * scale",
        "at(1 - schedule.alphas_cumprod, t, x_t) * scale",
        "The gradient is multiplied by 1-ᾱ_t. Which power of it turns a score into noise?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * scale",
        "at(schedule.sqrt_alphas_cumprod, t, x_t) * scale",
        "The gradient counts most where there is no noise. Which table belongs to the noise?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * scale * gradient",
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * gradient",
        "The scale has no effect. What is the argument `scale` for?",
        tests=("test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",),
    ),
    Bug(
        BY_CLASSIFIER,
        "return denoiser(x_t, t, None)",
        "return denoiser(x_t, t, y)",
        "The label counts twice: the denoiser knows it already. Which prediction does eq. 15 begin with?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        ".log_softmax(-1)",
        ".softmax(-1)",
        "It is the gradient of p(y|x_t), which vanishes where p(y|x_t) is nearly 0, just where help is needed. Of "
        "what should the gradient be taken?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        ".log_softmax(-1)",
        "",
        "It is the gradient of a logit, which also follows what raises all logits alike, and that says nothing "
        "about the class. What turns logits into log-probabilities?",
        tests=("test_only_differences_of_logits_guide_and_x_t_stays_as_it_was",),
    ),
    Bug(
        BY_CLASSIFIER,
        ".gather(1, y[:, None]).sum()",
        ".gather(1, y[:, None]).mean()",
        "The gradient shrinks with the number of images. Does an image's gradient depend on the others in its batch?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        ".gather(1, y[:, None]).sum()",
        ".sum()",
        "It is the gradient of all classes together, so y has no effect. Which class was asked for?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        "with torch.enable_grad():",
        "if True:",
        "It fails inside torch.no_grad, where the sampler runs. What switches gradients back on?",
        tests=("test_classifier_guidance_works_inside_the_sampler",),
    ),
    Bug(
        BY_CLASSIFIER,
        "x = x_t.detach().requires_grad_()",
        "x = x_t.requires_grad_()",
        "The x_t that it was given asks for gradients afterwards, so whatever is computed from it keeps a graph. "
        "Whose tensor is it?",
        tests=("test_only_differences_of_logits_guide_and_x_t_stays_as_it_was",),
    ),
    Bug(
        BY_CLASSIFIER,
        "classifier(x, t)",
        "classifier(x, t - 1)",
        "The classifier is asked at another t than the denoiser. Which noise level does x_t have?",
        tests=(
            "test_classifier_guidance_works_inside_the_sampler",
            "test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",
        ),
    ),
    Bug(
        BY_CLASSIFIER,
        "* scale * gradient",
        "* (1 + scale) * gradient",
        "The gradient counts 1 + s times: with s = 0 there is still guidance. Which number stands before the "
        "gradient in eq. 15, and which one belongs to eq. 18?",
        tests=("test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",),
    ),
    Bug(
        BY_CLASSIFIER,
        ".gather(1, y[:, None]).sum()",
        "[:, y].sum()",
        "Each image is pulled towards the labels of all images of the batch. [:, y] takes whole columns: how do you "
        "take one entry of each row?",
        tests=("test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",),
    ),
    Bug(
        BY_CLASSIFIER,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * scale",
        "at(schedule.betas, t, x_t) * scale",
        "The gradient has the factor β_t, which belongs to a shift of the mean of eq. 13. Which factor turns a score "
        "into a noise prediction?",
        tests=("test_classifier_free_guidance_is_classifier_guidance_with_the_exact_posterior",),
    ),
)
