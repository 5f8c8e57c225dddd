"""Telling runs of words: where they stand in a plain text, and whether what their phrases need stands around them."""

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, product
from math import inf, prod
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick, Implementation

from pipeline.detection.phrases import Step, has_no_space, phrases_of

SHORT_WORD: Final = 3
"""Letters of a word that is met as often as an everyday one."""
LONGEST_EVERYDAY: Final = 5
LONGEST_WINDOW: Final = 5
"""Neighbouring words of an anchor."""
FEW_SPELLINGS: Final = 60
LIKELY: Final = 0.003
"""Above this a run is met too often to be worth its few spellings."""
MOST_SPELLINGS: Final = 300
"""Of one anchor: the automaton holds each."""
_WORD: Final = re.compile(r" [^ ]+ ")
_SIGNS: Final = re.compile(r"[\x00-\x20!-/:-@\[-`{-\x7f]+")

Spellings = tuple[str, ...]
Concepts = dict[int, int]
"""Bits of concepts by language."""


class Clue(NamedTuple):
    """What an anchor stands for, and what must stand around it."""

    language: int = 0
    """Number of the pack; 0 where it counts in every language."""
    concept: int = 0
    """A bit; 0 where it says enough by itself."""
    before: Spellings = ()
    """One of these right before it; empty where that is left open."""
    after: Spellings = ()
    elsewhere: tuple[tuple[Spellings, Spellings], ...] = ()
    """One of each anywhere: in the text that the anchor was found in, or in the other one."""
    signs: Spellings = ()
    """One of these anywhere in the message as written, where that is ASCII: they do not stand in plain text."""


SURE: Final = Clue()


Trap = tuple[Spellings, Spellings]
"""What means something else with a word: before it, behind it."""
NO_TRAP: Final[Trap] = ((), ())


class Meaning(NamedTuple):
    """What a pattern may stand for."""

    clues: tuple[Clue, ...]
    """None where it says enough by itself."""
    trap: Trap


SAYS_ENOUGH: Final = Meaning((), NO_TRAP)


class Table(NamedTuple):
    """Patterns, and what they may stand for: of many the same."""

    patterns: str
    """A line each."""
    meanings: list[Meaning]
    meaning_of: "array[int]"
    """By pattern."""


class ByScript(NamedTuple):
    """Anchors by what they can stand in: a text in Latin letters holds none but the first."""

    latin: Table
    spaced: Table
    """In any other script with spaces."""
    unspaced: Table


def by_script(clues: Mapping[str, Iterable[Clue]], traps: Mapping[str, Trap]) -> ByScript:
    """The anchors by the script that they are in, each with its trap if it has one."""
    latin: list[str] = []
    spaced: list[str] = []
    unspaced: list[str] = []
    for anchor in clues:
        (latin if anchor.isascii() else unspaced if has_no_space(anchor) else spaced).append(anchor)
    return ByScript(*(table_of(anchors, clues, traps) for anchors in (latin, spaced, unspaced)))


def table_of(anchors: Sequence[str], clues: Mapping[str, Iterable[Clue]], traps: Mapping[str, Trap]) -> Table:
    """Some anchors, in little room."""
    numbers: dict[Meaning, int] = {}
    meaning_of = array("I")
    for anchor in anchors:
        each = tuple(dict.fromkeys(clues[anchor]))
        meaning = SAYS_ENOUGH if SURE in each else Meaning(each, traps.get(anchor, NO_TRAP))
        meaning_of.append(numbers.setdefault(meaning, len(numbers)))
    return Table("\n".join(anchors), list(numbers), meaning_of)


