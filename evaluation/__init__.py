"""How good a run is: metrics with their noise floors, score cards, judges, and the committed runs."""

SAMPLES = {"two_pixel": 5000, "mnist": 10_000, "digits": 1000, "glyphs": 1000, "sprites": 300}  # of a score card
