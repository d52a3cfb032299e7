"""Progressive distillation: a student that takes in one step of the probability flow what its teacher takes in several.

Salimans & Ho 2022, algorithm 2. The student has its teacher's network, weights to begin with, and schedule; it is
asked at fewer t. Each stage makes a student of 2 or 3 times fewer steps, which then teaches the next one.
"""

import copy
from dataclasses import asdict, replace
from functools import partial
from itertools import pairwise

import torch

from experiments import parallel
from experiments.checkpoint import CheckpointError, fingerprint
from experiments.experiment import load_config, load_denoiser, save_config
from samplers import steps_of
from utils import (
    LOSSES,
    add_noise,
    at,
    classifier_free_guidance,
    eps_denoiser,
    eps_from_x0,
    standard_normal,
    training_target,
    x0_from_eps,
)


def stages(N, n):
    """Steps of the teacher and of the students after it, from at most N down to n: (48, 16, 8, 4) for N = 50, n = 4.

    Halves, but for the first stage, which may be a third, so that few of the teacher's N steps are left out.
    ValueError unless 1 ≤ n ≤ N/2.
    """
    if not 1 <= n <= N // 2:
        possible = f"1 to {N // 2}" if N > 3 else "1" if N > 1 else "none"
        raise ValueError(f"a student of {n}: it takes at most half of its teacher's steps, here {N}, so {possible}")
    numbers = [n]
    while 2 * numbers[-1] <= N:
        numbers.append(2 * numbers[-1])
    if len(numbers) > 1 and 3 * numbers[-2] <= N:
        numbers[-1] = 3 * numbers[-2]
    return numbers[::-1]


@torch.no_grad()
def along_the_flow(denoiser, schedule, x, y, steps):
    """From x_t along the probability flow by DDIM (Song et al. 2021, eq. 12): x_s = a_s x̂_0 + b_s ε̂ (eq. 3 again).

    steps are the t from the first to the last s, each (B,): every image may have its own.
    """
    for t, s in pairwise(steps):
        eps = denoiser(x, t, y)
        x = add_noise(schedule, x0_from_eps(schedule, x, t, eps), s, eps)
    return x


def x0_of_one_step(schedule, x_t, t, x_s, s):
    """The x̂_0 with which one step of DDIM leads from x_t to x_s: (x_s - r x_t)/(a_s - r a_t), r = b_s/b_t.

    Salimans & Ho 2022, app. G, solved for x̂_0.
    """
    r = at(schedule.sqrt_one_minus_alphas_cumprod, s, x_t) / at(schedule.sqrt_one_minus_alphas_cumprod, t, x_t)
    a_t, a_s = at(schedule.sqrt_alphas_cumprod, t, x_t), at(schedule.sqrt_alphas_cumprod, s, x_t)
    return (x_s - r * x_t) / (a_s - r * a_t)


def distillation_loss(student, schedule, x0, y, generator, prediction, loss, *, teacher, n, ratio):
    """The training loss of a student of n steps, with a teacher (a denoiser) of `ratio` times as many. A scalar.

    The student's step from t to s is uniform among its n; what it should predict is what ε-, x_0- or v-prediction mean
    by the x̃_0 of the teacher's way. For v its squared error weighs that of x̂_0 by SNR + 1 (Salimans & Ho, sec. 4).
    """
    grid = torch.tensor(steps_of(schedule.T, n * ratio)[::-1], device=x0.device)  # the teacher's t, from 0 up
    end = ratio * torch.randint(n, (len(x0),), generator=generator, device=generator.device).to(x0.device)
    ts = [grid[end + j] for j in range(ratio, -1, -1)]
    t, s = ts[0], ts[-1]
    x_t = add_noise(schedule, x0, t, standard_normal(x0, generator))
    x0_taught = x0_of_one_step(schedule, x_t, t, along_the_flow(teacher, schedule, x_t, y, ts), s)
    eps_taught = eps_from_x0(schedule, x_t, t, x0_taught)
    return LOSSES[loss](student(x_t, t, y), training_target(schedule, prediction, x0_taught, t, eps_taught))


