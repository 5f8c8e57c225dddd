"""Whether a message is little but a few digits: perhaps a piece of a number that is sent in several messages."""

import re
from typing import Final, NamedTuple

LONGEST_CHARACTERS: Final = 48
MOST_LETTERS: Final = 14
FEWEST_DIGITS: Final = 2
MOST_DIGITS: Final = 9
_DIGIT: Final = re.compile(r"\d")
# Prices, sizes, times, shares, counts and dates come as a few digits as well.
MEASURE: Final = re.compile(
    r"[€$£¥₹₽₩₫฿₺%#°:]|\d\s?(?:x|cm|mm|m|kg|g|ml|l|eur|euros?|usd|gbp|pln|h|am|pm|uhr|min|pcs|st|stk|years?|days?|weeks?)\b"
    r"|\d\s?[年月日元円号號个個只点點]|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b",
    re.IGNORECASE,
)


class Fragment(NamedTuple):
    """What may be told of such a message: how many digits it has, and whether they begin as a dialled number does."""

    digits: int
    has_prefix: bool


NONE: Final = Fragment(0, has_prefix=False)


def fragment_of(text: str) -> Fragment:
    """The fragment that a message is; `NONE` for all others. A third of a microsecond for a long message."""
    if len(text) > LONGEST_CHARACTERS:
        return NONE
    first = _DIGIT.search(text)
    if first is None or MEASURE.search(text):
        return NONE
    digits = sum(character.isdecimal() for character in text)
    letters = sum(character.isalpha() for character in text)
    if letters > MOST_LETTERS or not FEWEST_DIGITS <= digits <= MOST_DIGITS:
        return NONE
    is_prefix = int(first[0]) == 0 or text[: first.start()].rstrip().endswith(("+", "\uff0b"))
    return Fragment(digits, is_prefix)
