"""The closed sets: every word that crosses a topic and has a fixed list of values."""

from collections.abc import Collection
from enum import StrEnum


class Sender(StrEnum):
    """Who wrote a message."""

    SELLER = "seller"
    BUYER = "buyer"


class Act(StrEnum):
    """What a message does about contact outside the platform."""

    REQUEST = "request"
    """Asks for a number, or to move to another channel."""
    SHARE = "share"
    """The seller pushes its own number, handle or address."""
    DISCLOSE = "disclose"
    """The buyer gives one."""
    HINT = "hint"
    """Tells how to find the contact elsewhere."""
    REFUSE = "refuse"
    """The buyer says no, or not here."""
    GRANT = "grant"
    """The buyer agrees to be contacted, or asks for contact itself."""
    WITHDRAW = "withdraw"
    """The buyer takes an earlier consent back."""


class Channel(StrEnum):
    """The means of contact that an act names."""

    PHONE = "phone"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    TELEGRAM = "telegram"
    WECHAT = "wechat"
    LINE = "line"
    VIBER = "viber"
    SIGNAL = "signal"
    ZALO = "zalo"
    KAKAOTALK = "kakaotalk"
    EMAIL = "email"
    OTHER = "other"


class Reason(StrEnum):
    """Why a message says that it needs the contact. `NONE`: it asks and gives no reason."""

    DELIVERY = "delivery"
    TECHNICAL = "technical"
    CUSTOMIZATION = "customization"
    CARRIER = "carrier"
    DISPUTE = "dispute"
    VAGUE = "vague"
    MARKETING = "marketing"
    FEEDBACK = "feedback"
    PHISHING = "phishing"
    """Poses as the marketplace, or asks for secrets."""
    NONE = "none"


REASONS_BY_GRAVITY = (
    Reason.PHISHING,
    Reason.MARKETING,
    Reason.FEEDBACK,
    Reason.DISPUTE,
    Reason.CARRIER,
    Reason.CUSTOMIZATION,
    Reason.TECHNICAL,
    Reason.DELIVERY,
    Reason.VAGUE,
)
"""A message that gives two reasons is judged by the graver one, then by the more particular one."""


def main_reason(given: Collection[Reason]) -> Reason:
    """The reason by which a message is judged; `NONE` where it gives none."""
    return next((reason for reason in REASONS_BY_GRAVITY if reason in given), Reason.NONE)


class Manner(StrEnum):
    """How a message asks."""

    CONSENT_SOUGHT = "consent_sought"
    USE_LIMITED = "use_limited"
    ALTERNATIVE_OFFERED = "alternative_offered"
    URGENCY = "urgency"
    THREAT = "threat"
    """Cancel, delay or withhold unless."""
    REVIEW_REWARD = "review_reward"
    SENSITIVE_DATA = "sensitive_data"
    """Asks for a card, code, password, identity papers or bank details."""
    HARASSMENT = "harassment"
    IMPERSONATION = "impersonation"
    """Poses as the marketplace, a carrier or a bank."""
    OFF_PLATFORM_PAYMENT = "off_platform_payment"
    INSISTENCE = "insistence"
    """Presses on for what was asked before, without naming it: "the driver really needs one"."""


class OrderStatus(StrEnum):
    """The stage of an order."""

    PLACED = "placed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    RETURNED = "returned"


class Fulfilment(StrEnum):
    """How an item reaches its buyer."""

    PARCEL = "parcel"
    FREIGHT = "freight"
    IN_HOME = "in_home"
    PICKUP = "pickup"
    DIGITAL = "digital"
    SERVICE = "service"


class ComplaintReason(StrEnum):
    """What a buyer complains of."""

    NOT_RECEIVED = "not_received"
    NOT_AS_DESCRIBED = "not_as_described"
    CONTACT_ABUSE = "contact_abuse"
    FRAUD = "fraud"
    OTHER = "other"


class VerificationStatus(StrEnum):
    """Where the platform's own check of a seller stands."""

    UNVERIFIED = "unverified"
    PENDING = "pending"
    VERIFIED = "verified"
    EXPIRED = "expired"
    REJECTED = "rejected"
    REVOKED = "revoked"


class DocumentKind(StrEnum):
    """What a seller was verified by."""

    LICENCE = "licence"
    TAX_ID = "tax_id"
    BANK = "bank"
    IDENTITY = "identity"


class OutcomeVerdict(StrEnum):
    """What an analyst found."""

    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class Action(StrEnum):
    """A step of the ladder, recommended by an alert or taken by an outcome."""

    NONE = "none"
    WARNING = "warning"
    REVERIFICATION = "reverification"
    SUSPENSION = "suspension"
    REMOVAL = "removal"


class OutcomeAction(StrEnum):
    """What the marketplace did, in its own words on the wire."""

    NONE = "none"
    WARNING = "warning"
    REVERIFIED = "reverified"
    SUSPENSION = "suspension"
    REMOVAL = "removal"


class Verdict(StrEnum):
    """What a finding says of one message."""

    PERMITTED = "permitted"
    QUESTIONABLE = "questionable"
    VIOLATION = "violation"


class Severity(StrEnum):
    """How much harm a finding or an alert stands for, lowest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class Risk(StrEnum):
    """The class of harm."""

    PHISHING = "phishing"
    MARKETING = "marketing"
    PRIVACY = "privacy"
    HARASSMENT = "harassment"
    OFF_PLATFORM = "off_platform"
    """Takes the talk, or the payment, off the platform; none of the other four."""


class Audience(StrEnum):
    """Whom an advisory is for."""

    BUYER = "buyer"
    SELLER = "seller"


class ErasureSubject(StrEnum):
    """Whose data an erasure removes."""

    BUYER = "buyer"
    SELLER = "seller"
