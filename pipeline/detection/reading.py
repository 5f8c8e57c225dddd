"""A message as words: folded, unwrapped, tricks undone, every word with its place in the message as written."""

import base64
import binascii
import html
import re
import urllib.parse
from bisect import bisect_right
from dataclasses import dataclass, field

from pipeline.detection.fold import BESIDE_CYRILLIC, BESIDE_LATIN, FOLD
from pipeline.detection.lexicon import WORD, Lexicon, is_no_space

# Every pattern here is a character class, repeated: read once from left to right, no backtracking.
_TOKEN = re.compile(rf"{WORD.pattern}|[.!?。！？؟;\n,:…\"]")
_CHUNK = re.compile(r"[^\s]+")
_CYRILLIC = re.compile("[\u0400-\u052f]")
_LATIN = re.compile("[a-z]")
_WRAPPED_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{12,400}={0,2}")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SENTENCE_ENDS = frozenset(".!?。！？؟\n…")
_GLUED_ENDS = frozenset("!?。！？؟\n")  # a full stop between letters ends nothing: "t.me", "a.m."
_CLAUSE_ENDS = frozenset(',;:"')
_LEET = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "6": "gb", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
         "!": "il", "|": "li", "€": "e", "£": "l", "+": "t", "(": "c", "¢": "c", "*": "aeiou", "#": "h", "2": "z"}  # fmt: skip
_LEET_SIGNS = frozenset(_LEET)
_MIN_HIDDEN_WORD = 3
_MAX_HIDDEN_WORD = 24
_MAX_GUESSES = 24


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


def read(text: str, lexicon: Lexicon) -> Reading:
    """The message as words."""
    tricks: list[Trick] = []
    layer = folded_layer(_unwrapped(text, tricks), tricks)
    if not layer.text.isascii():
        layer = _without_look_alikes(layer, tricks)
    reading = Reading(layer, tricks=tricks)
    _split(reading)
    _undo(reading, lexicon)
    return reading


def folded_layer(layer: Layer, tricks: list[Trick]) -> Layer:
    """The layer in folded letters."""
    text = layer.text
    if text.isascii():
        return Layer(text.lower(), layer.starts, layer.ends)
    pieces = [FOLD[ord(character)] for character in text]
    out = "".join(pieces)
    starts: list[int] = []
    ends: list[int] = []
    for at, piece in enumerate(pieces):
        if len(piece) == 1:
            starts.append(layer.start(at))
            ends.append(layer.end(at + 1))
        elif piece:
            starts += [layer.start(at)] * len(piece)
            ends += [layer.end(at + 1)] * len(piece)
        elif text[at] in _ZERO_WIDTH:
            tricks.append(Trick("zero_width", layer.start(at), layer.end(at + 1)))
    return Layer(out, starts, ends)


_ZERO_WIDTH = frozenset(
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2061\u2062\u2063\u2064\u180e\u034f"
)


def _unwrapped(text: str, tricks: list[Trick]) -> Layer:
    """The message with HTML entities, URL escapes and Base64 read as what they stand for."""
    found: list[tuple[int, int, str, str]] = []
    if "&" in text:
        found += [(m.start(), m.end(), html.unescape(m[0]), "html") for m in _ENTITY.finditer(text)]
    if "%" in text:
        for match in _ESCAPES.finditer(text):
            found.append((match.start(), match.end(), urllib.parse.unquote(match[0], errors="replace"), "url"))
    found += [
        (m.start(), m.end(), plain, "base64") for m in _WRAPPED_BASE64.finditer(text) if (plain := _decoded(m[0]))
    ]
    if not found:
        return Layer(text, None, None)
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, plain, technique in sorted(found):
        if start < at:
            continue
        out.append(text[at:start] + plain)
        starts += [*range(at, start), *([start] * len(plain))]
        ends += [*range(at + 1, start + 1), *([end] * len(plain))]
        tricks.append(Trick(technique, start, end))
        at = end
    out.append(text[at:])
    starts += range(at, len(text))
    ends += range(at + 1, len(text) + 1)
    return Layer("".join(out), starts, ends)


def _decoded(word: str) -> str:
    """What a Base64 word says; empty where it is a word like any other."""
    if len(word.rstrip("=")) % 4 == 1 or word.islower() or word.isdigit() or (word.isalpha() and word.isupper()):
        return ""
    try:
        padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
        plain = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    letters = sum(character.isalnum() or character in " +-.,:/@?'!" for character in plain)
    return plain if plain.isprintable() and letters >= len(plain) * 0.9 else ""


