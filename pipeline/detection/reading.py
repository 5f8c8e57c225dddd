"""A message as words: unwrapped, folded, cut, every word with its place in the message as written."""

import base64
import binascii
import html
import re
import urllib.parse
from typing import Final
from unicodedata import category

from pipeline.detection.fold import BESIDE_CYRILLIC, BESIDE_LATIN, DISGUISE, FOLD, SIMPLE_FOLD
from pipeline.detection.lexicon import Lexicon
from pipeline.detection.phrases import WORD
from pipeline.detection.tricks import undo
from pipeline.detection.words import Layer, Reading, Trick

# Every pattern here is a character class, repeated: read once from left to right, no backtracking.
_TOKEN: Final = re.compile(rf"{WORD.pattern}|[.!?。！？؟;\n,:…\"]")
_CYRILLIC: Final = re.compile("[\u0400-\u052f]")
_LATIN: Final = re.compile("[a-z]")
SHORTEST_BASE64: Final = 12
"""Characters of a word that may be Base64, a sign that fills it up among them."""
_WRAPPED_BASE64: Final = re.compile(
    rf"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{{{SHORTEST_BASE64},4000}}={{0,2}}|[A-Za-z0-9+/_-]{{{SHORTEST_BASE64 - 1}}}=)"
)
_ENTITY: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_ESCAPES: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_SENTENCE_ENDS: Final = frozenset(".!?。！？؟\n…")
_GLUED_ENDS: Final = frozenset("!?。！？؟\n")  # a full stop between letters ends nothing: "t.me", "a.m."
_CLAUSE_ENDS: Final = frozenset(',;:"')
_ENDS: Final = _SENTENCE_ENDS | _CLAUSE_ENDS


def read(text: str | Layer, lexicon: Lexicon) -> Reading:
    """The message, or what was chosen from it, as words."""
    tricks: list[Trick] = []
    chosen = Layer(text, None, None) if isinstance(text, str) else text
    layer = folded_layer(_unwrapped(chosen, tricks), tricks)
    if not layer.text.isascii():
        layer = _without_look_alikes(layer, tricks)
    reading = Reading(layer, tricks)
    _split(reading)
    undo(reading, lexicon)
    return reading


def folded_layer(layer: Layer, tricks: list[Trick]) -> Layer:
    """The layer in folded letters."""
    text = layer.text
    if text.isascii():
        return Layer(text.lower(), layer.starts, layer.ends)
    simple = text.translate(SIMPLE_FOLD)
    if "\0" not in simple:
        return Layer(simple, layer.starts, layer.ends)
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
        character = text[at]
        if not character.isascii() and (technique := DISGUISE[ord(character)]):
            if technique == "zero_width" and not _is_within_word(text, at):
                continue
            tricks.append(Trick(technique, layer.start(at), layer.end(at + 1)))
    return Layer(out, starts, ends)


def _is_within_word(text: str, at: int) -> bool:
    """Whether an invisible character parts letters or digits that have no use for it."""
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    if not (before.isalnum() and after.isalnum()):
        return False
    if text[at] in "\u200b\u2060\ufeff\u00ad":
        return not "\u0e00" <= before <= "\u109f"  # scripts whose words are parted so
    return not "\u0600" <= before <= "\u109f"  # scripts whose letters are joined and parted so


def _unwrapped(layer: Layer, tricks: list[Trick]) -> Layer:
    """The message with HTML entities, URL escapes and Base64 read as what they stand for."""
    text = layer.text
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
        return layer
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    for start, end, plain, technique in sorted(found):
        if start < at:
            continue
        out.append(text[at:start] + plain)
        starts += [*map(layer.start, range(at, start)), *([layer.start(start)] * len(plain))]
        ends += [*map(layer.end, range(at + 1, start + 1)), *([layer.end(end)] * len(plain))]
        if plain.strip() and (technique == "base64" or plain[0].isalnum() or plain[0] == "+"):
            tricks.append(Trick(technique, layer.start(start), layer.end(end)))
        at = end
    out.append(text[at:])
    starts += map(layer.start, range(at, len(text)))
    ends += map(layer.end, range(at + 1, len(text) + 1))
    return Layer("".join(out), starts, ends)


def holds_base64(text: str) -> bool:
    """Whether some word of a text is Base64 of other text."""
    return any(_decoded(match[0]) for match in _WRAPPED_BASE64.finditer(text))


def _decoded(word: str) -> str:
    """What a Base64 word says; empty where it is a word like any other."""
    if len(word.rstrip("=")) % 4 == 1 or word.islower() or word.isdigit() or (word.isalpha() and word.isupper()):
        return ""
    try:
        padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
        plain = base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    letters = sum(category(character)[0] in "LMN" or character in " +-.,:/@?'!" for character in plain)
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
    from_starts, from_ends = layer.starts, layer.ends
    for match in _TOKEN.finditer(text):
        word = match[0]
        at, end = match.span()
        if word not in _ENDS:
            words.append(word)
            starts.append(at if from_starts is None else from_starts[at])
            ends.append(end if from_ends is None else from_ends[end - 1])
            continue
        count = len(words)
        if word == '"':
            reading.quotes.append(count)
        if not count:
            continue
        if word in "?？؟;":
            reading.questions.add(len(reading.sentence_starts) - 1)
        is_end = word in _GLUED_ENDS or (word in _SENTENCE_ENDS and (end >= size or text[end] in " \n\r\t"))
        if is_end and reading.sentence_starts[-1] != count:
            reading.sentence_starts.append(count)
        if (is_end or word in _CLAUSE_ENDS) and reading.clause_starts[-1] != count:
            reading.clause_starts.append(count)
