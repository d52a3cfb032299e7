"""What a bug is, and how it gets into the code."""

from dataclasses import dataclass

from homework.cutting import segment


@dataclass(frozen=True)
class Bug:
    """A wrong version of what an exercise grades.

    function "utils.add_noise"; the change, old text to new, which is found exactly once in that function; says: what a
    student is told, an observation and a question; tests: those of the repository that go red; wild: where it lives or
    lived, if it does.
    """

    function: str
    old: str
    new: str
    says: str
    tests: tuple[str, ...] = ()
    wild: str = ""

    def put_into(self, sources, exercise):
        """The modules' texts with the bug. ValueError unless the old text is there exactly once."""
        source = sources[exercise.module]
        right = segment(source, exercise)
        if right.count(self.old) != 1:
            raise ValueError(f"{self.function}: {self.old!r} is there {right.count(self.old)} times")
        return sources | {exercise.module: source.replace(right, right.replace(self.old, self.new))}