def _without_look_alikes(layer: Layer, tricks: list[Trick]) -> Layer:
    """Words that mix scripts, written in one."""
    text = layer.text
    if not _LATIN.search(text):
        return layer
    latin = sum("a" <= character <= "z" for character in text)
    other = sum(
        character in BESIDE_LATIN or bool(_CYRILLIC.match(character)) for character in text if character > "\u036f"
    )
    if not other:
        return layer
    out = list(text)
    for match in WORD.finditer(text):
        word = match[0]
        if word.isascii():
            continue
        plain = _one_script(word, is_latin_text=latin > other)
        if plain != word:
            out[match.start() : match.end()] = plain
            tricks.append(Trick("homoglyph", layer.start(match.start()), layer.end(match.end())))
    return Layer("".join(out), layer.starts, layer.ends)


def _one_script(word: str, *, is_latin_text: bool) -> str:
    latin = sum("a" <= character <= "z" for character in word)
    cyrillic = sum(bool(_CYRILLIC.match(character)) for character in word)
    alike = sum(character in BESIDE_LATIN for character in word)
    strangers = sum(not character.isascii() and character not in BESIDE_LATIN for character in word)
    if alike and not strangers and (latin or is_latin_text):
        return "".join(BESIDE_LATIN.get(character, character) for character in word)
    if latin and cyrillic:
        return "".join(BESIDE_CYRILLIC.get(character, character) for character in word)
    return word


def _split(reading: Reading) -> None:
    text = reading.layer.text
    layer = reading.layer
    words, starts, ends = reading.words, reading.starts, reading.ends
    size = len(text)
    for match in _TOKEN.finditer(text):
        word = match[0]
        at = match.start()
        if word in _SENTENCE_ENDS or word in _CLAUSE_ENDS:
            count = len(words)
            if word == '"':
                reading.quotes.append(count)
            is_end = word in _GLUED_ENDS or (word in _SENTENCE_ENDS and (at + 1 >= size or text[at + 1] in " \n\r\t"))
            if word in "?？؟;" and count:
                reading.questions.add(len(reading.sentence_starts) - 1)
            if is_end and count and reading.sentence_starts[-1] != count:
                reading.sentence_starts.append(count)
            if (is_end or word in _CLAUSE_ENDS) and count and reading.clause_starts[-1] != count:
                reading.clause_starts.append(count)
            continue
        words.append(word)
        starts.append(layer.start(at))
        ends.append(layer.end(match.end()))


def _undo(reading: Reading, lexicon: Lexicon) -> None:
    """Words that were spelled in a hidden way, replaced by what they stand for where some pack knows that."""
    text = reading.layer.text
    changes: list[tuple[int, int, tuple[str, ...], str]] = []
    changes += _spaced_out(reading, lexicon)
    taken = {index for first, last, _, _ in changes for index in range(first, last)}
    if any(sign in text for sign in _LEET_SIGNS):
        changes += [change for change in _leet(reading, lexicon) if not taken & set(range(change[0], change[1]))]
        taken = {index for first, last, _, _ in changes for index in range(first, last)}
    for index, word in enumerate(reading.words):
        if index in taken or is_no_space(word):
            continue
        if word.isalpha() and word not in lexicon.words and (plain := _without_elongation(word, lexicon)):
            changes.append((index, index + 1, (plain,), "elongation"))
        elif halves := _halves(reading, index, lexicon):
            changes.append(halves)
            taken |= set(range(halves[0], halves[1]))
    for first, last, words, technique in sorted(changes, reverse=True):
        _replace(reading, first, last, words, technique)


def _replace(reading: Reading, first: int, last: int, words: tuple[str, ...], technique: str) -> None:
    start, end = reading.starts[first], reading.ends[last - 1]
    reading.words[first:last] = words
    reading.starts[first:last] = [start] * len(words)
    reading.ends[first:last] = [end] * len(words)
    shift = len(words) - (last - first)
    if shift:
        for places in (reading.sentence_starts, reading.clause_starts, reading.quotes):
            places[:] = [
                place + shift if place >= last else min(place, first) if place > first else place for place in places
            ]
    reading.tricks.append(Trick(technique, start, end))


def _spaced_out(reading: Reading, lexicon: Lexicon) -> list[tuple[int, int, tuple[str, ...], str]]:
    """Runs of single letters that spell words: `w h a t s a p p`, `n.u.m.b.e.r`."""
    words = reading.words
    changes = []
    first = 0
    count = len(words)
    while first < count:
        last = first
        while last < count and len(words[last]) == 1 and not is_no_space(words[last]):
            last += 1
        if last - first >= _MIN_HIDDEN_WORD and sum(word.isalpha() for word in words[first:last]) >= _MIN_HIDDEN_WORD:
            changes += _spelled(words, first, last, lexicon)
        first = max(last, first + 1)
    return changes


