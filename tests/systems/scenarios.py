"""One small recording of the signal log for each system: where it fires, where it must not, and at its limit.

The sellers are named for what they show. `python -m tests.systems.golden` writes the recordings and what they come to.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "judgement"))
from judging import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS, PHONE_CASE, WARDROBE, Desk

from pipeline.kafka.recordings import Recorded
from schemas.signals import ContactSeen

FIRES, MUST_NOT, LIMIT = "fires", "must-not", "at-the-limit"
SELLERS = (FIRES, MUST_NOT, LIMIT)


class Log(Desk):
    """A desk that keeps the signal log, with what the judge itself adds to it."""

    def __init__(self):
        super().__init__()
        self.log = []

    def take(self, signal):
        """Folds a signal and writes it down."""
        self.log.append(signal)
        return super().take(signal)

    def records(self):
        """The log as a recording holds it."""
        for offset, signal in enumerate(self.log):
            key = getattr(signal, "contact", None) or signal.seller_id or None
            value = signal.model_dump_json().encode()
            yield Recorded("ringfence.signals.v1", 0, offset, signal.arrived_at_ms, key and key.encode(), value)


def a_buyer(number):
    """A buyer's pseudonym."""
    return f"b_{number:024x}"


def about(seller, number=0):
    """A seller's dealing of that number with a buyer of its own."""
    who = SELLERS.index(seller) * 1_000 + number
    return {"seller": seller, "buyer": a_buyer(who), "conversation": f"c{who}"}


def sold(log, seller, item, number=0, **more):
    """An order of the seller's buyer of that number."""
    who = about(seller, number)
    log.order(item, seller=seller, buyer=who["buyer"], order_id=f"o-{who['conversation']}", **more)


def legitimacy(log):
    """A phone case asked for at once; a wardrobe with a delivery window; a request 60 minutes after the order."""
    sold(log, FIRES, PHONE_CASE, at_ms=NOW_MS - 5 * MINUTE_MS)
    log.message("request", **about(FIRES))
    sold(log, MUST_NOT, WARDROBE, at_ms=NOW_MS - 5 * MINUTE_MS)
    log.message("request", reasons=["delivery"], **about(MUST_NOT))
    sold(log, LIMIT, PHONE_CASE, at_ms=NOW_MS - 60 * MINUTE_MS)
    log.message("request", reasons=["vague"], **about(LIMIT))


def verification(log):
    """Eight complaints on forty orders; two on a hundred; a verification at the instant of its expiry."""
    for seller, orders, complaints in ((FIRES, 40, 8), (MUST_NOT, 100, 2)):
        for number in range(orders):
            sold(log, seller, PHONE_CASE, number, at_ms=NOW_MS + number)
        for number in range(complaints):
            buyer = about(seller, number)["buyer"]
            log.complaint(at_ms=NOW_MS + HOUR_MS + number, seller=seller, buyer=buyer)
    log.verification("verified", at_ms=NOW_MS, seller=LIMIT, expires_at_ms=NOW_MS + DAY_MS)
    log.tick(NOW_MS + DAY_MS - 1)
    log.tick(NOW_MS + DAY_MS)


def purpose(log):
    """Promotion; a need asked for well; a number in pieces at nine digits and thirty minutes."""
    log.message("request", reasons=["marketing"], manners=["consent_sought"], **about(FIRES))
    sold(log, MUST_NOT, WARDROBE, at_ms=NOW_MS - DAY_MS)
    manners = ["consent_sought", "use_limited", "alternative_offered"]
    log.message("request", reasons=["delivery"], manners=manners, **about(MUST_NOT))
    log.message(fragment_digits=4, fragment_has_prefix=True, **about(LIMIT))
    log.message(fragment_digits=5, at_ms=NOW_MS + 30 * MINUTE_MS, **about(LIMIT))


def communication(log):
    """The seller's own number; thanks; the last millisecond of one policy and the first of the next."""
    log.message("share:whatsapp", **about(FIRES))
    log.message(manners=["alternative_offered"], **about(MUST_NOT))
    change_ms = log.book.starts_ms[-1]
    log.message("request", at_ms=change_ms - 1, **about(LIMIT))
    log.message("request", at_ms=change_ms, **about(LIMIT, 1))


def discretion(log):
    """Asked twice after a refusal; the buyer asked first; a wish of just thirty days ago."""
    log.message("refuse", sender="buyer", at_ms=NOW_MS - HOUR_MS, **about(FIRES))
    log.message("request", **about(FIRES))
    log.message("request", at_ms=NOW_MS + HOUR_MS, **about(FIRES))
    log.message("request", sender="buyer", at_ms=NOW_MS - HOUR_MS, **about(MUST_NOT))
    log.message("share:phone", **about(MUST_NOT))
    log.message("grant", sender="buyer", at_ms=NOW_MS - 30 * DAY_MS, **about(LIMIT))
    log.message("request", **about(LIMIT))