class Plain:
    """A message without what makes no difference."""

    __slots__ = ("is_latin", "is_unspaced", "shape", "spaced", "text", "unspaced")

    def __init__(self, text: str, words: str, shape: str, *, is_latin: bool, is_unspaced: bool) -> None:
        self.text = text
        """As written."""
        self.spaced = f" {words} ".replace("  ", " ").replace("  ", " ")
        """In folded letters, with single spaces between words."""
        self.unspaced = self.spaced.replace(" ", "")
        self.shape = shape
        """Each character as the kind that it is of."""
        self.is_latin = is_latin
        """In Latin letters throughout."""
        self.is_unspaced = is_unspaced
        """With some of a script that puts no spaces between words."""


class _Beside:
    """What may stand right beside a place: there may be thousands, so that whole words and lengths are looked up."""

    def __init__(self, spellings: Spellings) -> None:
        self._words = frozenset(filter(_WORD.fullmatch, spellings))
        self._others = frozenset(spellings) - self._words
        self._lengths = tuple(sorted(set(map(len, self._others))))

    def ending(self, text: str, place: int) -> list[str]:
        """Those that end there."""
        found = [other for length in self._lengths if (other := text[max(place - length, 0) : place]) in self._others]
        if self._words and (word := text[text.rfind(" ", 0, place - 1) : place]) in self._words:
            found.append(word)
        return found

    def beginning(self, text: str, place: int) -> list[str]:
        """Those that begin there."""
        found = [other for length in self._lengths if (other := text[place : place + length]) in self._others]
        if self._words and (word := text[place : text.find(" ", place + 1) + 1]) in self._words:
            found.append(word)
        return found


class _Known(dict[Spellings, _Beside]):
    """Many clues have the same words beside them."""

    def __missing__(self, spellings: Spellings) -> _Beside:
        self[spellings] = found = _Beside(spellings)
        return found


class _Sought:
    """A clue, ready to be looked for."""

    def __init__(self, clue: Clue, known: _Known) -> None:
        self.language, self.concept, before, after, self.elsewhere, self.signs = clue
        self.language_bit = 1 << self.language
        self.before = known[before] if before else None
        self.after = known[after] if after else None


class _Every:
    """All clues of a meaning."""

    def __init__(self, meaning: Meaning, known: _Known) -> None:
        self.clues = tuple(_Sought(clue, known) for clue in meaning.clues)
        self.beside = tuple(clue for clue in self.clues if clue.before or clue.after)
        """Those that may be met in one place and not in another."""
        self._any_before = known[tuple(dict.fromkeys(word for clue in meaning.clues for word in clue.before))]
        self._any_after = known[tuple(dict.fromkeys(word for clue in meaning.clues for word in clue.after))]
        before, behind = meaning.trap
        self._before, self._behind = known[before], known[behind]
        self.is_trappable = meaning.trap != NO_TRAP

    def is_accompanied(self, text: str, start: int, end: int) -> bool:
        """Whether some clue may be met in this place and not in another."""
        return bool(self._any_before.ending(text, start)) or bool(self._any_after.beginning(text, end))

    def is_trapped(self, text: str, raw: str, first: int, last: int) -> bool:
        """Whether the word stands beside one with which it means something else, with nothing between as written.

        "Phone case" and not "call. It": signs do not stand in plain text. Where letters were folded, the answer is no.
        """
        before, behind = self._before.ending(text, first + 1), self._behind.beginning(text, last - 1)
        if not before and not behind:
            return False
        word, written = text[first + 1 : last - 1], raw.lower()
        return any(f"{other[1:]}{word}" in written for other in before) or any(
            f"{word}{other[:-1]}" in written for other in behind
        )


