"""The rows that the judge remembers: sellers, conversations, dealings with a buyer, orders.

A row is a compact JSON object; its bytes are a function of its content. `due_ms` says when time alone must change it.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from schemas.vocabulary import Action, Fulfilment, OrderStatus, Severity, VerificationStatus


class Rows(Protocol):
    """The rows of one signals partition."""

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key)."""


class Row(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What all rows share."""

    due_ms: int | None = None


class VerificationState(msgspec.Struct, omit_defaults=True, kw_only=True):
    """Where the platform's check of a seller stands."""

    status: VerificationStatus = VerificationStatus.UNVERIFIED
    at_ms: int = 0
    verified_at_ms: int | None = None
    expires_at_ms: int | None = None
    documents: dict[str, int] = {}
    """Kind of document -> when it last changed."""
    changed_at_ms: int | None = None
    """When a bank account, tax id or identity last changed after it had been known."""
    is_lapse_told: bool = False
    """Whether an alert has said that it lapsed or is due again."""


class Episode(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The alert of a seller that is open now."""

    number: int
    revision: int
    opened_at_ms: int
    due_at_ms: int
    severity: Severity
    action: Action
    triggers: dict[str, dict[str, int | float | str]]
    reasons: dict[str, str]
    """The sentence of each trigger."""
    is_overdue: bool = False


class Seller(Row):
    """What is remembered of a seller. Bounded: days by the longest window, lists by the policy."""

    seller_id: str
    marketplace: str | None = None
    days: dict[int, list[int]] = {}
    """Day since the epoch -> counts in the order of `COUNTS`."""
    verification: VerificationState = msgspec.field(default_factory=VerificationState)
    strikes: float = 0.0
    strikes_at_ms: int = 0
    finding_ids: list[str] = []
    reporters: dict[str, int] = {}
    """Buyer who reported -> when last."""
    persistent_at_ms: list[int] = []
    """When it asked again after a refusal, newest last."""
    seen: list[str] = []
    """Short digests of event ids, newest last."""
    episodes: int = 0
    episode: Episode | None = None
    quiet_until_ms: int = 0
    last_at_ms: int = 0


COUNTS = ("orders", "complaints", "solicitations", "reports")


class Conversation(Row):
    """What one conversation remembers."""

    last_at_ms: int = 0
    requests: int = 0
    alternatives: int = 0
    advised: list[str] = []
    order_id: str | None = None
    seen: list[str] = []


class Dealing(Row):
    """What a seller and one buyer have behind them."""

    last_at_ms: int = 0
    refused_at_ms: int | None = None
    requests_after_refusal: int = 0
    granted_at_ms: int | None = None
    asked_at_ms: int | None = None
    bad_review_at_ms: int | None = None
    complained_at_ms: int | None = None
    order_id: str | None = None


class OrderRow(Row):
    """What matters of an order."""

    status: OrderStatus
    placed_at_ms: int
    changed_at_ms: int
    is_placed: bool = False
    """Whether the placing itself was seen, which is what counts as an order."""
    fulfilments: list[Fulfilment] = []
    categories: list[str] = []
    is_bulky: bool = False
    is_customised: bool = False
    is_fragile: bool = False
    is_technical: bool = False


def seller_key(seller_id: str) -> bytes:
    """Key of a seller's row."""
    return f"s:{seller_id}".encode()


# The length in front keeps two sellers apart whatever their ids hold.
def conversation_key(seller_id: str, conversation_id: str) -> bytes:
    """Key of a conversation's row."""
    return f"c:{len(seller_id)}:{seller_id}:{conversation_id}".encode()


def dealing_key(seller_id: str, buyer: str) -> bytes:
    """Key of the row of a seller and a buyer's pseudonym."""
    return f"b:{len(seller_id)}:{seller_id}:{buyer}".encode()


def order_key(seller_id: str, order_id: str) -> bytes:
    """Key of an order's row."""
    return f"o:{len(seller_id)}:{seller_id}:{order_id}".encode()
