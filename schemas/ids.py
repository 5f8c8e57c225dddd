"""Ids and units: what keeps a buyer from being passed as a seller."""

from typing import Annotated, NewType

from pydantic import Field

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
