"""Orders are read in two ways: what the quick one takes, the other takes too, and reads the same in it."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.judgement.plain_orders import PlainItem, PlainOrder, PlainOrigin, plain_order
from schemas.signals import ItemSeen, OrderChanged, Origin

ORDER = OrderChanged(
    origin=Origin(topic="marketplace.orders.v1", partition=3, offset=18204),
    at_ms=1_780_315_200_000,
    arrived_at_ms=1_780_315_200_100,
    seller_id="s-1",
    order_id="o-1",
    buyer="b_" + "1" * 24,
    status="placed",
    marketplace="DE",
    items=(ItemSeen(title="Schrank für die Küche", category="furniture", fulfilment="in_home", weight_grams=60_000),),
)
BYTES = ORDER.model_dump_json().encode()


def told(order):
    """Every field, whichever class it is of."""
    origin = {name: getattr(order.origin, name) for name in PlainOrigin.__struct_fields__}
    items = [{name: getattr(item, name) for name in PlainItem.__struct_fields__} for item in order.items]
    fields = {name: getattr(order, name) for name in PlainOrder.__struct_fields__}
    return fields | {"origin": origin, "items": items}


def by_pydantic(value):
    try:
        return told(OrderChanged.model_validate_json(value))
    except ValidationError:
        return None


def changed(**fields):
    return orjson.dumps(orjson.loads(BYTES) | fields)


def test_both_readers_know_the_same_fields():
    assert set(PlainOrigin.__struct_fields__) == set(Origin.model_fields)
    assert set(PlainItem.__struct_fields__) == set(ItemSeen.model_fields)
    assert {*PlainOrder.__struct_fields__, "kind"} == set(OrderChanged.model_fields)


def test_what_scan_writes_is_read_quickly_and_alike():
    assert told(plain_order(BYTES)) == by_pydantic(BYTES) == told(ORDER)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(changed(former_buyer="b_" + "2" * 24), id="a buyer who changes its pseudonym"),
        pytest.param(changed(kind="review"), id="another signal"),
        pytest.param(changed(marketplace="de"), id="a country in lower case"),
        pytest.param(changed(status="lost"), id="an unknown stage"),
        pytest.param(BYTES[:-1] + b',"x":"\xff"}', id="no UTF-8 in an unknown field"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_unusual_is_left_to_pydantic(value):
    assert plain_order(value) is None


@settings(max_examples=400)
@given(places=st.lists(st.tuples(st.integers(0, len(BYTES) - 1), st.integers(0, 255)), max_size=3))
def test_whatever_the_bytes_are_the_quick_reader_takes_no_more_and_reads_the_same(places):
    value = bytearray(BYTES)
    for place, byte in places:
        value[place] = byte
    read = plain_order(bytes(value))
    assert read is None or told(read) == by_pydantic(bytes(value))
