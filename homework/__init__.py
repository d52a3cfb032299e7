"""The homework kit: one list of exercises, the handout made from it, the autograder, and the bug zoo."""
