"""Words that were spelled in a hidden way, replaced by what they stand for where some pack knows that."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product
from string import digits
from typing import Final

from pipeline.detection.lexicon import SHORTEST_CUT, Lexicon
from pipeline.detection.phrases import is_no_space
from pipeline.detection.words import Reading, Trick

# Every pattern here is a character class, repeated: read once from left to right, no backtracking.
_CHUNK: Final = re.compile(r"[^\s\u0590-\u08ff\u0e00-\u0eff\u2e80-\ud7ff]+")
"""What may be written with signs for letters: Latin and Cyrillic words, also within a script that leaves no space."""
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
_LEET: Final = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
         "!": "il", "|": "li", "€": "e", "£": "l", "+": "t", "(": "c", "¢": "c", "*": "aeiou", "#": "h", "2": "z"}  # fmt: skip
_CYRILLIC_LEET: Final = {"0": "о", "1": "іил", "3": "зе", "4": "ча", "5": "сп", "6": "б", "7": "т", "8": "в", "9": "яд",
                  "@": "а", "$": "с", "*": "аоеи", "|": "л", "!": "и"}  # fmt: skip
_LEET_SIGNS: Final = frozenset(_LEET)
_BETWEEN: Final = "._-'"
"""Signs that part letters and stand for none."""
_AROUND_LEET: Final = ".,:;?\"'()[]¿¡«»“”„"
_STRETCHED: Final = re.compile(r"(\w)\1\1")
_DRAWN_OUT: Final = re.compile(r"(\w)\1{2,}")
_REPEATED: Final = re.compile(r"(\w)\1+")
_MOST_RUNS: Final = 5
"""Drawn out in one word: each may stand for one letter or two."""
_SHORTEST: Final = 3
_SHORTEST_LEET: Final = 2
_SURELY_LEET: Final = 4
"""Weight of words with signs for letters that are no chance together."""
SHORTEST_REVERSED: Final = 5
"""Letters of a word for a contact that stands for itself when it is written backwards."""
_SHORTEST_COMMON: Final = 4
"""Letters of a hidden word that names no contact: shorter ones are met by chance."""
_LONGEST: Final = 24
_LONGEST_SPELLED: Final = 80
_FEWEST_SPELLED: Final = 6
"""Single letters in a row that nobody writes but to spell: whatever words they give, these are meant."""
_MAX_GUESSES: Final = 48
_MAX_PIECES: Final = 4
_ODD_GAP: Final = frozenset(".*_~|/\\^•·=+")

Change = tuple[int, int, tuple[str, ...], str]
"""First and last word, exclusive, what they stand for, and the technique."""


@dataclass(slots=True)
class _Undoing:
    """What was found so far in one message."""

    reading: Reading
    lexicon: Lexicon
    changes: list[Change]
    taken: set[int]

    def take(self, changes: Iterator[Change]) -> None:
        for change in changes:
            places = range(change[0], change[1])
            if not self.taken.intersection(places):
                self.changes.append(change)
                self.taken.update(places)


def undo(reading: Reading, lexicon: Lexicon) -> None:
    """Replaces hidden words; each replacement keeps the place of what it replaces."""
    undoing = _Undoing(reading, lexicon, [], set())
    undoing.take(_spaced_out(reading, lexicon))
    if not _LEET_SIGNS.isdisjoint(reading.layer.text):
        undoing.take(_leet(reading, lexicon))
    undoing.take(_misspelled(undoing))
    undoing.take(_backwards(reading.words, lexicon))
    if undoing.changes:
        _replace(reading, sorted(undoing.changes))


def _replace(reading: Reading, changes: Sequence[Change]) -> None:
    moved: list[int] = []  # where each word stands afterwards; those that become more or fewer, where these begin
    shift = 0
    for first, last, words, _ in changes:
        moved += range(len(moved) + shift, first + 1 + shift)
        more = len(words) - (last - first)
        moved += [first + shift] * (last - first - 1) if more else range(first + 1 + shift, last + shift)
        shift += more
    moved += range(len(moved) + shift, len(reading.words) + 1 + shift)
    for places in (reading.sentence_starts, reading.clause_starts):
        places[:] = sorted({moved[place] for place in places})
    reading.quotes[:] = [moved[place] for place in reading.quotes]
    for first, last, words, technique in reversed(changes):
        start, end = reading.starts[first], reading.ends[last - 1]
        reading.words[first:last] = words
        reading.starts[first:last] = [start] * len(words)
        reading.ends[first:last] = [end] * len(words)
        reading.tricks.append(Trick(technique, start, end))


def _spaced_out(reading: Reading, lexicon: Lexicon) -> Iterator[Change]:
    """Runs of single letters that spell words: `w h a t s a p p`, `n.u.m.b.e.r`."""
    words = reading.words
    first = 0
    count = len(words)
    while first < count:
        if len(words[first]) != 1:
            first += 1
            continue
        last = first
        while last < count and len(words[last]) == 1 and not is_no_space(words[last]):
            last += 1
        if last - first >= _SHORTEST:
            yield from _spelled(reading, first, last, lexicon)
        first = max(last, first + 1)


def _spelled(reading: Reading, first: int, last: int, lexicon: Lexicon) -> Iterator[Change]:
    """What a run of single letters says: all of it, or each part between wider gaps, or a known beginning."""
    letters = [index for index in range(first, last) if reading.words[index].isalnum()]
    if sum(reading.words[index].isalpha() for index in letters) < _SHORTEST:
        return
    for skip in (0, 1):  # "a" and "i" may stand before as words of their own
        run = letters[skip:]
        parts = _known_parts("".join(reading.words[index] for index in run), lexicon)
        if parts:
            yield (run[0], run[-1] + 1, parts, "spaced_letters")
            return
    is_sentence = len(letters) >= _FEWEST_SPELLED
    for run in _segments(reading, letters):
        spelled = "".join(reading.words[index] for index in run)
        if len(run) > (1 if is_sentence else _SHORTEST) and spelled in lexicon.words:
            yield (run[0], run[-1] + 1, (spelled,), "spaced_letters")
        elif parts := _known_parts(spelled, lexicon):
            yield (run[0], run[-1] + 1, parts, "spaced_letters")
        elif size := _known_beginning(spelled, lexicon):
            yield (run[0], run[size - 1] + 1, (spelled[:size],), "spaced_letters")


def _segments(reading: Reading, letters: list[int]) -> Iterator[list[int]]:
    """A run of single letters, cut where the gap is wider than those within words."""
    run: list[int] = []
    for index in letters:
        if run and reading.starts[index] - reading.ends[run[-1]] > 1:
            yield run
            run = []
        run.append(index)
    if run:
        yield run


def _known_parts(spelled: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The words that letters spell, where one of them names a contact."""
    for text in (spelled, "".join(_LEET.get(character, character)[0] for character in spelled)):
        parts = _parted(text, lexicon)
        if any(lexicon.weight(part) == 2 for part in parts if len(part) >= _SHORTEST):
            return parts
    return ()


