"""The signal that time passed, written by the worker's clock or made from a recording's event time."""

from schemas.ids import EpochMs, SellerId
from schemas.signals import Origin, Tick

TICK_TOPIC = "ringfence.ticks"
"""Origin of the ticks: no topic; its offsets are their times, so that a repeated one is known."""


def tick_signal(partition: int, at_ms: int) -> bytes:
    """The value of a tick."""
    origin = Origin(topic=TICK_TOPIC, partition=partition, offset=at_ms)
    tick = Tick(origin=origin, at_ms=EpochMs(at_ms), arrived_at_ms=EpochMs(at_ms), seller_id=SellerId(""))
    return tick.model_dump_json().encode()
