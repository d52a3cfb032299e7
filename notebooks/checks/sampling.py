"""The checks of the exercises of notebook 03, Sampling."""

from broken import BUGS, SAMPLERS
from instruments import energy_of_samples

from checks.common import UNANSWERED, number
from checks.written import written


def reverse_step(function):
    """Eq. 13, exercise 2.1 of the homework."""
    return written("2.1", function)


def reverse_process(function):
    """The loop of the sampler, exercise 2.2 of the homework."""
    return written("2.2", function)


def which_bug(bugs, noticed, run):
    """Which sampler of `broken` has which bug, and how many of them the samples betray."""
    if ... in bugs.values():
        return UNANSWERED
    if set(bugs) != set(SAMPLERS):
        return f"Say for each of {', '.join(SAMPLERS)} which bug it has."
    for letter, bug in bugs.items():
        if bug not in BUGS:
            return f"{bug!r} is none of {', '.join(BUGS)}."
        if SAMPLERS[letter] is not BUGS[bug]:
            return f"{letter} is not the one with the bug {bug!r}. Look again at its width and at its steps."
    if noticed is ...:
        return "All four are right. Now count the bugs that the samples betray."
    reference = energy_of_samples(BUGS["none"], run)
    worse = sum(energy_of_samples(sampler, run) > reference + 2 for bug, sampler in BUGS.items() if bug != "none")
    return number("noticed_in_the_samples", noticed, worse, 0, "Compare each energy distance with the right sampler's.")
