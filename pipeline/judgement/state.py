"""Typed rows over the stored ones, with what a batch changed; and what the fold wants the world to hear."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypeVar

import msgspec

from pipeline.judgement.rows import (
    Contact,
    Conversation,
    Dealing,
    OrderRow,
    Person,
    PolicyRow,
    Row,
    Rows,
    Seller,
    contact_key,
    conversation_key,
    dealing_key,
    order_key,
    person_key,
    seller_key,
)
from schemas.outputs import Advisory, Alert, Finding
from schemas.signals import Signal

RowT = TypeVar("RowT", bound=Row)
_DECODERS: Mapping[type[Row], msgspec.json.Decoder[Row]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Seller, Conversation, Dealing, OrderRow, Person, Contact, PolicyRow)
}
KIND_OF_PREFIX: Mapping[bytes, type[Row]] = {
    b"s": Seller,
    b"c": Conversation,
    b"b": Dealing,
    b"o": OrderRow,
    b"p": Person,
    b"k": Contact,
    b"y": PolicyRow,
}
_UNREAD = Row()
_ENCODER = msgspec.json.Encoder()
"""Fields in the order of the rows' definitions; the fold keeps every mapping sorted, so equal rows have equal bytes."""


@dataclass(slots=True)
class State:
    """The rows of one signals partition while a batch is folded; every get and put goes through it."""

    stored: Rows
    arrived_at_ms: int = 0
    """When the signal that is being folded arrived at the broker."""
    alerts_before: int = 0
    """How many alerts earlier signals of the batch have caused."""
    position: tuple[int, int] = (0, 0)
    """Partition and offset of the signal that is being folded, in the signal log."""
    held: dict[bytes, Row | None] = field(default_factory=dict)
    changed: dict[bytes, None] = field(default_factory=dict)
    """Keys, in the order of their first change: the fold is deterministic, so this is."""
    findings: list[Finding] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    advisories: list[Advisory] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    """For the signal log itself: what concerns rows of another partition."""
    confirmed: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Rule and an analyst's verdict on it: what each rule's precision is reckoned from."""
    review_times_ms: list[int] = field(default_factory=list)
    """How long each alert was open that a decision closed."""

    def seller(self, seller_id: str) -> Seller:
        """The seller's row, a new one for a seller never seen."""
        return self._get(seller_key(seller_id), Seller) or Seller(seller_id=seller_id)

    def conversation(self, seller_id: str, conversation_id: str) -> Conversation:
        """The conversation's row."""
        return self._get(conversation_key(seller_id, conversation_id), Conversation) or Conversation()

    def dealing(self, seller_id: str, buyer: str) -> Dealing:
        """What seller and buyer have behind them."""
        return self._get(dealing_key(seller_id, buyer), Dealing) or Dealing()

    def person(self, buyer: str) -> Person:
        """Where a buyer has dealings."""
        return self._get(person_key(buyer), Person) or Person()

    def contact(self, contact: str) -> Contact:
        """Who pushed a contact."""
        return self._get(contact_key(contact), Contact) or Contact()

    def order(self, seller_id: str, order_id: str) -> OrderRow | None:
        """The order, `None` while no event of it has arrived."""
        return self._get(order_key(seller_id, order_id), OrderRow)

    def row(self, key: bytes) -> Row | None:
        """Any row by its key."""
        return self._get(key, KIND_OF_PREFIX[key[:1]])

    def put(self, key: bytes, row: Row | None) -> None:
        """Remembers a row; `None` forgets it."""
        self.held[key] = row
        self.changed[key] = None

    def changes(self) -> dict[bytes, bytes | None]:
        """Every row that changed, as it is stored."""
        held, encode = self.held, _ENCODER.encode
        return {key: None if (row := held[key]) is None else encode(row) for key in self.changed}

    def due(self, until_ms: int) -> list[bytes]:
        """Keys of the rows that time must change, stored and changed in this batch, in the order of (due_ms, key)."""
        keys = {key for key in self.stored.due(until_ms) if key not in self.changed}
        keys |= {
            key for key in self.changed if (row := self.held[key]) and row.due_ms is not None and row.due_ms <= until_ms
        }
        due = [(row.due_ms, key) for key in keys if (row := self.row(key)) is not None and row.due_ms is not None]
        return [key for due_ms, key in sorted(due) if due_ms <= until_ms]

    def keys(self, prefix: bytes) -> list[bytes]:
        """Every key that begins so, rows of this batch included, in order."""
        stored = {key for key in self.stored.keys(prefix) if key not in self.changed}
        changed = {key for key in self.changed if key.startswith(prefix) and self.held[key] is not None}
        return sorted(stored | changed)

    def _get(self, key: bytes, kind: type[RowT]) -> RowT | None:
        row = self.held.get(key, _UNREAD)
        if row is not _UNREAD:
            return row  # type: ignore[return-value]  # a key's prefix decides the kind
        stored = self.stored.get(key)
        row = None if stored is None else _DECODERS[kind].decode(stored)
        self.held[key] = row
        return row  # type: ignore[return-value]  # the decoder of `kind`


def content_id(prefix: str, *parts: object) -> str:
    """`prefix`, an underscore and 24 hexadecimal digits that depend on nothing but the parts."""
    text = "\0".join([str(part) for part in parts]).encode("utf-8", "surrogatepass")
    return f"{prefix}_{blake2b(text, digest_size=12).hexdigest()}"


def remembered(seen: list[str], event_id: str, limit: int) -> list[str] | None:
    """The list with the event's digest added, bounded; `None` when it is there already."""
    short = digest(event_id)
    return None if short in seen else [*seen, short][-limit:]


def digest(event_id: str) -> str:
    """Twelve hexadecimal digits that stand for an id: 64 bounded ids collide once in some 10^11 rows."""
    return blake2b(event_id.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
