"""The prefilter: few innocent messages pass it, and nothing of interest is stopped."""

import json
import random
from pathlib import Path

import pytest

from bench.traffic import chatter
from pipeline.detection.shipped import shipped_detector
from schemas.vocabulary import Sender
from tests.corpus.measure import UNSEEN, chatter_rows, detector_answers, service_rows, taken_for_contact

CORPUS = Path(__file__).parents[1] / "corpus" / "seen"
CHATTER = [row["text"] for row in chatter_rows(UNSEEN) if row["sender"] is Sender.SELLER]


@pytest.fixture(scope="module")
def detector():
    return shipped_detector(has_opinion=False)


def test_everyday_chatter_stops_at_the_prefilter(detector):
    for each, share in ((detector, 0.13), (shipped_detector(), 0.17)):
        assert sum(map(each.is_of_interest, CHATTER)) / len(CHATTER) <= share


@pytest.mark.parametrize(("rows", "most"), [(chatter_rows, 0.015), (service_rows, 0.08)], ids=["chatter", "service"])
def test_hardly_any_honest_talk_is_taken_for_a_request_or_a_share(rows, most):
    assert taken_for_contact(rows(UNSEEN), detector_answers()) <= most


def test_no_message_of_the_default_mix_passes_that_is_of_no_interest(detector):
    chance = random.Random(1)
    assert not {text for text in (chatter(chance) for _ in range(2_000)) if detector.is_of_interest(text)}


def test_a_number_that_begins_with_a_five_is_no_review(detector):
    assert not detector.is_of_interest("Is the wardrobe 56 cm deep, and does it come with a rail?")
    assert detector.detect("5 star review and I refund you", Sender.SELLER).manners


def test_hardly_anything_that_the_rules_would_find_is_stopped(detector):
    found = stopped = 0
    for path in sorted(CORPUS.glob("*.jsonl")):
        for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            if detector.examine(row["text"], row["text"], Sender(row["sender"]), (row["marketplace"],)).acts:
                found += 1
                stopped += not detector.is_of_interest(row["text"])
    assert found > 500
    assert stopped / found <= 0.003


def test_a_trap_holds_within_a_sentence_only(detector):
    assert not detector.is_of_interest("Is this your phone case in the picture?")
    assert detector.is_of_interest("Is this your phone? Case and charger are included.")
