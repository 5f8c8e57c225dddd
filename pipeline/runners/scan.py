"""The stateless step: raw records of the input topics to signals and dead letters, in source order.

Pure: no clock, no broker, no counting into metrics. Worker and replay share it.
"""

from collections.abc import Sequence
from typing import Protocol, cast

from pipeline.detection.fragments import NONE as NO_FRAGMENT
from pipeline.detection.fragments import fragment_of
from pipeline.detection.model import Detection
from pipeline.errors import RecordError
from pipeline.judgement.privacy import Pseudonymiser
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.codec import DecodeLimits, decode_event
from pipeline.kafka.dead_letters import outgoing
from pipeline.kafka.message_reader import PlainMessage
from pipeline.policy.book import PolicyBook, book_of_text
from pipeline.runners.signals import Heading, Masks, Read, keyed, message_seen, passed_on
from pipeline.runners.steps import Counts, ScanResult
from schemas.events import Event, PolicyPublished
from schemas.ids import EpochMs
from schemas.signals import (
    ComplaintFiled,
    MessageSeen,
    OrderChanged,
    Origin,
    OutcomeRecorded,
    ReportFiled,
    Signal,
    VerificationChanged,
)
from schemas.vocabulary import Manner, Reason, Sender

TELLING_MANNERS = frozenset(Manner) - {Manner.CONSENT_SOUGHT, Manner.USE_LIMITED, Manner.URGENCY}
"""Manners that the judge wants to know of without any act: the others only colour one."""

TOLD_FAULTS = 5
SCANNED = ("ringfence_messages_scanned_total",)


class Detects(Protocol):
    """What scanning wants of a detector."""

    def is_of_interest(self, text: str) -> bool:
        """Whether a detection could find anything: cheap, and never wrong when it says no."""

    def detect(self, text: str, sender: Sender, regions: tuple[str, ...]) -> Detection:
        """Everything in the text."""


class Scan:
    """Scans batches: 4 µs for a message without interest, 60 for one that leaves a signal (build machine, one core)."""

    def __init__(self, detector: Detects, pseudonyms: Pseudonymiser, limits: DecodeLimits, book: PolicyBook) -> None:
        self._detector = detector
        self._pseudonyms = pseudonyms
        self.limits = limits
        self._book = book

    def __call__(self, records: Sequence[RawRecord]) -> ScanResult:
        """What the records of one input partition say, in their order."""
        result = ScanResult()
        for record in records:
            self.add(record, result)
        return result

    def add(self, record: RawRecord, result: ScanResult) -> EpochMs | None:
        """Scans one record into `result`; when its event happened, `None` for one that is set aside."""
        try:
            event, at_ms = decode_event(record, self.limits)
            if type(event) is PolicyPublished:
                refuse_bad_book(record, event)
        except RecordError as error:  # kept whole, headers included, so that it can be sent again once fixed
            result.dead_letters.append(outgoing(record, error))
            result.counts["ringfence_dead_letters_total", error.reason] += 1
            return None
        if type(event) is PlainMessage:
            self._scan_message(event, at_ms, record, result)
        else:
            self._pass_on(cast("Event", event), at_ms, record, result)
        return at_ms

    def _scan_message(self, message: PlainMessage, at_ms: EpochMs, record: RawRecord, result: ScanResult) -> None:
        result.counts[SCANNED] += 1
        body, subject = message.body, message.subject
        if subject is not None and self._detector.is_of_interest(subject):
            body = f"{subject}\n{body}"
        regions = (message.marketplace,) if message.marketplace else ()
        detection = self._detector.detect(body, message.sender, regions)
        fragment = fragment_of(body) if message.sender is Sender.SELLER else NO_FRAGMENT
        if detection.mentions:
            fragment = NO_FRAGMENT  # a whole number stands by itself
        if not is_telling(detection) and not fragment.digits:
            return
        read = Read(body, detection, fragment)
        signal = message_seen(message, read, heading(record, at_ms), self._masks(at_ms))
        result.signals.append(keyed(signal))
        count_message(result.counts, signal)

    def _masks(self, at_ms: EpochMs) -> Masks:
        return Masks(self._pseudonyms, self._book.in_force(at_ms).public_contacts)

    def _pass_on(self, event: Event, at_ms: EpochMs, record: RawRecord, result: ScanResult) -> None:
        signal = passed_on(event, heading(record, at_ms), self._pseudonyms)
        if signal.seller_id:
            result.signals.append(keyed(signal))
        else:
            result.broadcast.append(keyed(signal)[1])
        count_event(result.counts, signal)


def refuse_bad_book(record: RawRecord, event: PolicyPublished) -> None:
    """Lets a book without fault pass.

    Raises:
        RecordError: the book has faults; the one that holds goes on holding.
    """
    faults = book_of_text(event.book, "book")[1]
    if faults:
        place = f"{record.topic}[{record.partition}]@{record.offset}"
        told = "; ".join(str(fault) for fault in faults[:TOLD_FAULTS])
        raise RecordError("bad_policy", f"{place}: {told}; run `ringfence policy check` on the file before publishing")


def is_telling(detection: Detection) -> bool:
    """Whether the judge should hear of it."""
    return bool(
        detection.acts or Reason.PHISHING in detection.reasons or not TELLING_MANNERS.isdisjoint(detection.manners)
    )


def heading(record: RawRecord, at_ms: EpochMs) -> Heading:
    """What the signal of a record begins with."""
    origin = Origin(topic=record.topic, partition=record.partition, offset=record.offset)
    return Heading(origin, at_ms, EpochMs(record.timestamp))


def count_message(counts: Counts, signal: MessageSeen) -> None:
    """Notes one message of interest."""
    counts["ringfence_messages_of_interest_total",] += 1
    for each in signal.acts:
        detected = "ringfence_detections_total", each.act, each.channel or "none", signal.language or "unknown"
        counts[detected] += 1


def count_event(counts: Counts, signal: Signal) -> None:
    """Notes one event of the other topics that the platform's rates are made from."""
    match signal:
        case OrderChanged():
            counts["ringfence_orders_total", signal.status] += 1
        case ComplaintFiled():
            counts["ringfence_complaints_total", signal.reason] += 1
        case ReportFiled():
            counts["ringfence_reports_total",] += 1
        case OutcomeRecorded():
            counts["ringfence_outcomes_total", signal.verdict] += 1
            counts["ringfence_outcome_actions_total", signal.action or "none"] += 1
        case VerificationChanged():
            counts["ringfence_verifications_total", signal.status] += 1
