"""What schedules, tables and noising are asked: exercises 1.1 to 1.3."""

import torch

from homework.questions.asking import EXACT, TABLE, Unfit, kind_of, normal, question, some_schedule, steps, unchanged


def betas_of(code, schedule):
    """A schedule's betas, which say whether they are float64. Unfit if it is none."""
    if not isinstance(schedule, code.utils.Schedule):
        raise Unfit(f"it should return a Schedule, and returns {kind_of(schedule)}")
    return schedule.betas


@question("utils.cosine_schedule")
def cosine_schedule(code):
    for T in (5, 50, 1000, 1):
        yield f"betas for T = {T}", lambda T=T: betas_of(code, code.utils.cosine_schedule(T)), TABLE
    yield "betas for T = 10 and s = 0.1", lambda: betas_of(code, code.utils.cosine_schedule(10, s=0.1)), TABLE


@question("utils.linear_schedule")
def linear_schedule(code):
    for T in (5, 50, 1000, 1):
        yield f"betas for T = {T}", lambda T=T: betas_of(code, code.utils.linear_schedule(T)), TABLE
    yield "betas from 0.1 to 0.3 for T = 10", lambda: betas_of(code, code.utils.linear_schedule(10, 0.1, 0.3)), TABLE


TABLES = ("alphas", "alphas_cumprod", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod", "posterior_variance")


@question("utils.Schedule")
def schedule_tables(code):
    betas = torch.tensor([0.0, 0.02, 0.1, 0.15, 0.4, 0.7], dtype=torch.float64)
    for table in TABLES:
        yield f"{table} of T = 5", lambda table=table: getattr(code.utils.Schedule(betas.clone()), table), TABLE
    for table in TABLES:
        yield f"{table} of T = 1", lambda table=table: getattr(code.utils.Schedule(betas[:2].clone()), table), TABLE

    def change():
        return unchanged(lambda b: [getattr(code.utils.Schedule(b), table) for table in TABLES], betas)

    yield "change of the betas that it was given", change, TABLE


@question("utils.add_noise")
def add_noise(code):
    schedule = some_schedule(code, 10)
    for shape in ((4, 1, 2), (4, 5), (4, 3, 6, 6)):
        x0, eps = normal(*shape), normal(*shape, seed=1)
        t = steps(1, 4, 10, 7)
        name = f"x_t of images {shape} at t = 1, 4, 10, 7"
        yield name, lambda x0=x0, eps=eps, t=t: code.utils.add_noise(schedule, x0, t, eps), EXACT
    x0, eps = normal(2, 1, 2), normal(2, 1, 2, seed=1)
    one, two = steps(5), steps(2, 3)
    yield "x_t for one t = 5 of shape (1,)", lambda: code.utils.add_noise(schedule, x0, one, eps), EXACT
    yield "x_t of float32", lambda: code.utils.add_noise(schedule, x0.float(), two, eps.float()), EXACT
    yield (
        "type of x_t is that of x_0 (1 if it is)",
        lambda: float(code.utils.add_noise(schedule, x0.float(), two, eps.float()).dtype == torch.float32),
        EXACT,
    )
    yield (
        "x_t for T = 50 at t = 1, 50",
        lambda: code.utils.add_noise(some_schedule(code, 50), x0, steps(1, 50), eps),
        EXACT,
    )

    def change():
        return unchanged(lambda x0, eps: code.utils.add_noise(schedule, x0, two, eps), x0, eps)

    yield "change of the x_0 and ε that it was given", change, EXACT
