"""How good a run is: metrics with their noise floors, score cards, judges, and the committed runs."""

SAMPLES = {"two_pixel": 5000, "mnist": 10_000, "sprites": 300, "other images": 1000}  # of a score card, by data
