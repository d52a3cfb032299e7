"""What every notebook starts with, before any other import: the modules on the path, and one thread."""

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # before torch is imported

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the modules lie in the folder above the notebooks

import torch  # noqa: E402 (it reads OMP_WAIT_POLICY when it is imported)

torch.set_num_threads(1)  # networks this small are faster so, and the sums are the same on every machine
torch.set_printoptions(precision=4, sci_mode=False)
