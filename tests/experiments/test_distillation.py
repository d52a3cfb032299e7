"""Progressive distillation: the target is what the teacher does, by hand and on the exact flow; students learn it."""

import copy
import math
from dataclasses import asdict
from functools import partial
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from experiments.checkpoint import save_weights
from experiments.distillation import along_the_flow, distillation_loss, stages, train_students, x0_of_one_step
from experiments.experiment import save_config
from experiments.two_pixel import Config, TwoPixel
from gmm import ExactDenoiser, GaussianMixture
from samplers import ddim, last, steps_of
from utils import Training, classifier_free_guidance, cosine_schedule, eps_denoiser, eps_from_output

ONE = GaussianMixture([[0.4, -0.3]], 0.5, [1.0])


def test_stages_halve_down_to_the_student_and_leave_few_of_the_teachers_steps_out():
    assert stages(50, 4) == [48, 16, 8, 4]
    assert stages(50, 1) == [48, 16, 8, 4, 2, 1]
    assert stages(200, 4) == [192, 64, 32, 16, 8, 4]
    assert stages(4, 2) == [4, 2]
    assert stages(3, 1) == [3, 1]
    for N in range(2, 60):
        for n in range(1, N // 2 + 1):
            numbers = stages(N, n)
            assert numbers[-1] == n
            assert numbers[0] <= N < 3 * numbers[0] / 2 + n
            assert all(before % after == 0 for before, after in pairwise(numbers))


@pytest.mark.parametrize("n", [0, 26, 50])
def test_students_that_cannot_be_are_refused(n):
    with pytest.raises(ValueError, match="here 50, so 1 to 25"):
        stages(50, n)


def test_one_step_with_the_taught_x0_lands_where_the_teacher_does(generator):
    """For steps of any length, one for each image, the last to s = 0 among them: by DDIM itself."""
    schedule, world = cosine_schedule(50), ExactDenoiser(ONE, cosine_schedule(50).alphas_cumprod)
    x_t = torch.randn(6, 1, 2, generator=generator, dtype=torch.float64)
    ts = [
        torch.tensor([50, 40, 30, 20, 9, 2]),
        torch.tensor([45, 33, 29, 7, 4, 1]),
        torch.tensor([40, 30, 25, 3, 1, 0]),
    ]
    x_s = along_the_flow(world, schedule, x_t, None, ts)
    x0 = x0_of_one_step(schedule, x_t, ts[0], x_s, ts[2])
    for i in range(6):
        steps = [int(t[i]) for t in ts]
        teacher = last(ddim(world, schedule, steps, x_t[i : i + 1], None, generator))
        torch.testing.assert_close(x_s[i : i + 1], teacher, rtol=1e-9, atol=1e-9)

        def student(x, t, y, x0=x0[i : i + 1]):
            return eps_from_output(schedule, "x0", x0, x, t)

        once = last(ddim(student, schedule, [steps[0], steps[2]], x_t[i : i + 1], None, generator))
        torch.testing.assert_close(once, teacher, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("prediction", ["eps", "v", "x0", "u"])
def test_loss_is_zero_for_the_student_that_jumps_as_its_teacher_walks(prediction, generator):
    """On one Gaussian DDIM is linear in x, x_s = A x_t + B with A and B found from two points: no training needed."""
    schedule, n, ratio = cosine_schedule(48), 4, 4
    teacher = ExactDenoiser(ONE, schedule.alphas_cumprod)

    def student(x, t, y):
        """What the prediction means by the x̂_0 that leads in one step to where the teacher's walk does."""
        start = int(t[0])
        walk = last(ddim(teacher, schedule, list(range(start, start - 13, -3)), x, None, generator))
        x0 = x0_of_one_step(schedule, x, t, walk, t - 12)
        a, b = schedule.sqrt_alphas_cumprod[start], schedule.sqrt_one_minus_alphas_cumprod[start]
        eps = (x - a * x0) / b
        return {"eps": eps, "x0": x0, "v": a * eps - b * x0, "u": eps - x0}[prediction]

    for _ in range(8):
        x0 = torch.randn(1, 1, 2, generator=generator, dtype=torch.float64)
        loss = distillation_loss(
            student, schedule, x0, None, generator, prediction, "l2", teacher=teacher, n=n, ratio=ratio
        )
        assert float(loss) < 1e-16

        def wrong(x, t, y):
            return student(x, t, y) + 0.1

        loss = distillation_loss(
            wrong, schedule, x0, None, generator, prediction, "l2", teacher=teacher, n=n, ratio=ratio
        )
        assert float(loss) == pytest.approx(0.01, rel=1e-6)


def test_student_is_asked_at_each_of_its_own_steps_alone(generator):
    """t at which the student is trained: all those of its sampler, T among them, and no other."""
    schedule, asked, taught = cosine_schedule(50), set(), set()

    def student(x, t, y):
        asked.update(t.tolist())
        return x

    def teacher(x, t, y):
        taught.update(t.tolist())
        return x

    x0 = torch.zeros(300, 1, 2)
    distillation_loss(student, schedule, x0, None, generator, "v", "l2", teacher=teacher, n=4, ratio=2)
    assert asked == set(steps_of(50, 4)[:-1])
    assert taught == set(steps_of(50, 8)[:-1])


class Line(torch.nn.Module):
    """v̂ = p_t x + q_t for each t: can be right for one Gaussian, and nothing else."""

    def __init__(self, T):
        super().__init__()
        self.p, self.q = torch.nn.Embedding(T + 1, 1), torch.nn.Embedding(T + 1, 2)

    def forward(self, x, t, y=None):
        return self.p(t).unsqueeze(2) * x + self.q(t).unsqueeze(1)


def test_student_of_the_oracles_flow_draws_in_one_step_what_the_oracle_draws_in_48(generator):
    """One Gaussian, where the exact flow is known: x_0 = μ + σ x_T, but for the teacher's own 48 steps of DDIM."""
    schedule = cosine_schedule(48)
    teacher, numbers = ExactDenoiser(ONE, schedule.alphas_cumprod), stages(48, 1)
    x_T = torch.randn(1000, 1, 2, generator=generator)
    taught = last(ddim(teacher, schedule, steps_of(48, 48), x_T, None, generator))
    for N, n in pairwise(numbers):
        student = Line(48)
        objective = partial(distillation_loss, teacher=teacher, n=n, ratio=N // n)

        def loss(network, generator, objective=objective):
            x0, _ = ONE.sample(256, generator)
            return objective(network, schedule, x0.float().unsqueeze(1), None, generator, "v", "l2")

        training = Training(student, 600, 0.05, generator)
        for _ in training.run(loss):
            pass
        teacher = eps_denoiser(training.ema.module, schedule, "v")
    drawn = last(ddim(teacher, schedule, [48, 0], x_T, None, generator))
    assert float((drawn - taught).abs().max()) < 0.02
    truth = torch.tensor([[0.4, -0.3]]) + 0.5 * x_T
    assert float((taught - truth).abs().mean()) < 0.05
    assert math.isclose(float(drawn.std()), float(taught.std()), rel_tol=0.02)


def test_each_stage_is_taught_by_the_student_before_and_only_the_first_teacher_is_guided(tmp_path, generator):
    first = TwoPixel(Config(T=8))
    save_config(tmp_path, first.config)
    save_weights(tmp_path / "denoiser.safetensors", first.network, asdict(first.config))
    settings = {"sampler": "ddim", "sampling_steps": 2, "teacher": str(tmp_path), "guidance": 3.0, "seed": 1}
    experiment, stages_seen, trained = TwoPixel(Config(T=8, **settings)), [], []

    def train(name, network, loss_of, out, config):
        """Training that only moves the weights a little, so that every student is another network."""
        stages_seen.append(experiment.objective.keywords)
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(0.01)
        trained.append(copy.deepcopy(network))
        return SimpleNamespace(ema=SimpleNamespace(module=network))

    train_students(experiment, tmp_path, train)
    assert [(stage["n"], stage["ratio"]) for stage in stages_seen] == [(4, 2), (2, 2)]
    x, t, y = torch.randn(5, 1, 2, generator=generator), torch.full((5,), 6), torch.tensor([0, 1, 0, 1, 2])
    guided = first.clipped(classifier_free_guidance(first.learned(), 3.0))
    torch.testing.assert_close(stages_seen[0]["teacher"](x, t, y), guided(x, t, y))
    plain = first.clipped(eps_denoiser(trained[0], first.schedule, "v"))
    torch.testing.assert_close(stages_seen[1]["teacher"](x, t, y), plain(x, t, y))
