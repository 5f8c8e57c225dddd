"""A believable marketplace, from a seed: honest sellers, each kind of bad one, what buyers and analysts do about it.

Time is told in seasons of six days. Every season has a cast of its own, so that traffic can go on for ever.
"""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from importlib import resources
from itertools import count
from operator import attrgetter
from typing import Any, NamedTuple

import orjson
import yaml
from kafka import KafkaProducer

from pipeline.kafka.client import Connection
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.topics import Input, TopicNames, partition_of

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
SEASON_MS = 6 * DAY_MS
SHIPPED_SEED = 7
SHIPPED_START_MS = 1_780_272_000_000
"""2026-06-01T00:00:00Z."""
CHATTER_CONVERSATIONS = 420
COUNTRIES = ("US", "GB", "DE", "FR")
NUMBERS = {
    "US": "+1 415 555 01{:02d}",
    "GB": "+44 20 7946 0{:03d}",
    "DE": "+49 30 23125 {:03d}",
    "FR": "+33 1 99 00 {:02d} 11",
}
"""Ranges kept for fiction."""


class Role(StrEnum):
    """What a seller of the sample marketplace is."""

    PLAIN = "plain"
    FURNITURE = "furniture"
    PHISHER = "phisher"
    MARKETER = "marketer"
    STALKER = "stalker"
    PULLER = "puller"
    SURGE = "surge"
    TURNCOAT = "turncoat"


HONEST = frozenset({Role.PLAIN, Role.FURNITURE})
SELLERS: dict[Role, tuple[str, ...]] = {
    Role.PLAIN: ("blue-door-books", "mug-and-co", "kestrel-outdoor", "lamplight", "north-textiles", "old-radio-shop"),
    Role.FURNITURE: ("oak-and-ash", "tarn-sofas", "halden-interiors"),
    Role.PHISHER: ("quick-parts-24",),
    Role.MARKETER: ("bright-gadgets",),
    Role.STALKER: ("fine-ceramics",),
    Role.PULLER: ("best-price-audio",),
    Role.SURGE: ("sunny-sports",),
    Role.TURNCOAT: ("harbour-watches",),
}


class Sample(NamedTuple):
    """One record of the sample marketplace."""

    topic: Input
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


def seller_id(name: str, season: int) -> str:
    """A seller of one season."""
    return f"{name}-{season}"


def role_of(seller: str) -> Role | None:
    """What a seller is; `None` for one that no season has."""
    name = seller.rpartition("-")[0]
    return next((role for role, names in SELLERS.items() if name in names), None)


def marketplace(seed: int, start_ms: int, seasons: int | None = None) -> Iterator[Sample]:
    """Season after season in the order of time; for ever, or so many."""
    open_ends: list[Sample] = []
    for number in range(seasons) if seasons is not None else count():
        end_ms = start_ms + (number + 1) * SEASON_MS
        told = sorted(open_ends + Season(seed, number, end_ms - SEASON_MS).told(), key=attrgetter("timestamp_ms"))
        yield from (sample for sample in told if sample.timestamp_ms < end_ms)
        open_ends = [sample for sample in told if sample.timestamp_ms >= end_ms]
    yield from open_ends


def recorded(samples: Iterator[Sample], partitions: int = 4) -> Iterator[Recorded]:
    """The samples as a cluster would have stored them."""
    next_offsets: dict[tuple[str, int], int] = {}
    for sample in samples:
        partition = partition_of(sample.key or b"", partitions)
        place = (str(sample.topic), partition)
        offset = next_offsets.get(place, 0)
        next_offsets[place] = offset + 1
        yield Recorded(place[0], partition, offset, sample.timestamp_ms, sample.key, sample.value)


def publish(connection: Connection, names: TopicNames, seed: int, rate: float, is_over: Callable[[], bool]) -> int:
    """Plays the marketplace into a cluster, `rate` records a second, until `is_over`; how many were sent.

    The first season's events lie in the six days before now; from then on, events happen as they are sent.
    """
    producer = KafkaProducer(acks="all", linger_ms=20, **connection.for_kafka_python())
    started = time.monotonic()
    sent = 0
    try:
        for sample in marketplace(seed, now_ms() - SEASON_MS):
            pause = started + sent / rate - time.monotonic()
            if pause > 0:
                time.sleep(pause)
            if is_over():
                break
            on_time = not_after(sample, now_ms())
            producer.send(names.of(on_time.topic), key=on_time.key, value=on_time.value)
            sent += 1
        producer.flush(30)
    finally:
        producer.close()
    return sent


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def not_after(sample: Sample, latest_ms: int) -> Sample:
    """The sample, moved back to `latest_ms` when its story is ahead of the clock."""
    if sample.timestamp_ms <= latest_ms:
        return sample
    value = sample.value
    if value is not None and value.startswith(b"{") and sample.timestamp_ms:
        value = value.replace(rfc3339(sample.timestamp_ms).encode(), rfc3339(latest_ms).encode())
    return sample._replace(value=value, timestamp_ms=latest_ms)


