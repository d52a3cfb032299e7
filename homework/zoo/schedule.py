"""Wrong schedules, tables and noising: exercises 1.1 to 1.3."""

from homework.zoo.bug import Bug

COSINE, LINEAR, TABLES, NOISE = "utils.cosine_schedule", "utils.linear_schedule", "utils.Schedule", "utils.add_noise"

BUGS = (
    # --- 1.1, the cosine schedule ---------------------------------------------------------------------------------
    Bug(
        COSINE,
        "math.pi / 2) ** 2",
        "math.pi / 2)",
        "ᾱ_t is too large, and runs straight into 0 at t = T, where it should arrive flat. Which power of the "
        "cosine does that?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
        wild="the formula as printed in the text of the homework that this one follows",
    ),
    Bug(
        COSINE,
        "(t / T + s) / (1 + s)",
        "t / T",
        "β_1 is far smaller than it should be for the T that was asked. What does the offset s do at t = 0?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
    ),
    Bug(
        COSINE,
        ".clamp(max=0.999)",
        "",
        "The schedule refuses a β that is not between 0 and 1. Look at the last ones: which largest value is allowed?",
        tests=(
            "test_unknown_names_and_impossible_schedules_are_refused",
            "test_cosine_schedule_has_the_published_values",
        ),
    ),
    Bug(
        COSINE,
        ".clamp(max=0.999)",
        ".clamp(max=0.02)",
        "Late betas stop at 0.02, which is the largest beta of another schedule. Where does the cosine schedule stop?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
    ),
    Bug(
        COSINE,
        "(t / T + s) / (1 + s)",
        "(t / T + s)",
        "At t = T the angle is past π/2, so the cosine has turned negative. Is t/T + s brought back to at most 1?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
    ),
    Bug(
        COSINE,
        "(t / T + s) / (1 + s)",
        "t / T + s / (1 + s)",
        "At t = T the angle is past π/2: only s is divided by 1 + s. How far does the bracket reach?",
        tests=("test_cosine_schedule_has_the_published_values",),
    ),
    Bug(
        COSINE,
        "t / T + s",
        "t / (T + 1) + s",
        "The noisiest step is not noisy enough: it does not stand at the end of the schedule. What is t/T at t = T?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
    ),
    Bug(
        COSINE,
        "f[1:] / f[:-1]",
        "f[1:] / f[0]",
        "These betas are 1 - ᾱ_t, what all steps together take away. What does the step t alone take away?",
        tests=(
            "test_unknown_names_and_impossible_schedules_are_refused",
            "test_cosine_schedule_has_the_published_values",
        ),
    ),
    Bug(
        COSINE,
        "betas = (1 - f[1:] / f[:-1]).clamp(max=0.999)",
        "betas = (1 - f[1:] / f[:-1]).clamp(max=0.999).flip(0)",
        "The betas fall where they should rise. Which end of the schedule is clean data?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
    ),
    Bug(
        COSINE,
        "torch.arange(T + 1, dtype=torch.float64)",
        "torch.arange(T + 1, dtype=torch.float32)",
        "The betas are as coarse as float32 makes them: 1 - f(t)/f(t-1) is a small difference, and few of its "
        "digits are left for T = 1000. In which type are the tables kept?",
        tests=("test_cosine_schedule_has_the_published_values",),
    ),
    Bug(
        COSINE,
        "s=0.008",
        "s=0.0008",
        "With s given, the betas are right; without it, they are not. What is the default of s in the paper?",
        tests=(
            "test_cosine_schedule_has_the_published_values",
            "test_schedules_are_those_of_diffusers_one_step_later",
        ),
    ),
    Bug(
        COSINE,
        "t = torch.arange(T + 1, dtype=torch.float64)",
        "T = 50; t = torch.arange(T + 1, dtype=torch.float64)",
        "The schedule has 50 steps, whatever T is asked for. Where does the 50 come from?",
        tests=(
            "test_unknown_names_and_impossible_schedules_are_refused",
            "test_cosine_schedule_has_the_published_values",
        ),
    ),
    # --- 1.1 in a year with the linear schedule --------------------------------------------------------------------
    Bug(
        LINEAR,
        "beta_1, beta_T, T,",
        "beta_T, beta_1, T,",
        "The betas fall where they should rise. Which end of the schedule is clean data?",
        tests=("test_schedules_are_those_of_diffusers_one_step_later",),
    ),
    Bug(
        LINEAR,
        "beta_1, beta_T, T,",
        "beta_1, beta_T, T + 1,",
        "There is one beta more than there should be. How many numbers are there from 1 to T?",
        tests=(
            "test_schedules_are_those_of_diffusers_one_step_later",
            "test_prior_error_vanishes_when_sampling_starts_at_the_exact_q_x_T",
        ),
    ),
    Bug(
        LINEAR,
        "torch.linspace(beta_1, beta_T, T, dtype=torch.float64)",
        "torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64) ** 2",
        "The betas bend: their square roots grow evenly. Which of the two should lie on a line?",
        tests=(
            "test_schedules_are_those_of_diffusers_one_step_later",
            "test_prior_error_vanishes_when_sampling_starts_at_the_exact_q_x_T",
        ),
        wild="right for latent diffusion, whose code calls it linear",
    ),
    Bug(
        LINEAR,
        "torch.linspace(beta_1, beta_T, T, dtype=torch.float64)",
        "torch.linspace(beta_1, beta_T, T).double()",
        "The betas are only right to seven digits. In which type were they computed?",
        tests=("test_linear_schedule_is_a_line_to_the_last_digit",),
    ),
    Bug(
        LINEAR,
        "betas = torch.linspace(beta_1, beta_T, T, dtype=torch.float64)",
        "T = 1000; betas = torch.linspace(beta_1, beta_T, T, dtype=torch.float64)",
        "The schedule has 1000 steps, whatever T is asked for. Where does the 1000 come from?",
        tests=(
            "test_schedules_are_those_of_diffusers_one_step_later",
            "test_prior_error_vanishes_when_sampling_starts_at_the_exact_q_x_T",
        ),
    ),
    # --- 1.2, the tables --------------------------------------------------------------------------------------------
    Bug(
        TABLES,
        "return 1 - self.betas",
        "return 1 - self.betas[1:]",
        "alphas has T entries, so the tables made from it are too short, or fail. At which index would you look "
        "up α_T?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "return 1 - self.betas",
        "return (1 - self.betas).sqrt()",
        "These alphas are √(1-β_t). Which power of α_t multiplies the image, and which its variance?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "self.alphas.cumprod(0)",
        "self.alphas.cumsum(0)",
        "ᾱ_t grows beyond 1, so x_t would be brighter than x_0. Are shares that remain added or multiplied?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "self.alphas.cumprod(0)",
        "self.betas.cumprod(0)",
        "ᾱ_t is 0 from the start. Is it the share of the image that is left, or that is lost, which is multiplied?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "self.alphas.cumprod(0)",
        "(-self.betas).cumsum(0).exp()",
        "ᾱ_t = exp(-Σβ) is right for infinitely many steps; here it is too large for every β that is not small. What "
        "is it for finitely many?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "return self.alphas_cumprod.sqrt()",
        "return self.alphas_cumprod",
        "sqrt_alphas_cumprod is ᾱ_t itself. Which of the two has a square that adds up to 1 with 1-ᾱ_t?",
        tests=(
            "test_network_of_any_prediction_is_the_same_denoiser",
            "test_forward_process_and_v_conform_to_diffusers",
        ),
    ),
    Bug(
        TABLES,
        "(1 - self.alphas_cumprod).sqrt()",
        "1 - self.alphas_cumprod",
        "sqrt_one_minus_alphas_cumprod is a variance. Which of variance and standard deviation multiplies the noise?",
        tests=(
            "test_network_of_any_prediction_is_the_same_denoiser",
            "test_forward_process_and_v_conform_to_diffusers",
        ),
    ),
    Bug(
        TABLES,
        "(1 - self.alphas_cumprod).sqrt()",
        "1 - self.alphas_cumprod.sqrt()",
        "The shares of image and noise add up to 1, but their squares do not. What is under the root?",
        tests=(
            "test_network_of_any_prediction_is_the_same_denoiser",
            "test_forward_process_and_v_conform_to_diffusers",
        ),
    ),
    Bug(
        TABLES,
        "(1 - self.alphas_cumprod).sqrt()",
        "(1 - self.alphas).sqrt()",
        "The noise in x_t is only that of the last step, √β_t. How much noise have all t steps brought together?",
        tests=(
            "test_network_of_any_prediction_is_the_same_denoiser",
            "test_forward_process_and_v_conform_to_diffusers",
        ),
    ),
    Bug(
        TABLES,
        "noise[:-1] / noise[1:] * self.betas[1:]",
        "self.betas[1:]",
        "posterior_variance is β_t, also at t = 1, where x_{t-1} is x_0 itself. How much does it still vary if "
        "x_0 is known?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "noise[:-1] / noise[1:] * self.betas[1:]",
        "noise[1:] / noise[1:] * self.betas[1:] * 0 + noise[1:] * self.betas[1:]",
        "β̃_t is (1-ᾱ_t) β_t: nearly right for large t, but not 0 at t = 1. Which two noise levels does the "
        "fraction in eq. 13 compare?",
        tests=(
            "test_gaussian_steps_with_the_exact_variance_are_exact",
            "test_every_table_is_indexed_by_t_itself",
        ),
    ),
    Bug(
        TABLES,
        "noise[:-1] / noise[1:] * self.betas[1:]",
        "(noise[:-1] / noise[1:] * self.betas[1:]).sqrt()",
        "posterior_variance is a standard deviation. By its name, which of the two should it be?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "noise[:-1] / noise[1:] * self.betas[1:]",
        "noise[1:] / noise[:-1].clamp(min=1e-20) * self.betas[1:]",
        "β̃_t is larger than β_t, and enormous at t = 1. Can knowing x_0 make x_{t-1} less certain?",
        tests=("test_every_table_is_indexed_by_t_itself", "test_gaussian_steps_with_the_exact_variance_are_exact"),
    ),
    Bug(
        TABLES,
        "noise[:-1] / noise[1:] * self.betas[1:]",
        "noise[:-1] / noise[1:] * self.betas[:-1]",
        "β̃_t is made with the β of the step before. Which β belongs to the step from t-1 to t?",
        tests=(
            "test_every_table_is_indexed_by_t_itself",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    # --- 1.3, noising -----------------------------------------------------------------------------------------------
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(schedule.sqrt_alphas_cumprod, t, x0) * eps + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * x0",
        "At t = 1 x_t is nearly all noise, and at t = T nearly all image. Which of the two tables belongs to x_0?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(1 - schedule.sqrt_alphas_cumprod, t, x0) * eps",
        "There is too little noise in the middle of the schedule. Do the squares of the two factors add up to 1?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(schedule.sqrt_alphas_cumprod, t, x0) * eps",
        "Image and noise have the same factor, √ᾱ_t: at t = T there is neither. How much noise should x_T have?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
        wild="a well-known repository",
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(1 - schedule.alphas_cumprod, t, x0) * eps",
        "The factor of the noise is a variance, 1-ᾱ_t. Which of variance and standard deviation multiplies ε?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0",
        "at(schedule.alphas_cumprod, t, x0) * x0",
        "The image fades too fast: its factor is ᾱ_t. What does ᾱ_t multiply, the image or its variance?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(schedule.alphas_cumprod, t, x0) * x0 + at(1 - schedule.alphas_cumprod, t, x0) * eps",
        "Neither factor has a root, so they add up to 1, and their squares do not. Which of the two should?",
        tests=(
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
            "test_forward_process_and_v_conform_to_diffusers",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0",
        "at(schedule.alphas.sqrt(), t, x0) * x0",
        "The image has the factor of one step, √α_t. How many steps lie between x_0 and x_t?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0",
        "at(schedule.sqrt_alphas_cumprod, t - 1, x0) * x0",
        "The image has the factor of step t-1: at t = 1 it is not faded at all. Which t is table[t] for?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
        wild="a well-known repository",
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(schedule.sqrt_alphas_cumprod, t[:1], x0) * x0 "
        "+ at(schedule.sqrt_one_minus_alphas_cumprod, t[:1], x0) * eps",
        "All images get the noise level of the first one. Which t belongs to which image?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_each_image_gets_its_own_step",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "schedule.sqrt_alphas_cumprod[t].view(-1, 1, 1).to(x0) * x0 "
        "+ schedule.sqrt_one_minus_alphas_cumprod[t].view(-1, 1, 1).to(x0) * eps",
        "It works for images (B, 1, 2), and fails for images of another number of dimensions. What tells how many "
        "there are?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0",
        "schedule.sqrt_alphas_cumprod[t].view(-1, *[1] * (x0.ndim - 1)) * x0",
        "An image of float32 comes back as float64, which no network takes. Where is the table cast to x's type?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_each_image_gets_its_own_step",
        ),
    ),
    Bug(
        NOISE,
        "return at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at",
        "x0 *= at(schedule.sqrt_alphas_cumprod, t, x0)\n    return x0 + at",
        "The images that it was given are faded afterwards, though x_t is right. Does `*=` make a new tensor?",
        tests=(
            "test_forward_process_and_v_conform_to_diffusers",
            "test_noised_data_has_the_mean_and_variance_of_eq_3",
        ),
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(schedule.sqrt_alphas_cumprod, t - 1, x0) * x0 + "
        "at(schedule.sqrt_one_minus_alphas_cumprod, t - 1, x0) * eps",
        "x_t is one step too clean: at t = 1 there is no noise in it at all. Which entry of the tables belongs to t?",
        tests=("test_noised_data_has_the_mean_and_variance_of_eq_3", "test_forward_process_and_v_conform_to_diffusers"),
        wild="code whose tables begin at index 0 for t = 1",
    ),
    Bug(
        NOISE,
        "at(schedule.sqrt_alphas_cumprod, t, x0) * x0 + at(schedule.sqrt_one_minus_alphas_cumprod, t, x0) * eps",
        "at(schedule.alphas.sqrt(), t, x0) * x0 + at(schedule.betas.sqrt(), t, x0) * eps",
        "x_t has the noise of step t alone, as if x_0 were x_{t-1}. Which table has all steps up to t in it?",
        tests=("test_noised_data_has_the_mean_and_variance_of_eq_3", "test_forward_process_and_v_conform_to_diffusers"),
    ),
)
