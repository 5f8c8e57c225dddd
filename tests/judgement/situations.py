"""The situations in `cases/`: what was bought, what came before, what the seller writes, and the verdict it deserves.

`seen` is what a right reading of the message finds, so that judgement is measured by itself; `say` is the message, for
the way through the detector. A third of the cases, picked by a digest of their id, is never looked at while tuning.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import yaml
from judging import DAY_MS, HOUR_MS, MINUTE_MS, NOW_MS, Desk

from schemas.signals import ItemSeen
from schemas.vocabulary import Act, Manner, OrderStatus, Reason

CASES = Path(__file__).with_name("cases")
UNITS_MS = {"m": MINUTE_MS, "h": HOUR_MS, "d": DAY_MS}
ACTS, REASONS, MANNERS = frozenset(Act), frozenset(Reason), frozenset(Manner)


@dataclass(frozen=True)
class Case:
    """One situation."""

    system: str
    content: dict

    def __str__(self):
        return f"{self.system}: {self.content['id']}"

    @property
    def wanted(self):
        """The verdicts that an analyst would defend; `none` where there must be no finding."""
        return self.content["want"].replace("-or-", " ").split()

    @property
    def is_unseen(self):
        """Whether it belongs to the third put aside."""
        return hashlib.sha256(self.content["id"].encode()).digest()[0] % 3 == 0


def load():
    """Every case, by file."""
    return [
        Case(path.stem, content)
        for path in sorted(CASES.glob("[a-z]*.yaml"))
        for content in yaml.safe_load(path.read_text(encoding="utf-8"))
    ]


ORDERS = yaml.safe_load((CASES / "_orders.yaml").read_text(encoding="utf-8"))


def ago_ms(text):
    """`3h` in milliseconds."""
    return int(text[:-1]) * UNITS_MS[text[-1]]


def reading(words):
    """`request:whatsapp delivery consent_sought ~leet` as a signal's fields."""
    split = words.split()
    unknown = [w for w in split if w.split(":")[0] not in ACTS | REASONS | MANNERS and not w.startswith("~")]
    assert not unknown, unknown
    return {
        "says": [word for word in split if word.split(":")[0] in ACTS],
        "reasons": [word for word in split if word in REASONS],
        "manners": [word for word in split if word in MANNERS],
        "techniques": [word[1:] for word in split if word.startswith("~")],
    }


def staged(desk, case, message):
    """Lets the case happen on a desk; `message` writes one message and returns its finding."""
    content = case.content
    if order := content.get("order"):
        name, age = order.split()
        facts = ORDERS[name]
        items = tuple(ItemSeen(**item) for item in facts["items"])
        more = {"seller_country": facts["seller_country"]} if "seller_country" in facts else {}
        desk.order(*items, at_ms=NOW_MS - ago_ms(age), **more)
        for stage in filter(None, content.get("stages", "").split(", ")):
            status, age = stage.split()
            desk.order(at_ms=NOW_MS - ago_ms(age), status=OrderStatus(status))
    for event in content.get("before", ()):
        before(desk, event, message)
    for number in range(content.get("many", 0)):
        buyer, order_id = f"b_{number + 2:024d}", f"o{number + 2}"
        if content.get("order"):
            desk.order(*items, at_ms=NOW_MS - DAY_MS, buyer=buyer, order_id=order_id)
        about = {"conversation": f"many{number}", "buyer": buyer, "order_id": order_id, "fingerprint": "f" * 16}
        message(desk, content["seen"], content.get("say", ""), at_ms=NOW_MS - HOUR_MS + number, **about)
    sender = content.get("by", "seller")
    conversation = content.get("conversation", "c1")
    said = {"language": content.get("lang", "en"), "fingerprint": "f" * 16 if content.get("many") else None}
    return message(desk, content["seen"], content.get("say", ""), sender=sender, conversation=conversation, **said)


def before(desk, event, message):
    """One line of `before`: `2h buyer refuse | no`, `1d review 1`, `@s2` for another seller."""
    head, _, text = event.partition(" | ")
    age, kind, *words = head.split()
    at_ms = NOW_MS - ago_ms(age)
    seller = next((word[1:] for word in words if word.startswith("@")), "s1")
    words = [word for word in words if not word.startswith("@")]
    match kind:
        case "buyer" | "seller":
            message(desk, " ".join(words), text, at_ms=at_ms, sender=kind, seller=seller)
        case "review":
            desk.review(int(words[0]), at_ms=at_ms, seller=seller)
        case "complaint":
            desk.complaint(at_ms=at_ms, seller=seller, reason=words[0])
        case "verification":
            desk.verification(words[0], at_ms=at_ms, seller=seller)
        case _:
            raise AssertionError(f"{event}: wanted buyer, seller, review, complaint or verification")


def as_read(desk, seen, text, **about):  # noqa: ARG001 - the way through the detector reads the text instead
    """A message as a right reading sees it."""
    fields = reading(seen)
    says = fields.pop("says")
    is_known = any(fields.values()) or says
    return desk.message(*says, **fields, **about) if is_known else None


def verdict_of(case):
    """What the judge says of a case, and why."""
    finding = staged(Desk(), case, as_read)
    return ("none", None) if finding is None else (str(finding.verdict), finding)
