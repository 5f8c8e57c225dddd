"""A published policy book holds from its offset on, in the service as in a replay; a bad one changes nothing."""

import orjson
import pytest

from pipeline.kafka.recordings import Recorded, Recording, write_recording
from pipeline.kafka.topics import Input, TopicNames, topic_specs
from pipeline.policy.book import SHIPPED, load_book
from pipeline.runners.judge import Judge
from pipeline.runners.memory_rows import MemoryRows
from pipeline.runners.replay import replay
from pipeline.runners.service import scan_step
from schemas.signals import SignalAdapter

KEY = b"a key for tests, not secret"
START_MS = 1_780_272_000_000
TEXT = SHIPPED.read_text(encoding="utf-8")
STRICT = TEXT.replace("verdicts: {questionable: 25, violation: 60", "verdicts: {questionable: 5, violation: 10", 1)
BOOK = load_book()
SCAN = scan_step(BOOK, KEY)


def recorded(topic, offset, event, at_ms=START_MS):
    return Recorded(topic, 0, offset, at_ms, None, orjson.dumps(event))


def published(offset, book, **more):
    event = {"policy_id": f"p{offset}", "at": "2026-06-01T00:00:00Z", "book": book} | more
    return recorded(Input.POLICY, offset, event)


def message(offset):
    event = {
        "message_id": f"m{offset}",
        "conversation_id": f"c{offset}",
        "seller_id": f"s{offset}",
        "buyer_id": "b1",
        "sender": "seller",
        "sent_at": f"2026-06-01T00:0{offset}:00Z",
        "body": "can I have your phone number?",
        "marketplace": "DE",
    }
    return recorded(Input.MESSAGES, offset, event, START_MS + offset * 60_000)


def the_log(*records):
    """The signal log that these records come to, one partition."""
    values = []
    for record in records:
        result = SCAN([record])
        values += [value for _, value in result.signals] + result.broadcast
    return [Recorded("ringfence.signals.v1", 0, offset, START_MS, None, value) for offset, value in enumerate(values)]


def verdicts(log, batch=100, **how):
    """Verdicts in order, judged in batches by a new worker each: only the rows are handed on."""
    rows, marks, found = MemoryRows(), {}, []
    for start in range(0, len(log), batch):
        result = Judge(BOOK, **how)(rows, marks, log[start : start + batch])
        rows.apply(result.changed)
        marks |= result.watermarks
        found += [orjson.loads(value)["verdict"] for _, value in result.findings]
    return found


LOG = the_log(message(0), published(0, STRICT), message(1), message(2), published(1, TEXT), message(3))


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_a_book_holds_from_its_offset_on_whatever_the_batches_and_restarts(batch):
    assert verdicts(LOG, batch) == ["questionable", "violation", "violation", "questionable"]


def test_a_replay_under_another_policy_does_not_follow_the_log():
    assert verdicts(LOG, follows_log=False) == ["questionable"] * 4


def test_a_book_goes_to_every_partition():
    result = SCAN([published(0, STRICT)])
    (value,) = result.broadcast
    assert not result.signals
    assert SignalAdapter.validate_json(value).kind == "policy"


@pytest.mark.parametrize(
    ("book", "says"),
    [
        pytest.param(TEXT.replace("questionable: 25", "questionable: 99", 1), "fewer points", id="a fault of meaning"),
        pytest.param("policies: [", "not YAML", id="no YAML"),
        pytest.param("", "wanted", id="empty"),
    ],
)
def test_a_book_with_faults_is_set_aside_and_the_old_one_stays(book, says):
    result = SCAN([published(0, book)])
    assert not result.broadcast
    (letter,) = result.dead_letters
    headers = dict(letter[2])
    assert headers["ringfence-reason"] == b"bad_policy"
    assert says in headers["ringfence-error"].decode()
    assert verdicts(the_log(published(0, book), message(0))) == ["questionable"]


def test_a_recording_of_the_inputs_replays_with_the_book_that_it_holds(tmp_path):
    write_recording(tmp_path / "recording", [message(0), published(0, STRICT, at="2026-06-01T00:00:30Z"), message(1)])
    replay(Recording(tmp_path / "recording"), tmp_path / "followed", BOOK, SCAN)
    replay(Recording(tmp_path / "recording"), tmp_path / "alone", BOOK, SCAN, follows_log=False)

    def found(folder):
        lines = (tmp_path / folder / "findings.jsonl").read_bytes().splitlines()
        return [orjson.loads(line)["verdict"] for line in lines]

    assert set(found("alone")) == {"questionable"}
    assert "violation" in found("followed")


def test_a_judge_says_which_book_holds():
    result = Judge(BOOK)(MemoryRows(), {}, LOG[:2])
    assert result.policy["fingerprint"] != BOOK.fingerprint
    assert result.counts["ringfence_policy_changes_total",] == 1


def test_the_books_topic_keeps_the_last_one_for_ever():
    (spec,) = (each for each in topic_specs(TopicNames("app"), 4) if each.name == Input.POLICY)
    assert spec.configs == {"cleanup.policy": "compact"}
