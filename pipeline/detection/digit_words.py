"""Words for digits that no pack lists as they are typed: run together, beside figures, or with one letter wrong."""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Final

from pipeline.detection.packs import Entry
from pipeline.detection.phrases import has_no_space, phrases_of

SHORTEST_PIECE: Final = 2
"""Letters of a word in a run of them."""
LONGEST_RUN: Final = 40
SHORTEST_MISSPELT: Final = 3
LONG: Final = 9
"""Letters of a word that may have two letters wrong."""
_PIECES: Final = re.compile(r"\d+|[^\W\d_]+")

Vocabulary = Mapping[str, str]
"""Single words, and the digits that each stands for."""


def vocabulary_of(entries: Iterable[Entry]) -> dict[str, str]:
    """The single words for digits of a pack, in scripts that put spaces between words."""
    found: dict[str, str] = {}
    for entry in entries:
        concept, _, digits = entry.concept.partition(".")
        if concept != "digit":
            continue
        for phrase in phrases_of(entry.text):
            for words in phrase[0] if len(phrase) == 1 and not isinstance(phrase[0], str) else ():
                if len(words) == 1 and words[0].isalpha() and not has_no_space(words[0]):
                    found.setdefault(words[0], digits)
    return found


class DigitWords:
    """The words for digits of one language."""

    def __init__(self, vocabulary: Vocabulary, knows: Callable[[str], bool]) -> None:
        self._vocabulary = vocabulary
        self._knows = knows
        self._longest = max(map(len, vocabulary), default=0)

    def run(self, word: str) -> list[str]:
        """The digits of words that stand without spaces, among figures or alone, each word's apart; none if it is no run."""
        if len(word) > LONGEST_RUN:
            return []
        digits: list[str] = []
        for piece in _PIECES.findall(word):
            read = [piece] if piece.isdecimal() else ["0"] if piece == "o" else self._cut(piece)
            if not read:
                return []
            digits += read
        return digits if len(digits) > 1 else []

    def _cut(self, word: str) -> list[str]:
        """The digits of a run of words, with as few words as can be."""
        best: dict[int, list[str]] = {0: []}
        for start in range(len(word)):
            before = best.get(start)
            if before is None:
                continue
            for end in range(start + SHORTEST_PIECE, min(start + self._longest, len(word)) + 1):
                digits = self._vocabulary.get(word[start:end])
                if digits is not None and (end not in best or len(before) + 1 < len(best[end])):
                    best[end] = [*before, digits]
        return best.get(len(word), [])

    def misspelt(self, word: str) -> str | None:
        """The digits of the one number whose word differs by a letter, by two if it is long; none for a word that is known."""
        if len(word) < SHORTEST_MISSPELT or not word.isalpha() or self._knows(word):
            return None
        edits = 2 if len(word) >= LONG else 1
        values = {
            digits
            for known, digits in self._vocabulary.items()
            if len(known) > SHORTEST_MISSPELT
            and abs(len(known) - len(word)) <= edits
            and (known[0] == word[0] or len(word) > SHORTEST_MISSPELT + 1)
            and is_near(known, word, edits)
        }
        return values.pop() if len(values) == 1 else None


def is_near(one: str, other: str, edits: int) -> bool:
    """Whether so many letters put in, left out, swapped or mistaken make one word of the other (Damerau, Levenshtein)."""
    at = 0
    while at < len(one) and at < len(other) and one[at] == other[at]:
        at += 1
    one, other = one[at:], other[at:]
    if not one and not other:
        return True
    return edits > 0 and (
        is_near(one[1:], other[1:], edits - 1)
        or is_near(one[1:], other, edits - 1)
        or is_near(one, other[1:], edits - 1)
        or (one[:2] == other[1::-1] and len(one) > 1 and is_near(one[2:], other[2:], edits - 1))
    )


def digit_words_of(vocabularies: Mapping[str, Vocabulary], knows: Callable[[str], bool]) -> Callable[[str], DigitWords]:
    """The words of a language, made ready when a message first needs them."""
    return cache(lambda language: DigitWords(vocabularies.get(language, {}), knows))
