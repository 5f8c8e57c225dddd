"""Which dead letters a person means."""

import pytest

from pipeline.kafka.dead_letters import Wanted
from schemas.outputs import DeadLetter

LETTER = DeadLetter(
    dead_letter_id="d_1",
    topic="marketplace.messages.v1",
    partition=3,
    offset=18204,
    timestamp_ms=1_000,
    reason="bad_time",
    error="sent_at",
)


@pytest.mark.parametrize(
    ("wanted", "is_included"),
    [
        pytest.param(Wanted(), True, id="all"),
        pytest.param(Wanted(reason="bad_time", topic="marketplace.messages.v1"), True, id="by reason and topic"),
        pytest.param(Wanted(place="marketplace.messages.v1[3]@18204"), True, id="by place"),
        pytest.param(Wanted(place="d_1"), True, id="by id"),
        pytest.param(Wanted(since_ms=1_000), True, id="as old as asked"),
        pytest.param(Wanted(since_ms=1_001), False, id="too old"),
        pytest.param(Wanted(reason="not_json"), False, id="another reason"),
        pytest.param(Wanted(reason="bad_time", topic="marketplace.orders.v1"), False, id="another topic"),
        pytest.param(Wanted(place="marketplace.messages.v1[3]@18205"), False, id="its neighbour"),
    ],
)
def test_a_letter_is_meant_when_all_that_is_said_fits(wanted, is_included):
    assert wanted.includes(LETTER) is is_included
