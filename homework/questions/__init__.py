"""What the grader asks each exercise: calls with inputs on which every known mistake shows.

A question is a generator over a submission's modules (code.utils, code.ddpm): it yields an answer's name, a function
that gets it, how far rounding or chance may take it, and, where the answer is of random numbers, what is read from
them. That is done by the grader, not where the submission runs: who forges 10,000 random labels that are dropped
rightly has dropped them rightly. A submission draws its random numbers in whatever way it likes: `again` sets every
generator, so that two calls draw the same ones and their difference has none.
"""

from homework.questions import guidance, networks, sampling, schedule, training
from homework.questions.asking import QUESTIONS, TABLE, Chance, Rounding, Unfit, kind_of

__all__ = [
    "QUESTIONS",
    "TABLE",
    "Chance",
    "Rounding",
    "Unfit",
    "guidance",
    "kind_of",
    "networks",
    "sampling",
    "schedule",
    "training",
]
