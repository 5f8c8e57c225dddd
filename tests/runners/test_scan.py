"""What scan lets through to the judge."""

import orjson
import pytest

from pipeline.kafka.recordings import Recorded
from pipeline.policy.book import load_book
from pipeline.runners.service import scan_step

START_MS = 1_780_272_000_000


@pytest.fixture(scope="module")
def signals_of():
    scan = scan_step(load_book(), b"a key for tests, not secret")

    def signals(body, sender):
        message = {
            "message_id": "m1",
            "conversation_id": "c1",
            "seller_id": "s1",
            "buyer_id": "b1",
            "sender": sender,
            "sent_at": "2026-06-01T00:00:00Z",
            "body": body,
        }
        result = scan([Recorded("marketplace.messages.v1", 0, 0, START_MS, None, orjson.dumps(message))])
        assert not result.dead_letters
        return [orjson.loads(value) for _, value in result.signals]

    return signals


def test_a_buyers_no_and_nothing_else_is_passed_on_for_the_judge_knows_what_it_answers(signals_of):
    (signal,) = signals_of("Nein danke!", "buyer")
    assert signal["is_bare_no"]
    assert signal["acts"] == []


@pytest.mark.parametrize(("body", "sender"), [("Nein danke!", "seller"), ("No problem", "buyer")])
def test_no_other_no_is(signals_of, body, sender):
    assert signals_of(body, sender) == []
