"""The rows that the judge remembers: sellers, conversations, dealings with a buyer, orders, contacts.

A row is a compact JSON object; its bytes are a function of its content. `due_ms` says when time alone must change it.
"""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from schemas.vocabulary import Action, Fulfilment, OrderStatus, Severity, Verdict, VerificationStatus


class Rows(Protocol):
    """The rows of one signals partition."""

    def get(self, key: bytes) -> bytes | None:
        """The row, or `None` when there is none."""

    def due(self, until_ms: int) -> Iterator[bytes]:
        """Keys of the rows whose `due_ms` is not after `until_ms`, in the order of (due_ms, key)."""

    def keys(self, prefix: bytes) -> Iterator[bytes]:
        """Every key that begins so, in order."""


# gc=False: rows are trees, and Python's collector otherwise walks them over and over.
class Row(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
    """What all rows share."""

    due_ms: int | None = None


class VerificationState(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
    """Where the platform's check of a seller stands."""

    status: VerificationStatus = VerificationStatus.UNVERIFIED
    level: str | None = None
    """How much was looked at, in the marketplace's words."""
    at_ms: int = 0
    verified_at_ms: int | None = None
    registered_at_ms: int | None = None
    expires_at_ms: int | None = None
    documents: dict[str, int] = {}
    """Kind of document -> when it last changed."""
    changed_at_ms: int | None = None
    """When a bank account, tax id or identity last changed after it had been known."""
    is_lapse_told: bool = False
    """Whether an alert has said that it lapsed or is due again."""


class Episode(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
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


class JudgedBefore(msgspec.Struct, omit_defaults=True, gc=False, array_like=True, frozen=True):
    """What is kept of a finding."""

    finding_id: str
    strikes: float
    rules: str
    """Its rules, with spaces between."""


class Closed(msgspec.Struct, omit_defaults=True, gc=False, array_like=True, frozen=True):
    """The last episode that was closed, for an appeal that may overturn it."""

    number: int
    at_ms: int
    is_confirmed: bool
    strikes: float
    """Added when it was confirmed, or taken back when it was dismissed."""


class Wording(msgspec.Struct, omit_defaults=True, gc=False, array_like=True, frozen=True):
    """One wording that the seller uses."""

    fingerprint: str
    at_ms: int
    conversations: int
    last: str
    """Digest of the conversation that had it last."""


class Seller(Row, gc=False):
    """What is remembered of a seller. Bounded: days by the longest window, lists by the policy."""

    seller_id: str
    marketplace: str | None = None
    days: dict[int, list[int]] = {}
    """Day since the epoch -> counts in the order of `COUNTS`, as far as the last that was ever above zero."""
    verification: VerificationState = msgspec.field(default_factory=VerificationState)
    strikes: float = 0.0
    strikes_at_ms: int = 0
    reporters: dict[str, int] = {}
    """Buyer who reported -> when last."""
    persistent_at_ms: list[int] = []
    """When it asked again after a refusal, newest last."""
    seen: list[str] = []
    """Short digests of event ids, newest last."""
    episodes: int = 0
    episode: Episode | None = None
    quiet_until_ms: int = 0
    quiet_severity: Severity = Severity.LOW
    """Until then only something graver than what was closed opens an episode."""
    judged: list[JudgedBefore] = []
    """The newest findings, for the outcome that may come about them; newest last."""
    closed: Closed | None = None
    wordings: list[Wording] = []
    contacts: dict[str, int] = {}
    """Contact that it pushed without leave -> when the contact's own row was last told."""
    categories: list[str] = []
    """What it sold lately, newest last."""
    last_at_ms: int = 0


COUNTS = ("orders", "complaints", "solicitations", "reports", "asked")
"""`asked`: conversations in which the seller asked for contact or pushed its own, once each, whatever the verdict."""


class Conversation(Row, gc=False):
    """What one conversation remembers."""

    urgings: int = 0
    tone: int = 0
    """The sharpest tone so far, in the order of `discretion.TONES`; 0 before the first request."""
    fragments: list[tuple[int, int, bool]] = []
    """Messages that were little but a few digits: when, how many, and whether they began as a number does."""
    last_at_ms: int = 0
    requests: int = 0
    unanswered_since_ms: int | None = None
    """When the seller last asked for contact or pushed its own, until the buyer says something about it."""
    alternatives: int = 0
    advised: list[str] = []
    order_id: str | None = None
    seen: list[str] = []


class Awaiting(msgspec.Struct, omit_defaults=True, gc=False, kw_only=True):
    """A message judged lately, which an order or a report that comes later may show in another light."""

    message: msgspec.Raw
    """The signal as it was judged."""
    order_id: str | None = None
    """The order it was held against."""
    history: dict[str, int]
    """What the time before it weighed: rule -> how many times."""
    score: int
    verdict: Verdict
    is_reported: bool = False
    revision: int = 0


class Dealing(Row, gc=False):
    """What a seller and one buyer have behind them."""

    last_at_ms: int = 0
    refused_at_ms: int | None = None
    requests_after_refusal: int = 0
    granted_at_ms: int | None = None
    asked_at_ms: int | None = None
    threatened_at_ms: int | None = None
    soured_at_ms: int | None = None
    """The buyer's last bad review, or complaint of contact abuse."""
    complained_at_ms: int | None = None
    order_id: str | None = None
    contacts: list[str] = []
    """What the buyer gave: a seller who repeats it pushes nothing of its own."""
    lately: list[Awaiting] = []
    conversations: list[str] = []
    """The newest few in which something of interest was written."""
    reminder: list[str] = []
    """Seller, conversation and language in which a number was given: the seller is told to delete it in the end."""
    remind_at_ms: int | None = None


class Person(Row, gc=False):
    """Where a buyer has dealings, so that an erasure finds them; and what became of its reports."""

    sellers: list[str] = []
    confirmed: int = 0
    """Its reports that an outcome confirmed."""
    dismissed: int = 0


class Contact(Row, gc=False):
    """Who pushed a contact."""

    sellers: dict[str, int] = {}
    """Seller -> when last."""
    told: list[str] = []
    """The sellers who have their alert for it."""


class PolicyRow(Row, gc=False):
    """The policy book that the signal log said last."""

    book: str


class ItemFacts(msgspec.Struct, omit_defaults=True, gc=False, array_like=True, frozen=True):
    """What of an order's line matters."""

    title: str
    category: str | None = None
    fulfilment: Fulfilment | None = None
    weight_grams: int | None = None
    is_customised: bool = False
    is_fragile: bool = False
    is_technical: bool = False


class OrderRow(Row, gc=False):
    """What matters of an order."""

    changed_at_ms: int = 0
    stages: dict[OrderStatus, int] = {}
    """Stage -> when it was reached."""
    items: list[ItemFacts] = []
    """The first few; empty while no event has named any."""
    marketplace: str | None = None
    seller_country: str | None = None

    def stages_at(self, at_ms: int, skew_ms: int) -> list[OrderStatus]:
        """The stages that it may have been at, as clocks differ by up to `skew_ms`; before all of them, the first."""
        reached = sorted((since_ms, stage) for stage, since_ms in self.stages.items())
        surely = [stage for since_ms, stage in reached if since_ms <= at_ms - skew_ms]
        maybe = [stage for since_ms, stage in reached if at_ms - skew_ms < since_ms <= at_ms + skew_ms]
        return surely[-1:] + maybe or [reached[0][1]]


def sellers_prefix(kind: bytes, seller_id: str) -> bytes:
    """How the keys of one kind (`c`, `b`, `o`) of a seller's rows begin."""
    return kind + f":{len(seller_id)}:{seller_id}:".encode()


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


def person_key(buyer: str) -> bytes:
    """Key of the row that lists a buyer's dealings."""
    return f"p:{buyer}".encode()


POLICY_KEY = b"y:policy"


def contact_key(contact: str) -> bytes:
    """Key of a contact's row."""
    return f"k:{contact}".encode()


def order_key(seller_id: str, order_id: str) -> bytes:
    """Key of an order's row."""
    return f"o:{len(seller_id)}:{seller_id}:{order_id}".encode()