class Anchors:
    """The patterns of a table, found in one pass."""

    def __init__(self, table: Table, known: _Known, *, is_spaced: bool) -> None:
        patterns = table.patterns.split("\n") if table.patterns else []
        self._automaton = AhoCorasick(patterns, implementation=Implementation.ContiguousNFA, store_patterns=False)
        meanings = [_Every(meaning, known) for meaning in table.meanings]
        self._sought = [meanings[number] for number in table.meaning_of]
        self._is_spaced = is_spaced

    def concepts_in(self, plain: Plain, languages: int) -> Concepts | None:
        """The concepts whose anchors stand in a message with what their clues ask for; `None` where one says enough."""
        text, other = (plain.spaced, plain.unspaced) if self._is_spaced else (plain.unspaced, plain.spaced)
        matches = self._automaton.find_matches_as_indexes(text, overlapping=True)
        concepts: Concepts = {}
        if not matches:
            return concepts
        raw = plain.text
        met: set[int] = set()
        absent: set[int] = set()  # what was looked for elsewhere in vain, by identity: it is so for the next match too
        for number, first, last in matches:
            every = self._sought[number]
            is_again = number in met
            if is_again and not every.beside:
                continue
            if every.is_trappable and every.is_trapped(text, raw, first, last):
                continue
            if not every.clues:
                return None
            met.add(number)
            start, end = first, last
            if every.beside and self._is_spaced:
                start, end = text.rfind(" ", 0, first + 1) + 1, text.find(" ", last - 1)
            if is_again and not every.is_accompanied(text, start, end):
                continue
            for clue in every.beside if is_again else every.clues:
                if not clue.language_bit & languages:
                    continue
                known = concepts.get(clue.language, 0)
                if known & clue.concept:
                    continue
                if clue.before and not clue.before.ending(text, start):
                    continue
                if clue.after and not clue.after.beginning(text, end):
                    continue
                if clue.signs and raw.isascii() and not any(sign in raw for sign in clue.signs):
                    continue
                if clue.elsewhere:
                    if id(clue.elsewhere) in absent:
                        continue
                    if not _has_each(text, other, clue.elsewhere):
                        absent.add(id(clue.elsewhere))
                        continue
                if not clue.concept:
                    return None
                concepts[clue.language] = known | clue.concept
        return concepts


class Search:
    """All anchors; those of a script are looked for in messages that may hold it."""

    def __init__(self, tables: ByScript) -> None:
        known = _Known()
        self._latin = Anchors(tables.latin, known, is_spaced=True)
        self._of_spaced = [self._latin, Anchors(tables.spaced, known, is_spaced=True)]
        self._of_unspaced = [*self._of_spaced, Anchors(tables.unspaced, known, is_spaced=False)]

    def concepts_in(self, plain: Plain, languages: int) -> Concepts | None:
        """The concepts whose anchors stand in a message with what their clues ask for; `None` where one says enough.

        Only concepts of these languages are looked for: a bit for the number of each, all bits for all of them.
        """
        if plain.is_latin:
            return self._latin.concepts_in(plain, languages)
        found: Concepts = {}
        for anchors in self._of_unspaced if plain.is_unspaced else self._of_spaced:
            more = anchors.concepts_in(plain, languages)
            if more is None:
                return None
            add(found, more)
        return found


def add(found: Concepts, more: Concepts) -> None:
    """Adds what was found in another way."""
    for language, concepts in more.items():
        found[language] = found.get(language, 0) | concepts


def _has_each(text: str, other: str, steps: tuple[tuple[Spellings, Spellings], ...]) -> bool:
    for here, there in steps:
        for spelling in here:
            if spelling in text:
                break
        else:
            for spelling in there:
                if spelling in other:
                    break
            else:
                return False
    return True


def pattern(words: str) -> str:
    """Words as they stand in plain text: spaces at the ends that end a word; none where signs are all there is."""
    if has_no_space(words):
        return words.replace(" ", "").replace("*", "")
    # Behind a star the word goes on, so that what comes before and after are two patterns: the longer says more.
    pieces = [_SIGNS.sub(" ", piece) for piece in f" {words} ".split("*")]
    return max(pieces, key=lambda piece: len(piece.strip())) if any(map(str.strip, pieces)) else ""


