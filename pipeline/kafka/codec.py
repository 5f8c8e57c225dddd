"""Bytes to events: decodes one record, or says in fixed words why it cannot be used.

A record either becomes an event or raises `RecordError`, whatever its bytes are. The text of the error names the place,
the field, what was there in kind and what was wanted; it never quotes the record.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any

from pydantic import ValidationError

from pipeline.errors import RecordError
from pipeline.kafka.batched import RawRecord
from pipeline.kafka.message_reader import PlainMessage, plain_message, plainly
from pipeline.kafka.topics import Input
from schemas.events import (
    Complaint,
    Erasure,
    Event,
    Message,
    Order,
    Outcome,
    PolicyPublished,
    Report,
    Review,
    Verification,
)
from schemas.ids import EpochMs

LARGEST_VALUE_BYTES = 1024 * 1024
"""Kafka's own default for a message; the longest legal message is a third of it."""

MODELS: Mapping[Input, type[Event]] = {
    Input.MESSAGES: Message,
    Input.ORDERS: Order,
    Input.COMPLAINTS: Complaint,
    Input.VERIFICATIONS: Verification,
    Input.REVIEWS: Review,
    Input.REPORTS: Report,
    Input.OUTCOMES: Outcome,
    Input.ERASURES: Erasure,
    Input.POLICY: PolicyPublished,
}


SENT_AT, AT = attrgetter("sent_at"), attrgetter("at")


class Fault(StrEnum):
    """Why a record was set aside: the closed set behind dead letters and their metric."""

    NULL_VALUE = "null_value"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_SENDER = "unknown_sender"
    UNKNOWN_VALUE = "unknown_value"
    BODY_TOO_LONG = "body_too_long"
    OUT_OF_RANGE = "out_of_range"
    BAD_TIME = "bad_time"


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What a record may be at most."""

    max_lead_ms: int
    """How far an event's time may lie after its record's Kafka timestamp."""
    largest_value_bytes: int = LARGEST_VALUE_BYTES


def decode_event(record: RawRecord, limits: DecodeLimits) -> tuple[Event | PlainMessage, EpochMs]:
    """The event in a record of an input topic, a message plainly, and when it happened.

    2 µs for a message of 300 bytes (Python 3.11, one core of the build machine).

    Raises:
        RecordError: the record is unusable; `reason` is a `Fault`.
    """
    validated, moment_of = reader_of(record.topic)
    value = record.value
    if value is None or len(value) > limits.largest_value_bytes:
        raise size_error(record, limits)
    event: Any = plain_message(value) if moment_of is SENT_AT else None
    if event is None:
        try:
            event = validated(value)
        except ValidationError as error:
            event = event_despite(error, record)
        if type(event) is Message:
            event = plainly(event)
    at_ms = round(moment_of(event).timestamp() * 1000)
    if not 0 <= at_ms <= record.timestamp + limits.max_lead_ms:
        raise time_error(record, at_ms, limits)
    return event, EpochMs(at_ms)


@cache
def reader_of(topic: str) -> tuple[Callable[[bytes], Any], Callable[[Any], datetime]]:
    """How a topic's values are validated, and where their time stands."""
    kind = input_of(topic)
    return MODELS[kind].__pydantic_validator__.validate_json, SENT_AT if kind is Input.MESSAGES else AT


def time_field(kind: Input) -> str:
    """The field that says when it happened."""
    return "sent_at" if kind is Input.MESSAGES else "at"


def input_of(topic: str) -> Input:
    """Which input a topic is, whatever prefix it carries.

    Raises:
        ValueError: it is none: the caller subscribed to the wrong topic.
    """
    for kind in Input:
        if topic.endswith(kind):
            return kind
    raise ValueError(f"{topic} is no input topic")


def event_despite(error: ValidationError, record: RawRecord) -> Event:
    """The event after all, when only whole numbers are written as 5.0; a number's format does not matter.

    Raises:
        RecordError: anything else is wrong with it.
    """
    faults = error.errors(include_url=False)
    if all(fault["type"] == "int_type" and is_whole(fault["input"]) for fault in faults):
        try:
            return MODELS[input_of(record.topic)].model_validate_json(record.value or b"", strict=False)
        except ValidationError as second:
            faults = second.errors(include_url=False)
    raise content_error(record, faults) from None  # the chained error would show the record's values


def is_whole(value: object) -> bool:
    """Whether it is a number like 5.0."""
    return isinstance(value, float) and value.is_integer()


def size_error(record: RawRecord, limits: DecodeLimits) -> RecordError:
    """The refusal of a record without value, or with a huge one."""
    if record.value is None:
        return fault_error(record, Fault.NULL_VALUE, "the record has no value, wanted a JSON object")
    return fault_error(
        record,
        Fault.TOO_LARGE,
        f"the value has {len(record.value):,} bytes, wanted at most {limits.largest_value_bytes:,}",
    )


