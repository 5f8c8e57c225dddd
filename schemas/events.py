"""What the marketplace writes: the eight input topics, field by field."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from schemas.ids import CountryCode, Identifier, Instant
from schemas.vocabulary import (
    ComplaintReason,
    DocumentKind,
    ErasureSubject,
    Fulfilment,
    OrderStatus,
    OutcomeAction,
    OutcomeVerdict,
    Sender,
    VerificationStatus,
)

BODY_MAX_CHARACTERS = 20_000
BOOK_MAX_CHARACTERS = 600_000
ShortText = Annotated[str, Field(max_length=512)]
LongText = Annotated[str, Field(max_length=BODY_MAX_CHARACTERS)]


class Event(BaseModel):
    """What every event shares: frozen, tolerant of fields it does not know, silent about its values."""

    # Unknown fields are ignored: producers deploy before we do.
    # Inputs are hidden: a validation error must not carry a phone number into a log (its `errors()` still can).
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Message(Event):
    """One message between a buyer and a seller."""

    message_id: Identifier
    conversation_id: Identifier
    seller_id: Identifier
    buyer_id: Identifier
    sender: Sender
    sent_at: Instant
    body: LongText
    subject: LongText | None = None
    order_id: Identifier | None = None
    marketplace: CountryCode | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    """BCP 47. A hint only: a wrong one does no harm."""


class Item(Event):
    """One line of an order."""

    title: ShortText
    category: ShortText | None = None
    quantity: Annotated[int, Field(strict=True, ge=1)] | None = None
    weight_grams: Annotated[int, Field(strict=True, ge=0)] | None = None
    fulfilment: Fulfilment | None = None
    customised: StrictBool | None = None
    fragile: StrictBool | None = None
    technical: StrictBool | None = None


class Order(Event):
    """A change of an order's stage."""

    order_id: Identifier
    seller_id: Identifier
    buyer_id: Identifier
    status: OrderStatus
    at: Instant
    marketplace: CountryCode | None = None
    seller_country: CountryCode | None = None
    items: Annotated[tuple[Item, ...], Field(max_length=500)] = ()


class Complaint(Event):
    """A buyer's complaint to the marketplace."""

    complaint_id: Identifier
    seller_id: Identifier
    buyer_id: Identifier
    order_id: Identifier | None = None
    at: Instant
    reason: ComplaintReason
    text: LongText | None = None


class Document(Event):
    """One paper that a verification rests on, and when it last changed."""

    kind: DocumentKind
    changed_at: Instant


class Verification(Event):
    """Where the platform's check of a seller stands now."""

    seller_id: Identifier
    status: VerificationStatus
    at: Instant
    level: ShortText | None = None
    documents: Annotated[tuple[Document, ...], Field(max_length=50)] = ()
    expires_at: Instant | None = None
    registered_at: Instant | None = None
    country: CountryCode | None = None


class Review(Event):
    """A buyer's public rating of a seller."""

    review_id: Identifier
    seller_id: Identifier
    buyer_id: Identifier
    order_id: Identifier | None = None
    at: Instant
    rating: Annotated[int, Field(strict=True, ge=1, le=5)]


class Evidence(Event):
    """Where a report's picture or document lies; its content never enters this service."""

    uri: Annotated[str, Field(max_length=2_048)]


class Report(Event):
    """A buyer reports a seller's conduct."""

    report_id: Identifier
    seller_id: Identifier
    buyer_id: Identifier
    at: Instant
    reason: ShortText
    message_ids: Annotated[tuple[Identifier, ...], Field(max_length=100)] = ()
    evidence: Annotated[tuple[Evidence | str, ...], Field(max_length=100)] = ()
    text: LongText | None = None


class Outcome(Event):
    """What an analyst decided on an alert or on findings."""

    outcome_id: Identifier
    seller_id: Identifier
    alert_id: Identifier | None = None
    finding_ids: Annotated[tuple[Identifier, ...], Field(max_length=1_000)] = ()
    at: Instant
    verdict: OutcomeVerdict
    action: OutcomeAction | None = None
    analyst: Identifier | None = None


class PolicyPublished(Event):
    """A policy book that holds from here on, for all workers."""

    policy_id: Identifier
    at: Instant
    book: Annotated[str, Field(max_length=BOOK_MAX_CHARACTERS)]
    """The YAML of the whole book."""


class Erasure(Event):
    """A person asked to be forgotten."""

    erasure_id: Identifier
    subject: ErasureSubject
    id: Identifier
    at: Instant
