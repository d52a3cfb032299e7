"""Wrong ways back from noise: exercises 2.1 to 3.1."""

from homework.zoo.bug import Bug

STEP, PROCESS, PATH, SAMPLE = "utils.reverse_step", "utils.reverse_process", "utils.sample_trajectory", "utils.sample"
MEAN = "mean = (x_t - noise_share * eps) / at(schedule.alphas.sqrt(), t, x_t)"

BUGS = (
    # --- 2.1, one step ----------------------------------------------------------------------------------------------
    Bug(
        STEP,
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t)",
        "sigma = at(reverse_variance(schedule, variance), t, x_t)",
        "The noise is too small wherever σ_t < 1: it is multiplied by σ_t². Which of the two multiplies z?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "schedule.alphas.sqrt(), t",
        "schedule.sqrt_alphas_cumprod, t",
        "The mean is divided by √ᾱ_t, which undoes all t steps at once. How many does eq. 13 undo?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        " / at(schedule.alphas.sqrt(), t, x_t)",
        "",
        "The mean is not divided by √α_t, so the image never grows back to its brightness. What did the step forward "
        "multiply by?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        " / at(schedule.alphas.sqrt(), t, x_t)",
        " / at(schedule.alphas, t, x_t)",
        "The mean is divided by α_t. Which power of it did the step forward multiply by?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "schedule.betas / schedule.sqrt_one_minus_alphas_cumprod",
        "schedule.betas",
        "Too little noise is taken away at small t: β_t alone is the factor of ε̂. What stands below it in eq. 13?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "schedule.betas / schedule.sqrt_one_minus_alphas_cumprod",
        "schedule.betas / (1 - schedule.alphas_cumprod)",
        "Too much noise is taken away at small t: β_t is divided by 1-ᾱ_t. Is a root missing?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "schedule.betas / schedule.sqrt_one_minus_alphas_cumprod",
        "schedule.sqrt_one_minus_alphas_cumprod",
        "All the noise is taken away in one step: its share in x_t is the factor of ε̂. How much belongs to one step?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "schedule.betas / schedule.sqrt_one_minus_alphas_cumprod",
        "schedule.alphas / schedule.sqrt_one_minus_alphas_cumprod",
        "The factor of ε̂ is α_t/√(1-ᾱ_t), far too large at small t. What is 1-α_t?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "(x_t - noise_share * eps)",
        "(x_t + noise_share * eps)",
        "The noise is added once more instead of being taken away. Which sign does ε̂ have in eq. 13?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        MEAN,
        "mean = x_t / at(schedule.alphas.sqrt(), t, x_t) - noise_share * eps",
        "Only x_t is divided by √α_t, and ε̂ is not. How far does the bracket of eq. 13 reach?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "return mean + sigma * standard_normal(x_t, generator)",
        "return mean",
        "There is no noise at any step. What does eq. 13 add to the mean?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "return mean + sigma * standard_normal(x_t, generator)",
        "return mean + sigma * standard_normal(x_t[:1], generator)",
        "All images of a batch get the same noise. How many different z should there be?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "return mean + sigma * standard_normal(x_t, generator)",
        "return mean + sigma * standard_normal(x_t[..., :1], generator)",
        "All pixels of a row get the same noise. What does the I in N(0, I) say?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "return mean + sigma * standard_normal(x_t, generator)",
        "return mean + sigma * eps",
        "The noise is the prediction ε̂ itself, so x_t = 0 stays where it is. Where does z come from?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t)",
        "sigma = at(schedule.betas.sqrt(), t, x_t)",
        "The noise has the variance β_t, also at t = 1, whichever is asked for. What does eq. 13 say of the last step?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
        wild="a well-known repository",
    ),
    Bug(
        STEP,
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t)",
        "sigma = at(schedule.posterior_variance.sqrt(), t, x_t)",
        "The noise has the variance β̃_t, whichever is asked for. What is the argument `variance` for?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_variance_recursion_of_a_one_gaussian_world",
        ),
    ),
    Bug(
        STEP,
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t)",
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t - 1, x_t)",
        "The noise is that of step t-1: at t = 2 there is none. Which t is table[t] for?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
        wild="a well-known repository",
    ),
    Bug(
        STEP,
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t)",
        "sigma = at(reverse_variance(schedule, variance).sqrt(), t, x_t) * 2**0.5",
        "The noise has twice the variance that it should have. Is it drawn, or added, twice?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "eps = denoiser(x_t, t, y)",
        "eps = denoiser(x_t, t - 1, y)",
        "The network is asked about step t-1 for an image with the noise of step t. Which t was it trained with?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "eps = denoiser(x_t, t, y)",
        "eps = denoiser(x_t, t, None)",
        "The label does not reach the network, so guided images come out as if unlabelled. What became of y?",
        tests=(
            "test_labels_reach_the_denoiser_unchanged",
            "test_classifier_guidance_works_inside_the_sampler",
        ),
    ),
    Bug(
        STEP,
        MEAN,
        "t = t[:1]; mean = (x_t - at(schedule.betas / schedule.sqrt_one_minus_alphas_cumprod, t, x_t) * eps) "
        "/ at(schedule.alphas.sqrt(), t, x_t)",
        "All images are treated as if they stood at the step of the first. Which t belongs to which image?",
        tests=("test_each_image_takes_the_step_from_its_own_t",),
    ),
    Bug(
        STEP,
        "    noise_share = at(schedule.betas / schedule.sqrt_one_minus_alphas_cumprod, t, x_t)",
        "    noise_share = (schedule.betas / schedule.sqrt_one_minus_alphas_cumprod)[t].view(-1, 1, 1).to(x_t)",
        "It works for images (B, 1, 2), and fails for images of another number of dimensions. What tells how many "
        "there are?",
        tests=("test_reverse_step_conforms_to_diffusers_at_every_t",),
    ),
    Bug(
        STEP,
        "mean + sigma * standard_normal(x_t, generator)",
        "mean + sigma * standard_normal(x_t, torch.Generator().manual_seed(0))",
        "Two calls add the same noise, and so does every step. What is drawn anew each time?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    Bug(
        STEP,
        "    eps = denoiser(x_t, t, y)\n",
        "    eps = denoiser(x_t, t, y)\n    eps = eps.clamp(-1, 1)\n",
        "Large predictions ε̂ are cut off. What is the range of a standard normal number?",
        tests=(
            "test_reverse_step_conforms_to_diffusers_at_every_t",
            "test_clipping_conforms_to_diffusers_at_every_t",
        ),
    ),
    # --- 2.2, all steps ---------------------------------------------------------------------------------------------
    Bug(
        PROCESS,
        "range(schedule.T, 0, -1)",
        "range(schedule.T - 1, 0, -1)",
        "The first step starts from T-1, though x_T has the noise of step T. From which t does it start?",
        tests=(
            "test_sampler_asks_the_network_at_T_down_to_1_and_never_at_0",
            "test_trajectory_is_indexed_by_t_and_repeats",
        ),
        wild="grids of steps that end below T",
    ),
    Bug(
        PROCESS,
        "range(schedule.T, 0, -1)",
        "range(schedule.T, 1, -1)",
        "The last step, from x_1 to x_0, is missing. Does range include its end?",
        tests=(
            "test_sampler_asks_the_network_at_T_down_to_1_and_never_at_0",
            "test_trajectory_is_indexed_by_t_and_repeats",
        ),
        wild="a DDIM that returns x_1",
    ),
    Bug(
        PROCESS,
        "range(schedule.T, 0, -1)",
        "range(schedule.T, -1, -1)",
        "There is a step at t = 0, where the image is clean already. Which t does the last step start from?",
        tests=(
            "test_sampler_asks_the_network_at_T_down_to_1_and_never_at_0",
            "test_trajectory_is_indexed_by_t_and_repeats",
        ),
    ),
    Bug(
        PROCESS,
        "range(schedule.T, 0, -1)",
        "range(1, schedule.T + 1)",
        "The steps run from 1 up to T: from clean to noisy. Which way leads from noise to an image?",
        tests=(
            "test_sampler_asks_the_network_at_T_down_to_1_and_never_at_0",
            "test_trajectory_is_indexed_by_t_and_repeats",
        ),
    ),
    Bug(
        PROCESS,
        "range(schedule.T, 0, -1)",
        "range(50, 0, -1)",
        "There are 50 steps, whatever the schedule. Where is T kept?",
        tests=(
            "test_sampler_asks_the_network_at_T_down_to_1_and_never_at_0",
            "test_trajectory_is_indexed_by_t_and_repeats",
        ),
    ),
    Bug(
        PROCESS,
        "    yield schedule.T, x\n",
        "",
        "The noise x_T that it starts from is not among the states. What is the state at t = T?",
        tests=("test_trajectory_is_indexed_by_t_and_repeats",),
    ),
    Bug(
        PROCESS,
        "yield step - 1, x",
        "yield step, x",
        "Each state is yielded with the t that the step started from. After the step from t, which t does x belong to?",
        tests=("test_trajectory_is_what_the_reverse_process_yields",),
    ),
    Bug(
        PROCESS,
        "x = reverse_step(denoiser, schedule, x, t, y, generator, variance)",
        "x = reverse_step(denoiser, schedule, x_T, t, y, generator, variance)",
        "Each step starts from x_T again. Where does a step start?",
        tests=(
            "test_variance_recursion_of_a_one_gaussian_world",
            "test_prior_error_vanishes_when_sampling_starts_at_the_exact_q_x_T",
        ),
    ),
    Bug(
        PROCESS,
        "x, t, y, generator, variance)",
        "x, t, y, generator)",
        "The variance that is asked for does not reach the steps. What is the argument `variance` for?",
        tests=("test_variance_recursion_of_a_one_gaussian_world",),
    ),
    Bug(
        PROCESS,
        "x, t, y, generator, variance)",
        "x, t, None, generator, variance)",
        "The label does not reach the denoiser, so guided images come out as if unlabelled. What became of y?",
        tests=(
            "test_labels_reach_the_denoiser_unchanged",
            "test_classifier_guidance_works_inside_the_sampler",
        ),
    ),
    Bug(
        PROCESS,
        "x, t, y, generator, variance)",
        "x, t, y, torch.Generator().manual_seed(0), variance)",
        "Every step adds the same noise, and two calls give the same images. Where do its random numbers come from?",
        tests=(
            "test_trajectory_is_indexed_by_t_and_repeats",
            "test_variance_recursion_of_a_one_gaussian_world",
        ),
    ),
    Bug(
        PROCESS,
        "x = reverse_step(denoiser, schedule, x, t, y, generator, variance)",
        "x = reverse_step(denoiser, schedule, x, t, y, generator, variance).clamp(-1, 1)",
        "Each state is held within [-1, 1], where a noisy image does not stay. Which image has a known range?",
        tests=("test_variance_recursion_of_a_one_gaussian_world",),
    ),
    # --- 2.3, the trajectory ----------------------------------------------------------------------------------------
    Bug(
        PATH,
        "torch.stack(states[::-1])",
        "torch.stack(states)",
        "trajectory[0] is the noise, and the last entry is the image. What is it indexed by?",
        tests=("test_trajectory_is_indexed_by_t_and_repeats",),
    ),
    Bug(
        PATH,
        "torch.stack(states[::-1])",
        "torch.stack(states[::-1], dim=1)",
        "The first axis of the trajectory is the images, not t. Which axis should t be?",
        tests=("test_trajectory_is_indexed_by_t_and_repeats",),
    ),
    Bug(
        PATH,
        "torch.stack(states[::-1])",
        "torch.cat(states[::-1])",
        "The states are one after another in the axis of the images. Where is the axis of t?",
        tests=("test_trajectory_is_indexed_by_t_and_repeats",),
    ),
    Bug(
        PATH,
        "torch.stack(states[::-1])",
        "torch.stack(states[:0:-1])",
        "There are T states: x_T is missing. How many are there from 0 to T?",
        tests=("test_trajectory_is_indexed_by_t_and_repeats",),
    ),
    Bug(
        PATH,
        "torch.stack(states[::-1])",
        "torch.stack(states[-2::-1])",
        "There are T states: x_0 is missing. How many are there from 0 to T?",
        tests=("test_trajectory_is_indexed_by_t_and_repeats",),
    ),
    Bug(
        PATH,
        "x_T, y, generator, variance)]",
        "x_T, y, generator)]",
        "The variance that is asked for does not reach the reverse process. What is the argument `variance` for?",
        tests=("test_trajectory_is_what_the_reverse_process_yields",),
    ),
    Bug(
        PATH,
        "x_T, y, generator, variance)]",
        "x_T, None, generator, variance)]",
        "The label does not reach the denoiser. What became of y?",
        tests=("test_labels_reach_the_denoiser_unchanged",),
    ),
    # --- 3.1, samples -----------------------------------------------------------------------------------------------
    Bug(
        SAMPLE,
        "_, x_0 = deque(reverse_process(denoiser, schedule, x_T, y, generator, variance), maxlen=1).pop()",
        "_, x_0 = next(reverse_process(denoiser, schedule, x_T, y, generator, variance))",
        "What comes back is the noise x_T. Which state of the reverse process is the image?",
        tests=(
            "test_trajectory_is_indexed_by_t_and_repeats",
            "test_variance_recursion_of_a_one_gaussian_world",
        ),
    ),
    Bug(
        SAMPLE,
        "maxlen=1).pop()",
        "maxlen=2).popleft()",
        "What comes back is x_1, one step before the end. Which state is the last?",
        tests=(
            "test_trajectory_is_indexed_by_t_and_repeats",
            "test_variance_recursion_of_a_one_gaussian_world",
        ),
    ),
    Bug(
        SAMPLE,
        "x_T, y, generator, variance)",
        "x_T, y, generator)",
        "The variance that is asked for does not reach the reverse process. What is the argument `variance` for?",
        tests=("test_variance_recursion_of_a_one_gaussian_world",),
    ),
    Bug(
        SAMPLE,
        "x_T, y, generator, variance)",
        "x_T, None, generator, variance)",
        "The label does not reach the denoiser. What became of y?",
        tests=(
            "test_labels_reach_the_denoiser_unchanged",
            "test_classifier_guidance_works_inside_the_sampler",
        ),
    ),
    Bug(
        SAMPLE,
        "return x_0",
        "return x_0.clamp(-1, 1)",
        "The images are held within [-1, 1]. What says that the data stay there?",
        tests=(
            "test_trajectory_is_indexed_by_t_and_repeats",
            "test_variance_recursion_of_a_one_gaussian_world",
        ),
    ),
    Bug(
        SAMPLE,
        "return x_0",
        "return x_0.mean(0, keepdim=True)",
        "One image comes back for the whole batch. What is the mean of all images?",
        tests=(
            "test_trajectory_is_indexed_by_t_and_repeats",
            "test_variance_recursion_of_a_one_gaussian_world",
        ),
    ),
    Bug(
        STEP,
        MEAN,
        "mean = (x_t - noise_share * eps) * at(schedule.alphas.sqrt(), t, x_t)",
        "The mean shrinks by √α_t, where the way back has to undo what the way there took. Does the whole bracket "
        "stand over √α_t, or beside it?",
        tests=("test_reverse_step_conforms_to_diffusers_at_every_t",),
    ),
)
