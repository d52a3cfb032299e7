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
        wild="many implementations: `if random() < p: y = None`",
    ),
    Bug(
        DROP,
        "return torch.where(dropped, null_label, y)",
        "y[dropped] = null_label\n    return y",
        "The labels that it was given are changed, so a dropped label is lost for every later epoch. Whose tensor is y?",
        wild="label arrays of whole data sets, wiped step by step",
    ),
    Bug(
        DROP,
        "< p",
        "> p",
        "The share of dropped labels is 1 - p. On which side of p does the coin fall, and what does each side do?",
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, 0, y)",
        "Dropped labels become class 0: the network learns that nothing is something. Which label means none?",
        wild="classes numbered from 0 with 0 as the null label",
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, -1, y)",
        "Dropped labels become -1, which a one-hot encoding refuses or wraps round. Which label means none?",
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, null_label, y).float()",
        "The labels are no longer whole numbers, which looking them up needs. What type did they have?",
    ),
    Bug(
        DROP,
        "torch.where(dropped, null_label, y)",
        "torch.where(dropped, torch.randint(null_label, y.shape, generator=generator), y)",
        "Dropped labels become random classes: that is label noise. Which label means none?",
    ),
    Bug(
        DROP,
        "    dropped = torch.rand(y.shape, generator=generator, device=generator.device).to(y.device) < p",
        "    dropped = torch.arange(len(y)) < p * len(y)",
        "It is always the first labels of the batch that are dropped. Is each label dropped by itself?",
    ),
    Bug(
        DROP,
        "torch.rand(y.shape, generator=generator, device=generator.device)",
        "torch.rand(y.shape, generator=torch.Generator().manual_seed(0))",
        "Two calls drop the same labels. What is drawn anew at each step of the training?",
    ),
    # --- 1.8, a noisy batch -----------------------------------------------------------------------------------------
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(1, schedule.T,",
        "t = T never occurs, so the network never sees the step at which sampling begins. Is the upper end of randint "
        "included?",
        wild="training loops over randint(1, T)",
    ),
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(0, schedule.T + 1,",
        "t = 0 occurs: clean images, in which there is no noise to find. Where do the steps begin?",
    ),
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(0, schedule.T,",
        "t runs from 0 to T-1. That is the counting of libraries whose tables have T entries; what is it here?",
        wild="code ported from libraries that count t from 0",
    ),
    Bug(
        BATCH,
        "torch.randint(1, schedule.T + 1,",
        "torch.randint(1, 51,",
        "t goes up to 50, whatever the schedule. Who knows how many steps there are?",
    ),
    Bug(
        BATCH,
        "(len(x0),), generator=generator, device=generator.device)",
        "(1,), generator=generator, device=generator.device).expand(len(x0))",
        "All images of a batch have the same t. What does the average over t in eq. 9 need?",
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = standard_normal(x0[:1], generator).expand_as(x0)",
        "All images of a batch have the same noise. How many different ε should there be?",
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = torch.rand(x0.shape, generator=generator, dtype=x0.dtype)",
        "The noise is uniform between 0 and 1. Which distribution does N(0, I) stand for?",
        wild="rand for randn",
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = standard_normal(x0[..., :1], generator).expand_as(x0)",
        "The pixels of an image all have the same noise: only the brightness is disturbed. What does the I in N(0, I) "
        "say?",
    ),
    Bug(
        BATCH,
        "return t, eps, add_noise(schedule, x0, t, eps)",
        "return t, standard_normal(x0, generator), add_noise(schedule, x0, t, eps)",
        "The ε that is returned is not the one in x_t, so there is nothing to learn from x_t. How often is ε drawn?",
    ),
    Bug(
        BATCH,
        "return t, eps, add_noise(schedule, x0, t, eps)",
        "return t, eps, add_noise(schedule, x0, t - 1, eps)",
        "x_t has the noise of step t-1: the network would be told the wrong noise level. Which t does add_noise want?",
        wild="network asked at t+1",
    ),
    Bug(
        BATCH,
        "return t, eps, add_noise(schedule, x0, t, eps)",
        "return t, add_noise(schedule, x0, t, eps), eps",
        "The order of what is returned is not (t, eps, x_t). What will the loss take for the noise?",
    ),
    Bug(
        BATCH,
        "eps = standard_normal(x0, generator)",
        "eps = standard_normal(x0, torch.Generator().manual_seed(0))",
        "The noise is the same in every call: the network could learn it by heart. What is drawn anew at each step?",
        wild="noise drawn once, before the loop",
    ),
    # --- 1.9, the loss ----------------------------------------------------------------------------------------------
    Bug(
        LOSS,
        "training_target(schedule, prediction, x0, t, eps)",
        "eps",
        "The target is always ε, whatever the network is asked to predict. Who knows what it should learn?",
    ),
    Bug(
        LOSS,
        "training_target(schedule, prediction, x0, t, eps)",
        "training_target(schedule, prediction, x_t, t, eps)",
        "For ε the loss is right, for x_0 and v it is not: their target is made from the noisy image. From which one "
        "should it be?",
    ),
    Bug(
        LOSS,
        "LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "F.mse_loss(network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "The loss is always the squared error, whichever is asked for. What is the argument `loss` for?",
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t, None)",
        "The network is never told a label, so it cannot learn any. What became of y?",
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t, None if y is None else y.flip(0))",
        "The labels reach the network in another order than the images. Which label belongs to which image?",
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x0, t, y)",
        "The network is shown the clean image, in which there is no noise to find. Which image should it see?",
        wild="the naive system's text, whose target is the input itself",
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t - 1, y)",
        "The network is told t-1 for an image with the noise of step t. At which t will the sampler ask it?",
    ),
    Bug(
        LOSS,
        "network(x_t, t, y)",
        "network(x_t, t, y).detach()",
        "No gradient reaches the network: its weights would never change. What does detach do?",
        wild="a `.detach()` or `torch.no_grad()` on the wrong side of the loss",
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return len(x0) * LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "The loss grows with the number of images: it is a sum over the batch. What does the E in eq. 9 stand for?",
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return LOSSES[loss](network(x_t, t, y).mean(0), training_target(schedule, prediction, x0, t, eps).mean(0))",
        "The errors are averaged over the batch before they are squared, so that they cancel. Which comes first?",
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return (network(x_t, t, y) - training_target(schedule, prediction, x0, t, eps)).square()",
        "The loss is one number for each pixel; backward wants a single one, and the other losses are not there. Which "
        "average is missing?",
    ),
    Bug(
        LOSS,
        "return LOSSES[loss](network(x_t, t, y), training_target(schedule, prediction, x0, t, eps))",
        "return LOSSES[loss](network(x_t, t, y).mean(-1, keepdim=True), "
        "training_target(schedule, prediction, x0, t, eps).mean(-1, keepdim=True))",
        "The pixels' errors are averaged before they are measured, so that opposite ones cancel. Which comes first?",
    ),
    # --- 1.10, the training loop ------------------------------------------------------------------------------------
    Bug(
        TRAIN,
        "            self.optimizer.zero_grad()\n",
        "",
        "The first step is right, and later ones go too far: each has the gradients of all before in it. Who clears "
        "them?",
    ),
    Bug(
        TRAIN,
        "            self.ema.update_parameters(self.network)\n",
        "",
        "The averaged weights are still those at the start. When does the average see the new weights?",
    ),
    Bug(
        TRAIN,
        "            self.lr_schedule.step()\n",
        "",
        "The learning rate does not fall. What follows the optimiser's step?",
    ),
    Bug(
        TRAIN,
        "            self.optimizer.step()\n            self.lr_schedule.step()\n"
        "            self.ema.update_parameters(self.network)\n",
        "            self.ema.update_parameters(self.network)\n            self.optimizer.step()\n"
        "            self.lr_schedule.step()\n",
        "The average is one step behind the weights. Is it updated before or after the optimiser's step?",
    ),
    Bug(
        TRAIN,
        "self.generator) / parts",
        "self.generator)",
        "With one part all is right; with three, loss and gradient are three times too large. Do the parts of a batch "
        "add up or average?",
    ),
    Bug(
        TRAIN,
        "for _ in range(parts):",
        "for _ in range(1):",
        "With three parts the network is only called once a step. Who does the other parts?",
    ),
    Bug(
        TRAIN,
        "                loss.backward()\n",
        "",
        "The weights never change, for no gradient is computed. What comes between the loss and the step?",
    ),
    Bug(
        TRAIN,
        "            self.losses.append(value)\n            yield value",
        "            yield value",
        "The losses are yielded but not kept, so it never counts as trained. How does `step` know where the training "
        "stands?",
    ),
    Bug(
        TRAIN,
        "            if not math.isfinite(value):\n"
        '                raise FloatingPointError(f"the loss is {value} at step {self.step + 1}")\n',
        "",
        "A loss that is not a number goes on into the weights, and everything after it is lost. What should happen "
        "first?",
    ),
    Bug(
        TRAIN,
        "while self.step < self.steps:",
        "while self.step <= self.steps:",
        "It trains one step more than it was asked to. How many losses are there before the last step?",
    ),
    Bug(
        TRAIN,
        "            self.optimizer.step()\n            self.lr_schedule.step()",
        "            self.optimizer.step()\n            self.lr_schedule.step()\n            self.lr_schedule.step()",
        "The learning rate falls twice as fast. How often does each of the two step?",
    ),
    Bug(
        TRAIN,
        "while self.step < self.steps:",
        "for _ in range(self.steps):",
        "A run that goes on after 7 of 20 steps makes 20 more. How many are left?",
    ),
    Bug(
        TRAIN,
        "yield value",
        "yield sum(self.losses) / len(self.losses)",
        "What it yields is the mean of all losses so far. Which loss belongs to this step?",
    ),
)
