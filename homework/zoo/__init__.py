"""The bug zoo: wrong versions of everything that an exercise grades, each with the sentence that leads out of it.

The grader recognises a bug by its answers: on the inputs of homework/questions all of them differ.
"""

from homework.zoo import guidance, networks, sampling, schedule, training
from homework.zoo.bug import Bug

BUGS = (*schedule.BUGS, *networks.BUGS, *training.BUGS, *sampling.BUGS, *guidance.BUGS)

__all__ = ["BUGS", "Bug", "of"]


def of(function):
    """The bugs of what an exercise grades, by its name."""
    return [bug for bug in BUGS if bug.function == function]
