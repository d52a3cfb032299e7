"""The one list of exercises: handout, assignment sheet, autograder and the table in the tests' README come from it.

To take an exercise out, delete its entry: its body then stays in the handout. To change points, change the number.
To add one, add an entry here and a question in homework/questions; bugs for it go into homework/zoo.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """What may differ from year to year: the world to learn (gmm.WORLDS), the steps T, the noise schedule.

    few: the smaller T that problem 3 compares with T.
    """

    world: str = "homework"
    T: int = 50
    schedule: str = "cosine"
    few: tuple[int, ...] = (5, 10, 25)

    @property
    def options(self):
        """What train.py must be told for it, besides --T."""
        changed = {name: getattr(self, name) for name in ("world", "schedule")}
        return "".join(f" --{name} {value}" for name, value in changed.items() if value != getattr(Version(), name))


VERSION = Version()

PROBLEMS = {
    1: "The network, the schedule, and training",
    2: "One trajectory over the estimated density",
    3: "How many steps?",
    4: "Guidance",
    5: "Handwritten digits",
}


@dataclass(frozen=True)
class Exercise:
    """A function, or a class, whose body the student writes, graded by itself.

    number "1.3", in the order of the sheet; module and name of what is graded; of a class the methods that are cut out
    of the handout; the equation or section; needs: the exercises whose code this one calls.
    """

    number: str
    points: int
    title: str
    module: str
    name: str
    equation: str
    hint: str
    methods: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def function(self):
        """The name that students see: `utils.add_noise`."""
        return f"{self.module}.{self.name}"


SCHEDULE = {
    "cosine": Exercise(
        "1.1",
        3,
        "Noise schedule",
        "utils",
        "cosine_schedule",
        "eqs. 11-12",
        "Write down ᾱ_t for t = 0 … T first. β_t is what one step takes away from it: 1 - ᾱ_t/ᾱ_{t-1}. What is β_0?",
    ),
    "linear": Exercise(
        "1.1",
        3,
        "Noise schedule",
        "utils",
        "linear_schedule",
        "Ho et al. 2020, sec. 4",
        "β_1 and β_T are both in the table, and β_0 = 0 comes before them.",
    ),
}

EXERCISES = (
    SCHEDULE[VERSION.schedule],
    Exercise(
        "1.2",
        4,
        "Tables of the schedule",
        "utils",
        "Schedule",
        "eqs. 4-5, section 2.3",
        "All tables have length T+1 and are indexed by t itself. What is ᾱ_{t-1} at t = 1?",
        methods=(
            "alphas",
            "alphas_cumprod",
            "sqrt_alphas_cumprod",
            "sqrt_one_minus_alphas_cumprod",
            "posterior_variance",
        ),
    ),
    Exercise(
        "1.3",
        3,
        "Forward noising",
        "utils",
        "add_noise",
        "eq. 3",
        "`at` reads a table at every image's own t, in a shape that multiplies x.",
        needs=("1.2",),
    ),
    Exercise(
        "1.4",
        4,
        "Step embedding",
        "ddpm",
        "StepEmbedding",
        "eq. 10",
        "x = t/T lies between 0 and 1. The w_i are drawn once, and must be saved with the weights, but not trained.",
        methods=("__init__", "forward"),
    ),
    Exercise(
        "1.5",
        5,
        "Conditioned block",
        "ddpm",
        "ConditionedBlock",
        "section 2.2",
        "Convolution, plus the two dense layers, then norm, then activation. The embeddings add one number to each "
        "channel of an image, the same for all its pixels.",
        methods=("__init__", "forward"),
    ),
    Exercise(
        "1.6",
        6,
        "Conditional UNet",
        "ddpm",
        "TwoPixelUNet",
        "section 2.2",
        "Widths are c1, c2, c1. The blocks want tables: of all steps 0 … T, and of all labels 0 … K, ∅ among them.",
        methods=("__init__", "forward"),
        needs=("1.5",),
    ),
    Exercise(
        "1.7",
        3,
        "Label dropout",
        "utils",
        "drop_labels",
        "section 2.4",
        "One coin for each image. Leave the labels that you are given as they are: return a copy.",
    ),
    Exercise(
        "1.8",
        4,
        "A noisy batch",
        "utils",
        "noised_batch",
        "section 2.4",
        "torch.randint leaves its upper end out. Every image has its own t and its own noise.",
        needs=("1.2", "1.3"),
    ),
    Exercise(
        "1.9",
        4,
        "Loss",
        "utils",
        "diffusion_loss",
        "eq. 9",
        "What the network should return is `training_target`; how far off it is, is one of `LOSSES`.",
        needs=("1.2", "1.8"),
    ),
    Exercise(
        "1.10",
        4,
        "Training loop",
        "utils",
        "Training",
        "section 2.4",
        "Gradients add up until someone clears them. The moving average follows the network after its step.",
        methods=("run",),
    ),
    Exercise(
        "2.1",
        6,
        "Reverse step",
        "utils",
        "reverse_step",
        "eq. 13",
        "The mean first, then σ_t z. `reverse_variance` gives σ_t², and `standard_normal` gives z.",
        needs=("1.2",),
    ),
    Exercise(
        "2.2",
        4,
        "Reverse process",
        "utils",
        "reverse_process",
        "eq. 13, t = T … 1",
        "A Python generator: `yield` each t with its state, first of all x_T. Which t does the last step start from?",
        needs=("1.2", "2.1"),
    ),
    Exercise(
        "2.3",
        2,
        "Trajectory",
        "utils",
        "sample_trajectory",
        "problem 2",
        "`reverse_process` yields from T down to 0; the result is indexed by t, from 0 up to T.",
        needs=("1.2", "2.1", "2.2"),
    ),
    Exercise(
        "3.1",
        2,
        "Sampling",
        "utils",
        "sample",
        "problem 3",
        "The last state of the reverse process. There is no need to keep the others.",
        needs=("1.2", "2.1", "2.2"),
    ),
    Exercise(
        "4.1",
        5,
        "Classifier-free guidance",
        "utils",
        "classifier_free_guidance",
        "eqs. 17-18",
        "It returns a denoiser: a function of (x_t, t, y). w = 0 must leave the conditional one as it is.",
    ),
    Exercise(
        "4.2",
        6,
        "Classifier guidance",
        "utils",
        "classifier_guidance",
        "eqs. 14-15",
        "The sampler runs without gradients; `torch.enable_grad` and `torch.autograd.grad` help. Which factor turns a "
        "score into noise?",
        needs=("1.2",),
    ),
    Exercise(
        "5.1",
        5,
        "Residual block",
        "ddpm",
        "ResidualBlock",
        "its docstring",
        "The docstring is the formula. Scale and shift act on each channel, after the second norm.",
        methods=("forward",),
    ),
    Exercise(
        "5.2",
        5,
        "Self-attention",
        "ddpm",
        "SelfAttention",
        "its docstring",
        "Every pixel is a token. Split the channels into heads, and put them back in the same order.",
        methods=("forward",),
    ),
    Exercise(
        "5.3",
        5,
        "Image UNet",
        "ddpm",
        "ImageUNet",
        "its docstring",
        "Each block of the decoder gets what the encoder had at the same size, after attention, in reverse order.",
        methods=("forward",),
        needs=("5.1", "5.2"),
    ),
)


@dataclass(frozen=True)
class Trained:
    """Points for the trained model itself, measured when the grader is called with --train.

    marks: (energy distance x 1e4 of 5000 samples, share of the points) from the best to the last.
    """

    number: str
    points: int
    title: str
    marks: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ByHand:
    """A figure and its description, graded by a person: task is what the sheet asks for, rubric (points, for what)."""

    number: str
    title: str
    task: str
    rubric: tuple[tuple[int, str], ...]

    @property
    def points(self):
        return sum(points for points, _ in self.rubric)


TRAINED = Trained("3.2", 6, "The trained model", marks=((4.0, 1.0), (12.0, 0.5)))

FIVE = ", ".join(str(round(VERSION.T * share / 5)) for share in range(1, 6))  # five steps, evenly spread

BY_HAND = (
    ByHand(
        "2.4",
        "Figure: a trajectory",
        f"Train with T = {VERSION.T}. Draw one denoising trajectory of a single image in the plane, over the density "
        f"of x_t at t = {FIVE}: five panels, in each the part of the trajectory from x_T to x_t. Estimate each density "
        "from at least 2000 images denoised to that t, by a histogram or a kernel estimate. In a sixth panel draw the "
        "whole trajectory over the exact density. Describe in a few sentences what you observe.",
        (
            (2, "five panels at the right t, each density estimated from states of that t, not from final samples"),
            (2, "the trajectory starts in noise, ends in a mode, and is the same one in all panels"),
            (1, "axes, t and number of samples are labelled; estimated and exact density can be distinguished"),
            (3, "says when the modes separate and when the trajectory is decided, and what the estimate cannot show"),
        ),
    ),
    ByHand(
        "3.3",
        "Figure: few steps and many",
        f"Train one model for each T = {', '.join(map(str, VERSION.few))}, {VERSION.T}. Denoise 5000 starting points "
        "with each. Draw a grid of 2 columns, a row for each T: on the left the samples as dots over the exact "
        "density, on the right the density estimated from them. Put the energy distances of the score cards, with "
        "their noise floor, in a table. Describe how the distribution changes with T.",
        (
            (3, "one model for each T, trained to the end (the loss is near its floor)"),
            (2, "all panels share axes and levels; samples outside the axes are counted, not hidden"),
            (2, "a table of energy distances beside the oracle's, and the noise floor"),
            (3, "describes what few steps do to the width and the weights of the modes, from numbers"),
            (2, "says whose error it is, the network's or the sampler's: the oracle's column gives the answer"),
        ),
    ),
    ByHand(
        "4.3",
        "Figure: guidance",
        "From the same starting noise, and with the same noise on the way, draw the trajectories for y = 0 and for "
        "y = 1 over the exact density, once with classifier-free and once with classifier guidance "
        f"(`python train.py --T {VERSION.T}{VERSION.options} --classifier` also trains the classifier). Try two values "
        "of w, with s = 1 + w for the classifier, so that both kinds aim at the same result. Describe what you find.",
        (
            (3, "both labels from the same x_T, each ending in its own class, for both kinds of guidance"),
            (2, "two values of w, in the convention of eq. 18: w = 0 is the plain conditional prediction"),
            (2, "describes where the trajectories part, and what w changes"),
            (2, "compares both kinds: do their trajectories agree? how many network calls does each cost?"),
        ),
    ),
    ByHand(
        "5.4",
        "Figure: ten of each digit",
        "Train on MNIST with T = 200 or more. Generate ten images of each digit, and show all of them in a grid of "
        "10 x 10, a row for each digit. State T, the guidance weight, the training steps and the time that they took. "
        "Describe the diversity within each digit.",
        (
            (3, "100 generated digits, of which nearly all can be read as what their row says"),
            (2, "states T, guidance weight, training steps, and the time that they took"),
            (3, "describes diversity digit by digit, with at least one number or a comparison with real digits"),
        ),
    ),
    ByHand(
        "5.5",
        "Figure and question: part by part?",
        "Show one digit on its way from noise to the image, at nine steps, evenly spread from T to 0 (for T = 200: "
        "200, 175, 150, 125, 100, 75, 50, 25, 0). Answer: is the shape drawn part by part, or all at once? Say what "
        "you would measure to decide it.",
        (
            (3, "nine images of one trajectory, in order, with their t"),
            (2, "a clear answer that refers to the images"),
            (2, "a measurement that could prove the answer wrong"),
        ),
    ),
)


def items(problem):
    """Everything that has points in a problem, in order: exercises, the trained model, what is graded by hand."""
    everything = (*EXERCISES, TRAINED, *BY_HAND)
    return sorted(
        (i for i in everything if i.number.startswith(f"{problem}.")), key=lambda i: int(i.number.split(".")[1])
    )


def exercise_of(function):
    """The exercise that grades a function, of this year's or of another's. KeyError if there is none."""
    return {e.function: e for e in (*SCHEDULE.values(), *EXERCISES)}[function]


def exercise(number):
    """The exercise of that number. KeyError if there is none."""
    return {e.number: e for e in EXERCISES}[number]