def clues_of(text: str, common: frozenset[str], language: int, concept: int) -> Iterator[tuple[str, Clue]]:
    """The least likely run of neighbouring words of an entry, in each spelling, and what stands around it."""
    for phrase in phrases_of(text):
        first, last = rarest_window(phrase, common)
        window = [step for step in phrase[first:last] if not isinstance(step, str)]
        anchors = [found for words in product(*window) if (found := pattern(" ".join(chain(*words))))]
        if len(phrase) == last - first or not anchors:
            clue = Clue(language, concept, signs=signs_of(phrase))
            yield from ((anchor, clue) for anchor in anchors)
            continue
        is_unspaced = has_no_space(anchors[0])
        beside: dict[int, Spellings] = {}
        elsewhere = []
        for number, step in enumerate(phrase):
            if first <= number < last or isinstance(step, str) or not is_telling(step):
                continue
            spellings = tuple(dict.fromkeys(pattern(" ".join(words)) for words in step))
            alike = tuple(spelling for spelling in spellings if has_no_space(spelling) is is_unspaced)
            edge = {first - 1: -1, last: 0}.get(number)
            is_whole = is_unspaced or (edge is not None and all(spelling[edge] == " " for spelling in spellings))
            if edge is not None and is_whole and alike == spellings:
                beside[number] = spellings
            else:
                elsewhere.append((alike, tuple(spelling for spelling in spellings if spelling not in alike)))
        before, after = beside.get(first - 1, ()), beside.get(last, ())
        clue = Clue(language, concept, before, after, tuple(elsewhere), signs_of(phrase))
        yield from ((anchor, clue) for anchor in anchors)


def signs_of(phrase: Iterable[Step | str]) -> Spellings:
    """The signs of which one stands in every spelling of a step; none where no step has such."""
    for step in phrase:
        if isinstance(step, str):
            continue
        signs = [next((word for word in words if _SIGNS.fullmatch(word) and word != "*"), "") for words in step]
        if all(signs):
            return tuple(dict.fromkeys(signs))
    return ()


def rarest_window(phrase: Sequence[Step | str], common: frozenset[str]) -> tuple[int, int]:
    """First and last, exclusive, of the neighbouring steps of a phrase that are met least often, in few spellings."""
    best, least = (0, 0), inf
    for most_spellings in (FEW_SPELLINGS, MOST_SPELLINGS):
        for first, last in windows_of(phrase, most_spellings):
            if (found := likelihood(phrase[first:last], common)) < least:
                best, least = (first, last), found
        if least < LIKELY:
            break
    return best


def windows_of(phrase: Sequence[Step | str], most_spellings: int) -> Iterator[tuple[int, int]]:
    """Neighbouring steps with no gap between them, from one that must be there to another, in few spellings."""
    for first, opening in enumerate(phrase):
        if isinstance(opening, str) or not is_telling(opening):
            continue
        spellings = 1
        for last in range(first, min(first + LONGEST_WINDOW, len(phrase))):
            step = phrase[last]
            spellings *= len(step)
            if isinstance(step, str) or (last > first and spellings > most_spellings):
                break
            if is_telling(step):
                yield first, last + 1
            if any(word.endswith("*") for words in step for word in words):
                break  # the word goes on: what follows it is looked for behind it


def is_telling(step: Step) -> bool:
    """Whether every spelling has a letter or digit: signs do not stand in plain text."""
    return all(any(not _SIGNS.fullmatch(word) for word in words) for words in step)


def likelihood(window: Iterable[Step | str], common: frozenset[str]) -> float:
    """About how often one of its spellings is met."""
    return prod(sum(prod(word_likelihood(word, common) for word in words) for words in step) for step in window)


def word_likelihood(word: str, common: frozenset[str]) -> float:
    """An everyday word in thirty, another the seldomer the longer."""
    if word in common or len(word) <= SHORT_WORD:
        return 1 / 30
    return 0.01 * 0.75 ** max(len(word) - LONGEST_EVERYDAY, 0)
