"""What an event becomes in the signal log: no text, no number, no buyer's id."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import phonenumbers

from pipeline.detection.fragments import NONE as NO_FRAGMENT
from pipeline.detection.fragments import Fragment
from pipeline.detection.model import Detection, FoundAct, Mention
from pipeline.detection.wording import fingerprint
from pipeline.judgement.privacy import MASK, Pseudonymiser, redacted_excerpt
from pipeline.kafka.message_reader import PlainMessage
from schemas.events import (
    Complaint,
    Erasure,
    Event,
    Order,
    Outcome,
    PolicyPublished,
    Report,
    Review,
    Verification,
)
from schemas.ids import EpochMs, SellerId
from schemas.signals import (
    ActSeen,
    ComplaintFiled,
    ContactSeen,
    DocumentSeen,
    ErasureRequested,
    ItemSeen,
    MessageSeen,
    OrderChanged,
    Origin,
    OutcomeRecorded,
    PolicyChanged,
    ReportFiled,
    ReviewGiven,
    Signal,
    VerificationChanged,
)
from schemas.vocabulary import Act, Channel, ErasureSubject, Sender

PLAIN_WORDS = re.compile(r"[a-z][a-z _-]{0,63}", re.ASCII)
PRIMARY_LANGUAGE = re.compile(r"([A-Za-z]{2,3})(?:[-_]|$)")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|@[\w.]{3,}", re.ASCII)
"""An e-mail address, or a handle."""
LONG_NUMBER = re.compile(r"\+?\d(?:[ ().-]?\d){5,}")
NUMBER_CHANNELS = frozenset({Channel.PHONE, Channel.SMS, Channel.WHATSAPP, Channel.VIBER, Channel.SIGNAL})


@dataclass(frozen=True, slots=True)
class Heading:
    """What every signal of one record carries."""

    origin: Origin
    at_ms: EpochMs
    arrived_at_ms: EpochMs

    def of(self, seller_id: str) -> dict[str, Any]:
        """The fields of `SignalBase`."""
        return {
            "origin": self.origin,
            "at_ms": self.at_ms,
            "arrived_at_ms": self.arrived_at_ms,
            "seller_id": SellerId(seller_id),
        }


@dataclass(frozen=True, slots=True)
class Read:
    """What was read in a message; the detection's spans count in `text`."""

    text: str
    detection: Detection
    fragment: Fragment = NO_FRAGMENT
    is_bare_no: bool = False


@dataclass(frozen=True, slots=True)
class Masks:
    """What stands between a message and the log: the pseudonyms, and the contacts that anyone may give."""

    pseudonyms: Pseudonymiser
    public_contacts: frozenset[str] = frozenset()


def keyed(signal: Signal) -> tuple[bytes, bytes]:
    """The signal's record: by seller, so that a seller's signals share a partition."""
    return signal.seller_id.encode(), signal.__pydantic_serializer__.to_json(signal)


def message_seen(message: PlainMessage, read: Read, heading: Heading, masks: Masks) -> MessageSeen:
    """A message in which something was detected."""
    detection = read.detection
    return MessageSeen.model_validate(
        heading.of(message.seller_id)
        | {
            "message_id": message.message_id,
            "conversation_id": message.conversation_id,
            "buyer": masks.pseudonyms.buyer(message.buyer_id),
            "former_buyer": masks.pseudonyms.former_buyer(message.buyer_id),
            "sender": message.sender,
            "order_id": message.order_id,
            "marketplace": message.marketplace,
            "language": detection.language or primary_language(message.language),
            "acts": tuple(ActSeen(act=each.act, channel=each.channel, rule=each.rule) for each in detection.acts),
            "contacts": contacts_seen(read.text, detection, masks),
            "reasons": detection.reasons,
            "manners": detection.manners,
            "techniques": detection.techniques,
            "rules": tuple(dict.fromkeys(match.rule for match in detection.matches)),
            "excerpt": excerpt(message, read.text, detection),
            "fingerprint": fingerprint(read.text) if is_sellers_ask(message, detection) else None,
            "fragment_digits": read.fragment.digits,
            "fragment_has_prefix": read.fragment.has_prefix,
            "is_bare_no": read.is_bare_no,
        }
    )


def is_sellers_ask(message: PlainMessage, detection: Detection) -> bool:
    """Whether its wording may be a template worth remembering."""
    return message.sender is Sender.SELLER and (detection.solicits or detection.shares_contact)


def excerpt(message: PlainMessage, text: str, detection: Detection) -> str:
    """The sentence of the first thing that was found, with contacts and the buyer's id masked."""
    spans = [(each.start, each.end) for each in detection.mentions]
    spans += occurrences(message.buyer_id, text)
    places = [each.start for each in detection.acts] or [each.start for each in detection.matches]
    return redacted_excerpt(text, spans, min(places, default=0))


def occurrences(name: str, text: str) -> Iterator[tuple[int, int]]:
    """Where the text has the name."""
    start = text.find(name)
    while start >= 0:
        yield start, start + len(name)
        start = text.find(name, start + len(name))


def contacts_seen(text: str, detection: Detection, masks: Masks) -> tuple[ContactSeen, ...]:
    """Numbers, then handles and addresses, in the order of the text, without those that the policy calls public."""
    numbers = [
        number_seen(mention, detection, masks.pseudonyms)
        for mention in detection.mentions
        if mention.e164 not in masks.public_contacts
    ]
    addresses = [
        address_seen(found.group().lower(), each.channel or Channel.OTHER, masks.pseudonyms)
        for each in detection.acts
        if each.act in {Act.SHARE, Act.DISCLOSE} and each.channel not in NUMBER_CHANNELS
        for found in ADDRESS.finditer(text, each.start, each.end)
        if found.group().lower() not in masks.public_contacts
    ]
    return tuple(dict.fromkeys(numbers + addresses))


