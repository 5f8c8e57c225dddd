"""Messages are read in two ways: what the quick one takes, the other takes too, and reads the same in it."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.kafka.message_reader import PlainMessage, plain_message, plainly
from schemas.events import Message

MESSAGE = {
    "message_id": "m-1",
    "conversation_id": "c-1",
    "seller_id": "s-1",
    "buyer_id": "b-1",
    "sender": "seller",
    "sent_at": "2026-06-01T12:00:00Z",
    "body": "Call me on +1 415 555 0132 ✆",
    "marketplace": "GB",
}
BYTES = orjson.dumps(MESSAGE)
DEEP = b"[" * 300 + b"]" * 300


def by_pydantic(value):
    """What the other reader says; `None` where it refuses."""
    try:
        return plainly(Message.model_validate_json(value))
    except ValidationError:
        return None


def with_more(more):
    return BYTES[:-1] + more + b"}"


def test_both_readers_know_the_same_fields():
    assert PlainMessage.__struct_fields__ == tuple(Message.model_fields)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(BYTES, id="a plain message"),
        pytest.param(with_more(b',"x":{"y":[1,null,2.5]}'), id="an unknown field"),
        pytest.param(orjson.dumps(MESSAGE | {"body": "é" * 20_000}), id="the longest body"),
        pytest.param(orjson.dumps(MESSAGE | {"sent_at": "2026-06-01T14:00:00.123+02:00"}), id="another offset"),
        pytest.param(orjson.dumps(MESSAGE | {"subject": None, "order_id": None}), id="nulls where none is needed"),
    ],
)
def test_what_is_usual_is_read_quickly(value):
    assert plain_message(value) == by_pydantic(value) is not None


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(with_more(b',"x":"\xff"'), id="no UTF-8 in an unknown field"),
        pytest.param(with_more(b',"\xff":1'), id="no UTF-8 in an unknown name"),
        pytest.param(with_more(b',"x":' + DEEP), id="too deep in an unknown field"),
        pytest.param(with_more(b',"x":"\\ud800"'), id="half a character"),
        pytest.param(orjson.dumps(MESSAGE | {"body": "a" * 20_001}), id="a body too long"),
        pytest.param(orjson.dumps(MESSAGE | {"sent_at": "2026-06-01T12:00:00"}), id="no offset"),
        pytest.param(orjson.dumps(MESSAGE | {"sent_at": 1_780_315_200}), id="a number for a time"),
        pytest.param(orjson.dumps(MESSAGE | {"marketplace": "gb"}), id="a country in lower case"),
        pytest.param(orjson.dumps(MESSAGE | {"marketplace": "GB\n"}), id="a country and a line's end"),
        pytest.param(orjson.dumps(MESSAGE | {"sender": "admin"}), id="an unknown sender"),
        pytest.param(orjson.dumps(MESSAGE | {"message_id": ""}), id="an empty id"),
    ],
)
def test_what_pydantic_refuses_is_not_taken(value):
    assert by_pydantic(value) is None
    assert plain_message(value) is None


@settings(max_examples=400)
@given(
    places=st.lists(st.tuples(st.integers(0, len(BYTES) - 1), st.integers(0, 255)), max_size=3),
    cut=st.integers(0, len(BYTES)),
)
def test_whatever_the_bytes_are_the_quick_reader_takes_no_more_and_reads_the_same(places, cut):
    value = bytearray(BYTES)
    for place, byte in places:
        value[place] = byte
    content = bytes(value[: cut if cut % 4 == 0 else None])
    read = plain_message(content)
    assert read is None or read == by_pydantic(content)
