"""Whether a message is a no and nothing else: a refusal, where it answers a request."""

import re
from collections.abc import Iterable

LONGEST_CHARACTERS = 40
_WORDS = re.compile(r"[^\W\d_]+")


class BareNo:
    """What packs list as saying no without saying to what."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._known = frozenset(map(_words_of, entries))

    def is_in(self, text: str) -> bool:
        """Whether the text says that, whatever signs and emoji stand around it."""
        return len(text) <= LONGEST_CHARACTERS and _words_of(text) in self._known


def _words_of(text: str) -> str:
    return " ".join(_WORDS.findall(text.casefold()))