def _known_beginning(spelled: str, lexicon: Lexicon) -> int:
    """Length of the longest word for a contact that letters begin with."""
    sizes = range(min(len(spelled), _LONGEST), _SHORTEST_COMMON, -1)
    return next((size for size in sizes if lexicon.is_way(spelled[:size])), 0)


def _parted(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The fewest known words that text falls into; empty where there are none. Quadratic in a word's length only."""
    if len(text) > _LONGEST_SPELLED:
        return ()
    best: list[tuple[str, ...] | None] = [()] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _LONGEST), end):
            before = best[start]
            if before is None or text[start:end] not in lexicon.words:
                continue
            here = best[end]
            if here is None or len(before) + 1 < len(here):
                best[end] = (*before, text[start:end])
    return best[len(text)] or ()


def _leet(reading: Reading, lexicon: Lexicon) -> Iterator[Change]:
    """Words with digits and signs for letters: `wh4ts@pp`, `num8er`. Common words count beside one for a contact."""
    layer = reading.layer
    index = 0
    for at, length, plain in leet_words(layer.text, lexicon):
        start, end = layer.start(at), layer.end(at + length)
        while index < len(reading.words) and reading.ends[index] <= start:
            index += 1
        last = index
        while last < len(reading.words) and reading.starts[last] < end:
            last += 1
        if last > index:
            yield (index, last, (plain,), "leet")


def leet_words(text: str, lexicon: Lexicon) -> list[tuple[int, int, str]]:
    """Where words with signs for letters stand in a folded text, their length, and what they stand for.

    None where they may be chance: one has to name a contact, or there have to be more.
    """
    found: list[tuple[int, int, str]] = []
    total = 0
    for match in _CHUNK.finditer(text):
        chunk = match[0].strip(_AROUND_LEET)
        plain, weight = _leet_word(chunk, lexicon)
        if plain:
            found.append((match.start() + match[0].index(chunk), len(chunk), plain))
            total += weight
    return found if total >= _SURELY_LEET else []


def _leet_word(chunk: str, lexicon: Lexicon) -> tuple[str, int]:
    """What a word with signs for letters stands for, and its weight; empty where it is none."""
    if not _SHORTEST_LEET <= len(chunk) <= _LONGEST or chunk.isdigit() or _LEET_SIGNS.isdisjoint(chunk):
        return "", 0
    letters = sum(map(str.isalpha, chunk))
    between = sum(map(chunk.count, _BETWEEN))
    if not letters or letters * 3 < len(chunk) - between or chunk in lexicon.words:
        return "", 0
    plain, weight = _guess(chunk, lexicon)
    is_figure = letters * 2 < len(chunk) - between and weight < _SURELY_LEET  # "57O" is 570, whatever "sto" says
    word = chunk.rstrip(digits)
    is_word = len(word) >= _SHORTEST and word in lexicon.words and weight < _SURELY_LEET  # "acht7" is 87
    return ("", 0) if is_figure or is_word else (plain, weight)


