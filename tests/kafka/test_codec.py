"""Every kind of unusable record gets its reason, and no error quotes the record."""

import json

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import RecordError
from pipeline.kafka.codec import DecodeLimits, Fault, decode_event, input_of
from pipeline.kafka.dead_letters import dead_letter_id, foreign, outgoing, read_back
from pipeline.kafka.message_reader import plainly
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.topics import Input
from schemas.events import Message, Order, Review

LIMITS = DecodeLimits(max_lead_ms=600_000)
SENT_AT_MS = 1_780_315_200_000
MESSAGE = {
    "message_id": "m-1",
    "conversation_id": "c-1",
    "seller_id": "s-1",
    "buyer_id": "b-1",
    "sender": "seller",
    "sent_at": "2026-06-01T12:00:00Z",
    "body": "Call me on +1 415 555 0132",
}
REVIEW = {"review_id": "r-1", "seller_id": "s-1", "buyer_id": "b-1", "at": "2026-06-01T12:00:00Z", "rating": 4}


def a_record(value, topic=Input.MESSAGES, timestamp=SENT_AT_MS, **headers):
    content = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
    return Recorded(str(topic), 3, 18204, timestamp, b"s-1", content, list(headers.items()))


def fault_of(record):
    with pytest.raises(RecordError) as caught:
        decode_event(record, LIMITS)
    return caught.value


def fault_or_none(record):
    try:
        decode_event(record, LIMITS)
    except RecordError as error:
        return error
    return None


def without(name):
    return {field: content for field, content in MESSAGE.items() if field != name}


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(None, Fault.NULL_VALUE, id="tombstone"),
        pytest.param(b"", Fault.NOT_JSON, id="empty"),
        pytest.param(b"   ", Fault.NOT_JSON, id="blank"),
        pytest.param(b"\x00\x01\x02", Fault.NOT_JSON, id="control characters"),
        pytest.param(b"\xff\xfe{}", Fault.NOT_UTF8, id="UTF-16 mark"),
        pytest.param(orjson.dumps(MESSAGE).decode().encode("utf-16"), Fault.NOT_UTF8, id="UTF-16"),
        pytest.param(
            orjson.dumps(MESSAGE).replace(b"Call", b"\xc3\x28"), Fault.NOT_UTF8, id="broken UTF-8 in the body"
        ),
        pytest.param(b"\xef\xbb\xbf" + orjson.dumps(MESSAGE), Fault.NOT_JSON, id="byte order mark"),
        pytest.param(orjson.dumps(MESSAGE)[:-9], Fault.NOT_JSON, id="cut off"),
        pytest.param(orjson.dumps(MESSAGE) * 2, Fault.NOT_JSON, id="two objects"),
        pytest.param(orjson.dumps(MESSAGE).replace(b"Call", b"\\ud800"), Fault.NOT_JSON, id="lone surrogate"),
        pytest.param(b"{'body': 'x'}", Fault.NOT_JSON, id="single quotes"),
        pytest.param(b'{"x": ' + b"[" * 100_000, Fault.TOO_DEEP, id="nested without end"),
        pytest.param(b'{"x": 1' + b"0" * 100_000 + b"}", Fault.NOT_JSON, id="number of 100,000 digits"),
        pytest.param(b" " * 2_000_000, Fault.TOO_LARGE, id="two megabytes"),
        pytest.param(b"null", Fault.WRONG_TYPE, id="JSON null"),
        pytest.param([MESSAGE], Fault.WRONG_TYPE, id="list"),
        pytest.param("text", Fault.WRONG_TYPE, id="text"),
        pytest.param({}, Fault.MISSING_FIELD, id="empty object"),
        *(pytest.param(without(name), Fault.MISSING_FIELD, id=f"without {name}") for name in MESSAGE),
        *(
            pytest.param(MESSAGE | {name: None}, Fault.WRONG_TYPE, id=f"{name} null")
            for name in MESSAGE
            if name != "sender"
        ),
        *(pytest.param(MESSAGE | {name: 5}, Fault.WRONG_TYPE, id=f"{name} a number") for name in MESSAGE),
        *(pytest.param(MESSAGE | {name: ["x"]}, Fault.WRONG_TYPE, id=f"{name} a list") for name in MESSAGE),
        pytest.param(MESSAGE | {"sender": "robot"}, Fault.UNKNOWN_SENDER, id="sent by a robot"),
        pytest.param(MESSAGE | {"sender": "SELLER"}, Fault.UNKNOWN_SENDER, id="sender in capitals"),
        pytest.param(MESSAGE | {"body": "x" * 20_001}, Fault.BODY_TOO_LONG, id="20,001 characters"),
        pytest.param(MESSAGE | {"seller_id": ""}, Fault.OUT_OF_RANGE, id="empty id"),
        pytest.param(MESSAGE | {"seller_id": "s" * 129}, Fault.OUT_OF_RANGE, id="id of 129 characters"),
        pytest.param(MESSAGE | {"marketplace": "UKX"}, Fault.OUT_OF_RANGE, id="no country code"),
        pytest.param(MESSAGE | {"sent_at": "yesterday"}, Fault.BAD_TIME, id="time in words"),
        pytest.param(MESSAGE | {"sent_at": "2026-06-01T12:00:00"}, Fault.BAD_TIME, id="time without offset"),
        pytest.param(MESSAGE | {"sent_at": "2026-06-01"}, Fault.BAD_TIME, id="date alone"),
        pytest.param(MESSAGE | {"sent_at": "1780315200"}, Fault.BAD_TIME, id="seconds since 1970 as text"),
        pytest.param(MESSAGE | {"sent_at": 1_780_315_200}, Fault.WRONG_TYPE, id="seconds since 1970"),
        pytest.param(MESSAGE | {"sent_at": "2026-02-30T12:00:00Z"}, Fault.BAD_TIME, id="30 February"),
        pytest.param(MESSAGE | {"sent_at": "2027-06-01T12:00:00Z"}, Fault.BAD_TIME, id="a year ahead"),
        pytest.param(MESSAGE | {"sent_at": "2026-06-01T12:10:01Z"}, Fault.BAD_TIME, id="a second more than allowed"),
        pytest.param(MESSAGE | {"sent_at": "9999-12-31T23:59:59-14:00"}, Fault.BAD_TIME, id="end of time"),
        pytest.param(MESSAGE | {"sent_at": "0001-01-01T00:00:00+14:00"}, Fault.BAD_TIME, id="beginning of time"),
    ],
)
def test_an_unusable_message_gets_its_reason(value, reason):
    assert fault_of(a_record(value)).reason == reason


