"""What the benchmarks read: messages of which one in twenty is of interest, and signals of many sellers.

Seeded, so that every run and every contender reads the same bytes.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

import orjson

from pipeline.policy.book import load_book
from pipeline.runners.service import scan_step
from pipeline.settings import DEVELOPMENT_PSEUDONYM_KEY

START = datetime(2026, 6, 1, tzinfo=UTC)
CHATTER = (
    "Hi, is the blue one still available? I would need it before the weekend if that is possible.",
    "Thank you, the parcel arrived this morning and everything looks exactly as in the pictures.",
    "Sure, I can combine both items and only charge postage once. Just add them to the same order.",
    "Could you tell me the width of the shelf? It has to fit between the door and the window.",
    "Your order 48213377 has been packed and leaves tomorrow. The label was printed today.",
    "Das Paket ist heute angekommen, vielen Dank für die schnelle Lieferung und die gute Verpackung!",
    "Merci beaucoup, la couleur est magnifique et la taille correspond parfaitement à la description.",
    "The zip is a bit stiff at first but it loosens after a few days. Let me know if it does not.",
    "¿Sería posible cambiar la talla? Pedí una M y creo que me vendría mejor una L.",
    "No worries, take your time. I will keep it for you until Friday.",
    "We ship within two working days and you will see the status on the order page.",
    "Is the lamp dimmable? And does it come with a bulb or should I buy one separately?",
)
OF_INTEREST = (
    "Can I have your phone number please? Our driver calls before the delivery of the wardrobe.",
    "whats ur number? easier to talk on whatsapp",
    "Please text me on +1 415 555 0132, I can give you a better price outside the site.",
    "Send me your mobile number or I will have to cancel the order today.",
    "I would rather not give my number, we can write here.",
    "add me on telegram @best_deals_4u and i will send pictures",
)
SHARE_OF_INTEREST = 0.05


def messages(count: int, seed: int = 1, sellers: int = 5_000) -> Iterator[bytes]:
    """Message events as JSON, about 300 bytes each."""
    chance = random.Random(seed)
    for number in range(count):
        texts = OF_INTEREST if chance.random() < SHARE_OF_INTEREST else CHATTER
        yield orjson.dumps(
            {
                "message_id": f"m-{seed}-{number}",
                "conversation_id": f"c-{chance.randrange(200_000)}",
                "seller_id": f"s-{chance.randrange(sellers)}",
                "buyer_id": f"b-{chance.randrange(100_000)}",
                "sender": "seller" if chance.random() < 0.6 else "buyer",
                "sent_at": (START + timedelta(milliseconds=20 * number)).isoformat(),
                "body": chance.choice(texts),
                "order_id": f"o-{chance.randrange(300_000)}",
                "marketplace": chance.choice(("US", "DE", "FR", "GB")),
            }
        )


def orders_and_more(count: int, sellers: int, seed: int = 2) -> Iterator[tuple[str, bytes]]:
    """(topic content, event) of an ordinary mix for the judge: 85 % orders, 10 % messages of interest, 5 % the rest."""
    chance = random.Random(seed)
    for number in range(count):
        # Every seller comes up once before any repeats, so that `count >= sellers` makes that many rows.
        seller = number % sellers
        at = (START + timedelta(milliseconds=20 * number)).isoformat()
        ids = {"seller_id": f"s-{seller}", "buyer_id": f"b-{chance.randrange(100_000)}"}
        kind = chance.random()
        if kind < 0.85:
            item = {"title": "Desk lamp", "category": "lighting", "fulfilment": "parcel", "weight_grams": 900}
            order = {"order_id": f"o-{number}", "status": "placed", "at": at, "marketplace": "DE", "items": [item]}
            yield "orders", orjson.dumps(ids | order)
        elif kind < 0.95:
            message = {
                "message_id": f"m-{number}", "conversation_id": f"c-{number}", "sender": "seller", "sent_at": at,
                "body": chance.choice(OF_INTEREST), "order_id": f"o-{max(number - chance.randrange(50), 0)}",
                "marketplace": "DE",
            }  # fmt: skip
            yield "messages", orjson.dumps(ids | message)
        elif kind < 0.97:
            yield "complaints", orjson.dumps(ids | {"complaint_id": f"k-{number}", "at": at, "reason": "not_received"})
        else:
            yield "reviews", orjson.dumps(ids | {"review_id": f"r-{number}", "at": at, "rating": chance.randint(1, 5)})


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as a broker would deliver it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    value: bytes
    key: bytes | None = None
    headers: tuple[()] = ()


def signals(count: int, sellers: int) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of the signals that scan makes of the ordinary mix."""
    scan = scan_step(load_book(), DEVELOPMENT_PSEUDONYM_KEY.encode())
    events = enumerate(orders_and_more(count, sellers))
    while chunk := list(islice(events, 5_000)):
        records = [
            Stored(f"marketplace.{topic}.v1", 0, number, timestamp_ms(number), value)
            for number, (topic, value) in chunk
        ]
        yield from scan(records).signals


def timestamp_ms(number: int) -> int:
    """When the broker stored the event of that number."""
    return int(START.timestamp() * 1000) + 20 * number


def probe(number: int, sent_at: datetime) -> bytes:
    """A message so grave that its seller gets an alert at once; every probe has a seller of its own."""
    return orjson.dumps(
        {
            "message_id": f"probe-{number}",
            "conversation_id": f"probe-{number}",
            "seller_id": f"probe-{number}",
            "buyer_id": f"probe-{number}",
            "sender": "seller",
            "sent_at": sent_at.isoformat(),
            "body": "This is the support team. Send me your card number and the verification code you got by SMS now "
            "or your account will be blocked. My WhatsApp is +1 415 555 0132.",
            "marketplace": "US",
        }
    )
