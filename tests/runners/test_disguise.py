"""A recording that may be shared: nobody's id, no number, and the same findings."""

import sys
from pathlib import Path

import orjson
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.detection.shipped import shipped_detector
from pipeline.kafka.recordings import Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners.disguise import Disguise
from pipeline.runners.replay import replay
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY
from tests.replay.golden import EXPECTED, RECORDING

KEY = b"a key for tests only, not secret"


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The disguise after the shipped recording, the recording it made, and where its replay lies."""
    folder = tmp_path_factory.mktemp("disguised")
    disguise = Disguise(KEY, shipped_detector())
    write_recording(folder / "recording", disguise.records(Recording(RECORDING).records()))
    book = load_book()
    replay(Recording(folder / "recording"), folder / "out", book, scan_step(book, DEVELOPMENT_PSEUDONYM_KEY.encode()))
    return disguise, list(Recording(folder / "recording").records()), folder / "out"


def judged(folder):
    """What a finding says that names nobody."""
    findings = [orjson.loads(line) for line in (folder / "findings.jsonl").read_bytes().splitlines()]
    fields = ("finding_id", "revision", "at", "act", "channel", "verdict", "severity", "risk", "score", "reasons")
    return sorted(orjson.dumps({name: each[name] for name in fields}) for each in findings)


def test_a_disguised_recording_comes_to_the_same_findings(told):
    disguise, _, out = told
    assert disguise.counts["lost"] == 0
    assert judged(out) == judged(EXPECTED)


def test_alerts_have_the_same_triggers(told):
    def triggers(folder):
        alerts = [orjson.loads(line) for line in (folder / "alerts.jsonl").read_bytes().splitlines()]
        return sorted((each["at"], each["revision"], [t["code"] for t in each["triggers"]]) for each in alerts)

    assert triggers(told[2]) == triggers(EXPECTED)


def test_no_id_and_no_number_of_the_original_is_left(told):
    whole = b"\n".join(each.value + (each.key or b"") for each in told[1])
    names, numbers = set(), set()
    detector = shipped_detector()
    for each in Recording(RECORDING).records():
        try:
            event = orjson.loads(each.value or b"")
        except orjson.JSONDecodeError:
            continue
        if not isinstance(event, dict):
            continue
        names |= {event[name] for name in ("seller_id", "buyer_id", "order_id", "conversation_id") if event.get(name)}
        if isinstance(event.get("body"), str) and event.get("sender") in {"seller", "buyer"}:
            found = detector.detect(event["body"], event["sender"], ("DE",)).mentions
            numbers |= {event["body"][each.start : each.end] for each in found}
    assert len(names) > 100
    assert len(numbers) > 3
    assert not [name for name in names if isinstance(name, str) and b'"' + name.encode() + b'"' in whole]
    assert not [number for number in numbers if number.encode() in whole]


def test_messages_in_which_nothing_is_found_lose_their_text(told):
    disguise, records, _ = told
    bodies = [orjson.loads(each.value).get("body") for each in records if each.topic.endswith("messages.v1")]
    assert bodies.count("") >= disguise.counts["blank"] > len(bodies) // 2


def test_the_same_number_stays_one_number_however_it_is_written():
    disguise = Disguise(KEY, shipped_detector())
    event = {"sender": "seller", "marketplace": "DE"}
    texts = [disguise.text(f"Call me: {number}", event) for number in ("+49 30 23125 042", "030 23125 042")]
    assert "23125 042" not in "".join(texts)
    assert texts[0][-6:] == texts[1][-6:]