@pytest.mark.parametrize(
    ("topic", "value", "reason"),
    [
        pytest.param(Input.REVIEWS, REVIEW | {"rating": 6}, Fault.OUT_OF_RANGE, id="six stars"),
        pytest.param(Input.REVIEWS, REVIEW | {"rating": "5"}, Fault.WRONG_TYPE, id="stars as text"),
        pytest.param(Input.REVIEWS, REVIEW | {"rating": True}, Fault.WRONG_TYPE, id="stars true"),
        pytest.param(Input.REVIEWS, REVIEW | {"rating": 4.5}, Fault.WRONG_TYPE, id="half a star"),
        pytest.param(
            Input.REVIEWS, orjson.dumps(REVIEW).replace(b":4", b":1e999"), Fault.WRONG_TYPE, id="endless stars"
        ),
        pytest.param(
            Input.ORDERS,
            {"order_id": "o", "seller_id": "s", "buyer_id": "b", "at": MESSAGE["sent_at"], "status": "eaten"},
            Fault.UNKNOWN_VALUE,
            id="unknown stage",
        ),
        pytest.param(
            Input.ERASURES,
            {"erasure_id": "e", "subject": "dog", "id": "b-1", "at": MESSAGE["sent_at"]},
            Fault.UNKNOWN_VALUE,
            id="unknown subject",
        ),
    ],
)
def test_an_unusable_event_of_another_topic_gets_its_reason(topic, value, reason):
    assert fault_of(a_record(value, topic)).reason == reason


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(
            MESSAGE | {"sent_at": "the day after tomorrow"},
            "sent_at is text of 22 characters, wanted an RFC 3339 time with offset, like 2026-06-01T12:00:00Z",
            id="time",
        ),
        pytest.param(without("buyer_id"), "buyer_id is missing", id="missing"),
        pytest.param(
            MESSAGE | {"sender": "robot"}, "sender is text of 5 characters, wanted 'seller' or 'buyer'", id="sender"
        ),
        pytest.param(
            MESSAGE | {"sent_at": "2027-06-01T12:00:00Z"},
            "sent_at lies 31,536,000 s after the record's Kafka timestamp, wanted at most 600 s; "
            "check the producer's clock",
            id="clock",
        ),
        pytest.param(
            MESSAGE | {"body": 5, "order_id": 5}, "body is a number, wanted text (and 1 more faults)", id="two faults"
        ),
    ],
)
def test_the_text_says_where_what_was_wanted_and_what_to_do(value, text):
    place = "marketplace.messages.v1[3]@18204"
    assert str(fault_of(a_record(value))) == f"{place}: {text}; look with `ringfence dead-letters show '{place}'`"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(orjson.dumps(MESSAGE | {"colour": "red", "body": "hi"}), id="unknown field"),
        pytest.param(
            orjson.dumps(MESSAGE | {"body": "first"})[:-1] + b',"body":"hi"}', id="repeated key: the last holds"
        ),
        pytest.param(b'{"x": NaN, ' + orjson.dumps(MESSAGE | {"body": "hi"})[1:], id="NaN where nobody looks"),
        pytest.param(
            orjson.dumps(MESSAGE | {"body": "hi", "sent_at": "2026-06-01T14:00:00.000+02:00"}), id="other offset"
        ),
        pytest.param(
            orjson.dumps(dict(reversed((MESSAGE | {"body": "hi"}).items())), option=orjson.OPT_INDENT_2), id="layout"
        ),
    ],
)
def test_what_does_not_matter_does_not_matter(value):
    event, at_ms = decode_event(a_record(value), LIMITS)
    assert event == plainly(Message.model_validate(MESSAGE | {"body": "hi"}))
    assert at_ms == SENT_AT_MS


