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
ITEMS = (
    "lamp",
    "desk",
    "wardrobe",
    "bike",
    "jacket",
    "camera",
    "sofa",
    "phone case",
    "mirror",
    "bookshelf",
    "rug",
    "kettle",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CHATTER = (
    "Hi, is the {item} still available? I would need it before {day} if that is possible.",
    "Thank you, the {item} arrived this morning and everything looks exactly as in the pictures.",
    "Sure, I can combine all {count} items and only charge postage once. Just add them to the same order.",
    "Could you tell me the width of the {item}? It has to fit between the door and the window, {count} cm apart.",
    "Your order {order} has been packed and leaves on {day}. The label was printed today.",
    "Das Paket {order} ist heute angekommen, vielen Dank für die schnelle Lieferung und die gute Verpackung!",
    "Merci beaucoup, la couleur est magnifique et la taille {count} correspond parfaitement à la description.",
    "The {item} is a bit stiff at first but it loosens after {count} days. Let me know if it does not.",
    "¿Sería posible cambiar la talla? Pedí una {count} y creo que me vendría mejor una L.",
    "No worries, take your time. I will keep the {item} for you until {day}.",
    "We ship within {count} working days and you will see the status on the order page.",
    "Is the {item} dimmable? And does it come with a bulb or should I buy {count} separately?",
)
OF_INTEREST = (
    "Can I have your phone number please? Our driver calls before the delivery of the {item} on {day}.",
    "whats ur number? easier to talk about the {item} on whatsapp",
    "Please text me on {number}, I can give you a better price for the {item} outside the site.",
    "Send me your mobile number by {day} or I will have to cancel the order of the {item}.",
    "I would rather not give my number, we can write here about the {item}.",
    "add me on telegram @best_deals_{handle} and i will send pictures of the {item}",
)
SHARE_OF_INTEREST = 0.05
AREA_CODES = (
    201,
    202,
    206,
    212,
    213,
    214,
    215,
    216,
    303,
    305,
    310,
    312,
    313,
    314,
    404,
    415,
    503,
    512,
    602,
    617,
    702,
    713,
)
"""With 555-0100 to 555-0199, numbers that are kept for fiction."""
CITIES = (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)
"""British ones, with 496 0000 to 496 0999 kept for the same use."""


def chatter(chance: random.Random) -> str:
    """A message of no interest, seldom the same twice."""
    return filled(chance.choice(CHATTER), chance)


def of_interest(chance: random.Random) -> str:
    """A message that asks, pushes or refuses; every number and handle is as good as never another's."""
    return filled(chance.choice(OF_INTEREST), chance)


def filled(text: str, chance: random.Random) -> str:
    """The text with its gaps filled in."""
    number = chance.randrange(1_000_000_000)
    is_american = number % 4 == 0
    return text.format(
        item=ITEMS[number % len(ITEMS)],
        day=DAYS[number % len(DAYS)],
        count=number % 97 + 2,
        order=number,
        handle=number,
        number=f"+1 {AREA_CODES[number % len(AREA_CODES)]} 555 01{number // 100 % 100:02}"
        if is_american
        else f"+44 {CITIES[number % len(CITIES)]} 496 0{number // 1000 % 1000:03}",
    )


def messages(count: int, seed: int = 1, sellers: int = 5_000) -> Iterator[bytes]:
    """Message events as JSON, about 300 bytes each."""
    chance = random.Random(seed)
    for number in range(count):
        text = of_interest if chance.random() < SHARE_OF_INTEREST else chatter
        yield orjson.dumps(
            {
                "message_id": f"m-{seed}-{number}",
                "conversation_id": f"c-{chance.randrange(200_000)}",
                "seller_id": f"s-{chance.randrange(sellers)}",
                "buyer_id": f"b-{chance.randrange(100_000)}",
                "sender": "seller" if chance.random() < 0.6 else "buyer",
                "sent_at": (START + timedelta(milliseconds=20 * number)).isoformat(),
                "body": text(chance),
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
                "body": of_interest(chance), "order_id": f"o-{max(number - chance.randrange(50), 0)}",
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
