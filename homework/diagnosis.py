"""From answers to a verdict: right, not done yet, a mistake that is known, or the first property that fails."""

import traceback
from dataclasses import dataclass

import numpy as np
import torch

from homework.modules import NAMES
from homework.questions import QUESTIONS, TABLE, Chance, Rounding, Unfit, kind_of

NOT_DONE = "not done yet"
PLACE = "\x1f"  # parts an error's line from its place in the student's file
FILES = tuple(f"{name}.py" for name in NAMES)


def plain(value):
    """An answer as a tuple of arrays. Unfit if it is not made of numbers."""
    values = value if isinstance(value, tuple | list) else (value,)
    arrays = []
    for part in values:
        if isinstance(part, bool | int | float):
            part = torch.tensor(float(part))
        if not torch.is_tensor(part):
            raise Unfit(f"a tensor is asked for, and it returns {kind_of(part)}")
        if part.device.type != "cpu":
            raise Unfit(f"the inputs are on the CPU, and it returns a tensor on {part.device}")
        arrays.append(part.detach().numpy().copy())
    return tuple(arrays)


def answers(function, code):
    """What the code answers to the question about that function: by name, arrays, or a line that begins with "!"."""
    found = {}
    for name, get, *_ in QUESTIONS[function](code):
        try:
            found[name] = plain(get())
        except NotImplementedError as error:
            found[name] = f"!{NOT_DONE}: {error}"
        except Unfit as error:
            found[name] = f"!{error}"
        except (Exception, SystemExit) as error:
            found[name] = "!" + in_a_line(error) + PLACE + place_of(error)
    return found


def in_a_line(error):
    """An error in one line; with a hint at the commonest cause of a None."""
    hint = " (is `return` missing?)" if "NoneType" in str(error) else ""
    return f"{type(error).__name__}: {error}".splitlines()[0][:160] + hint


def place_of(error):
    """Where in a submission's file an error was raised, or passed through last; "" if it was elsewhere."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in FILES]
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


@dataclass(frozen=True)
class Reading:
    """What was read from an answer, and its tolerance; or the error, a line, that came instead, and its place."""

    value: np.ndarray | None
    tolerance: Rounding | Chance
    error: str = ""
    place: str = ""


def read(function, code, found):
    """The answers as readings. code is the reference, or in the student's own check the student's."""
    readings = {}
    for name, _, tolerance, *reading in QUESTIONS[function](code):
        answer = found.get(name, "!no answer")
        if isinstance(answer, str):
            readings[name] = Reading(None, tolerance, *answer[1:].split(PLACE))
            continue
        try:
            with np.errstate(all="ignore"):  # wrong answers may well divide by 0
                value = np.asarray(reading[0](*answer)) if reading else answer[0]
            readings[name] = Reading(value, tolerance)
        except Exception as error:
            readings[name] = Reading(None, tolerance, f"{type(error).__name__}: {error}"[:160])
    return readings


def alike(one, other):
    """Whether two readings are the same within the tolerance; errors are, if their lines are."""
    if one.error or other.error:
        return one.error == other.error
    return difference(one, other) is None


def difference(got, wanted):
    """How a value differs from the right one, in words; None if it does not."""
    a, b, tolerance = got.value, wanted.value, wanted.tolerance
    if a.shape != b.shape:
        return f"has the shape {a.shape}, and should have {b.shape}"
    if a.dtype == np.float32 and b.dtype == np.float64 and tolerance == TABLE:
        return "is float32, and should be float64"
    a, b = a.astype(float), b.astype(float)
    same = (a == b) | (np.isnan(a) & np.isnan(b))  # a known mistake may be infinite in the same places
    if not np.isfinite(a[~same]).all():
        where = np.argwhere(~same & ~np.isfinite(a))[0]
        return f"is not finite (NaN or infinite), first at index [{', '.join(map(str, where))}]"
    a, b = np.where(same, 0.0, a), np.where(same, 0.0, b)
    largest = float(np.abs(wanted.value[np.isfinite(wanted.value)]).max(initial=1e-3))
    most = tolerance.share * largest if isinstance(tolerance, Rounding) else tolerance.most
    off = np.abs(a - b)
    if not off.size or off.max() <= most:
        return None
    if b.size == 1:
        return f"is {a.item():.4g}, and should be {b.item():.4g}"
    where = ", ".join(str(int(i)) for i in np.unravel_index(off.argmax(), off.shape))
    return f"is off by {off.max():.3g}, most at index [{where}], in values of up to {largest:.3g}"


def diagnose(readings, right, bugs):
    """The verdict on an exercise's readings: "" if right, else one line.

    right: the reference's readings; bugs(): {sentence: readings} of the known mistakes.
    """
    different = [name for name in right if not alike(readings[name], right[name])]
    if not different:
        return ""
    if any(reading.error.startswith(NOT_DONE) for reading in readings.values()):
        return NOT_DONE
    for sentence, mistaken in bugs().items():
        if all(alike(readings[name], mistaken[name]) for name in right):
            return sentence
    name = next((name for name in different if name.startswith("change of")), different[0])
    got = readings[name]
    return f"{name}: {got.error}{got.place}" if got.error else f"{name}: {difference(got, right[name])}"
