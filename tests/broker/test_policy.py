"""On a real broker: a published policy book holds from its place in the log, a ring is found across partitions."""

import asyncio
import sys
from collections import Counter
from pathlib import Path

import orjson

from pipeline.kafka.client import Connection
from pipeline.kafka.recordings import Recording
from pipeline.kafka.topics import Input, Output
from pipeline.policy.book import SHIPPED, load_book
from pipeline.runners.publish import publish_policy
from pipeline.runners.record import Span, record
from pipeline.runners.replay import replay
from pipeline.runners.service import scan_step
from tests.broker.harness import Stage, wait_for

SERVICE = (str(Path(sys.executable).with_name("ringfence")), "run")
QUIET = {"RINGFENCE_TICK_INTERVAL_SECONDS": "3600"}
TEXT = SHIPPED.read_text(encoding="utf-8")
STRICT = TEXT.replace("verdicts: {questionable: 25, violation: 60", "verdicts: {questionable: 5, violation: 10")


def message(number: int, seller: str, body: str) -> tuple[Input, bytes, bytes]:
    ids = {"message_id": f"m{number}", "conversation_id": f"c{number}", "seller_id": seller, "buyer_id": f"b{number}"}
    said = {"sender": "seller", "sent_at": "2026-06-01T10:00:00Z", "body": body, "marketplace": "US"}
    return Input.MESSAGES, seller.encode(), orjson.dumps(ids | said)


def verdicts(stage: Stage) -> dict[str, str]:
    """Verdict by message."""
    findings = [orjson.loads(each.value) for each in stage.output(Output.FINDINGS)]
    return {each["message_id"]: each["verdict"] for each in findings}


def wait_for_finding(stage: Stage, number: int) -> None:
    wait_for(lambda: f"m{number}" in verdicts(stage), f"the finding on m{number}")


def is_published_everywhere(stage: Stage) -> bool:
    """Whether every signals partition has the book, judged."""
    partitions = {each.partition for each in stage.output(Output.SIGNALS) if b'"kind":"policy"' in (each.value or b"")}
    return len(partitions) == stage.partitions and stage.is_judged()


def test_a_published_book_holds_for_all_partitions_through_a_kill_and_in_a_replay(stage: Stage, tmp_path):
    stage.program = SERVICE
    ask = "Can I have your phone number?"
    worker = stage.start(**QUIET)
    stage.produce([message(1, "s1", ask)])
    wait_for_finding(stage, 1)
    book = tmp_path / "strict.yaml"
    book.write_text(STRICT, encoding="utf-8")
    publish_policy(Connection(stage.address), stage.names, load_book(book), STRICT)
    bad = {"policy_id": "bad", "at": "2026-06-01T10:00:00Z", "book": "policies: ["}
    stage.produce([(Input.POLICY, b"book", orjson.dumps(bad))])
    wait_for(lambda: is_published_everywhere(stage), "the book on every partition")
    stage.produce([message(2, "s1", ask), message(3, "s2", ask)])
    wait_for_finding(stage, 3)
    worker.kill()
    again = stage.start("b", **QUIET)  # with nothing local: the book comes back with the rows
    stage.produce([message(4, "s3", ask)])
    wait_for_finding(stage, 4)
    assert again.stop() == 0
    assert verdicts(stage) == {"m1": "questionable", "m2": "violation", "m3": "violation", "m4": "violation"}
    (letter,) = stage.output(Output.DEAD_LETTERS)
    assert dict(letter.headers)["ringfence-reason"] == b"bad_policy"

    asyncio.run(record(Connection(stage.address), tmp_path / "log", Span([stage.names.of(Output.SIGNALS)])))
    replay(Recording(tmp_path / "log"), tmp_path / "out", load_book(), scan_step(load_book(), b"unused"))
    replayed = (tmp_path / "out" / "findings.jsonl").read_bytes().splitlines()
    assert Counter(replayed) == Counter(each.value for each in stage.output(Output.FINDINGS))


def test_a_contact_pushed_by_many_sellers_alerts_on_each_once(stage: Stage):
    stage.program = SERVICE
    worker = stage.start(**QUIET)
    push = "My WhatsApp is +1 415 555 0132, write me there"
    stage.produce([message(number, f"s{number}", push) for number in range(1, 7)])
    wait_for_finding(stage, 6)
    worker.kill()
    stage.start(**QUIET)
    stage.produce([message(number, f"s{number}", push) for number in range(7, 11)])
    wait_for_finding(stage, 10)

    def rings() -> Counter[str]:
        alerts = [orjson.loads(each.value) for each in stage.output(Output.ALERTS)]
        ringed = {(a["seller_id"], a["revision"]) for a in alerts if a["triggers"][0]["code"] == "contact_ring"}
        return Counter(seller for seller, _ in ringed)

    wait_for(lambda: len(rings()) == 10, "an alert on every seller of the ring")
    wait_for(stage.is_judged, "the end of the signals")
    alerts = [orjson.loads(each.value) for each in stage.output(Output.ALERTS)]
    assert len({(each["alert_id"], each["revision"]) for each in alerts}) == len(alerts)
    assert set(rings().values()) == {1}
