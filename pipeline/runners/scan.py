"""The stateless step: raw records of the input topics to signals and dead letters, in source order.

Pure: no clock, no broker, no counting into metrics. Worker and replay share it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, cast

from pipeline.detection.fragments import NONE as NO_FRAGMENT
from pipeline.detection.fragments import Fragment, fragment_of
from pipeline.detection.model import Detection
from pipeline.errors import RecordError
from pipeline.judgement.privacy import Pseudonymiser
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.codec import DecodeLimits, decode_event
from pipeline.kafka.dead_letters import outgoing
from pipeline.kafka.message_reader import PlainMessage
from pipeline.policy.book import PolicyBook, book_of_text
from pipeline.runners.signals import Heading, Masks, Read, keyed, message_seen, passed_on
from pipeline.runners.steps import Counts, DeadLetterRecord, ScanResult
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

    def is_bare_no(self, text: str) -> bool:
        """Whether the text is a no and nothing else."""

    def detect(self, text: str, sender: Sender, regions: tuple[str, ...]) -> Detection:
        """Everything in the text."""

    def detect_each(self, messages: Sequence[tuple[str, Sender, tuple[str, ...]]]) -> list[Detection]:
        """Everything in each of several."""


class Outcome(NamedTuple):
    """What one record came to; of the last three at most one is there."""

    at_ms: EpochMs | None
    """When its event happened; `None` for one that is set aside."""
    signal: tuple[bytes, bytes] | None = None
    broadcast: bytes | None = None
    dead_letter: DeadLetterRecord | None = None


class Scan:
    """Scans batches stage by stage, each over the whole batch: what a stage needs stays in the processor's caches."""

    def __init__(
        self,
        detector: Detects,
        pseudonyms: Pseudonymiser,
        limits: DecodeLimits,
        book: PolicyBook,
        logs: Mapping[str, str],
    ) -> None:
        self._detector = detector
        self._pseudonyms = pseudonyms
        self.limits = limits
        self._book = book
        self._logs = logs

    def __call__(self, records: Sequence[RawRecord]) -> ScanResult:
        """What the records of one input partition say, in their order."""
        result = ScanResult()
        for _, signal, broadcast, dead_letter in self.outcomes(records, result.counts):
            if signal is not None:
                result.signals.append(signal)
            elif broadcast is not None:
                result.broadcast.append(broadcast)
            elif dead_letter is not None:
                result.dead_letters.append(dead_letter)
        return result

    def outcomes(self, records: Sequence[RawRecord], counts: Counts) -> list[Outcome]:
        """What each record came to."""
        out: list[Outcome] = []
        messages: list[tuple[int, EpochMs, PlainMessage]] = []
        for record in records:
            try:
                event, at_ms = decode_event(record, self.limits)
                if type(event) is PolicyPublished:
                    refuse_bad_book(record, event)
            except RecordError as error:  # kept whole, headers included, so that it can be sent again once fixed
                out.append(Outcome(None, dead_letter=outgoing(record, error)))
                counts["ringfence_dead_letters_total", error.reason] += 1
                continue
            if type(event) is PlainMessage:
                messages.append((len(out), at_ms, event))
                out.append(Outcome(at_ms))
            else:
                out.append(self._passed_on(cast("Event", event), self._heading(record, at_ms), counts))
        counts[SCANNED] += len(messages)
        read = [self._text_of(message) for _, _, message in messages]
        found = self._detector.detect_each(read) if read else []
        for (place, at_ms, message), (text, _, _), detection in zip(messages, read, found, strict=True):
            part = NO_FRAGMENT if detection.mentions else fragment(message, text)
            is_bare_no = message.sender is Sender.BUYER and self._detector.is_bare_no(text)
            if is_telling(detection) or part.digits or is_bare_no:
                seen = Read(text, detection, part, is_bare_no=is_bare_no)
                signal = message_seen(message, seen, self._heading(records[place], at_ms), self._masks(at_ms))
                out[place] = Outcome(at_ms, signal=keyed(signal))
                count_message(counts, signal)
        return out

    def _text_of(self, message: PlainMessage) -> tuple[str, Sender, tuple[str, ...]]:
        body, subject = message.body, message.subject
        if subject is not None and self._detector.is_of_interest(subject):
            body = f"{subject}\n{body}"
        return body, message.sender, (message.marketplace,) if message.marketplace else ()

    def _heading(self, record: RawRecord, at_ms: EpochMs) -> Heading:
        origin = Origin(
            topic=record.topic, partition=record.partition, offset=record.offset, log=self._logs.get(record.topic)
        )
        return Heading(origin, at_ms, EpochMs(record.timestamp))

    def _masks(self, at_ms: EpochMs) -> Masks:
        return Masks(self._pseudonyms, self._book.in_force(at_ms).public_contacts)

    def _passed_on(self, event: Event, head: Heading, counts: Counts) -> Outcome:
        signal = passed_on(event, head, self._pseudonyms)
        count_event(counts, signal)
        record = keyed(signal)
        return Outcome(head.at_ms, signal=record) if signal.seller_id else Outcome(head.at_ms, broadcast=record[1])


def fragment(message: PlainMessage, text: str) -> Fragment:
    """What of a number a seller's message may be a part of; a whole one stands by itself."""
    return fragment_of(text) if message.sender is Sender.SELLER else NO_FRAGMENT


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
