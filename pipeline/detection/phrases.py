"""What an entry of a pack stands for: sequences of alternatives, each in the spellings that people type."""

import re
from functools import lru_cache
from typing import Final

from pipeline.detection.fold import NO_SPACE, fold
from pipeline.detection.packs import combinations

WORD: Final = re.compile(
    # A run of letters and digits, a character of a script without spaces, or a sign that packs may list. Each branch
    # begins differently, so that nothing is ever read twice.
    rf"[{NO_SPACE}]|(?:[^\W_{NO_SPACE}]|[\u0900-\u0963\u0971-\u0dff])+|[\u2190-\u2bff\u3030\u303d\U0001f000-\U0001faff%$£€₹=#@&+]"
)
_NO_SPACE_ONE: Final = re.compile(f"[{NO_SPACE}]")
GAP: Final = "..."
_PLAIN_ENTRY: Final = re.compile(r"(?:[a-z0-9 ]*[a-z0-9]\*?)?")
_UNSPACED_ENTRY: Final = re.compile(f"[{NO_SPACE}]+")
_FOREIGN_ENTRY: Final = re.compile(
    r"[\u0430-\u045f\u0621-\u064a\u05d0-\u05ea\u03b1-\u03c9áéíóúàèìòùâêîôûãõñçıłąęśćźżńěščřžýůďťňășțğşőű ]*"
)
"""Scripts and accents of which only one spelling is kept."""
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})

Step = tuple[tuple[str, ...], ...]
"""Alternatives at one place of a phrase, each a sequence of words."""


@lru_cache(maxsize=100_000)
def phrases_of(text: str) -> list[list[Step | str]]:
    """The sequences of alternatives that an entry stands for; none where it folds to nothing."""
    return [phrase for part in _unglued(text) if (phrase := _phrase(part))]


def _unglued(text: str) -> list[str]:
    """An entry, multiplied out where a bracket touches a word: `here(s| is)`."""
    pieces = re.split(r"(\([^)]*\))", text)
    for number, piece in enumerate(pieces):
        if not piece.startswith("("):
            continue
        before, after = pieces[number - 1][-1:], pieces[number + 1][:1] if number + 1 < len(pieces) else ""
        if (before and not before.isspace()) or (after and not after.isspace()):  # as in `here(s| is)`
            head, tail = "".join(pieces[:number]), "".join(pieces[number + 1 :])
            return [part for choice in combinations(piece) for part in _unglued(f"{head}{choice}{tail}")]
    return [text]


def _phrase(text: str) -> list[Step | str]:
    steps: list[Step | str] = []
    for piece in re.split(r"(\([^)]*\)|\.\.\.)", text):
        if piece == GAP:
            steps.append(GAP)
        elif piece.startswith("("):
            choices = [words for choice in piece[1:-1].split("|") for words in spellings(choice)]
            steps.append(tuple(dict.fromkeys(choices)))
        else:
            for word in piece.split():
                variants = tuple(dict.fromkeys(spellings(word)))
                if variants != ((),):
                    steps.append(variants)
    while steps and (steps[0] == GAP or not any(steps[0])):
        steps.pop(0)
    while steps and steps[-1] == GAP:
        steps.pop()
    if not any(step != GAP and any(step) for step in steps):
        return []
    return steps


def spellings(text: str) -> list[tuple[str, ...]]:
    """The word sequences that a few words may be typed as: apostrophe left out, hyphen left out, `ae` for `ä`."""
    lowered = text.lower()
    if text.isascii():
        if _PLAIN_ENTRY.fullmatch(lowered):  # nine entries in ten
            return [tuple(lowered.split())]
    elif _FOREIGN_ENTRY.fullmatch(lowered) and not has_no_space(lowered):
        return [tuple(fold(lowered).split())]
    elif _UNSPACED_ENTRY.fullmatch(folded := fold(text)):
        return [tuple(folded)]
    variants = {text}
    if lowered.translate(_UMLAUTS) != lowered:
        variants.add(lowered.translate(_UMLAUTS))
    for mark in ("'", "’", "-"):
        variants |= {variant.replace(mark, "") for variant in variants if mark in variant}
    return sorted({words_of(variant) for variant in variants})


def words_of(text: str) -> tuple[str, ...]:
    """The words of an entry, stars kept."""
    words: list[str] = []
    for chunk in fold(text).split():
        head, tail = chunk.startswith("*"), chunk.endswith("*")
        parts = WORD.findall(chunk)
        if not parts:
            continue
        if head and not is_no_space(parts[0]):
            parts[0] = f"*{parts[0]}"
        if tail and not is_no_space(parts[-1].strip("*")):
            parts[-1] = f"{parts[-1]}*"
        words += parts
    return tuple(words)


def is_no_space(word: str) -> bool:
    """Whether a word is a character of a script without spaces."""
    return len(word) == 1 and not word.isascii() and _NO_SPACE_ONE.match(word) is not None


def has_no_space(text: str) -> bool:
    """Whether a text holds characters of a script without spaces."""
    return not text.isascii() and _NO_SPACE_ONE.search(text) is not None


def slug_of(text: str) -> str:
    """An entry as part of a rule's name: words joined by `_`, the first alternative of each bracket."""
    plain = re.sub(r"\(([^|)]*)[^)]*\)", r"\1", text)
    return "_".join(re.findall(r"[^\W_]+", plain.lower()))[:48] or "sign"