def number_seen(mention: Mention, detection: Detection, pseudonyms: Pseudonymiser) -> ContactSeen:
    """A phone number, under the channel of the act that it is part of."""
    channels = [each.channel for each in detection.acts if overlaps(each, mention) and each.channel in NUMBER_CHANNELS]
    number = mention.e164 or mention.digits
    return ContactSeen(
        contact=pseudonyms.contact(number),
        former=pseudonyms.former_contact(number),
        channel=channels[0] if channels and channels[0] else Channel.PHONE,
        country=country_of(mention.e164),
    )


def address_seen(address: str, channel: Channel, pseudonyms: Pseudonymiser) -> ContactSeen:
    """An e-mail address or a handle."""
    return ContactSeen(contact=pseudonyms.contact(address), former=pseudonyms.former_contact(address), channel=channel)


def overlaps(act: FoundAct, mention: Mention) -> bool:
    """Whether they share a code point."""
    return act.start < mention.end and mention.start < act.end


def country_of(e164: str | None) -> str | None:
    """Country of a unique number; `None` where one calling code serves several and the number does not tell."""
    if e164 is None:
        return None
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return None
    return region if region and region.isalpha() else None


def primary_language(tag: str | None) -> str | None:
    """`de` of `de-AT`; `None` for what is no language tag."""
    found = PRIMARY_LANGUAGE.match(tag or "")
    return found.group(1).lower() if found else None


def passed_on(event: Event, heading: Heading, pseudonyms: Pseudonymiser) -> Signal:
    """The one signal of an event that is no message."""
    match event:
        case Order():
            return order_changed(event, heading, pseudonyms)
        case Complaint():
            return ComplaintFiled(
                **heading.of(event.seller_id),
                complaint_id=event.complaint_id,
                buyer=pseudonyms.buyer(event.buyer_id),
                former_buyer=pseudonyms.former_buyer(event.buyer_id),
                order_id=event.order_id,
                reason=event.reason,
            )
        case Verification():
            return verification_changed(event, heading)
        case Review():
            return ReviewGiven(
                **heading.of(event.seller_id),
                review_id=event.review_id,
                buyer=pseudonyms.buyer(event.buyer_id),
                former_buyer=pseudonyms.former_buyer(event.buyer_id),
                order_id=event.order_id,
                rating=event.rating,
            )
        case Report():
            return ReportFiled(
                **heading.of(event.seller_id),
                report_id=event.report_id,
                buyer=pseudonyms.buyer(event.buyer_id),
                former_buyer=pseudonyms.former_buyer(event.buyer_id),
                reason=report_reason(event.reason),
                message_ids=event.message_ids,
                evidence_count=len(event.evidence),
            )
        case Outcome():
            return OutcomeRecorded(
                **heading.of(event.seller_id),
                outcome_id=event.outcome_id,
                alert_id=event.alert_id,
                finding_ids=event.finding_ids,
                verdict=event.verdict,
                action=event.action,
            )
        case PolicyPublished():
            return PolicyChanged(**heading.of(""), policy_id=event.policy_id, book=event.book)
        case Erasure():
            is_buyer = event.subject is ErasureSubject.BUYER
            return ErasureRequested(
                **heading.of("" if is_buyer else event.id),
                erasure_id=event.erasure_id,
                subject=event.subject,
                buyer=pseudonyms.buyer(event.id) if is_buyer else None,
                former_buyer=pseudonyms.former_buyer(event.id) if is_buyer else None,
            )
        case _:
            raise TypeError(f"{type(event).__name__} has no signal")


def order_changed(order: Order, heading: Heading, pseudonyms: Pseudonymiser) -> OrderChanged:
    """An order's stage, with what of its lines matters. A title is a seller's text: it may hide a number."""
    return OrderChanged(
        **heading.of(order.seller_id),
        order_id=order.order_id,
        buyer=pseudonyms.buyer(order.buyer_id),
        former_buyer=pseudonyms.former_buyer(order.buyer_id),
        status=order.status,
        marketplace=order.marketplace,
        seller_country=order.seller_country,
        items=tuple(
            ItemSeen(
                title=masked(item.title),
                category=masked(item.category) if item.category else None,
                fulfilment=item.fulfilment,
                weight_grams=item.weight_grams,
                customised=bool(item.customised),
                fragile=bool(item.fragile),
                technical=bool(item.technical),
            )
            for item in order.items
        ),
    )


def masked(text: str) -> str:
    """A short text without numbers that could be dialled and without addresses."""
    return LONG_NUMBER.sub(MASK, ADDRESS.sub(MASK, text))


def verification_changed(verification: Verification, heading: Heading) -> VerificationChanged:
    """Where the platform's check stands."""
    return VerificationChanged(
        **heading.of(verification.seller_id),
        status=verification.status,
        level=verification.level,
        documents=tuple(
            DocumentSeen(kind=each.kind, changed_at_ms=epoch_ms(each.changed_at)) for each in verification.documents
        ),
        expires_at_ms=epoch_ms(verification.expires_at) if verification.expires_at else None,
        registered_at_ms=epoch_ms(verification.registered_at) if verification.registered_at else None,
        country=verification.country,
    )


def report_reason(reason: str) -> str:
    """The reason where it is a few plain words; free text, which may hold anything, is `other`."""
    return reason if PLAIN_WORDS.fullmatch(reason.lower()) else "other"


def epoch_ms(moment: datetime) -> EpochMs:
    """As the signal log counts."""
    return EpochMs(round(moment.timestamp() * 1000))
