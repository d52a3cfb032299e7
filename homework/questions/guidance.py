"""What guidance is asked: exercises 4.1 and 4.2."""

import torch

from homework.questions.asking import EXACT, normal, question, some_schedule, steps, unchanged


def labelled_denoiser(asked=None):
    """A denoiser whose answer says what it was asked, and with which label."""

    def denoiser(x_t, t, y=None):
        if asked is not None:
            asked.append(t)
        label = torch.zeros(len(x_t)).to(x_t) if y is None else 1.0 + y.to(x_t)
        ones = [1] * (x_t.ndim - 1)
        return torch.sin(x_t) + 0.1 * t.to(x_t).view(-1, *ones) + (label**2).view(-1, *ones) * torch.cos(3 * x_t)

    return denoiser


@question("utils.classifier_free_guidance")
def classifier_free_guidance(code):
    x_t, t, y = normal(4, 1, 2), steps(1, 5, 9, 3), torch.tensor([0, 1, 1, 0])

    def guided(w, x_t=x_t, t=t):
        return code.utils.classifier_free_guidance(labelled_denoiser(), w)(x_t, t, y)

    for w in (0.0, -1.0, 0.5, 3.0):
        yield f"ε̄ for w = {w:g}", lambda w=w: guided(w), EXACT
    yield "ε̄ for one t of shape (1,)", lambda: guided(2.0, t=steps(7)), EXACT
    yield "ε̄ for images (4, 3, 4, 4)", lambda: guided(2.0, normal(4, 3, 4, 4)), EXACT
    yield "change of the x_t that it was given", lambda: unchanged(lambda x: guided(2.0, x), x_t), EXACT


@question("utils.classifier_guidance")
def classifier_guidance(code):
    schedule = some_schedule(code, 10)
    weight = normal(3, 2, seed=5)

    def classifier(x_t, t):
        """Three classes; not linear in x_t, of its own for each t."""
        x = x_t.flatten(1)[:, :2]
        return torch.tanh(x @ weight.to(x).T) * (1 + 0.3 * t.to(x).view(-1, 1)) + x[:, :1] ** 2 * weight[:, 0].to(x)

    y, some_t = torch.tensor([0, 2, 1, 0]), steps(1, 5, 9, 3)

    def guided(scale=1.0, t=some_t, shape=(4, 1, 2), **options):
        options |= {} if scale is None else {"scale": scale}
        return code.utils.classifier_guidance(labelled_denoiser(), classifier, schedule, **options)(
            normal(*shape), t, y
        ).detach()

    yield "ε̂ at t = 1, 5, 9, 3", guided, EXACT
    yield "ε̂ for scale 0", lambda: guided(0.0), EXACT
    yield "ε̂ for scale 4", lambda: guided(4.0), EXACT
    yield "ε̂ for the default scale", lambda: guided(None), EXACT
    yield "ε̂ for one t of shape (1,)", lambda: guided(t=steps(7)), EXACT
    yield "ε̂ for images (4, 3, 4, 4)", lambda: guided(shape=(4, 3, 4, 4)), EXACT

    def inside_the_sampler():
        with torch.no_grad():
            return guided()

    yield "ε̂ inside torch.no_grad, as the sampler asks", inside_the_sampler, EXACT

    def keeps_a_graph():
        x = normal(4, 1, 2)
        denoiser = code.utils.classifier_guidance(labelled_denoiser(), classifier, schedule)
        with torch.no_grad():
            out = denoiser(x, steps(4), y)
        return torch.tensor([float(x.requires_grad), float(out.requires_grad)])

    yield "gradients that x_t, ε̂ ask for afterwards (1 if they do)", keeps_a_graph, EXACT
