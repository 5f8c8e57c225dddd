"""How analysts agree with each rule, from a recording and as gauges."""

from collections import Counter

import orjson
from prometheus_client import generate_latest

from pipeline import metrics
from pipeline.judgement.findings import finding_id_of
from pipeline.kafka.recordings import Recorded, Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners.precision import DECIDED, WEIGHED, Precision
from pipeline.runners.rules import rules_of_recording
from pipeline.runners.service import scan_step
from schemas.signals import MessageSeen

START_MS = 1_780_272_000_000


def recorded(topic, offset, event):
    at_ms = START_MS + offset * 60_000
    return Recorded(f"marketplace.{topic}.v1", 0, offset, at_ms, None, orjson.dumps(event))


def message(offset, body):
    ids = {"message_id": f"m{offset}", "conversation_id": f"c{offset}", "seller_id": "s1", "buyer_id": f"b{offset}"}
    return recorded("messages", offset, ids | {"sender": "seller", "sent_at": "2026-06-01T00:00:00Z", "body": body})


def outcome(offset, verdict, finding_ids):
    event = {"outcome_id": f"u{offset}", "seller_id": "s1", "at": "2026-06-02T00:00:00Z", "verdict": verdict}
    return recorded("outcomes", offset, event | {"finding_ids": finding_ids})


def test_the_report_counts_verdicts_and_decisions_by_rule(tmp_path):
    book = load_book()
    scan = scan_step(book, b"a key for tests, not secret")
    messages = [message(offset, "add me on telegram, my number is +1 415 555 0132") for offset in range(4)]
    signals = [MessageSeen.model_validate_json(value) for _, value in scan(messages).signals]
    ids = [finding_id_of(signal) for signal in signals]
    outcomes = [outcome(0, "confirmed", ids[:3]), outcome(1, "dismissed", ids[3:])]
    write_recording(tmp_path / "recording", [*messages, *outcomes])
    records = {each.rule: each for each in rules_of_recording(Recording(tmp_path / "recording"), book, scan)}
    record = records["push_contact"]
    assert (record.violation, record.confirmed, record.dismissed, record.precision) == (4, 3, 1, 0.75)
    assert 0.3 < record.low < 0.75 < record.high < 1.0


def test_a_workers_decisions_become_gauges():
    precision = Precision()
    precision.note(Counter({(DECIDED, "threat", "confirmed"): 3, (WEIGHED, "threat", "violation"): 4}))
    precision.note(Counter({(DECIDED, "threat", "dismissed"): 1}))
    exposed = generate_latest(metrics.REGISTRY).decode()
    assert 'ringfence_rule_precision_ratio{bound="mid",rule="threat"} 0.75' in exposed
