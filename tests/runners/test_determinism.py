"""The same answer again: however partitions interleave, wherever a replay is cut, however JSON is spelled."""

import json
import random
import re
import sys
from copy import deepcopy
from functools import partial
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.kafka.recordings import Recorded, Recording, write_recording
from pipeline.policy.book import load_book
from pipeline.runners.judging import Judging
from pipeline.runners.output_files import DIGEST, OUTPUTS
from pipeline.runners.replay import replay
from pipeline.runners.scanning import ScanPool
from pipeline.runners.service import scan_step
from pipeline.runners.signal_log import signal_log
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY
from tests.replay.golden import EXPECTED, RECORDING

BOOK = load_book()
NEW_SCAN = partial(scan_step, BOOK, DEVELOPMENT_PSEUDONYM_KEY.encode())
SCAN = NEW_SCAN()
RECORDS = list(Recording(RECORDING).records())[::2]
"""Every second record: gaps in offsets are no matter."""
slow = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


class Heard:
    """Every byte that a judging says, in order."""

    def __init__(self):
        self.said = []

    def judged(self, _, result):
        self.said += [*result.findings, *result.alerts, *result.advisories]

    def set_aside(self, letter):
        self.said.append(letter)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("determinism")


def replayed(folder, records):
    """The digest of a replay of these records."""
    write_recording(folder / "recording", records)
    digest = replay(Recording(folder / "recording"), folder / "out", BOOK, SCAN).digest
    for file in (folder / "recording").iterdir():
        file.unlink()
    (folder / "recording").rmdir()
    return digest


@pytest.fixture(scope="module")
def wanted(folder):
    return replayed(folder, RECORDS)


@slow
@given(seed=st.integers(0, 2**32))
def test_any_interleaving_that_keeps_each_partitions_order_gives_the_same_bytes(folder, wanted, seed):
    chance = random.Random(seed)
    partitions = {}
    for each in RECORDS:
        partitions.setdefault((each.topic, each.partition), []).append(each)
    queues = [iter(each) for each in partitions.values()]
    turns = [index for index, each in enumerate(partitions.values()) for _ in each]
    chance.shuffle(turns)
    assert replayed(folder, [next(queues[turn]) for turn in turns]) == wanted


def entries(watcher):
    return list(signal_log(Recording(RECORDING), SCAN, watcher, lambda _: None))


LOG = entries(Heard())


def judged(cuts):
    """What a replay says that is cut at these places, each part beginning with the rows of the one before."""
    heard = Heard()
    judging = Judging(BOOK, heard)
    for index, entry in enumerate(LOG):
        if index in cuts:
            judging = carried_over(judging, heard)
        judging.feed(entry)
    return heard.said, list(judging.rows.items())


def carried_over(judging, heard):
    """A new judging with nothing but what a file could hold of the one before."""
    new = Judging(BOOK, heard)
    new.rows.apply(dict(judging.rows.items()))
    new.position = deepcopy(judging.position)
    return new


WHOLE = judged(set())


@slow
@given(cuts=st.sets(st.integers(0, len(LOG)), max_size=40))
def test_a_replay_cut_anywhere_with_the_state_carried_over_says_the_same(cuts):
    assert judged(cuts) == WHOLE


def rewritten(record, chance):
    """The same event as another producer might write it."""
    try:
        event = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return record
    if not isinstance(event, dict):
        return record
    fields = [*event.items(), ("x_trace", {"id": chance.random()}), ("x_list", [None, 1e3])]
    chance.shuffle(fields)
    told = {name: value for name, value in fields if name not in {"at", "sent_at"}}
    for name in ("at", "sent_at"):
        if name in event:
            is_utc = isinstance(event[name], str) and event[name].endswith("Z")
            told[name] = event[name].removesuffix("Z") + "+00:00" if is_utc else event[name]
    told = respelled(told, chance)
    text = json.dumps(told, ensure_ascii=chance.random() < 0.5, indent=chance.choice([None, 2]))
    text = MARKED_NUMBER.sub(lambda found: found[1], text)
    return Recorded(record.topic, record.partition, record.offset, record.timestamp, record.key, text.encode())


MARKED_NUMBER = re.compile('"<number ([^>]*)>"')


def respelled(content, chance):
    """Whole numbers in another format, marked; objects within with a field that nobody knows, keys in any order."""
    match content:
        case bool():
            return content
        case int():
            formats = (f"{content}", f"{content}.0", f"{content}e0", f"{content * 10}e-1", f"{content}.000E+0")
            return f"<number {chance.choice(formats)}>"
        case list():
            return [respelled(each, chance) for each in content]
        case dict():
            fields = [(name, respelled(each, chance)) for name, each in content.items()]
            fields.append(("x_inner", {"deep": [1.5, None]}))
            chance.shuffle(fields)
            return dict(fields)
    return content


@slow
@given(seed=st.integers(0, 2**32))
def test_order_of_keys_unknown_fields_and_formats_of_numbers_do_not_matter(folder, wanted, seed):
    chance = random.Random(seed)
    assert replayed(folder, [rewritten(each, chance) for each in RECORDS]) == wanted


def test_several_processes_give_the_golden_bytes(tmp_path):
    replay(Recording(RECORDING), tmp_path, BOOK, ScanPool(NEW_SCAN, 2))
    for name in (*OUTPUTS, DIGEST):
        assert (tmp_path / name).read_bytes() == (EXPECTED / name).read_bytes()