# --- on the command line ----------------------------------------------------------------------------------------------

# what a student need not have of its teacher
OF_TRAINING = {"steps", "batch_size", "label_dropout", "loss", "lr", "seed", "classifier"}
OF_SAMPLING = {"variance", "sampler", "sampling_steps", "teacher", "teacher_weights", "teacher_steps", "guidance"}


def defaults(data):
    """The settings of a student where nothing else is asked for; steps are those of each stage."""
    asked = {"T": None, "sampler": "ddim", "sampling_steps": None, "teacher_steps": None, "guidance": 0.0}
    if data == "two_pixel":
        return asked | {"steps": 1500, "lr": 1e-3, "classifier": False}
    return asked | {"steps": 2000, "batch_size": 128, "lr": 3e-4}


def as_student(args, teacher):
    """Make a student's settings of the arguments, in place; teacher: its settings. ValueError if they do not fit.

    --T is the number of the student's steps; its schedule, as all that belongs to the network, is the teacher's.
    """
    if args.T is None:
        raise ValueError("--distill needs --T, the number of steps that the student takes")
    if args.sampler != "ddim" or args.sampling_steps is not None:
        raise ValueError("--distill: a student's sampler is ddim, and --T is the number of its steps")
    if args.teacher_steps is not None and args.teacher_steps > teacher.visits:
        raise ValueError(f"--teacher-steps {args.teacher_steps}: {args.distill} takes {teacher.visits}")
    stages(args.teacher_steps or teacher.visits, args.T)
    args.T, args.sampling_steps, args.teacher = teacher.T, args.T, str(args.distill)
    args.teacher_weights = fingerprint(args.distill)
    for name, value in asdict(teacher).items():
        if name not in OF_TRAINING | OF_SAMPLING and getattr(args, name) != value:
            raise ValueError(f"{args.distill} was trained with {name} = {value}, not {getattr(args, name)}")


def load_teacher(experiment):
    """The experiment of the teacher in the config, with its weights.

    CheckpointError if it is no finished run, or is not that, any more, with which the student began.
    """
    config = experiment.config
    try:
        teacher = type(experiment)(load_config(config.teacher, type(config)), experiment.device)
        load_denoiser(config.teacher, teacher)
    except CheckpointError as error:
        raise CheckpointError(f"the teacher of this student is not a finished run: {error}") from None
    if config.teacher_weights not in (None, fingerprint(config.teacher)):
        raise CheckpointError(f"{config.teacher} is not the teacher any more that this student began with")
    return teacher


def train_students(experiment, out, train):
    """Train one student after another, each taught by the one before; the `Training` of the last.

    The experiment's config names the first teacher and the last student. train(name, network, loss_of, out=…,
    config=…) trains in a folder; that of a student of n steps on the way is n-steps, in `out`.
    """
    config = experiment.config
    teacher = load_teacher(experiment)
    numbers = stages(config.teacher_steps or teacher.config.visits, config.sampling_steps)
    network, w = teacher.network, config.guidance
    parallel.from_first(lambda: save_config(out, config))  # for --resume, from the first stage on
    for N, n in pairwise(numbers):
        denoiser = eps_denoiser(network, experiment.schedule, config.prediction)
        if w and numbers[0] == N:
            denoiser = classifier_free_guidance(denoiser, w)
        denoiser = experiment.clipped(denoiser)
        experiment.objective = partial(distillation_loss, teacher=denoiser, n=n, ratio=N // n)
        folder = out if n == config.sampling_steps else out / f"{n}-steps"
        parallel.from_first(lambda folder=folder: folder.mkdir(exist_ok=True))
        experiment.network.load_state_dict(network.state_dict())
        student = copy.deepcopy(experiment.network)
        training = train("denoiser", student, experiment.loss, out=folder, config=replace(config, sampling_steps=n))
        network = training.ema.module
    return training
