"""The checks of the exercises of notebook 11, The bug zoo."""

from instruments import correlation_in_one_gaussian_world, energy_of_samples, std_in_one_gaussian_world, steps_asked
from unknown import BUGS, OTHERS, SAMPLERS

from checks.common import RIGHT, UNANSWERED
from measurements.bugs import RIGHT as RIGHT_ONE
from measurements.bugs import WAYS

INSTRUMENTS = ("samples", "width", "steps", "correlation")


def diagnosis(letter, bug):
    """Which of the bugs a sampler of `unknown` has."""
    if bug is ...:
        return UNANSWERED
    if bug not in (*BUGS, *OTHERS):
        return f"{bug!r} is none of {', '.join((*BUGS, *OTHERS))}."
    if BUGS.get(bug) is not SAMPLERS[letter]:
        return f"{letter} has another bug. What do width, correlation and steps say, beside those of the right sampler?"
    return RIGHT


def what_finds(letter, instrument, run):
    """Whether an instrument distinguishes a sampler of `unknown` from the right one."""
    if instrument is ...:
        return UNANSWERED
    if instrument not in INSTRUMENTS:
        return f"{instrument!r} is none of {', '.join(INSTRUMENTS)}."
    if not finds(instrument, SAMPLERS[letter], run):
        return f"By its {instrument}, {letter} looks right, or better. Which instrument says that it is wrong?"
    return RIGHT


def finds(instrument, sampler, run):
    """Whether an instrument finds a sampler wrong, beyond four standard errors or two noise floors."""
    if instrument == "steps":
        return steps_asked(sampler) != steps_asked(WAYS[RIGHT_ONE])
    if instrument == "width":
        width, expected, error = std_in_one_gaussian_world(sampler)
        return abs(width - expected) > 4 * error
    if instrument == "correlation":
        correlation, error = correlation_in_one_gaussian_world(sampler)
        return abs(correlation) > 4 * error
    return energy_of_samples(sampler, run) > energy_of_samples(WAYS[RIGHT_ONE], run) + 2
