"""Nothing that went in as text, number or buyer comes out: not in a topic, a row, a log line, a metric or an error.

The dead letters' topic alone holds originals; what is told of a dead letter elsewhere is searched like everything else.
"""

import random
import re
from datetime import UTC, datetime

import orjson
import pytest
from prometheus_client import generate_latest

from pipeline import metrics
from pipeline.detection.fold import fold
from pipeline.kafka.recordings import Recorded, Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners.judge import Judge
from pipeline.runners.lanes import add_counts
from pipeline.runners.memory_rows import MemoryRows
from pipeline.runners.replay import OUTPUTS, replay
from pipeline.runners.service import scan_step

KEY = b"a key for tests, not secret"
START_MS = 1_780_272_000_000
SELLERS, BUYERS = 6, 30
WORDS = ("amber", "violet", "meadow", "harbour", "lantern", "saffron", "pebble", "thistle", "walnut", "ember")
WAYS = {
    "plain": lambda digits: digits,
    "international": lambda digits: f"+49 {digits[1:4]} {digits[4:]}",
    "dots": lambda digits: ".".join(re.findall("..?", digits)),
    "spaces": " ".join,
    "full width": lambda digits: "".join(chr(ord(digit) + 0xFEE0) for digit in digits),
}
ASKS = (
    "Please call me on {number}.",
    "My WhatsApp is {number}, text me there.",
    "Write to {mail} or ring {number}, dear {buyer}!",
    "Give me your phone number, {buyer}, it is easier. Mine is {number}.",
    "Your account is suspended, send me the code you got. {number}",
    "Pay me directly by PayPal to {mail} and save the fees. {number}",
    "{number}",
)


class Market:
    """Events with secrets in every field that takes text, and the list of these secrets."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.secrets = set()
        self.records = []
        self.offsets = {}

    def number(self):
        digits = f"0171{self.chance.randrange(10_000_000):07}"
        self.secrets |= {digits, digits[1:]}
        return self.chance.choice(list(WAYS.values()))(digits)

    def mail(self):
        name = f"{self.chance.choice(WORDS)}.{self.chance.randrange(10**6)}@example.com"
        self.secrets.add(name)
        return name

    def buyer(self):
        name = f"buyer-{self.chance.randrange(BUYERS):04}-{'x' * 6}"
        self.secrets.add(name)
        return name

    def phrase(self):
        words = " ".join(self.chance.choices(WORDS, k=6))
        self.secrets.add(words)
        return words

    def add(self, topic, event):
        offset = self.offsets[topic] = self.offsets.get(topic, -1) + 1
        at_ms = START_MS + len(self.records) * 60_000
        value = event if isinstance(event, bytes) else orjson.dumps(event)
        self.records.append(Recorded(f"marketplace.{topic}.v1", 0, offset, at_ms, None, value))

    def play(self, count):
        for number in range(count):
            buyer, seller = self.buyer(), f"s{self.chance.randrange(SELLERS)}"
            at = datetime.fromtimestamp(START_MS / 1000 + len(self.records) * 60, UTC).isoformat()
            ids = {"seller_id": seller, "buyer_id": buyer}
            ask = self.chance.choice(ASKS).format(number=self.number(), mail=self.mail(), buyer=buyer)
            self.add(
                "messages",
                ids
                | {
                    "message_id": f"m{number}",
                    "conversation_id": f"c{number % 9}",
                    "sender": self.chance.choice(("seller", "seller", "buyer")),
                    "sent_at": at,
                    "subject": self.phrase() if number % 3 else f"Call {self.number()}",
                    "body": f"{self.phrase()}. {ask}. {self.phrase()}.",
                    "marketplace": "DE",
                },
            )
            self.add(
                "orders",
                ids
                | {
                    "order_id": f"o{number}",
                    "status": "placed",
                    "at": at,
                    "items": [{"title": f"Lamp {self.number()} {self.mail()}", "category": f"lamps {self.mail()}"}],
                },
            )
            self.add("complaints", ids | {"complaint_id": f"k{number}", "at": at, "reason": "fraud", "text": ask})
            self.add("reviews", ids | {"review_id": f"r{number}", "at": at, "rating": 1})
            report = {"report_id": f"p{number}", "at": at, "reason": f"called on {self.number()}", "text": ask}
            self.add("reports", ids | report | {"message_ids": [f"m{number}"], "evidence": [self.mail()]})
        self.add("erasures", {"erasure_id": "e1", "subject": "buyer", "id": buyer, "at": at})
        poison = {"message_id": "bad", "buyer_id": self.buyer(), "sent_at": self.number(), "body": self.phrase()}
        for bad in (poison, {**poison, "sent_at": at, "sender": self.number()}, b'{"body": "' + b"0171" * 9, []):
            self.add("messages", bad)


@pytest.fixture(scope="module")
def market():
    made = Market(seed=11)
    made.play(250)
    return made


@pytest.fixture(scope="module")
def outputs(market, tmp_path_factory):
    """Every byte that a full run leaves behind, by where it lies."""
    folder = tmp_path_factory.mktemp("privacy")
    book = load_book()
    write_recording(folder / "recording", market.records)
    replay(Recording(folder / "recording"), folder / "out", book, scan_step(book, KEY))
    out = {name: (folder / "out" / name).read_bytes() for name in OUTPUTS}
    scanned = scan_step(book, KEY)(market.records)
    signals = [value for _, value in scanned.signals] + scanned.broadcast
    out["signals"] = b"\n".join(signals)
    out["errors"] = b"\n".join(content for *_, headers in scanned.dead_letters for _, content in headers)
    rows = MemoryRows()
    log = [
        Recorded("ringfence.signals.v1", 0, offset, START_MS + offset, None, value)
        for offset, value in enumerate(signals)
    ]
    judged = Judge(book)(rows, {}, log)
    rows.apply(judged.changed)
    out["rows"] = b"\n".join(key + b" " + row for key, row in rows.items())
    add_counts(scanned.counts + judged.counts)
    out["metrics"] = generate_latest(metrics.REGISTRY)
    return out


def test_the_run_has_something_to_hide(outputs, market):
    assert len(market.secrets) > 1_000
    for name in ("findings.jsonl", "alerts.jsonl", "advisories.jsonl", "dead-letters.jsonl", "signals", "rows"):
        assert len(outputs[name]) > 1_000, name
    assert b"contact_ring" not in outputs["errors"]


@pytest.mark.parametrize("place", [*OUTPUTS, "signals", "errors", "rows", "metrics"])
def test_no_secret_comes_out(outputs, market, place):
    text = fold(outputs[place].decode())
    bare = re.sub(r"(?<=\d)[ .()/-]+(?=\d)", "", text)
    found = sorted(secret for secret in market.secrets if secret in text or (secret.isdigit() and secret in bare))
    assert not found


def test_a_dead_letter_topic_keeps_the_record_whole(market):
    letters = scan_step(load_book(), KEY)(market.records).dead_letters
    assert len(letters) == 4
    assert all(value is not None for _, value, _ in letters)


def test_nothing_is_said_on_the_way(market, capfd, caplog):
    assert scan_step(load_book(), KEY)(market.records).dead_letters
    assert capfd.readouterr() == ("", "")
    assert not caplog.records
