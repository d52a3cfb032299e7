"""The one list of exercises: handout, assignment sheet, autograder and the table in the tests' README come from it.

To take an exercise out, delete its entry: its body then stays in the handout. To change points, change the number.
To add one, add an entry here and a question in homework/questions.py; bugs for it go into homework/zoo.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Version:
    """What may differ from year to year: the world to learn (gmm.WORLDS), the most steps, the noise schedule."""

    world: str = "homework"
    T: int = 50
    schedule: str = "cosine"


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
    def problem(self):
        return int(self.number.split(".")[0])

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
        "Convolution, plus the two dense layers, then norm, then activation. One number for each channel and image.",
        methods=("__init__", "forward"),
    ),
    Exercise(
        "1.6",
        6,
        "Conditional UNet",
        "ddpm",
        "TwoPixelUNet",
        "section 2.2",
        "Write the length of the image after each block beside the line. The last block gets the skip connection.",
        methods=("__init__", "forward"),
        needs=("1.4", "1.5"),
    ),
    Exercise(
        "1.7",
        3,
        "Label dropout",
        "utils",
        "drop_labels",
        "section 2.4",
        "One coin for each image. The labels that you are given belong to someone else.",
    ),
    Exercise(
        "1.8",
        4,
        "A noisy batch",
        "utils",
        "noised_batch",
        "section 2.4",
        "torch.randint leaves its upper end out. Every image has its own t and its own noise.",
        needs=("1.3",),
    ),
    Exercise(
        "1.9",
        4,
        "Loss",
        "utils",
        "diffusion_loss",
        "eq. 9",
        "What the network should return is `training_target`; how far off it is, is one of `LOSSES`.",
        needs=("1.8",),
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
        "A generator: `yield` each state with its t, the given noise x_T first. Which t does the last step start from?",
        needs=("2.1",),
    ),
    Exercise(
        "2.3",
        2,
        "Trajectory",
        "utils",
        "sample_trajectory",
        "problem 2",
        "`reverse_process` yields from T down to 0; the result is indexed by t, from 0 up to T.",
        needs=("2.2",),
    ),
    Exercise(
        "3.1",
        2,
        "Sampling",
        "utils",
        "sample",
        "problem 3",
        "The last state of the reverse process. There is no need to keep the others.",
        needs=("2.2",),
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
        "The sampler runs without gradients; `torch.enable_grad` and `torch.autograd.grad` help. Which sign turns a "
        "score into noise?",
        needs=("1.2",),
    ),
    Exercise(
        "5.1",
        5,
        "Residual block",
        "ddpm",
        "ResidualBlock",
        "problem 5",
        "The docstring is the formula. Scale and shift act on each channel, after the second norm.",
        methods=("forward",),
    ),
    Exercise(
        "5.2",
        5,
        "Self-attention",
        "ddpm",
        "SelfAttention",
        "problem 5",
        "Every pixel is a token. Split the channels into heads, and put them back in the same order.",
        methods=("forward",),
    ),
    Exercise(
        "5.3",
        5,
        "Image UNet",
        "ddpm",
        "ImageUNet",
        "problem 5",
        "Each block of the decoder gets what the encoder's block of the same size gave, in reverse order.",
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


def exercise(number):
    """The exercise of that number. KeyError if there is none."""
    return {e.number: e for e in EXERCISES}[number]
