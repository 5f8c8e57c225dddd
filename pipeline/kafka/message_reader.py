"""Reads messages, nine records in ten, in a third of pydantic's time, and refuses none: pydantic looks at the rest.

`PlainMessage` takes what `Message` takes, or less; a test holds the two against each other.
"""

from datetime import datetime
from typing import Annotated

import msgspec

from schemas.events import BODY_MAX_CHARACTERS, Message
from schemas.vocabulary import Sender

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Text = Annotated[str, msgspec.Meta(max_length=BODY_MAX_CHARACTERS)]
DEEPEST = 200
"""Levels that pydantic goes down; this reader would skip more."""


class PlainMessage(msgspec.Struct, frozen=True, gc=False):
    """The fields of `schemas.events.Message`."""

    message_id: Id
    conversation_id: Id
    seller_id: Id
    buyer_id: Id
    sender: Sender
    sent_at: Annotated[datetime, msgspec.Meta(tz=True)]
    body: Text
    subject: Text | None = None
    order_id: Id | None = None
    marketplace: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}\Z")] | None = None
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None


_decode = msgspec.json.Decoder(PlainMessage).decode


def plain_message(value: bytes) -> PlainMessage | None:
    """The message in a record, or `None` where pydantic has to look: 1.3 µs for one of 300 bytes."""
    if not value.isascii():
        try:
            value.decode()  # what stands in unknown fields is not looked at below
        except UnicodeDecodeError:
            return None
    if len(value) > DEEPEST * 2 and value.count(b"[") + value.count(b"{") >= DEEPEST:
        return None
    try:
        return _decode(value)
    except msgspec.MsgspecError:
        return None


def plainly(message: Message) -> PlainMessage:
    """The same message."""
    return PlainMessage(*[getattr(message, name) for name in PlainMessage.__struct_fields__])
