"""What the checks share. No answer is written down: the right one is computed from the modules, a function is tried."""

import torch

UNANSWERED = "Nothing to check yet: put your answer where the ... is, and run that cell again."
RIGHT = "Right."
SO_FAR = "Right so far. Now what is left: put your answer where the ... is."


def number(name, answer, truth, tolerance, hint):
    """The verdict on one number: right within the tolerance, else on which side it lies, and a hint."""
    if answer is ...:
        return UNANSWERED
    try:
        answer = float(answer)
    except (TypeError, ValueError, RuntimeError):
        shape = f"a tensor of shape {tuple(answer.shape)}" if torch.is_tensor(answer) else f"{answer!r:.60}"
        return f"{name}: a number is asked for, not {shape}."
    if abs(answer - truth) <= tolerance:
        return RIGHT
    return f"{name} = {answer:g} is too {'large' if answer > truth else 'small'}. {hint}"


def number_or_mistake(name, answer, truth, tolerance, mistakes, hint):
    """The verdict on one number; if it is one of the mistakes (a dict of numbers by line), the line of that."""
    if answer is ...:
        return UNANSWERED
    line = number(name, answer, truth, tolerance, hint)
    if line == RIGHT or "asked for" in line:
        return line
    return next((said for said, mistake in mistakes.items() if abs(float(answer) - float(mistake)) <= tolerance), line)


def verdict(*lines):
    """The first line that is not `RIGHT`, or `RIGHT`; of several answers the first may be given alone."""
    line = next((line for line in lines if line != RIGHT), RIGHT)
    return SO_FAR if line == UNANSWERED and lines[0] == RIGHT else line


def wrong_shape(name, output, like):
    """A line that says that a function returned something else than a tensor like `like`; `RIGHT` if it did not."""
    if output is ...:
        return UNANSWERED
    if not torch.is_tensor(output):
        return f"{name} should return a tensor, but returned {output!r}."
    if output.shape != like.shape:
        return f"{name} should return the shape {tuple(like.shape)}, but returned {tuple(output.shape)}."
    return RIGHT


def same_or_mistake(name, output, mistakes):
    """The line of the first tensor among the mistakes (a dict by line) that the output is; how far off it is, else."""
    if (shape := wrong_shape(name, output, mistakes[RIGHT])) != RIGHT:
        return shape
    output = output.to(mistakes[RIGHT])
    line = next((line for line, mistake in mistakes.items() if torch.allclose(output, mistake)), None)
    return line or f"{name} is off by {(output - mistakes[RIGHT]).abs().mean():.3f} on average."