def rfc3339(at_ms: int) -> str:
    """An instant as the marketplace writes it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@cache
def texts() -> dict[str, list[Any]]:
    """What people say."""
    content = resources.files("pipeline.runners").joinpath("sample_texts.yaml").read_text(encoding="utf-8")
    loaded: dict[str, list[Any]] = yaml.safe_load(content)
    return loaded


@dataclass(slots=True)
class Story:
    """Where a buyer and a seller meet: an order and its conversation."""

    seller: str
    buyer: str
    country: str
    order: str
    conversation: str
    item: dict[str, Any]


@dataclass(slots=True)
class Season:
    """Six days of the marketplace."""

    seed: int
    number: int
    start_ms: int
    _samples: list[Sample] = field(default_factory=list)
    _names: Iterator[int] = field(default_factory=lambda: count(1))
    _chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        """Every season has its own chance, so that one can be told without those before it."""
        self._chance = random.Random(f"{self.seed}/{self.number}")  # noqa: S311 - seeded on purpose

    def told(self) -> list[Sample]:
        """Everything that happens, in the order of time."""
        acts: dict[Role, Callable[[str], None]] = {
            Role.PLAIN: self._sells_plainly,
            Role.FURNITURE: self._delivers_furniture,
            Role.PHISHER: self._phishes,
            Role.MARKETER: self._markets,
            Role.STALKER: self._stalks,
            Role.PULLER: self._pulls_away,
            Role.SURGE: self._fails_its_buyers,
            Role.TURNCOAT: self._changes_hands,
        }
        for role, names in SELLERS.items():
            for name in names:
                acts[role](seller_id(name, self.number))
        self._chats()
        self._forgets()
        self._breaks()
        return sorted(self._samples, key=attrgetter("timestamp_ms"))

    # Honest sellers

    def _sells_plainly(self, seller: str) -> None:
        self._is_verified(seller, age_days=400)
        for _ in range(22):
            story = self._meets(seller)
            placed = self._moment(0, 5)
            self._orders(story, placed, "placed", "shipped", "delivered")
            self._talks(story, placed + 20 * MINUTE_MS, 2)
            if self._chance.randrange(2):
                self._reviews(story, placed + 60 * HOUR_MS, self._chance.choice((4, 5, 5)))
        self._says(story, "buyer", placed + HOUR_MS, "volunteers")
        self._says(story, "seller", placed + 2 * HOUR_MS, "plain_phone_talk")
        self._complains(self._meets(seller), self._moment(2, 4), "not_as_described")

    def _delivers_furniture(self, seller: str) -> None:
        self._is_verified(seller, age_days=900)
        for turn in range(9):
            story = self._meets(seller, "items_large")
            placed = self._moment(0, 3)
            ask = placed + self._chance.randint(18, 30) * HOUR_MS
            self._orders(story, placed, "placed", "shipped", "delivered")
            self._talks(story, placed + HOUR_MS, 2)
            self._says(story, "seller", ask, "window_asks")
            if turn % 4 == 3:  # noqa: PLR2004 - every fourth buyer keeps the number
                self._says(story, "buyer", ask + HOUR_MS, "window_declines")
                self._says(story, "seller", ask + 2 * HOUR_MS, "window_answers")
            else:
                self._says(story, "buyer", ask + HOUR_MS, "window_grants")
            self._reviews(story, placed + 70 * HOUR_MS, 5)

    # The others

    def _phishes(self, seller: str) -> None:
        self._is_verified(seller, age_days=3, status="unverified")
        for turn in range(6):
            story = self._meets(seller)
            placed = self._moment(1, 4)
            self._orders(story, placed, "placed")
            self._says(story, "seller", placed + 4 * MINUTE_MS, "phishing", turn)
            self._says(story, "buyer", placed + 30 * MINUTE_MS, "phishing_replies", turn)
            if turn % 2:
                self._reports(story, placed + 50 * MINUTE_MS, "phishing")
        self._decides(seller, self._at(5.5), "confirmed", "suspension")

    def _markets(self, seller: str) -> None:
        self._is_verified(seller, age_days=200)
        for turn in range(9):
            story = self._meets(seller)
            placed = self._moment(0, 2.5)
            self._orders(story, placed, "placed", "shipped", "delivered")
            self._says(story, "seller", placed + 60 * HOUR_MS, "marketing", turn)
            self._says(story, "buyer", placed + 61 * HOUR_MS, "marketing_replies", turn)
        self._decides(seller, self._at(5.8), "confirmed", "warning")

    def _stalks(self, seller: str) -> None:
        self._is_verified(seller, age_days=700)
        for _ in range(12):
            story = self._meets(seller)
            placed = self._moment(0, 2)
            self._orders(story, placed, "placed", "shipped", "delivered")
            self._talks(story, placed + HOUR_MS, 2)
        reviewed = placed + 55 * HOUR_MS
        self._reviews(story, reviewed, 1)
        for turn in range(4):
            at = reviewed + (1 + 3 * turn) * HOUR_MS
            self._says(story, "seller", at, "stalking", turn)
            self._says(story, "buyer", at + HOUR_MS, "stalking_replies")
        self._reports(story, reviewed + 14 * HOUR_MS, "harassment")

    def _pulls_away(self, seller: str) -> None:
        self._is_verified(seller, age_days=120)
        for _ in range(4):
            story = self._meets(seller)
            asked = self._moment(1, 4)
            self._talks(story, asked - 2 * HOUR_MS, 2)
            self._orders(story, asked - HOUR_MS, "placed")
            for turn in range(4):
                at = asked + 2 * turn * HOUR_MS
                self._says(story, "seller", at, "pulling", turn)
                self._says(story, "buyer", at + HOUR_MS, "pulling_replies", turn)

    def _fails_its_buyers(self, seller: str) -> None:
        self._is_verified(seller, age_days=500)
        for turn in range(60):
            story = self._meets(seller)
            placed = self._moment(0, 3)
            self._orders(story, placed, "placed", "shipped")
            if turn % 3 == 0:
                reason = self._chance.choice(("not_received", "not_received", "fraud"))
                self._complains(story, self._moment(4.2, 5.2), reason)
        self._decides(seller, self._at(5.9), "dismissed", "none")

    def _changes_hands(self, seller: str) -> None:
        self._is_verified(seller, age_days=1100)
        for _ in range(8):
            story = self._meets(seller)
            self._orders(story, self._moment(0, 2), "placed", "shipped", "delivered")
        changed = self._at(3)
        self._is_verified(seller, age_days=1100, at_ms=changed, changed=("bank", "identity"))
        for turn in range(7):
            story = self._meets(seller)
            placed = changed + (2 + 3 * turn) * HOUR_MS
            self._orders(story, placed, "placed")
            self._says(story, "seller", placed + 10 * MINUTE_MS, "turning", turn)

    # What goes on anyway

    def _chats(self) -> None:
        honest = [seller_id(name, self.number) for role in HONEST for name in sorted(SELLERS[role])]
        for _ in range(CHATTER_CONVERSATIONS):
            self._talks(
                self._meets(self._chance.choice(sorted(honest))), self._moment(0, 5.9), self._chance.randint(2, 5)
            )

    def _forgets(self) -> None:
        gone = {"erasure_id": self._name("er"), "subject": "buyer", "id": self._name("b")}
        self._happens(Input.ERASURES, self._at(5.2), gone)
        closed = {"erasure_id": self._name("er"), "subject": "seller", "id": seller_id("closed-shop", self.number)}
        self._happens(Input.ERASURES, self._at(5.4), closed)

    def _breaks(self) -> None:
        broken: list[tuple[Input, bytes | None]] = [
            (Input.MESSAGES, b'{"message_id": "cut off'),
            (Input.MESSAGES, b"\xff\xfe\x00 not text"),
            (Input.MESSAGES, None),
            (Input.MESSAGES, orjson.dumps({"message_id": self._name("m"), "body": "who sent this?"})),
            (Input.MESSAGES, self._from_the_future()),
            (Input.REVIEWS, orjson.dumps({"review_id": "r", "seller_id": "s", "buyer_id": "b", "rating": 11})),
            (Input.ORDERS, b"[]"),
        ]
        for topic, value in broken:
            self._samples.append(Sample(topic, b"broken", value, self._moment(0.5, 5.5)))

    def _from_the_future(self) -> bytes:
        story = self._meets(seller_id("lamplight", self.number))
        event = self._ids(story, "message_id", "m", "conversation_id")
        return orjson.dumps(event | {"sender": "seller", "sent_at": "2099-01-01T00:00:00Z", "body": "Is it 2099 yet?"})

    # Words of the story

    def _at(self, day: float) -> int:
        return self.start_ms + int(day * DAY_MS)

    def _moment(self, from_day: float, to_day: float) -> int:
        return self._chance.randint(self._at(from_day), self._at(to_day))

    def _name(self, kind: str) -> str:
        return f"{kind}-{self.number}-{next(self._names)}"

    def _meets(self, seller: str, items: str = "items_small") -> Story:
        return Story(
            seller,
            self._name("b"),
            self._chance.choice(COUNTRIES),
            self._name("o"),
            self._name("c"),
            self._chance.choice(texts()[items]),
        )

    def _happens(self, topic: Input, at_ms: int, event: dict[str, Any]) -> None:
        time_field = "sent_at" if topic is Input.MESSAGES else "at"
        key = str(event.get("seller_id", event.get("id", ""))).encode()
        self._samples.append(Sample(topic, key, orjson.dumps({**event, time_field: rfc3339(at_ms)}), at_ms))

    def _ids(self, story: Story, own: str, prefix: str, *others: str) -> dict[str, Any]:
        known = {"conversation_id": story.conversation, "order_id": story.order, "marketplace": story.country}
        return {own: self._name(prefix), "seller_id": story.seller, "buyer_id": story.buyer} | {
            name: known[name] for name in others
        }

    def _says(self, story: Story, sender: str, at_ms: int, key: str, turn: int | None = None) -> None:
        choices = texts()[key]
        template: str = self._chance.choice(choices) if turn is None else choices[turn % len(choices)]
        event = self._ids(story, "message_id", "m", "conversation_id", "order_id", "marketplace")
        self._happens(
            Input.MESSAGES, at_ms, event | {"sender": sender, "body": template.format_map(self._fillings(story))}
        )

    def _talks(self, story: Story, at_ms: int, turns: int) -> None:
        for turn in range(turns):
            sender = "buyer" if turn % 2 == 0 else "seller"
            self._says(story, sender, at_ms + turn * self._chance.randint(2, 30) * MINUTE_MS, f"chatter_{sender}")

    def _fillings(self, story: Story) -> dict[str, str]:
        chance, words = self._chance, texts()
        return {
            "item": story.item["title"].lower(),
            "colour": chance.choice(words["colours"]),
            "day": chance.choice(words["days"]),
            "size": chance.choice(words["sizes"]),
            "price": f"{chance.randint(8, 140)} euros",
            "order": f"{chance.randint(10**8, 10**9)}",
            "tracking": f"JD{chance.randint(10**12, 10**13)}",
            "number": NUMBERS[story.country].format(chance.randint(10, 99)),
            "contact": NUMBERS["US"].format(sum(map(ord, story.seller)) % 100),
            "handle": f"@{story.seller.replace('-', '_')}",
        }

    def _orders(self, story: Story, at_ms: int, *stages: str) -> None:
        item: dict[str, Any] = {"fulfilment": "parcel", "quantity": 1} | story.item
        for turn, status in enumerate(stages):
            event: dict[str, Any] = {"order_id": story.order, "seller_id": story.seller, "buyer_id": story.buyer}
            event |= {"status": status, "marketplace": story.country, "seller_country": "DE", "items": [item]}
            self._happens(Input.ORDERS, at_ms + turn * 24 * HOUR_MS, event)

    def _reviews(self, story: Story, at_ms: int, rating: int) -> None:
        self._happens(Input.REVIEWS, at_ms, self._ids(story, "review_id", "r", "order_id") | {"rating": rating})

    def _complains(self, story: Story, at_ms: int, reason: str) -> None:
        self._happens(Input.COMPLAINTS, at_ms, self._ids(story, "complaint_id", "k", "order_id") | {"reason": reason})

    def _reports(self, story: Story, at_ms: int, reason: str) -> None:
        evidence = [{"uri": f"evidence://{self._name('e')}.png"}]
        event = self._ids(story, "report_id", "p") | {"reason": reason, "evidence": evidence}
        self._happens(Input.REPORTS, at_ms, event)

    def _decides(self, seller: str, at_ms: int, verdict: str, action: str) -> None:
        event = {"outcome_id": self._name("u"), "seller_id": seller, "verdict": verdict, "action": action}
        self._happens(Input.OUTCOMES, at_ms, event | {"analyst": "analyst-3"})

    def _is_verified(
        self,
        seller: str,
        age_days: int,
        status: str = "verified",
        at_ms: int | None = None,
        changed: tuple[str, ...] = (),
    ) -> None:
        at_ms = self._at(0) if at_ms is None else at_ms
        registered = rfc3339(self.start_ms - age_days * DAY_MS)
        papers = ("licence", "tax_id", "bank", "identity")
        documents = [{"kind": kind, "changed_at": rfc3339(at_ms) if kind in changed else registered} for kind in papers]
        event = {
            "seller_id": seller,
            "status": status,
            "level": "business",
            "registered_at": registered,
            "country": "DE",
        }
        if status == "verified":
            event["expires_at"] = rfc3339(self.start_ms + 300 * DAY_MS)
            event["documents"] = documents  # type: ignore[assignment]  # a list among texts
        self._happens(Input.VERIFICATIONS, at_ms, event)
