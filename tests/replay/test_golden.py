"""The shipped recording: what it comes to, whatever the order and cut of its files, and that it tells good from bad."""

import json
import random
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from pipeline.kafka.recordings import Recording, write_recording
from pipeline.runners.output_files import DIGEST, OUTPUTS
from pipeline.runners.sample import (
    HONEST,
    SEASON_MS,
    SHIPPED_SEED,
    SHIPPED_START_MS,
    Role,
    marketplace,
    not_after,
    recorded,
    role_of,
)
from tests.replay.golden import EXPECTED, RECORDING, replayed


def lines(name):
    return [json.loads(line) for line in (EXPECTED / name).read_text(encoding="utf-8").splitlines()]


def test_the_shipped_recording_replays_to_the_golden_bytes(tmp_path):
    replayed(RECORDING, tmp_path)
    for name in (*OUTPUTS, DIGEST):
        assert (tmp_path / name).read_bytes() == (EXPECTED / name).read_bytes(), f"{name}: see `make golden`"


@pytest.mark.parametrize("seed", range(3))
def test_neither_the_order_of_lines_nor_of_files_nor_compression_changes_a_byte(tmp_path, seed):
    records = list(Recording(RECORDING).records())
    shuffled = sorted(records, key=lambda each: (each.partition, each.offset))
    chance = random.Random(seed)
    topics = sorted({each.topic for each in records})
    chance.shuffle(topics)
    by_topic = [each for topic in topics for each in shuffled if each.topic == topic]
    write_recording(tmp_path / "copy", by_topic, is_compressed=seed % 2 == 0)
    assert replayed(tmp_path / "copy", tmp_path / "out") == replayed(RECORDING, tmp_path / "again")


def test_every_kind_of_bad_seller_has_an_alert_and_no_honest_one():
    alerted = Counter(role_of(alert["seller_id"]) for alert in lines("alerts.jsonl"))
    assert set(alerted) == set(Role) - HONEST


def test_seasons_that_pass_in_minutes_as_make_run_plays_them_accuse_no_honest_seller(tmp_path):
    sent = [
        not_after(sample, SHIPPED_START_MS + SEASON_MS + 10 * number)
        for number, sample in enumerate(islice(marketplace(SHIPPED_SEED, SHIPPED_START_MS), 12_000))
    ]
    write_recording(tmp_path / "sent", recorded(iter(sent)))
    replayed(tmp_path / "sent", tmp_path)
    alerts = map(json.loads, (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines())
    assert {role_of(alert["seller_id"]) for alert in alerts} == set(Role) - HONEST


def test_an_honest_seller_breaks_no_rule():
    broken = [each for each in lines("findings.jsonl") if each["verdict"] == "violation"]
    assert not [each["finding_id"] for each in broken if role_of(each["seller_id"]) in HONEST]


def test_the_shipped_recording_is_what_its_seed_tells():
    told = list(recorded(marketplace(SHIPPED_SEED, SHIPPED_START_MS, 1)))
    assert sorted(map(content, told)) == sorted(map(content, Recording(RECORDING).records()))


def content(each):
    return each.topic, each.partition, each.offset, each.timestamp, each.key or b"", each.value or b""
