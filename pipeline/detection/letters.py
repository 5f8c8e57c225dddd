"""Letters as numbers that a linear model weighs: each by itself, and each three in a row."""

from typing import Final

from mypy_extensions import i64

LETTER_BUCKETS: Final = 32_768
"""Of the weights of runs of letters."""
SINGLE_BUCKETS: Final = 4_096
"""Of these, for letters one by one; the rest are for three in a row."""
ZERO: Final = 128
"""What a weight of nothing is stored as."""
_SPACE: Final = 32
_FNV_PRIME: Final = 16_777_619
_FNV_START: Final = 2_166_136_261
_MASK: Final = 0xFFFFFFFF


def runs_of(text: str) -> list[int]:
    """Buckets of each letter and of each three in a row, by the FNV-1a hash of their code points."""
    codes = [48 if letter.isdigit() else ord(letter) for letter in text]
    out = [code % SINGLE_BUCKETS for code in codes]
    for place in range(len(codes) - 2):
        first: i64 = codes[place]
        second: i64 = codes[place + 1]
        third: i64 = codes[place + 2]
        value: i64 = ((_FNV_START ^ first) * _FNV_PRIME) & _MASK
        value = ((value ^ second) * _FNV_PRIME) & _MASK
        value = ((value ^ third) * _FNV_PRIME) & _MASK
        out.append(int(SINGLE_BUCKETS + (value ^ (value >> 15)) % (LETTER_BUCKETS - SINGLE_BUCKETS)))
    return out


def within_word(word: str) -> list[int]:
    """Buckets of the letters of a word that may stand anywhere: twice as many as it has letters."""
    return [bucket for bucket in runs_of(f" {word} ") if bucket != _SPACE]
