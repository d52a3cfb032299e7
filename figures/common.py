"""What the figures share: the folder of the pictures, and one look at the pixel plane."""

from pathlib import Path

HERE = Path(__file__).parent
PLANE = (-0.05, 1.25, -0.15, 1.15)  # intensities of left and right pixel that the figures show
