"""What is wrong in a file that people write: a policy book, a language pack."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong in a file, where, and what would be right."""

    file: str
    line: int
    """1 is the first line; 0 where the fault is of the whole file."""
    text: str
    field: str = ""

    def __str__(self) -> str:
        """As an editor jumps to it."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.field + ': ' if self.field else ''}{self.text}"
