"""The telling passages of a long message: what is read when reading all of it would take too long."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from pipeline.detection.words import Layer

LONG_CHARACTERS: Final = 1_000
"""A message up to this length is read whole; in a longer one passages compete for the reader's time."""
_PASSAGE_CHARACTERS: Final = 400
_CHARACTERS_PER_SPACE: Final = 12
"""Fewer spaces than one in so many: a script without them, which says twice as much in a character."""
_MAX_PASSAGES: Final = 2
_FEWEST_DIGITS: Final = 7
_DIGIT: Final = re.compile(r"\d")
_CONTACT_SIGNS: Final = ("@", "wa.me", "t.me/", "whatsapp", "telegram")


def is_long(text: str) -> bool:
    """Whether a message is too long to be read whole."""
    return len(text) * _density(text) > LONG_CHARACTERS


def _density(text: str) -> int:
    return 1 if text.count(" ") * _CHARACTERS_PER_SPACE >= len(text) else 2


def telling_layer(text: str, fires: Callable[[str], bool]) -> Layer:
    """The passages of a long text that say most about contact, each at its place; none where nothing fires.

    The first of equally telling ones win. So the time that a message takes is bounded, whatever it holds.
    """
    found: list[tuple[int, int]] = []
    silent: set[str] = set()
    for start, end in sorted(passages(text), key=lambda span: -_weight(text[slice(*span)])):
        passage = text[start:end]
        if passage in silent or not fires(passage):
            silent.add(passage)
            continue
        found.append((start, end))
        if len(found) == _MAX_PASSAGES:
            break
    found.sort()
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in found:
        out += [text[start:end], "\n"]
        starts += [*range(start, end), end - 1]
        ends += [*range(start + 1, end + 1), end]
    return Layer("".join(out), starts, ends)


def passages(text: str) -> Iterator[tuple[int, int]]:
    """Neighbouring pieces of a text, cut at the last space or line end of each where there is one."""
    size = _PASSAGE_CHARACTERS // _density(text)
    start = 0
    while start < len(text):
        end = min(start + size, len(text))
        if end < len(text):
            cut = max(text.rfind(mark, start + size // 2, end) for mark in "\n.!?。！？ ")
            end = cut + 1 if cut >= 0 else end
        yield start, end
        start = end


def _weight(passage: str) -> int:
    lowered = passage.lower()
    has_number = len(_DIGIT.findall(passage)) >= _FEWEST_DIGITS
    return 2 * has_number + any(sign in lowered for sign in _CONTACT_SIGNS)
