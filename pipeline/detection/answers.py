"""Whether a message is a no and nothing else: a refusal, where it answers a request."""

import re
from typing import Final

from pipeline.detection.fold import fold

LONGEST_CHARACTERS: Final = 40
_WORDS: Final = re.compile(r"[^\W\d_]+")


def letters_alone(text: str) -> str:
    """The words of a short message or an entry, without the signs and emoji around them."""
    return " ".join(_WORDS.findall(fold(text)))
