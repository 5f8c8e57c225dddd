"""Which sellers of a signal log have to be judged together, and which can be judged apart.

The judge reads a row of another seller's making in two cases alone: a contact's, which several sellers pushed, and a
buyer's, which says what became of its reports, and where an erasure has to look. So two sellers are bound when they
pushed one contact, or dealt with one buyer who reported repeatedly, was erased, or changes its pseudonym.
"""

from collections import Counter
from zlib import crc32

import msgspec

from pipeline.policy.book import PolicyBook
from schemas.vocabulary import Sender

FOR_ALL = ""
"""Name of what concerns every seller: a tick of the log, another policy."""
UNREADABLE = "?"
REPEATEDLY = 2


class ContactTold(msgspec.Struct):
    """A contact under its pseudonyms."""

    contact: str
    former: str | None = None


class Told(msgspec.Struct):
    """What of a signal says whom it concerns."""

    kind: str
    seller_id: str
    buyer: str | None = None
    former_buyer: str | None = None
    contact: str | None = None
    contacts: list[ContactTold] = []
    sender: Sender = Sender.SELLER


decode_told = msgspec.json.Decoder(Told).decode


class Bonds:
    """Grows with the sellers that are bound, and with the buyers who reported or were erased."""

    def __init__(self, book: PolicyBook) -> None:
        self._parents: dict[str, str] = {}
        self._reports: Counter[str] = Counter()
        self._binding: set[str] = set()
        """Buyers who bind all sellers that they deal with."""
        # A report weighs for so long: a buyer's row that outlives it says the same whoever else keeps it alive.
        outlives = all(each.retention.dealing_days >= each.triggers.reporter_days for each in book.policies)
        self._binding_reports = REPEATEDLY if outlives else 1

    def meet(self, signal: bytes) -> tuple[str, str | None]:
        """Takes a signal into account; the name that it goes by, and the buyer in it."""
        try:
            told = decode_told(signal)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return UNREADABLE, None
        if told.kind in {"tick", "policy"}:
            return FOR_ALL, None
        seller = f"s:{told.seller_id}" if told.seller_id else told.buyer or UNREADABLE
        if told.sender is Sender.SELLER:
            for each in told.contacts:
                self.bind(seller, each.contact)
                if each.former is not None:
                    self.bind(seller, each.former)
        if told.contact is not None:
            self.bind(seller, told.contact)
        if told.buyer is not None:
            self._note_buyer(told, told.buyer)
        return seller, told.buyer

    def _note_buyer(self, told: Told, buyer: str) -> None:
        if told.kind == "erasure":
            self._binding.add(buyer)
        if told.kind == "report":
            self._reports[buyer] += 1
            if self._reports[buyer] >= self._binding_reports:
                self._binding.add(buyer)
        if told.former_buyer is not None:
            self._binding |= {buyer, told.former_buyer}
            self.bind(buyer, told.former_buyer)

    @property
    def has_binding_buyers(self) -> bool:
        """Whether the signals have to be met again, for their buyers."""
        return bool(self._binding)

    def meet_buyer(self, name: str, buyer: str | None) -> None:
        """Takes into account whom a buyer deals with, once it is known who binds."""
        if buyer in self._binding:
            self.bind(name, buyer)

    def bind(self, one: str, other: str) -> None:
        """The two, and all that each is bound to, belong together."""
        self._parents[self.root(one)] = self.root(other)

    def root(self, name: str) -> str:
        """The same name for all that belong together."""
        parents = self._parents
        while (parent := parents.get(name, name)) != name:
            parents[name] = grandparent = parents.get(parent, parent)
            name = grandparent
        return name

    def shard(self, name: str, shards: int) -> int:
        """Where the name is judged, of so many places."""
        return crc32(self.root(name).encode("utf-8", "surrogatepass")) % shards
