"""Arguments of a command line whose mistakes get one line on stderr and exit code 2."""

import argparse
import math


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """--help with the defaults, where there are any."""

    def _get_help_string(self, action):
        return action.help if action.default is None else super()._get_help_string(action)


class Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line, without the page of usage; no option can be abbreviated."""

    def __init__(self, **options):
        super().__init__(formatter_class=Help, allow_abbrev=False, **options)

    def error(self, message):
        self.exit(2, f"{self.prog}: error: {message}\n")


def number(kind, low, high=math.inf, low_allowed=True):
    """An argparse type: a finite int or float within [low, high], or (low, high] if low itself is not allowed."""

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not (low < value <= high or (low_allowed and value == low)) or math.isinf(value):
            name = "whole number" if kind is int else "number"
            limits = f"{'from' if low_allowed else 'above'} {low}" + (f" to {high}" if high < math.inf else "")
            raise argparse.ArgumentTypeError(f"{text!r} is not a {name} {limits}")
        return value

    return parse


def names(parser, kind, known, arguments):
    """The names given as arguments, each one of the known, or all of these if none is given."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(known)} (default: all)")
    given = parser.parse_args(arguments).names
    unknown = [name for name in given if name not in known]
    if unknown:
        parser.error(f"no {kind} {unknown[0]!r}; there are {', '.join(known)}")
    return given or known
