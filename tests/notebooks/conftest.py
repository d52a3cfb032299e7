"""Puts the notebooks' folder on the path, where `checks`, `broken` and `instruments` lie."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "notebooks"))