def _guess(chunk: str, lexicon: Lexicon) -> tuple[str, int]:
    """The known word that a word with signs for letters stands for, and its weight; empty where there is none.

    A word for a contact weighs four, another one two, one of three letters one: so short ones are met by chance. One of
    two weighs nothing, and is read among others.
    """
    table = _CYRILLIC_LEET if _CYRILLIC.search(chunk) else _LEET
    best = ("", 0)
    for text in dict.fromkeys((_DRAWN_OUT.sub(r"\1", chunk), chunk, chunk.removesuffix("!"))):
        choices = [table.get(character, character) for character in text if character not in _BETWEEN]
        for letters in islice(product(*choices), _MAX_GUESSES):
            guess = "".join(letters)
            if not guess.isalpha():
                continue
            weight = lexicon.weight(guess)
            if weight == 2 and len(guess) >= _SHORTEST:
                return guess, _SURELY_LEET
            if weight and not best[0]:
                best = (guess, 2 if len(guess) >= _SHORTEST_COMMON else len(guess) - 2)
    return best


def _misspelled(undoing: _Undoing) -> Iterator[Change]:
    """Words drawn out, cut in pieces or written backwards."""
    reading, lexicon = undoing.reading, undoing.lexicon
    words, known, beginnings = reading.words, lexicon.words, lexicon.beginnings
    has_stretched = _STRETCHED.search(reading.layer.text) is not None
    index = 0
    while index < len(words):
        word = words[index]
        step = 1
        if index not in undoing.taken:
            if word in beginnings and (pieces := _pieces(reading, index, lexicon)):
                yield pieces
                step = pieces[1] - index
            elif (
                has_stretched
                and word not in known
                and word.isalpha()
                and word.strip("o")
                and (plain := _without_elongation(word, lexicon))
            ):
                yield (index, index + 1, (plain,), "elongation")
        index += step


def _backwards(words: Sequence[str], lexicon: Lexicon) -> Iterator[Change]:
    """Words written backwards: those for a contact, and where more are known so than forwards, all."""
    turned = [word[::-1] for word in words]
    sure = [
        index
        for index, word in enumerate(words)
        if len(word) >= SHORTEST_REVERSED
        and word.isalpha()
        and word not in lexicon.words
        and _names_contact(turned[index], lexicon)
    ]
    if not sure:
        return
    known = [
        index for index, word in enumerate(turned) if len(word) > 1 and word != words[index] and word in lexicon.words
    ]
    forward = sum(len(word) > 1 and word in lexicon.words for word in words)
    for index in sorted({*sure, *known}) if len(known) > forward else sure:
        yield (index, index + 1, (turned[index],), "reversed")


def _names_contact(word: str, lexicon: Lexicon) -> bool:
    """Whether a word, or what it begins with, names a contact or a channel."""
    sizes = range(SHORTEST_REVERSED, len(word))
    return lexicon.is_way(word) or any(lexicon.is_way(f"{word[:size]}*") for size in sizes)


def _without_elongation(word: str, lexicon: Lexicon) -> str:
    """`numberrr` as `number`; empty where no pack knows it so."""
    between = _DRAWN_OUT.split(word)  # letters between runs, and the letter of each run, in turn
    if not 1 < len(between) <= 2 * _MOST_RUNS + 1:
        return ""
    choices = [(part, part * 2) if place % 2 else (part,) for place, part in enumerate(between)]
    guesses = ["".join(letters) for letters in product(*choices)]
    guesses.append(_REPEATED.sub(r"\1", word))
    return next((guess for guess in guesses if lexicon.weight(guess)), "")


def _pieces(reading: Reading, index: int, lexicon: Lexicon) -> Change | None:
    """A word cut in up to four: `num-ber`, `what sapp`, `tele🙂gram`."""
    words = reading.words
    joined = words[index]
    used = 1
    last = index + 1
    has_sign = False
    while last < len(words) and used < _MAX_PIECES:
        word = words[last]
        if reading.starts[last] - reading.ends[last - 1] > 3 or is_no_space(word):
            return None
        last += 1
        if not word[0].isalnum():
            has_sign = True
            continue
        joined += word
        used += 1
        if joined not in lexicon.beginnings and joined not in lexicon.words:
            return None
        if len(joined) >= SHORTEST_CUT and lexicon.is_way(joined):
            if all(lexicon.knows(piece) for piece in words[index:last] if piece[0].isalnum()) and not (
                has_sign or _has_odd_gap(reading, index, last)
            ):
                return None
            return (index, last, (joined,), "emoji" if has_sign else "separators")
    return None


def _has_odd_gap(reading: Reading, first: int, last: int) -> bool:
    text = reading.layer.text
    gaps = range(first + 1, last)
    return reading.layer.starts is None and any(
        _ODD_GAP.intersection(text[reading.ends[index - 1] : reading.starts[index]]) for index in gaps
    )
