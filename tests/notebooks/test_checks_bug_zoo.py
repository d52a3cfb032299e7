"""The checks of notebook 11 say what is wrong with an answer, and each instrument finds what it should."""

import pytest
from checks import bug_zoo as checks
from checks.common import RIGHT
from unknown import SAMPLERS

from evaluation.committed import experiment

FOUND = {"P": {"width"}, "Q": {"samples", "correlation"}, "R": {"width", "steps"}}


@pytest.mark.parametrize(
    ("check", "arguments", "words"),
    [
        ("diagnosis", ("P", "nothing"), "is none of"),
        ("diagnosis", ("P", "half of the noise"), "another bug"),
        ("diagnosis", ("Q", "the last step twice"), "another bug"),
        ("what_finds", ("P", "luck", None), "is none of"),
        ("what_finds", ("P", "steps", None), "looks right"),
        ("what_finds", ("Q", "width", None), "looks right"),
    ],
)
def test_check_says_what_is_wrong(check, arguments, words):
    assert words in getattr(checks, check)(*arguments)


@pytest.mark.parametrize("letter", SAMPLERS)
def test_each_unknown_sampler_is_found_by_some_instruments_alone(letter):
    run = experiment(50)
    for instrument in checks.INSTRUMENTS:
        assert (checks.what_finds(letter, instrument, run) == RIGHT) == (instrument in FOUND[letter])