def _spelled(words: list[str], first: int, last: int, lexicon: Lexicon) -> list[tuple[int, int, tuple[str, ...], str]]:
    letters = [(index, word) for index, word in enumerate(words[first:last], first) if word.isalnum()]
    for skip in (0, 1):  # "a" and "i" may stand before as words of their own
        spelled = "".join(word for _, word in letters[skip:])
        parts = _parted(spelled, lexicon) or _parted(_unleet(spelled), lexicon)
        if parts and any(lexicon.weight(part) == 2 for part in parts if len(part) >= _MIN_HIDDEN_WORD):
            return [(letters[skip][0], letters[-1][0] + 1, parts, "spaced_letters")]
    return []


def _unleet(text: str) -> str:
    return "".join(_LEET.get(character, character)[0] for character in text)


def _parted(text: str, lexicon: Lexicon) -> tuple[str, ...]:
    """The fewest known words that text falls into; empty where there are none. Quadratic in a word's length only."""
    if len(text) > 80:  # nobody spells a longer run
        return ()
    best: list[tuple[str, ...] | None] = [()] + [None] * len(text)
    for end in range(1, len(text) + 1):
        for start in range(max(0, end - _MAX_HIDDEN_WORD), end):
            before = best[start]
            if before is None or text[start:end] not in lexicon.words:
                continue
            here = best[end]
            if here is None or len(before) + 1 < len(here):
                best[end] = (*before, text[start:end])
    return best[len(text)] or ()


def _leet(reading: Reading, lexicon: Lexicon) -> list[tuple[int, int, tuple[str, ...], str]]:
    """Words with digits and signs for letters: `wh4ts@pp`, `num8er`."""
    changes: list[tuple[int, int, tuple[str, ...], str]] = []
    layer = reading.layer
    index = 0
    for match in _CHUNK.finditer(layer.text):
        chunk = match[0].strip(".,:;?\"'()[]")
        if not 3 <= len(chunk) <= _MAX_HIDDEN_WORD or not _LEET_SIGNS.intersection(chunk):
            continue
        letters = sum(character.isalpha() for character in chunk)
        if letters * 2 < len(chunk) or lexicon.weight(chunk) == 2:
            continue
        plain = _guess(chunk, lexicon)
        if not plain:
            continue
        at = match.start() + match[0].index(chunk)
        start, end = layer.start(at), layer.end(at + len(chunk))
        while index < len(reading.words) and reading.ends[index] <= start:
            index += 1
        last = index
        while last < len(reading.words) and reading.starts[last] < end:
            last += 1
        if last > index:
            changes.append((index, last, (plain,), "leet"))
    return changes


def _guess(chunk: str, lexicon: Lexicon) -> str:
    """The known word that a word with signs for letters stands for; empty where there is none."""
    for tail in ("", "!"):
        guesses = [""]
        for character in chunk.removesuffix(tail) if tail else chunk:
            if character in "._-'":
                continue
            choices = _LEET.get(character, character)
            guesses = [guess + choice for guess in guesses for choice in choices][:_MAX_GUESSES]
        for guess in guesses:
            if len(guess) >= _MIN_HIDDEN_WORD and guess.isalpha() and lexicon.weight(guess) == 2:
                return guess
    return ""


def _without_elongation(word: str, lexicon: Lexicon) -> str:
    """`numberrr` as `number`; empty where no pack knows it so."""
    single = re.sub(r"(.)\1{2,}", r"\1", word)
    if single == word:
        return ""
    double = re.sub(r"(.)\1{2,}", r"\1\1", word)
    all_single = re.sub(r"(.)\1+", r"\1", word)
    return next((guess for guess in (single, double, all_single) if lexicon.weight(guess)), "")


def _halves(reading: Reading, index: int, lexicon: Lexicon) -> tuple[int, int, tuple[str, ...], str] | None:
    """A word cut in two or three: `num-ber`, `what sapp`."""
    words = reading.words
    joined = words[index]
    for last in range(index + 2, min(index + 4, len(words) + 1)):
        joined += words[last - 1]
        gap = reading.starts[last - 1] - reading.ends[last - 2]
        if gap > 3 or len(joined) > _MAX_HIDDEN_WORD or is_no_space(words[last - 1]):
            return None
        if len(joined) >= 5 and joined in lexicon.words and lexicon.words[joined] == 2:
            if all(lexicon.weight(word) for word in words[index:last]) and len(joined) < 7:
                return None
            return (index, last, (joined,), "separators")
    return None
