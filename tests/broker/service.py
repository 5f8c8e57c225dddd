"""The whole service for tests: malformed records, traffic mixed of both, and what a replay of its signals says."""

import asyncio
import random
import sys
from collections import Counter
from pathlib import Path

import orjson

from pipeline.kafka.client import Connection
from pipeline.kafka.recordings import Recording
from pipeline.kafka.topics import Input, Output
from pipeline.policy.book import load_book
from pipeline.runners.judging import Judging
from pipeline.runners.record import Span, record
from pipeline.runners.replay import run
from pipeline.runners.service import scan_step
from tests.broker.harness import Stage

SERVICE = (str(Path(sys.executable).with_name("ringfence")), "run")
GOOD = {
    "message_id": "m-1",
    "conversation_id": "c-1",
    "seller_id": "s-1",
    "buyer_id": "b-1",
    "sender": "seller",
    "sent_at": "2026-06-01T10:00:00Z",
    "body": "whats ur number",
}


def malformed(seed: int, count: int) -> list[tuple[Input, bytes, bytes | None]]:
    """Records that no consumer can use, of every kind that producers have thought of, on every input topic."""
    chance = random.Random(seed)
    spoiled = [
        lambda: None,
        lambda: b"",
        lambda: b"not json",
        lambda: b"\xff\xfe\x00" + chance.randbytes(40),
        lambda: chance.randbytes(chance.randrange(1, 300)),
        lambda: orjson.dumps(GOOD)[: chance.randrange(1, 60)],
        lambda: b"[" * chance.randrange(1, 5_000),
        lambda: b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        lambda: chance.choice([b"[]", b"0", b"null", b'"text"', b"true", b"NaN", b"{}", b"{}{}"]),
        lambda: orjson.dumps({name: GOOD[name] for name in chance.sample(sorted(GOOD), 4)}),
        lambda: orjson.dumps(GOOD | {chance.choice(sorted(GOOD)): chance.choice([None, 7, [], {}])}),
        lambda: orjson.dumps(GOOD | {"sender": "courier"}),
        lambda: orjson.dumps(GOOD | {"sent_at": "2999-01-01T00:00:00Z"}),
        lambda: orjson.dumps(GOOD | {"sent_at": "yesterday"}),
        lambda: orjson.dumps(GOOD | {"body": "x" * 20_001}),
        lambda: orjson.dumps(GOOD | {"seller_id": "s" * 129}),
        lambda: orjson.dumps(GOOD | {"marketplace": "Germany"}),
    ]
    unheard_of = {"order_id": "o-1", "seller_id": "s-1", "buyer_id": "b-1", "status": "lost", "at": GOOD["sent_at"]}
    letters = []
    letters.append((Input.ORDERS, b"p", orjson.dumps(unheard_of)))
    for number in range(1, count):
        value = spoiled[number % len(spoiled)]()
        topic = chance.choice(list(Input)) if number % 2 else Input.MESSAGES
        letters.append((topic, b"p-%d" % number, value))
    return letters


class Heard:
    """What a replay of the recorded signals says."""

    def __init__(self) -> None:
        self.effects: dict[Output, Counter[bytes]] = {
            topic: Counter() for topic in (Output.FINDINGS, Output.ALERTS, Output.ADVISORIES)
        }

    def judged(self, _, result) -> None:
        for topic, effects in (
            (Output.FINDINGS, result.findings),
            (Output.ALERTS, result.alerts),
            (Output.ADVISORIES, result.advisories),
        ):
            self.effects[topic].update(value for _, value in effects)

    def set_aside(self, letter) -> None:
        raise AssertionError(letter)


def replayed(stage: Stage, folder: Path) -> tuple[Heard, dict[bytes, bytes]]:
    """Effects of an uninterrupted replay of the signals that the service wrote, and the rows of the last partition."""
    asyncio.run(record(Connection(stage.address), folder, Span([stage.names.of(Output.SIGNALS)])))
    book, heard = load_book(), Heard()
    judging = Judging(book, heard, follows_log=True)
    run(Recording(folder), scan_step(book, b"unused"), judging, heard)
    return heard, dict(judging.rows.items())


def mixed_in(good: list, bad: list, seed: int) -> list:
    """Both kinds, the good ones in their order."""
    places = sorted(random.Random(seed).choices(range(len(good)), k=len(bad)), reverse=True)
    mixed = list(good)
    for place, each in zip(places, bad, strict=True):
        mixed.insert(place, each)
    return mixed
