"""What a message is while it is read: its words with their places, and the tricks that were undone."""

from bisect import bisect_right


class Trick:
    """A way of hiding that was undone; `start` and `end` count code points of the message as written."""

    __slots__ = ("end", "start", "technique")

    def __init__(self, technique: str, start: int, end: int) -> None:
        self.technique = technique
        self.start = start
        self.end = end


class Layer:
    """Text made from the message, and where each of its characters came from."""

    __slots__ = ("ends", "starts", "text")

    def __init__(self, text: str, starts: list[int] | None, ends: list[int] | None) -> None:
        self.text = text
        self.starts = starts
        """`None` where every character stands at its own place."""
        self.ends = ends

    def start(self, at: int) -> int:
        """Where a character of this text begins in the message."""
        return at if self.starts is None else self.starts[at]

    def end(self, at: int) -> int:
        """Where the text up to `at`, exclusive, ends in the message."""
        return at if self.ends is None else self.ends[at - 1]


class Reading:
    """A message as words."""

    __slots__ = (
        "clause_starts",
        "ends",
        "layer",
        "questions",
        "quotes",
        "sentence_starts",
        "starts",
        "tricks",
        "words",
    )

    def __init__(self, layer: Layer, tricks: list[Trick]) -> None:
        self.layer = layer
        """The folded text that the words and digits were read from."""
        self.tricks = tricks
        self.words: list[str] = []
        self.starts: list[int] = []
        """In the message."""
        self.ends: list[int] = []
        self.sentence_starts = [0]
        """Indices of the words that begin a sentence."""
        self.clause_starts = [0]
        self.questions: set[int] = set()
        """Numbers of the sentences that end in a question mark."""
        self.quotes: list[int] = []
        """Indices of words before which a quotation mark stands."""

    def sentence_of(self, word: int) -> int:
        """Number of the sentence that a word stands in."""
        return bisect_right(self.sentence_starts, word) - 1

    def clause_of(self, word: int) -> int:
        """Number of the clause that a word stands in."""
        return bisect_right(self.clause_starts, word) - 1
