"""A recording that may be shared: other ids, bodies without what nobody needs, and the same detections.

Ids become keyed pseudonyms, the same one everywhere. A message in which nothing is detected loses its text; in the
others the digits of numbers are changed, and the text is only kept where that changes nothing that is detected.
"""

import hmac
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from msgspec.structs import replace

from pipeline.detection.fragments import fragment_of
from pipeline.detection.model import Detection
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.recordings import Recorded, encoded_line
from pipeline.kafka.topics import Input
from pipeline.runners.scan import Detects
from schemas.vocabulary import Sender

ID_FIELDS = frozenset(
    {
        *("seller_id", "buyer_id", "order_id", "message_id", "conversation_id", "complaint_id", "review_id"),
        *("report_id", "outcome_id", "erasure_id", "alert_id", "analyst", "id"),
    }
)
LIST_FIELDS = frozenset({"message_ids", "finding_ids"})
TEXT_FIELDS = frozenset({"text", "evidence"})
"""Nothing is judged from them."""
KEPT_DIGITS = 4
"""At the beginning of a number: country and area, which decide whether it is one."""
KEPT_OF_A_PIECE = 1
"""Of a number that comes in pieces: whether it begins with 0."""
SAME_DIGITS = 8
"""At its end: equal ones, equal numbers."""
ATTEMPTS = 8
DIGIT = re.compile("[0-9]")


@dataclass(slots=True)
class Disguise:
    """Disguises records one by one."""

    key: bytes
    detector: Detects
    counts: Counter[str] = field(default_factory=Counter)
    """What became of texts: `blank`, `kept`, and `lost` where nothing but leaving it out would have hidden a number."""

    def records(self, records: Iterable[Recorded]) -> Iterator[Recorded]:
        """The records, disguised; those that are no JSON object are left out, for anything may be in them."""
        for record in records:
            event = read(record.value)
            if event is None:
                self.counts["left out"] += 1
                continue
            value = orjson.dumps(self.event(record.topic, event))
            key = None if record.key is None else self.name(record.key.decode("utf-8", "replace")).encode()
            yield replace(record, key=key, value=value, headers=())

    def line(self, record: RawRecord) -> bytes:
        """The line of a record in a recording; empty where it is left out."""
        plain = Recorded(record.topic, record.partition, record.offset, record.timestamp, record.key, record.value)
        return b"".join(encoded_line(each) for each in self.records([plain]))

    def event(self, topic: str, event: dict[str, Any]) -> dict[str, Any]:
        """An event under other names and with other texts."""
        told = {name: self.field(name, content) for name, content in event.items() if name not in TEXT_FIELDS}
        if topic.endswith(Input.MESSAGES) and isinstance(event.get("body"), str):
            subject = told.pop("subject", None)
            is_read = isinstance(subject, str) and self.detector.is_of_interest(subject)
            body = f"{subject}\n{event['body']}" if is_read else event["body"]
            told["body"] = self.text(body.replace(str(event.get("buyer_id")), "▒"), event)
        return told

    def field(self, name: str, content: Any) -> Any:
        """One field."""
        if name in ID_FIELDS and isinstance(content, str):
            return self.name(content)
        if name in LIST_FIELDS and isinstance(content, list):
            return [self.name(each) if isinstance(each, str) else each for each in content]
        return content

    def name(self, name: str) -> str:
        """The pseudonym of an id, whatever it is the id of: references hold."""
        return f"x_{hmac.digest(self.key, name.encode('utf-8', 'surrogatepass'), 'sha256').hex()[:20]}"

    def text(self, text: str, event: dict[str, Any]) -> str:
        """A text of which the detector says the same; empty where it says nothing."""
        if event.get("sender") not in set(Sender):
            return ""
        sender, market = Sender(event["sender"]), event.get("marketplace")
        regions = (market,) if isinstance(market, str) else ()
        found = self.detector.detect(text, sender, regions)
        pieces = fragment_of(text).digits if sender is Sender.SELLER and not found.mentions else 0
        if not (found.matches or found.mentions or found.acts or pieces):
            self.counts["blank"] += 1
            return ""
        wanted = essence(text, found)
        for attempt in range(ATTEMPTS):
            changed = self.other_digits(text, found, attempt) if found.mentions or pieces else text
            is_hidden = changed != text or not (found.mentions or pieces)
            if is_hidden and essence(changed, self.detector.detect(changed, sender, regions)) == wanted:
                self.counts["kept"] += 1
                return changed
        self.counts["lost"] += 1
        return ""

    def other_digits(self, text: str, detection: Detection, attempt: int) -> str:
        """The text with the later digits of every number changed: the same number always to the same other one."""
        characters = list(text)
        spans = [(each.start, each.end, each.digits) for each in detection.mentions] or [(0, len(text), text)]
        kept = KEPT_DIGITS if detection.mentions else KEPT_OF_A_PIECE
        for start, end, number in spans:
            places = [index for index in range(start, end) if DIGIT.fullmatch(text[index])][kept:]
            # From the end: a number written with and without its country stays one number.
            stream = hmac.digest(self.key, f"{attempt}:{number[-SAME_DIGITS:]}".encode(), "sha512")
            for place, byte in zip(reversed(places), stream, strict=False):
                characters[place] = str(byte % 10)
        return "".join(characters)


def essence(text: str, detection: Detection) -> tuple[object, ...]:
    """What judgement goes by, and where it stands; not which number it is."""
    return (
        [(each.act, each.channel, each.start, each.end, each.rule) for each in detection.acts],
        [(each.start, each.end, each.e164 is None) for each in detection.mentions],
        *(detection.reasons, detection.manners, detection.techniques, detection.language, fragment_of(text)),
    )


def read(value: bytes | None) -> dict[str, Any] | None:
    """The event, or `None` where there is none."""
    try:
        content = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None
