"""The signal log: what scan tells the judge, one record per event worth knowing. The log is the truth.

Signals carry no message text, number or buyer id: a redacted excerpt and keyed pseudonyms instead. Instants are epoch
milliseconds here, for the log is read by the judge alone and meets them in arithmetic.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from schemas.events import Event
from schemas.ids import ConversationId, CountryCode, EpochMs, MessageId, OrderId, Pseudonym, SellerId
from schemas.vocabulary import (
    Act,
    Channel,
    ComplaintReason,
    DocumentKind,
    ErasureSubject,
    Fulfilment,
    Manner,
    OrderStatus,
    OutcomeAction,
    OutcomeVerdict,
    Reason,
    Sender,
    VerificationStatus,
)

__all__ = [
    "ActSeen",
    "ComplaintFiled",
    "ContactPushed",
    "ContactSeen",
    "DocumentSeen",
    "ErasureRequested",
    "ItemSeen",
    "MessageSeen",
    "OrderChanged",
    "Origin",
    "OutcomeRecorded",
    "PolicyChanged",
    "ReportFiled",
    "ReviewGiven",
    "RingFound",
    "Signal",
    "SignalAdapter",
    "Tick",
    "VerificationChanged",
]


class Origin(Event):
    """Where the event behind a signal lies: `topic[partition]@offset`."""

    topic: str
    partition: int
    offset: int
    log: str | None = None
    """Which topic of that name: another once it was deleted and made again, so that its offsets began anew.
    `None` where that is not known, as in a recording of events."""


class SignalBase(Event):
    """What every signal carries."""

    origin: Origin
    at_ms: EpochMs
    """Event time."""
    arrived_at_ms: EpochMs
    """Kafka's timestamp of the source record."""
    seller_id: SellerId
    former_buyer: Pseudonym | None = None
    """The buyer's pseudonym under the key before, while a key is being replaced."""


class ActSeen(Event):
    """One act of a message and the rule that saw it."""

    act: Act
    channel: Channel | None = None
    rule: str


class ContactSeen(Event):
    """A number, handle or address in a message, as a keyed pseudonym."""

    contact: Pseudonym
    former: Pseudonym | None = None
    """The same under the key before, while a key is being replaced."""
    channel: Channel
    country: CountryCode | None = None
    """Country of a phone number; `None` where the number does not tell."""


class MessageSeen(SignalBase):
    """A message in which something of interest was detected."""

    kind: Literal["message"] = "message"
    message_id: MessageId
    conversation_id: ConversationId
    buyer: Pseudonym
    sender: Sender
    order_id: OrderId | None = None
    marketplace: CountryCode | None = None
    language: str | None = None
    acts: tuple[ActSeen, ...] = ()
    contacts: tuple[ContactSeen, ...] = ()
    reasons: tuple[Reason, ...] = ()
    manners: tuple[Manner, ...] = ()
    techniques: tuple[str, ...] = ()
    """How the contact or the ask was hidden; empty when it was written plainly."""
    rules: tuple[str, ...] = ()
    excerpt: str
    """The sentence of interest, redacted; up to 280 characters."""
    fingerprint: str | None = None
    """Near-duplicate fingerprint of the wording, without names and digits: 16 hexadecimal digits."""
    fragment_digits: int = 0
    """How many digits a message has that holds little else, and too few for a number; 0 for all others."""
    fragment_has_prefix: bool = False
    """Whether these digits begin as a dialled number does, with 0 or a plus sign."""
    is_bare_no: bool = False
    """Whether a buyer says no and nothing else: a refusal where the seller has just asked."""


class ItemSeen(Event):
    """What of an order's line matters to a judgement."""

    title: str
    category: str | None = None
    fulfilment: Fulfilment | None = None
    weight_grams: int | None = None
    customised: bool = False
    fragile: bool = False
    technical: bool = False


class OrderChanged(SignalBase):
    """An order reached a stage."""

    kind: Literal["order"] = "order"
    order_id: OrderId
    buyer: Pseudonym
    status: OrderStatus
    marketplace: CountryCode | None = None
    seller_country: CountryCode | None = None
    items: tuple[ItemSeen, ...] = ()


class ComplaintFiled(SignalBase):
    """A buyer complained."""

    kind: Literal["complaint"] = "complaint"
    complaint_id: str
    buyer: Pseudonym
    order_id: OrderId | None = None
    reason: ComplaintReason


class DocumentSeen(Event):
    """One paper that a verification rests on."""

    kind: DocumentKind
    changed_at_ms: EpochMs


class VerificationChanged(SignalBase):
    """The platform's check of the seller changed."""

    kind: Literal["verification"] = "verification"
    status: VerificationStatus
    level: str | None = None
    documents: tuple[DocumentSeen, ...] = ()
    expires_at_ms: EpochMs | None = None
    registered_at_ms: EpochMs | None = None
    country: CountryCode | None = None


class ReviewGiven(SignalBase):
    """A buyer rated the seller, 1 to 5."""

    kind: Literal["review"] = "review"
    review_id: str
    buyer: Pseudonym
    order_id: OrderId | None = None
    rating: int


class ReportFiled(SignalBase):
    """A buyer reported the seller."""

    kind: Literal["report"] = "report"
    report_id: str
    buyer: Pseudonym
    reason: str
    message_ids: tuple[MessageId, ...] = ()
    evidence_count: int = 0


class OutcomeRecorded(SignalBase):
    """An analyst decided."""

    kind: Literal["outcome"] = "outcome"
    outcome_id: str
    alert_id: str | None = None
    finding_ids: tuple[str, ...] = ()
    verdict: OutcomeVerdict
    action: OutcomeAction | None = None


class ErasureRequested(SignalBase):
    """A person asked to be forgotten. A buyer's goes to every signals partition, with an empty `seller_id`."""

    kind: Literal["erasure"] = "erasure"
    erasure_id: str
    subject: ErasureSubject
    buyer: Pseudonym | None = None
    """Set when the subject is a buyer."""


class Tick(SignalBase):
    """Time passed: lets the fold act on what is due. `seller_id` is empty; one per signals partition and interval."""

    kind: Literal["tick"] = "tick"


class ContactPushed(SignalBase):
    """A seller pushed a contact without leave. Written by the judge, keyed by the contact: rings are found there."""

    kind: Literal["contact"] = "contact"
    contact: Pseudonym
    is_forgotten: bool = False
    """The seller was erased: it is to be forgotten here as well."""


class RingFound(SignalBase):
    """Several sellers push one contact. Written by the judge, keyed by one of these sellers: each gets its own."""

    kind: Literal["ring"] = "ring"
    contact: Pseudonym
    sellers: int


class PolicyChanged(SignalBase):
    """Another policy book holds from here on. Goes to every signals partition, with an empty `seller_id`."""

    kind: Literal["policy"] = "policy"
    policy_id: str
    book: str
    """Its YAML, whole and without fault."""


Signal = (
    MessageSeen
    | OrderChanged
    | ComplaintFiled
    | VerificationChanged
    | ReviewGiven
    | ReportFiled
    | OutcomeRecorded
    | ErasureRequested
    | ContactPushed
    | RingFound
    | PolicyChanged
    | Tick
)

SignalAdapter: TypeAdapter[Signal] = TypeAdapter(Annotated[Signal, Field(discriminator="kind")])
