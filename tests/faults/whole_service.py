"""What is done to the whole service, beside a replay of its own signals; and to what Faust offers by itself."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import orjson
from kafka import KafkaProducer

from pipeline.kafka.client import Connection
from pipeline.kafka.dead_letters import read_back
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.topics import Input, Output
from pipeline.policy.book import SHIPPED, load_book
from pipeline.runners.publish import publish_policy
from pipeline.runners.sample import SEASON_MS, marketplace, now_ms
from pipeline.runners.service import scan_step
from tests.broker.harness import ROOT, Load, Stage, Tally, tally, wait_for
from tests.broker.service import SERVICE, malformed, mixed_in, replayed
from tests.faults.ground import QUICK_SESSION, Crew, Ground, Outcome, exit_reasons
from tests.faults.scenarios import scenario

SLOW_TICKS = {"RINGFENCE_TICK_INTERVAL_SECONDS": "3600"}
LARGE_BYTES = 10_000_000
Records = list[tuple[Input, bytes, bytes | None]]


def season(ground: Ground) -> Records:
    """Six days of the sample marketplace."""
    told = [(each.topic, each.key, each.value) for each in marketplace(ground.seed, now_ms() - 2 * SEASON_MS, 1)]
    return told[: len(told) // 3] if ground.is_short else told


@dataclass(frozen=True)
class Done:
    """What was done, and how much went in."""

    fault: str
    injected: int
    events: int
    letters: int
    """That have to be set aside."""


def judged(crew: Crew, done: Done) -> Outcome:
    """Everything that the service said beside what a replay of its signals says."""
    stage = crew.stage
    since = time.monotonic()
    crew.extra = QUICK_SESSION | SLOW_TICKS
    crew.until(lambda: stage.input_lag() == 0, "the end of the inputs")
    crew.until(stage.is_judged, "the end of the signals")
    recovered = time.monotonic() - since
    is_clean = crew.leave()
    heard, rows = replayed(stage, stage.folder / "signals")
    missing = repeated = foreign = 0
    for topic, wanted in heard.effects.items():
        came = Counter(each.value for each in stage.output(topic))
        missing += len(wanted - came)
        foreign += len(set(came) - set(wanted))
        repeated += sum(came[each] > times for each, times in wanted.items())
    messages = Counter(
        orjson.loads(each.value)["message_id"] for each in stage.output(Output.FINDINGS) if first(each.value)
    )
    repeated += sum(count > 1 for count in messages.values())
    table = stage.table(partition=stage.partitions - 1)
    wrong_rows = sum(table.get(key) != rows.get(key) for key in table.keys() | rows.keys())
    letters = [read_back(each.key, each.value, each.headers).letter for each in stage.output(Output.DEAD_LETTERS)]
    aside = Counter(letter.dead_letter_id for letter in letters)
    wrong_letters = abs(len(aside) - done.letters) + sum(count > 1 for count in aside.values())
    count = Tally(missing, repeated, foreign, wrong_rows, wrong_letters)
    reasons = exit_reasons(stage)
    end = stage.input_lag(), recovered, reasons, crew.peak_megabytes, is_clean
    return Outcome(done.fault, done.injected, done.events, count, *end)


def first(finding: bytes) -> bool:
    """Whether it is no revision of a finding before."""
    return not orjson.loads(finding).get("revision")


@scenario("dirty-input")
def dirty_input(ground: Ground, stage: Stage) -> Outcome:
    """Each tenth event twice, each tenth late, one in a hundred malformed, one of 10 MB, and two kills."""
    stage.program = SERVICE
    chance = random.Random(ground.seed)
    records = season(ground)
    for at in chance.sample(range(len(records)), len(records) // 10):
        records.insert(at + chance.randrange(50), records[at])
    for at in chance.sample(range(len(records)), len(records) // 10):
        records.insert(chance.randrange(at, len(records)), records.pop(at))
    records = mixed_in(records, malformed(ground.seed, len(records) // 100), ground.seed)
    third = len(records) // 3
    crew = Crew(stage, QUICK_SESSION | {"RINGFENCE_MAX_POLL_RECORDS": "50"})
    for start in (0, third):
        crew.join()
        before = stage.progress(Output.SIGNALS)
        stage.produce(records[start : start + third])
        crew.until(lambda before=before: stage.progress(Output.SIGNALS) > before + third // 10, "some signals")
        crew.at.pop("a").kill()
    send_large(stage)
    stage.produce(records[2 * third :])
    crew.join(**SLOW_TICKS)
    fault = "10 % twice, 10 % late, 1 % malformed, 10 MB, kill -9"
    return judged(crew, Done(fault, 2, len(records) + 1, len(unusable(records)) + 1))


def unusable(records: Records) -> list[int]:
    """Which of them a scan sets aside."""
    scan = scan_step(load_book(), b"unused")
    stored = [Recorded(str(topic), 0, at, now_ms(), key, value) for at, (topic, key, value) in enumerate(records)]
    return [each.offset for each in stored if scan([each]).dead_letters]


def send_large(stage: Stage) -> None:
    """A record as large as a topic takes."""
    producer = KafkaProducer(bootstrap_servers=stage.address, acks="all", max_request_size=2 * LARGE_BYTES)
    producer.send(stage.names.of(Input.MESSAGES), key=b"large", value=b"x" * LARGE_BYTES).get(60)
    producer.close()


@scenario("policy-change")
def policy_change(ground: Ground, stage: Stage) -> Outcome:
    """Two workers are restarted one after the other while another policy is published."""
    stage.program = SERVICE
    records = season(ground)
    third = len(records) // 3
    crew = Crew(stage, QUICK_SESSION | SLOW_TICKS)
    crew.join("a")
    crew.join("b")
    text = SHIPPED.read_text(encoding="utf-8").replace(
        "questionable: 25, violation: 60", "questionable: 5, violation: 10"
    )
    book = stage.folder / "strict.yaml"
    book.write_text(text, encoding="utf-8")
    stage.produce(records[:third])
    crew.at.pop("a").stop()
    publish_policy(Connection(stage.address), stage.names, load_book(book), text)
    stage.produce(records[third : 2 * third])
    crew.join("a")
    crew.at.pop("b").stop()
    stage.produce(records[2 * third :])
    crew.join("b")
    return judged(crew, Done("rolling restart of two with a change of policy", 3, len(records), len(unusable(records))))


@scenario("rolling-restart")
def rolling_restart(ground: Ground, stage: Stage) -> Outcome:
    """Two workers are restarted one after the other under steady load; how long findings take meanwhile and after."""
    load = ground.load(20_000)
    names = {"RINGFENCE_SESSION_TIMEOUT_SECONDS": "10"}
    crew = Crew(stage, dict(names))
    crew.join("a", RINGFENCE_MEMBER_ID="a")
    crew.join("b", RINGFENCE_MEMBER_ID="b")
    sent: dict[bytes, float] = {}
    source = threading.Thread(target=send_steadily, args=(stage, load, 300 if ground.is_short else 500, sent))
    source.start()
    crew.until_findings(len(load.records) // 10)
    began = time.time()
    for place in ("a", "b"):
        assert crew.at.pop(place).stop() == 0
        crew.join(place, RINGFENCE_MEMBER_ID=place)
    ended = time.time()
    source.join()
    crew.until_findings(len(load.records) - load.poison)
    waits = {each.value: each.timestamp_ms / 1000 - sent[each.value] for each in stage.output(Output.FINDINGS)}
    meanwhile = p99(wait for event, wait in waits.items() if began <= sent[event] < ended)
    after = p99(wait for event, wait in waits.items() if sent[event] >= ended + 1)
    assert meanwhile <= 10
    crew.until(lambda: stage.input_lag() == 0, "the group's offsets")
    is_clean = crew.leave()
    note = f"p99 {meanwhile:.1f} s meanwhile, {1000 * after:.0f} ms after"
    count, reasons = tally(stage, load), exit_reasons(stage)
    events = len(load.records) - load.poison
    return Outcome(
        *("two workers restarted under load", 2, events, count, stage.input_lag(), meanwhile),
        *(reasons, crew.peak_megabytes, is_clean, note),
    )


def send_steadily(stage: Stage, load: Load, per_second: int, sent: dict[bytes, float]) -> None:
    """Sends at an even pace, and notes when."""
    producer = KafkaProducer(bootstrap_servers=stage.address, acks="all", linger_ms=0)
    started = time.monotonic()
    for number, (topic, key, value) in enumerate(load.records):
        ahead = started + number / per_second - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
        if not value.startswith(b'{"broken'):
            sent[orjson.loads(value)["event_id"].encode()] = time.time()
        producer.send(stage.names.of(topic), key=key, value=value)
    producer.close()


def p99(seconds: Iterable[float]) -> float:
    """The ninety-ninth percentile."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) * 99 // 100, len(ordered) - 1)] if ordered else 0.0