def time_error(record: RawRecord, at_ms: int, limits: DecodeLimits) -> RecordError:
    """The refusal of a time that cannot be right."""
    field = time_field(input_of(record.topic))
    if at_ms < 0:
        return fault_error(record, Fault.BAD_TIME, f"{field} lies before 1970; check the producer's clock")
    lead_seconds = (at_ms - record.timestamp) / 1000
    return fault_error(
        record,
        Fault.BAD_TIME,
        f"{field} lies {lead_seconds:,.0f} s after the record's Kafka timestamp, wanted at most "
        f"{limits.max_lead_ms / 1000:,.0f} s; check the producer's clock",
    )


def content_error(record: RawRecord, faults: list[Any]) -> RecordError:
    """The refusal of a record whose bytes are no event; tells the first fault, and how many more there are."""
    first = faults[0]
    if first["type"] == "json_invalid":
        return fault_error(record, *syntax_fault(record.value or b"", first))
    field = ".".join(str(part) for part in first["loc"]) or "the value"
    more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
    return fault_error(record, fault_of(first), f"{field} {difference(first)}{more}")


def syntax_fault(value: bytes, fault: Mapping[str, Any]) -> tuple[Fault, str]:
    """Reason and text for bytes that are no JSON. The parser's words carry a position and no content."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        return Fault.NOT_UTF8, f"byte {error.start} of {len(value):,} is not UTF-8, wanted a JSON object in UTF-8"
    if not value:
        return Fault.NOT_JSON, "the value is empty, wanted a JSON object"
    words = fault["ctx"]["error"]
    if "recursion" in words:
        return Fault.TOO_DEEP, "the value is nested deeper than 200 levels, wanted a JSON object"
    return Fault.NOT_JSON, f"the value is not JSON ({words}), wanted a JSON object"


def fault_of(fault: Mapping[str, Any]) -> Fault:
    """Pydantic's kind of error in our words."""
    kind: str = fault["type"]
    if kind == "missing":
        return Fault.MISSING_FIELD
    if kind == "enum" and isinstance(fault["input"], str):
        return Fault.UNKNOWN_SENDER if fault["loc"] == ("sender",) else Fault.UNKNOWN_VALUE
    if kind == "string_too_long" and fault["loc"] == ("body",):
        return Fault.BODY_TOO_LONG
    if is_about_time(kind, fault):
        return Fault.BAD_TIME
    return Fault.OUT_OF_RANGE if kind in OUT_OF_RANGE_KINDS else Fault.WRONG_TYPE


OUT_OF_RANGE_KINDS = frozenset(
    {
        "string_too_long",
        "string_too_short",
        "string_pattern_mismatch",
        "greater_than_equal",
        "less_than_equal",
        "too_long",
        "finite_number",
        "int_parsing_size",
    }
)


def is_about_time(kind: str, fault: Mapping[str, Any]) -> bool:
    """Whether the field is a time that is text, but no RFC 3339 with offset."""
    name = str(fault["loc"][-1]) if fault["loc"] else ""
    is_time = name == "at" or name.endswith("_at")
    return is_time and isinstance(fault["input"], str) and kind != "string_type"


def difference(fault: Mapping[str, Any]) -> str:
    """What was there, in kind alone, and what was wanted."""
    if fault["type"] == "missing":
        return "is missing"
    return f"is {kind_of(fault['input'])}, wanted {wanted(fault)}"


def kind_of(value: object) -> str:
    """What a value is without showing it."""
    if isinstance(value, str):
        return f"text of {len(value):,} characters"
    names = {bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return "null" if value is None else names.get(type(value), "something else")


def wanted(fault: Mapping[str, Any]) -> str:
    """What a field takes."""
    kind, context = fault["type"], fault.get("ctx", {})
    if is_about_time(kind, fault) or kind.startswith(("datetime", "timezone")):
        return "an RFC 3339 time with offset, like 2026-06-01T12:00:00Z"
    limits = {
        "enum": f"{context.get('expected')}",
        "string_too_long": f"at most {context.get('max_length', 0):,} characters",
        "string_too_short": f"at least {context.get('min_length')} character",
        "string_pattern_mismatch": "a two-letter country code in upper case, like DE",
        "greater_than_equal": f"{context.get('ge')} or more",
        "less_than_equal": f"{context.get('le')} or less",
        "too_long": f"at most {context.get('max_length')} entries",
        "string_type": "text",
        "bool_type": "true or false",
        "int_type": "a whole number",
        "tuple_type": "a list",
        "model_type": "an object",
    }
    return limits.get(kind, "another kind of value")


def fault_error(record: RawRecord, fault: Fault, text: str) -> RecordError:
    """The error with its place and what to do."""
    place = f"{record.topic}[{record.partition}]@{record.offset}"
    return RecordError(fault, f"{place}: {text}; look with `ringfence dead-letters show '{place}'`")
