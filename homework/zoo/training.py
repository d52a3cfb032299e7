"""Wrong label dropout, batches, losses and training loops: exercises 1.7 to 1.10."""

from homework.zoo.bug import Bug

DROP, BATCH, LOSS, TRAIN = "utils.drop_labels", "utils.noised_batch", "utils.diffusion_loss", "utils.Training"

BUGS = (
    # --- 1.7, label dropout -----------------------------------------------------------------------------------------
    Bug(
        DROP,
        "torch.rand(y.shape,",
        "torch.rand((1,) * y.ndim,",
        "Either all labels of a batch are dropped or none. How many coins are tossed?",
        tests=("test_labels_are_dropped_one_by_one_and_into_a_copy",),
        wild="much-copied code: `if random() < 0.1: labels = None`",
    ),
    Bug(
        DROP,
        "return torch.where(dropped, null_label, y)",
        "y[dropped] = null_label\n    return y",
        "The labels that it was given are changed: a dropped label is lost for every later epoch. Whose tensor is y?",
        tests=("test_labels_are_dropped_one_by_one_and_into_a_copy",),
    ),
    Bug(
        DROP,
        "< p",
        "> p",
        "The share of dropped labels is 1 - p. On which side of p does the coin fall, and what does each side do?",
        tests=("test_labels_are_dropped_one_by_one_and_into_a_copy",),
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, 0, y)",
        "Dropped labels become class 0: the network learns that nothing is something. Which label means none?",
        tests=("test_labels_are_dropped_one_by_one_and_into_a_copy",),
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, -1, y)",
        "Dropped labels become -1, which a one-hot encoding refuses or wraps round. Which label means none?",
        tests=("test_labels_are_dropped_one_by_one_and_into_a_copy",),
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, null_label, y).float()",
        "The labels are no longer whole numbers, which looking them up needs. What type did they have?",
        tests=("test_labels_are_dropped_anew_at_each_call_and_anywhere_in_the_batch",),
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, torch.randint(null_label, y.shape, generator=generator), y)",
        "Dropped labels become random classes: that is label noise. Which label means none?",
        tests=("test_labels_are_dropped_one_by_one_and_into_a_copy",),
    ),
    Bug(
        DROP,
        "    dropped = torch.rand(y.shape, generator=generator, device=generator.device).to(y.device) < p",
        "    dropped = torch.arange(len(y)) < p * len(y)",
        "It is always the first labels of the batch that are dropped. Is each label dropped by itself?",
        tests=("test_labels_are_dropped_anew_at_each_call_and_anywhere_in_the_batch",),
    ),
    Bug(
        DROP,
        "torch.rand(y.shape, generator=generator, device=generator.device)",
        "torch.rand(y.shape, generator=torch.Generator().manual_seed(0))",
        "Two calls drop the same labels. What is drawn anew at each step of the training?",
        tests=("test_labels_are_dropped_anew_at_each_call_and_anywhere_in_the_batch",),
    ),
    # --- 1.8, a noisy batch -----------------------------------------------------------------------------------------
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(1, schedule.T,",
        "t = T never occurs, so the network never sees the step at which sampling begins. Is the upper end of randint "
        "included?",
        tests=(
            "test_training_draws_every_step_from_1_to_T_equally_often",
            "test_oracle_has_the_loss_of_the_floor",
        ),
        wild="much-copied code: `torch.randint(low=1, high=T)`",
    ),
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(0, schedule.T + 1,",
        "t = 0 occurs: clean images, in which there is no noise to find. Where do the steps begin?",
        tests=(
            "test_training_draws_every_step_from_1_to_T_equally_often",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(0, schedule.T,",
        "t runs from 0 to T-1. That is the counting of libraries whose tables have T entries; what is it here?",
        tests=(
            "test_training_draws_every_step_from_1_to_T_equally_often",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(1, 51,",
        "t goes up to 50, whatever the schedule. Where is T kept?",
        tests=(
            "test_training_noise_is_standard_normal_and_its_own_for_each_image",
            "test_training_draws_every_step_from_1_to_T_equally_often",
        ),
    ),
    Bug(
        BATCH,
        "(len(x0),), generator=generator, device=generator.device)",
        "(1,), generator=generator, device=generator.device).expand(len(x0))",
        "All images of a batch have the same t, so a batch tells of one step only. How many t does section 2.4 "
        "ask for?",
        tests=("test_training_draws_every_step_from_1_to_T_equally_often",),
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = standard_normal(x0[:1], generator).expand_as(x0)",
        "All images of a batch have the same noise. How many different ε should there be?",
        tests=(
            "test_training_noise_is_standard_normal_and_its_own_for_each_image",
            "test_exact_posterior_has_the_least_cross_entropy",
        ),
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = torch.rand(x0.shape, generator=generator, dtype=x0.dtype)",
        "The noise is uniform between 0 and 1. Which distribution does N(0, I) stand for?",
        tests=(
            "test_training_noise_is_standard_normal_and_its_own_for_each_image",
            "test_exact_posterior_has_the_least_cross_entropy",
        ),
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = standard_normal(x0[..., :1], generator).expand_as(x0)",
        "The pixels of an image all have the same noise: only the brightness is disturbed. What does the I in N(0, I) "
        "say?",
        tests=(
            "test_training_noise_is_standard_normal_and_its_own_for_each_image",
            "test_exact_posterior_has_the_least_cross_entropy",
        ),
    ),
    Bug(
        BATCH,
        "return t, eps, add_noise(schedule, x0, t, eps)",
        "return t, standard_normal(x0, generator), add_noise(schedule, x0, t, eps)",
        "The ε that is returned is not the one in x_t, so there is nothing to learn from x_t. How often is ε drawn?",
        tests=(
            "test_oracle_has_the_loss_of_the_floor",
            "test_training_learns_and_its_learning_rate_falls_to_zero",
        ),
    ),
    Bug(
        BATCH,
        "return t, eps, add_noise(schedule, x0, t, eps)",
        "return t, eps, add_noise(schedule, x0, t - 1, eps)",
        "x_t has the noise of step t-1: the network would be told the wrong noise level. Which t does add_noise want?",
        tests=(
            "test_exact_posterior_has_the_least_cross_entropy",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        BATCH,
        "return t, eps, add_noise(schedule, x0, t, eps)",
        "return t, add_noise(schedule, x0, t, eps), eps",
        "The order of what is returned is not (t, eps, x_t). What will the loss take for the noise?",
        tests=(
            "test_training_noise_is_standard_normal_and_its_own_for_each_image",
            "test_exact_posterior_has_the_least_cross_entropy",
        ),
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = standard_normal(x0, torch.Generator().manual_seed(0))",
        "The noise is the same in every call: the network could learn it by heart. What is drawn anew at each step?",
        tests=("test_exact_posterior_has_the_least_cross_entropy",),
    ),
    # --- 1.9, the loss ----------------------------------------------------------------------------------------------
    Bug(
        LOSS,
        "training_target(schedule, prediction, x0, t, eps)",
        "eps",
        "The target is always ε, whatever the network is asked to predict. Which function knows the target?",
        tests=("test_network_is_given_the_noisy_image_its_step_and_its_label",),
    ),
    Bug(
        LOSS,
        "training_target(schedule, prediction, x0, t, eps)",
        "training_target(schedule, prediction, x_t, t, eps)",
        "For ε the loss is right, for x_0 and v it is not: their target is made from the noisy image. From which one "
        "should it be?",
        tests=("test_network_is_given_the_noisy_image_its_step_and_its_label",),
    ),
    Bug(
        LOSS,
        "LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "F.mse_loss(network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "The loss is always the squared error, whichever is asked for. What is the argument `loss` for?",
        tests=("test_losses_are_what_their_names_say",),
    ),
    Bug(
        LOSS,
        "LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "F.mse_loss(network(x_t, t, y), eps)",
        "The loss is always the squared error of ε, whatever is predicted and however it is measured. What are the "
        "arguments `prediction` and `loss` for?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_losses_are_what_their_names_say",
        ),
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t, None)",
        "The network is never told a label, so it cannot learn any. What became of y?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t, None if y is None else y.flip(0))",
        "The labels reach the network in another order than the images. Which label belongs to which image?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x0, t, y)",
        "The network is shown the clean image, in which there is no noise to find. Which image should it see?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_oracle_has_the_loss_of_the_floor",
        ),
        wild="the text of the naive system, whose target is the input itself",
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t - 1, y)",
        "The network is told t-1 for an image with the noise of step t. At which t will the sampler ask it?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t, y).detach()",
        "No gradient reaches the network: its weights would never change. What does detach do?",
        tests=(
            "test_training_learns_and_its_learning_rate_falls_to_zero",
            "test_loss_that_is_not_finite_stops_training_before_the_weights_change",
        ),
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return len(x0) * LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "The loss grows with the number of images: it is a sum over the batch. What does eq. 9 do over pixels and "
        "images?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_losses_are_what_their_names_say",
        ),
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return LOSSES[loss](network(x_t, t, y).mean(0), training_target(schedule, prediction, x0, t, eps).mean(0))",
        "The errors are averaged over the batch before they are squared, so that they cancel. Which comes first?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return (network(x_t, t, y) - training_target(schedule, prediction, x0, t, eps)).square()",
        "The loss is one number for each pixel; backward wants a single one, and the other losses are not there. Which "
        "average is missing?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_losses_are_what_their_names_say",
        ),
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return LOSSES[loss](network(x_t, t, y).mean(-1, keepdim=True), "
        "training_target(schedule, prediction, x0, t, eps).mean(-1, keepdim=True))",
        "The pixels' errors are averaged before they are measured, so that opposite ones cancel. Which comes first?",
        tests=(
            "test_network_is_given_the_noisy_image_its_step_and_its_label",
            "test_oracle_has_the_loss_of_the_floor",
        ),
    ),
    # --- 1.10, the training loop ------------------------------------------------------------------------------------
    Bug(
        TRAIN,
        "            self.optimizer.zero_grad()\n",
        "",
        "The first step is right, and later ones go astray: each contains the gradients of all steps before. What "
        "clears them?",
        tests=("test_resumed_training_ends_with_the_same_weights",),
    ),
    Bug(
        TRAIN,
        "            self.ema.update_parameters(self.network)\n",
        "",
        "The averaged weights are still those at the start. When does the average see the new weights?",
        tests=("test_moving_average_is_of_weights_and_leaves_buffers_alone",),
    ),
    Bug(
        TRAIN,
        "            self.lr_schedule.step()\n",
        "",
        "The learning rate does not fall. What follows the optimiser's step?",
        tests=(
            "test_training_goes_on_to_more_steps_at_the_longer_runs_learning_rate",
            "test_training_learns_and_its_learning_rate_falls_to_zero",
        ),
    ),
    Bug(
        TRAIN,
        "            self.optimizer.step()\n            self.lr_schedule.step()\n"
        "            self.ema.update_parameters(self.network)\n",
        "            self.ema.update_parameters(self.network)\n            self.optimizer.step()\n"
        "            self.lr_schedule.step()\n",
        "The average is one step behind the weights. Is it updated before or after the optimiser's step?",
        tests=("test_moving_average_is_of_weights_and_leaves_buffers_alone",),
    ),
    Bug(
        TRAIN,
        "self.generator) / parts",
        "self.generator)",
        "With one part all is right; with three, loss and gradient are three times too large. Do the parts of a batch "
        "add up or average?",
        tests=("test_every_loss_is_yielded_as_it_is_and_is_that_of_all_parts",),
    ),
    Bug(
        TRAIN,
        "for _ in range(parts):",
        "for _ in range(1):",
        "With three parts the network is only called once a step. How often should it be called?",
        tests=("test_every_loss_is_yielded_as_it_is_and_is_that_of_all_parts",),
    ),
    Bug(
        TRAIN,
        "                loss.backward()\n",
        "",
        "The weights never change, for no gradient is computed. What comes between the loss and the step?",
        tests=("test_training_learns_and_its_learning_rate_falls_to_zero",),
    ),
    Bug(
        TRAIN,
        "            self.losses.append(value)\n            yield value",
        "            yield value",
        "The losses are yielded but not kept, so `step` stays 0, and the run never ends. What does `step` count?",
        tests=(
            "test_training_goes_on_to_more_steps_at_the_longer_runs_learning_rate",
            "test_training_learns_and_its_learning_rate_falls_to_zero",
        ),
    ),
    Bug(
        TRAIN,
        "            if not math.isfinite(value):\n"
        '                raise FloatingPointError(f"the loss is {value} at step {self.step + 1}")\n',
        "",
        "A loss that is not a number goes on into the weights, and everything after it is lost. What should happen "
        "first?",
        tests=("test_loss_that_is_not_finite_stops_training_before_the_weights_change",),
    ),
    Bug(
        TRAIN,
        "if not math.isfinite(value):",
        "if math.isnan(value):",
        "A loss that is infinite goes on into the weights. Which losses should stop it, besides NaN?",
        tests=("test_loss_that_is_not_finite_stops_training_before_the_weights_change",),
    ),
    Bug(
        TRAIN,
        "value += loss.item()",
        "value = loss.item()",
        "The loss of several parts is that of the last one. How do the parts of a loss come together?",
        tests=("test_every_loss_is_yielded_as_it_is_and_is_that_of_all_parts",),
    ),
    Bug(
        TRAIN,
        "while self.step < self.steps:",
        "while self.step <= self.steps:",
        "It trains one step more than it was asked to. How many losses are there before the last step?",
        tests=(
            "test_training_goes_on_to_more_steps_at_the_longer_runs_learning_rate",
            "test_training_learns_and_its_learning_rate_falls_to_zero",
        ),
    ),
    Bug(
        TRAIN,
        "            self.optimizer.step()\n            self.lr_schedule.step()",
        "            self.optimizer.step()\n            self.lr_schedule.step()\n            self.lr_schedule.step()",
        "The learning rate falls twice as fast. How often does each of the two step?",
        tests=(
            "test_training_goes_on_to_more_steps_at_the_longer_runs_learning_rate",
            "test_training_learns_and_its_learning_rate_falls_to_zero",
        ),
    ),
    Bug(
        TRAIN,
        "while self.step < self.steps:",
        "for _ in range(self.steps):",
        "A run that goes on after 7 of 20 steps makes 20 more. How many are left?",
        tests=(
            "test_training_goes_on_to_more_steps_at_the_longer_runs_learning_rate",
            "test_resumed_training_ends_with_the_same_weights",
        ),
    ),
    Bug(
        TRAIN,
        "yield value",
        "yield sum(self.losses) / len(self.losses)",
        "What it yields is the mean of all losses so far. Which loss belongs to this step?",
        tests=("test_every_loss_is_yielded_as_it_is_and_is_that_of_all_parts",),
    ),
    Bug(
        LOSS,
        "LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "LOSSES[loss](eps_from_output(schedule, prediction, network(x_t, t, y), x_t, t), eps)",
        "For ε the loss is right; for v and x_0 it is still that of ε̂, not of what the network predicts. What does "
        "training_target give you?",
        tests=("test_network_is_given_the_noisy_image_its_step_and_its_label",),
    ),
)
