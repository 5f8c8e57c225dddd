"""Judged on one process or on several, a log comes to the same bytes, whatever joins its sellers."""

import random
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.kafka.recordings import Recorded, Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners import judging as judging_module
from pipeline.runners.bonds import Bonds
from pipeline.runners.judging import Judging
from pipeline.runners.output_files import lines_of
from pipeline.runners.replay_rows import ReplayRows
from pipeline.runners.service import scan_step
from pipeline.runners.shadow import Shadow
from pipeline.runners.shards import Parted, Terms
from pipeline.runners.signal_log import signal_log
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY

BOOK = load_book()
SCAN = scan_step(BOOK, DEVELOPMENT_PSEUDONYM_KEY.encode())
START_MS = 1_780_272_000_000
HOUR_MS = 3_600_000
TEXTS = (
    "Text me on +1 415 555 0132, I give you a better price outside the site.",
    "My WhatsApp is +1 415 555 0177, write me there.",
    "Send me your card number and the code you got by SMS or your account will be blocked.",
    "whats ur number?",
    "Can I have your phone number please? Our driver calls before the delivery.",
)
slow = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


def instant(at_ms):
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()


def event(number, chance):
    """Topic and content: few sellers, buyers and contacts, so that much is shared."""
    ids = {"seller_id": f"s{chance.randrange(7)}", "buyer_id": f"b{chance.randrange(5)}"}
    order = {"order_id": f"o{chance.randrange(20)}"}
    match chance.choice(("messages", "messages", "orders", "reports", "complaints", "outcomes", "erasures", "words")):
        case "messages":
            message = {"message_id": f"m{number}", "conversation_id": f"c{chance.randrange(9)}", "sender": "seller"}
            return "messages", ids | message | order | {"body": chance.choice(TEXTS)}
        case "words":
            message = {"message_id": f"m{number}", "conversation_id": f"c{chance.randrange(9)}", "sender": "buyer"}
            return "messages", ids | message | {"body": "I will not give you my number."}
        case "orders":
            return "orders", ids | order | {"status": chance.choice(("placed", "delivered"))}
        case "reports":
            return "reports", ids | {"report_id": f"r{number}", "reason": "spam"}
        case "complaints":
            return "complaints", ids | {"complaint_id": f"k{number}", "reason": "contact_abuse"}
        case "outcomes":
            verdict = chance.choice(("confirmed", "dismissed"))
            return "outcomes", {"seller_id": ids["seller_id"], "outcome_id": f"u{number}", "verdict": verdict}
        case _:
            subject = chance.choice(("buyer", "seller"))
            return "erasures", {"erasure_id": f"e{number}", "subject": subject, "id": ids[f"{subject}_id"]}


def records(seed, count=250):
    """Months of a small marketplace: rows expire, reviews become due."""
    chance = random.Random(seed)
    at_ms, offsets = START_MS, {}
    for number in range(count):
        at_ms += chance.choice((0, 0, 1, 5, 40)) * HOUR_MS
        topic, content = event(number, chance)
        content["sent_at" if topic == "messages" else "at"] = instant(at_ms)
        offset = offsets[topic] = offsets.get(topic, -1) + 1
        yield Recorded(f"marketplace.{topic}.v1", 0, offset, at_ms, None, orjson.dumps(content))


class Heard:
    """Every line, in order, by file."""

    def __init__(self):
        self.lines = {}

    def judged(self, _, result):
        for name, _, line in lines_of(result):
            self.write(name, line)

    def set_aside(self, letter):
        self.write("letters", letter.model_dump_json().encode())

    def write(self, name, line):
        self.lines.setdefault(name, []).append(line)


def log_of(folder, seed):
    write_recording(folder, records(seed))
    return list(signal_log(Recording(folder), SCAN, Heard(), lambda _: None))


def on_one_process(log, shadow=None):
    heard = Heard()
    with closing(Judging(BOOK, heard, shadow=shadow)) as judging:
        for entry in log:
            judging.feed(entry)
    return heard.lines


def on_several(log, processes, shadow=None):
    heard = Heard()
    Parted(Terms(BOOK, shadow, follows_log=False), processes, lambda _: None, 0).judge(log, heard.write)
    return heard.lines


@slow
@given(seed=st.integers(0, 2**32), processes=st.integers(2, 3))
def test_several_processes_say_what_one_says(tmp_path_factory, seed, processes):
    log = log_of(tmp_path_factory.mktemp("shards") / "recording", seed)
    told = on_one_process(log)
    assert told["alerts.jsonl"]
    assert on_several(log, processes) == told


def test_a_shadow_is_the_same_on_several_processes(tmp_path):
    log = log_of(tmp_path / "recording", 7)
    shadow = Shadow(BOOK, 0.5)
    assert on_several(log, 2, shadow) == on_one_process(log, shadow)


@slow
@given(seed=st.integers(0, 2**32), most_rows=st.integers(1, 60))
def test_rows_on_disk_say_what_rows_in_memory_say(tmp_path_factory, seed, most_rows):
    log = log_of(tmp_path_factory.mktemp("rows") / "recording", seed)
    told = on_one_process(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging_module, "ReplayRows", partial(ReplayRows, most_rows))
        assert on_one_process(log) == told


def signal(kind, seller="", **more):
    return orjson.dumps({"kind": kind, "seller_id": seller, **more})


def is_bound(*signals):
    """Whether the first two sellers are judged together."""
    bonds = Bonds(BOOK)
    met = [bonds.meet(each) for each in signals]
    for name, buyer in met:
        bonds.meet_buyer(name, buyer)
    return bonds.root("s:s1") == bonds.root("s:s2")


@pytest.mark.parametrize(
    ("signals", "together"),
    [
        pytest.param(
            [
                signal("message", "s1", contacts=[{"contact": "c_1"}]),
                signal("message", "s2", contacts=[{"contact": "c_1"}]),
            ],
            True,
            id="one contact pushed by both",
        ),
        pytest.param(
            [
                signal("message", "s1", sender="buyer", contacts=[{"contact": "c_1"}]),
                signal("message", "s2", sender="buyer", contacts=[{"contact": "c_1"}]),
            ],
            False,
            id="a buyer gave both its number",
        ),
        pytest.param(
            [signal("order", "s1", buyer="b_1"), signal("order", "s2", buyer="b_1")],
            False,
            id="a buyer who buys of both",
        ),
        pytest.param(
            [
                signal("report", "s1", buyer="b_1"),
                signal("report", "s3", buyer="b_1"),
                signal("order", "s2", buyer="b_1"),
            ],
            True,
            id="a buyer who reported twice and dealt with both",
        ),
        pytest.param(
            [
                signal("order", "s1", buyer="b_1"),
                signal("order", "s2", buyer="b_1"),
                signal("erasure", subject="buyer", buyer="b_1"),
            ],
            True,
            id="a buyer who was erased later",
        ),
    ],
)
def test_sellers_are_judged_together_where_a_row_speaks_for_both(signals, together):
    assert is_bound(*signals) is together
