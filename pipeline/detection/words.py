"""What a message is while it is read: its words with their places, and the tricks that were undone."""

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Trick:
    """A way of hiding that was undone; `start` and `end` count code points of the message as written."""

    technique: str
    start: int
    end: int


@dataclass(slots=True)
class Layer:
    """Text made from the message, and where each of its characters came from."""

    text: str
    starts: list[int] | None
    """`None` where every character stands at its own place."""
    ends: list[int] | None

    def start(self, at: int) -> int:
        """Where a character of this text begins in the message."""
        return at if self.starts is None else self.starts[at]

    def end(self, at: int) -> int:
        """Where the text up to `at`, exclusive, ends in the message."""
        return at if self.ends is None else self.ends[at - 1]


@dataclass(slots=True)
class Reading:
    """A message as words."""

    layer: Layer
    """The folded text that the words and digits were read from."""
    words: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    """In the message."""
    ends: list[int] = field(default_factory=list)
    sentence_starts: list[int] = field(default_factory=lambda: [0])
    """Indices of the words that begin a sentence."""
    clause_starts: list[int] = field(default_factory=lambda: [0])
    questions: set[int] = field(default_factory=set)
    """Numbers of the sentences that end in a question mark."""
    quotes: list[int] = field(default_factory=list)
    """Indices of words before which a quotation mark stands."""
    tricks: list[Trick] = field(default_factory=list)

    def sentence_of(self, word: int) -> int:
        """Number of the sentence that a word stands in."""
        return bisect_right(self.sentence_starts, word) - 1

    def clause_of(self, word: int) -> int:
        """Number of the clause that a word stands in."""
        return bisect_right(self.clause_starts, word) - 1