def alternatives(log):
    """Contact asked for in every second order; furniture; the tenth conversation, one too few before it."""
    asked = ["consent_sought", "use_limited", "alternative_offered"]
    for seller, item, orders, asks in (
        (FIRES, PHONE_CASE, 40, 20),
        (MUST_NOT, WARDROBE, 40, 38),
        (LIMIT, PHONE_CASE, 20, 10),
    ):
        for number in range(orders):
            sold(log, seller, item, number, at_ms=NOW_MS + number)
        for number in range(asks):
            at_ms = NOW_MS + DAY_MS + number
            log.message("request", reasons=["delivery", "carrier"], manners=asked, at_ms=at_ms, **about(seller, number))


def risks(log):
    """Secrets; a parcel's tracking told in a hurry; the fifth conversation with one wording, the sixth."""
    log.message(manners=["sensitive_data"], reasons=["phishing"], **about(FIRES))
    log.message(manners=["urgency"], **about(MUST_NOT))
    for number in range(6):
        said = {"reasons": ["vague"], "fingerprint": "0123456789abcdef", "at_ms": NOW_MS + number}
        log.message("request", **said, **about(LIMIT, number))


def privacy(log):
    """A number given and the order delivered; none given; an erasure of the buyer in between."""
    for seller in SELLERS:
        sold(log, seller, WARDROBE, at_ms=NOW_MS - DAY_MS)
        log.message("request", reasons=["delivery"], **about(seller))
        if seller != MUST_NOT:
            log.message("disclose", sender="buyer", at_ms=NOW_MS + HOUR_MS, **about(seller))
        who = about(seller)
        log.order(
            seller=seller,
            buyer=who["buyer"],
            order_id=f"o-{who['conversation']}",
            status="delivered",
            at_ms=NOW_MS + DAY_MS,
        )
    log.erasure(buyer=about(LIMIT)["buyer"], at_ms=NOW_MS + 2 * DAY_MS)
    log.tick(NOW_MS + 15 * DAY_MS - 1)
    log.tick(NOW_MS + 15 * DAY_MS)


def reporting(log):
    """Three buyers; one buyer three times; three of whom one is known for reports that did not hold."""
    for number in range(3):
        log.report(seller=FIRES, buyer=a_buyer(number), at_ms=NOW_MS + number)
        log.report(seller=MUST_NOT, buyer=a_buyer(100), at_ms=NOW_MS + number)
    alert_id = log.alerts[-1].alert_id
    log.outcome("dismissed", seller=FIRES, at_ms=NOW_MS + DAY_MS, alert_id=alert_id)
    for number in (0, 200, 201):
        log.report(seller=LIMIT, buyer=a_buyer(number), at_ms=NOW_MS + 2 * DAY_MS + number)


def contact(number):
    """A contact's pseudonym as a message tells it."""
    return ContactSeen(contact=f"c_{number:024x}", channel="whatsapp")


def rings(log):
    """One contact pushed by two sellers; another contact; the same 90 days later."""
    log.message("share:whatsapp", contacts=(contact(1),), **about(FIRES))
    log.message("share:whatsapp", contacts=(contact(2),), **about(MUST_NOT))
    log.message("share:whatsapp", contacts=(contact(3),), **about(LIMIT))
    log.message("share:whatsapp", contacts=(contact(1),), at_ms=NOW_MS + DAY_MS, **about(LIMIT, 1))
    log.message("share:whatsapp", contacts=(contact(3),), at_ms=NOW_MS + 90 * DAY_MS, **about(FIRES, 1))


def late_orders(log):
    """Eight hurried requests whose orders never come; come an hour late; come as late as the grace allows."""
    for seller in SELLERS:
        for number in range(8):
            said = {"reasons": ["delivery"], "manners": ["urgency"], "at_ms": NOW_MS + number}
            log.message("request:whatsapp", **said, **about(seller, number))
    for seller, late_ms in ((MUST_NOT, HOUR_MS), (LIMIT, 48 * HOUR_MS)):
        for number in range(8):
            sold(log, seller, WARDROBE, number, at_ms=NOW_MS - HOUR_MS, arrived_at_ms=NOW_MS + number + late_ms)


SCENARIOS = {
    each.__name__: each
    for each in (
        legitimacy,
        verification,
        purpose,
        communication,
        discretion,
        alternatives,
        risks,
        privacy,
        reporting,
        rings,
        late_orders,
    )
}


def played(name):
    """The log of a scenario."""
    log = Log()
    SCENARIOS[name](log)
    return log
