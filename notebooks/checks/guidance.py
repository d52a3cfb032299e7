"""The checks of the exercises of notebook 05, Guidance."""

from checks.common import number, verdict
from checks.written import written


def classifier_free_guidance(function):
    """Eq. 18, exercise 4.1 of the homework."""
    return written("4.1", function)


def classifier_guidance(function):
    """Eqs. 14-15, exercise 4.2 of the homework."""
    return written("4.2", function)


def translate_guidance(w_of_default, w_without_label):
    """g = 1 + w."""
    hint = "Write ε(∅) + g (ε(y) - ε(∅)) as (…) ε(y) - (…) ε(∅), and compare with eq. 18."
    return verdict(
        number("w_of_default", w_of_default, 6.5, 1e-9, hint),
        number("w_without_label", w_without_label, -1, 1e-9, hint),
    )
