"""The checks of the exercises, a module for each notebook: what is wrong with an answer, in a line."""
