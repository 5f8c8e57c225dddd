"""A small marketplace for the tests of judgement: signals with defaults, and a fold that remembers."""

from dataclasses import dataclass, field

from pipeline.judgement.fold import fold
from pipeline.judgement.state import State
from pipeline.policy.book import PolicyBook, load_book
from pipeline.runners.memory_rows import MemoryRows
from schemas.signals import (
    ActSeen,
    ComplaintFiled,
    DocumentSeen,
    ErasureRequested,
    ItemSeen,
    MessageSeen,
    OrderChanged,
    Origin,
    OutcomeRecorded,
    ReportFiled,
    ReviewGiven,
    Tick,
    VerificationChanged,
)

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
NOW_MS = 1_780_272_000_000
BUYER = "b_" + "1" * 24
BOOK = load_book()

WARDROBE = ItemSeen(title="Wardrobe Halden with three doors", category="furniture", fulfilment="in_home")
PHONE_CASE = ItemSeen(title="Phone case", category="phone accessories", fulfilment="parcel", weight_grams=60)
PRINTER = ItemSeen(title="Laser printer", category="office", fulfilment="parcel", weight_grams=9_000)
EBOOK = ItemSeen(title="Sourdough, an e-book", category="books", fulfilment="digital")
RING = ItemSeen(title="Engraved ring", category="jewellery", fulfilment="parcel", customised=True)


def acts(*words):
    """`request`, or `request:whatsapp`."""
    split = [word.split(":") for word in words]
    return tuple(ActSeen(act=act, channel=more[0] if more else None, rule=f"en.{act}") for act, *more in split)


@dataclass
class Desk:
    """One signals partition: takes events one by one, as the judge does, and keeps what it hears."""

    book: PolicyBook = field(default_factory=lambda: BOOK)
    rows: MemoryRows = field(default_factory=MemoryRows)
    findings: list = field(default_factory=list)
    alerts: list = field(default_factory=list)
    advisories: list = field(default_factory=list)
    offset: int = 0
    folded: int = 0

    def base(self, at_ms, topic, seller_id, arrived_at_ms=None):
        self.offset += 1
        return {
            "origin": Origin(topic=f"marketplace.{topic}.v1", partition=0, offset=self.offset),
            "at_ms": at_ms,
            "arrived_at_ms": at_ms if arrived_at_ms is None else arrived_at_ms,
            "seller_id": seller_id,
        }

    def take(self, signal):
        """Folds one signal and returns the state that it left."""
        state = State(self.rows)
        self.folded += 1
        state.position = 0, self.folded
        fold(self.book, state, signal)
        self.rows.apply(state.changes())
        self.findings += state.findings
        self.alerts += state.alerts
        self.advisories += state.advisories
        for caused in state.signals:
            self.take(caused)
        return state

    def message(self, *says, at_ms=NOW_MS, seller="s1", buyer=BUYER, sender="seller", conversation="c1", **more):
        """A message; `reasons`, `manners` and the rest of MessageSeen by name. Its finding, or None."""
        known = {"arrived_at_ms": more.pop("arrived_at_ms", None)}
        fields = {
            "message_id": f"m{self.offset + 1}",
            "conversation_id": conversation,
            "buyer": buyer,
            "sender": sender,
            "marketplace": "DE",
            "language": "en",
            "acts": acts(*says),
            "excerpt": "…",
        }
        state = self.take(MessageSeen(**self.base(at_ms, "messages", seller, **known), **(fields | more)))
        return state.findings[0] if state.findings else None

    def order(self, *items, at_ms=NOW_MS, status="placed", seller="s1", buyer=BUYER, order_id="o1", **more):
        base = self.base(at_ms, "orders", seller, more.pop("arrived_at_ms", None))
        fields = {"marketplace": "DE"} | more
        return self.take(OrderChanged(**base, order_id=order_id, buyer=buyer, status=status, items=items, **fields))

    def complaint(self, at_ms=NOW_MS, seller="s1", buyer=BUYER, complaint_id=None, reason="not_received"):
        base = self.base(at_ms, "complaints", seller)
        complaint_id = complaint_id or f"k{self.offset}"
        return self.take(ComplaintFiled(**base, complaint_id=complaint_id, buyer=buyer, reason=reason))

    def review(self, rating, at_ms=NOW_MS, seller="s1", buyer=BUYER):
        base = self.base(at_ms, "reviews", seller)
        return self.take(ReviewGiven(**base, review_id=f"r{self.offset}", buyer=buyer, rating=rating))

    def report(self, at_ms=NOW_MS, seller="s1", buyer=BUYER, report_id=None, message_ids=()):
        base = self.base(at_ms, "reports", seller)
        report_id = report_id or f"p{self.offset}"
        return self.take(
            ReportFiled(**base, report_id=report_id, buyer=buyer, reason="contact", message_ids=message_ids)
        )

    def verification(self, status, at_ms=NOW_MS, seller="s1", documents=(), **more):
        base = self.base(at_ms, "verifications", seller)
        papers = tuple(DocumentSeen(kind=kind, changed_at_ms=changed_at_ms) for kind, changed_at_ms in documents)
        return self.take(VerificationChanged(**base, status=status, documents=papers, **more))

    def outcome(self, verdict, at_ms=NOW_MS, seller="s1", **more):
        base = self.base(at_ms, "outcomes", seller)
        return self.take(OutcomeRecorded(**base, outcome_id=f"u{self.offset}", verdict=verdict, **more))

    def erasure(self, at_ms=NOW_MS, seller="", buyer=None, **more):
        base = self.base(at_ms, "erasures", seller)
        subject = "buyer" if buyer else "seller"
        return self.take(ErasureRequested(**base, erasure_id=f"e{self.offset}", subject=subject, buyer=buyer, **more))

    def tick(self, at_ms):
        origin = Origin(topic="ringfence.ticks", partition=0, offset=at_ms)
        return self.take(Tick(origin=origin, at_ms=at_ms, arrived_at_ms=at_ms, seller_id=""))

    @property
    def triggers(self):
        """Codes of every trigger of the last alert."""
        return [trigger.code for trigger in self.alerts[-1].triggers] if self.alerts else []
