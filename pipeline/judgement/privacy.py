"""What may leave: keyed pseudonyms instead of buyers and contacts, excerpts without numbers, handles and addresses."""

import hashlib
import hmac
import re
from collections.abc import Iterable

from schemas.ids import Pseudonym

EXCERPT_CHARACTERS = 280
MASK = "▒▒▒"
# One bounded pass each, no nesting: linear on any text.
_ADDRESS = re.compile(r"\S{1,256}@\S{1,256}|(?:https?://|www\.)\S{1,2048}|@\w{2,64}", re.IGNORECASE)
_ADDRESS_SIGN = re.compile("@|://|www", re.IGNORECASE)
_HIDDEN = re.compile("\0+")
_DIGITS = re.compile(r"\d[\d\s().\-/+]*\d|\d")
_SENTENCE_ENDS = ".!?\n。！？؟।"


class Pseudonymiser:
    """Turns buyers and contacts into pseudonyms that only the holder of the key can make again.

    While the key is being replaced, the one before is here as well: rows lie under its pseudonyms until they are met.
    """

    def __init__(self, key: bytes, previous: bytes | None = None) -> None:
        self._mac = hmac.new(hashlib.blake2b(key, digest_size=32).digest(), digestmod="sha256")
        """Begun once: a copy takes half the time of a new one."""
        self._former = Pseudonymiser(previous) if previous is not None else None

    def buyer(self, buyer_id: str) -> Pseudonym:
        """`b_` and 24 hexadecimal digits."""
        return Pseudonym(f"b_{self._digest('buyer', buyer_id)}")

    def contact(self, contact: str) -> Pseudonym:
        """`c_` and 24 hexadecimal digits; the same number gives the same pseudonym whoever writes it."""
        return Pseudonym(f"c_{self._digest('contact', contact)}")

    def former_buyer(self, buyer_id: str) -> Pseudonym | None:
        """The buyer's pseudonym under the key before; `None` while no key is being replaced."""
        return self._former.buyer(buyer_id) if self._former else None

    def former_contact(self, contact: str) -> Pseudonym | None:
        """The contact's pseudonym under the key before; `None` while no key is being replaced."""
        return self._former.contact(contact) if self._former else None

    def _digest(self, kind: str, value: str) -> str:
        mac = self._mac.copy()
        mac.update(f"{kind}\0{value}".encode("utf-8", "surrogatepass"))
        return mac.hexdigest()[:24]


def redacted_excerpt(text: str, spans: Iterable[tuple[int, int]], around: int) -> str:
    """The sentence around a place, with the spans, digits, addresses and handles masked; up to 280 characters."""
    start, end = sentence_at(text, around)
    characters = list(text[start:end])
    for first, last in spans:
        for index in range(max(first - start, 0), min(last - start, len(characters))):
            characters[index] = "\0"
    masked = _HIDDEN.sub(MASK, "".join(characters))
    if _ADDRESS_SIGN.search(masked):  # most have none, and the pattern tries every word
        masked = _ADDRESS.sub(MASK, masked)
    excerpt = " ".join(_DIGITS.sub(MASK, masked).split())
    return excerpt if len(excerpt) <= EXCERPT_CHARACTERS else excerpt[: EXCERPT_CHARACTERS - 1] + "…"


def sentence_at(text: str, place: int) -> tuple[int, int]:
    """Start and end of the sentence that holds a place, at most 400 characters of it."""
    start = max((text.rfind(mark, 0, place) for mark in _SENTENCE_ENDS), default=-1) + 1
    ends = [index for mark in _SENTENCE_ENDS if (index := text.find(mark, place)) >= 0]
    end = min(ends) + 1 if ends else len(text)
    return max(start, place - 200), min(end, place + 200)