def control(ground: Ground, stage: Stage, transport: str) -> Outcome:
    """The toy fold without a line of ours on its way, killed twice."""
    stage.program = (str(ROOT / "tests/broker/unfenced_worker.py"),)
    load = Load.seeded(ground.seed, 15_000)
    events = len(load.records) - load.poison
    stage.produce(load.records)
    extra = QUICK_SESSION | {"UNFENCED_TRANSPORT": transport}
    for target in (3_000, 8_000):
        worker = stage.start(**extra)
        comes_to(stage, target)
        worker.kill()
    worker = stage.start(**extra)
    since = time.monotonic()
    comes_to(stage, events)
    recovered = time.monotonic() - since
    name = "stock Faust, kill -9" if transport == "kafka" else "batches with Faust's own bookkeeping, kill -9"
    found = tally(stage, load), stage.input_lag()
    return Outcome(f"control: {name}", 2, events, *found, recovered, "–", 0.0, is_clean_stop=True, is_control=True)


def comes_to(stage: Stage, findings: int) -> None:
    """Waits for so many findings, or as long as one would: what was acknowledged unprocessed never comes."""
    try:
        wait_for(lambda: stage.progress() >= findings, f"{findings} findings", limit_seconds=20)
    except AssertionError:
        return


@scenario("control-stock")
def control_stock(ground: Ground, stage: Stage) -> Outcome:
    """Stock Faust, at_least_once."""
    return control(ground, stage, "kafka")


@scenario("control-naive")
def control_naive(ground: Ground, stage: Stage) -> Outcome:
    """Batches in the naive way."""
    return control(ground, stage, "naive")
