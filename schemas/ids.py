"""Ids and units: what keeps a buyer from being passed as a seller."""

from datetime import datetime
from typing import Annotated, NewType

from pydantic import Field, GetPydanticSchema, WithJsonSchema
from pydantic_core import core_schema

EpochMs = NewType("EpochMs", int)
"""Milliseconds since 1970-01-01T00:00:00Z, as Kafka counts them."""

SellerId = NewType("SellerId", str)
BuyerId = NewType("BuyerId", str)
"""A buyer as the marketplace knows it. Leaves this service only as a `Pseudonym`."""

MessageId = NewType("MessageId", str)
ConversationId = NewType("ConversationId", str)
OrderId = NewType("OrderId", str)
Pseudonym = NewType("Pseudonym", str)
"""Keyed pseudonym of a buyer or a contact: `b_` or `c_` and 24 hexadecimal digits."""

Identifier = Annotated[str, Field(min_length=1, max_length=128)]
"""Any id of the marketplace's: non-empty text up to 128 characters."""

CountryCode = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2, upper case: "GB", not "UK"."""

_AWARE = core_schema.datetime_schema(tz_constraint="aware")
# Pydantic alone would take 1750000000, and "1750000000", for seconds since 1970.
_WRITTEN_AS_RFC_3339 = core_schema.str_schema(pattern=r"^\d{4}-\d\d-\d\d[Tt ]\d", strict=True)

Instant = Annotated[
    datetime,
    GetPydanticSchema(
        lambda _type, _handler: core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([_WRITTEN_AS_RFC_3339, _AWARE]), python_schema=_AWARE
        )
    ),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A time as the marketplace writes it: RFC 3339 text with offset."""
