"""Which letters count as the same: case, width, accents, look-alikes and every script's digits."""

import json
import unicodedata
from pathlib import Path

# Scripts that put no space between words: each character is a token of its own, so that an entry is found anywhere.
NO_SPACE = "\u0e00-\u0e7f\u1100-\u11ff\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3130-\u318f\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0002ffff"
_UNACCENTED = ("LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW")
# No decomposition in Unicode, and yet typed as these where the keyboard lacks them.
_PLAIN = {
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ŧ": "t", "ŋ": "n", "ß": "ss",
    "ى": "ي", "ی": "ي", "ئ": "ي", "ة": "ه", "ک": "ك", "ؤ": "و", "ٱ": "ا", "ە": "ه", "ך": "כ", "ם": "מ", "ן": "נ", "ף": "פ",
    "ץ": "צ", "ς": "σ", "ː": ":", "’": "'", "‘": "'", "ʼ": "'", "`": "'", "´": "'", "′": "'", "ʹ": "'", "׳": "'",
    "、": ",", "，": ",", "؛": ";", "،": ",", "。": "。", "…": ".", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "「": '"', "」": '"',
    "『": '"', "』": '"', "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "−": "-", "ー": "ー", "・": " ", "•": " ", "·": " ",
}  # fmt: skip
_INVISIBLE = frozenset(
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0\u093c\u0640\ufe0e\ufe0f\u20e3"
)
_SQUARED_A = (0x1F130, 0x1F150, 0x1F170)  # squared, negative circled and negative squared capitals
_LETTERS = 26


def _table() -> dict[str, dict[str, str]]:
    content: dict[str, dict[str, str]] = json.loads(
        Path(__file__).with_name("confusables.json").read_text(encoding="utf-8")
    )
    return content


_CONFUSABLES = _table()
BESIDE_LATIN = _CONFUSABLES["beside_latin"]
"""Cyrillic, Greek and Armenian letters that look Latin: they are read so only within a Latin word."""
BESIDE_CYRILLIC = {"a": "а", "e": "е", "o": "о", "p": "р", "c": "с", "y": "у", "x": "х", "i": "і", "k": "к", "m": "м",
                   "t": "т", "b": "в", "h": "н", "n": "п", "u": "и", "r": "г", "s": "ѕ", "j": "ј", "3": "з", "0": "о",
                   "6": "б", "4": "ч"}  # fmt: skip


def folded(character: str) -> str:
    """What one character is read as: lower case, plain, several characters or none."""
    if character.isascii():
        return character.lower()
    if character in _INVISIBLE:
        return ""
    if character in _PLAIN:
        return _PLAIN[character]
    if emblem := _emblem_letter(ord(character)):
        return emblem
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    return "".join(map(_folded_part, unicodedata.normalize("NFKC", character).casefold()))


def _emblem_letter(code: int) -> str:
    """The letter on an emoji: squared and negative circled capitals. Regional indicators are flags."""
    for first in _SQUARED_A:
        if first <= code < first + _LETTERS:
            return chr(ord("a") + code - first)
    return ""


def _folded_part(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in ("Cf", "Cc", "Cs", "Me", "Sk") or character in _INVISIBLE:
        return " " if character in "\n\r\t\x85" else ""
    if category == "Mn":
        return character if _is_vowel_sign(character) else ""
    if category[0] == "Z":
        return "\n" if category in ("Zl", "Zp") else " "
    if category[0] == "P":
        return _PLAIN.get(character, character)
    return _unaccented(character)


def _is_vowel_sign(character: str) -> bool:
    # Indic, Thai and kana marks change the word; in the other scripts marks are accents or points that people leave out.
    return "\u0900" <= character <= "\u0dff" or "\u0e00" <= character <= "\u0eff" or character in "\u3099\u309a"


def _unaccented(character: str) -> str:
    known = _PLAIN.get(character) or _CONFUSABLES["always"].get(character)
    if known:
        return known
    if not unicodedata.name(character, "").startswith(_UNACCENTED):
        return character
    base = unicodedata.normalize("NFD", character)[0]
    return _PLAIN.get(base, base)


class FoldTable(dict[int, str]):
    """For `str.translate`: fills itself, one character at a time, and always with the same."""

    def __missing__(self, code: int) -> str:
        """The folding of a character seen for the first time."""
        value = self[code] = folded(chr(code))
        return value


FOLD = FoldTable()


def fold(text: str) -> str:
    """Text as it is compared."""
    if text.isascii():
        return text.lower()
    return text.translate(FOLD)


def disguise(character: str) -> str:
    """The technique that uses this character in place of a plain one; empty for what people type without a thought."""
    code = ord(character)
    if character in ZERO_WIDTH:
        return "zero_width"
    if 0xFF01 <= code <= 0xFF5E:
        return "fullwidth" if character.isalnum() else ""
    if any(first <= code < first + _LETTERS for first in _SQUARED_A):
        return "emoji"
    if (
        0x1D400 <= code <= 0x1D7FF
        or 0x24B6 <= code <= 0x24E9
        or (character in _CONFUSABLES["always"] and character != "ı")
    ):
        return "homoglyph"
    if code == 0x20E3 or 0x2460 <= code <= 0x249B or 0x2776 <= code <= 0x2793:
        return "keycaps"
    return ""


class SimpleFoldTable(dict[int, str]):
    """For `str.translate`: the folding of characters that stay one character and hide nothing, else NUL."""

    def __missing__(self, code: int) -> str:
        """What is read in place of a character seen for the first time."""
        plain = FOLD[code]
        value = self[code] = plain if len(plain) == 1 and not DISGUISE[code] else "\0"
        return value


class DisguiseTable(dict[int, str]):
    """The technique behind each character, told once."""

    def __missing__(self, code: int) -> str:
        """The technique behind a character seen for the first time."""
        value = self[code] = disguise(chr(code))
        return value


ZERO_WIDTH = frozenset(
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2061\u2062\u2063\u2064\u180e\u034f"
)
DISGUISE = DisguiseTable()
SIMPLE_FOLD = SimpleFoldTable()