def test_a_whole_number_may_be_written_with_a_point():
    event, _ = decode_event(a_record(orjson.dumps(REVIEW).replace(b":4", b":4.0"), Input.REVIEWS), LIMITS)
    assert event == Review.model_validate(REVIEW)


def test_a_prefix_before_the_topic_changes_nothing():
    assert input_of("test-7.marketplace.orders.v1") is Input.ORDERS
    with pytest.raises(ValueError, match="no input topic"):
        input_of("ringfence.signals.v1")


def test_an_order_keeps_its_lines():
    items = [{"title": "Wardrobe", "fulfilment": "in_home", "weight_grams": 82_000, "colour": "oak"}]
    value = {
        "order_id": "o",
        "seller_id": "s",
        "buyer_id": "b",
        "at": MESSAGE["sent_at"],
        "status": "placed",
        "items": items,
    }
    event, _ = decode_event(a_record(value, Input.ORDERS), LIMITS)
    assert isinstance(event, Order)
    assert event.items[0].weight_grams == 82_000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=8,
)
mutations = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*MESSAGE, "order_id", "subject", "marketplace"], json_values)
)


@st.composite
def malformed_bytes(draw):
    """A message with fields replaced, bytes flipped, cut or repeated; or bytes of no shape at all."""
    value = json.dumps(MESSAGE | draw(mutations)).encode()
    kind = draw(st.sampled_from(["as it is", "cut", "flipped", "doubled", "noise"]))
    place = draw(st.integers(0, len(value) - 1))
    match kind:
        case "cut":
            return value[:place]
        case "flipped":
            return value[:place] + bytes([draw(st.integers(0, 255))]) + value[place + 1 :]
        case "doubled":
            return value[:place] + value[place // 2 :]
        case "noise":
            return draw(st.binary(max_size=200))
    return value


@settings(max_examples=2_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(value=malformed_bytes(), topic=st.sampled_from(list(Input)))
def test_whatever_the_bytes_are_a_record_is_an_event_or_a_quiet_record_error(value, topic):
    error = fault_or_none(a_record(value, topic))
    if error is not None:
        assert error.reason in set(Fault)
        assert "555 0132" not in str(error)
        assert error.__cause__ is None


SECRET = "xK7q-secret-9c1"  # noqa: S105 - stands for what must not show


@given(field=st.sampled_from(sorted(MESSAGE)), shape=st.sampled_from(["{}", "[{}]", '{{"{}": 1}}']), tail=st.booleans())
def test_no_error_quotes_the_record(field, shape, tail):
    quoted = f'"{SECRET}"' if shape != '{{"{}": 1}}' else SECRET
    value = orjson.dumps(MESSAGE | {field: "@@"}).replace(b'"@@"', shape.format(quoted).encode())
    assert SECRET not in str(fault_or_none(a_record(value[:-1] if tail else value)))


def test_a_dead_letter_keeps_the_record_whole_and_reads_back():
    record = a_record(b"\xff\x00", trace=b"\xfe")
    error = fault_of(record)
    key, value, headers = outgoing(record, error)
    found = read_back(key, value, headers)
    assert (found.key, found.value, found.headers) == (b"s-1", b"\xff\x00", [("trace", b"\xfe")])
    assert found.letter.dead_letter_id == dead_letter_id(record.topic, 3, 18204)
    assert (found.letter.topic, found.letter.partition, found.letter.offset) == (record.topic, 3, 18204)
    assert (found.letter.timestamp_ms, found.letter.reason, found.letter.error) == (SENT_AT_MS, "not_utf8", str(error))


def test_a_record_set_aside_twice_carries_only_the_second_story():
    record = a_record(b"{}", trace=b"1")
    _, _, headers = outgoing(record, fault_of(record))
    assert foreign([*headers, ("ringfence-redriven-from", b"d_1")]) == [("trace", b"1")]


def test_dead_letter_ids_differ_by_place():
    places = {dead_letter_id(topic, partition, offset) for topic in "ab" for partition in (0, 1) for offset in (0, 1)}
    assert len(places) == 8
