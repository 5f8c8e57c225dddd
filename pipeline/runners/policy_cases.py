"""A policy owner's cases: events in, with relative times; the verdicts and alerts that they must come to.

Cases lie beside the policy as `<policy>.cases.yaml`, and take the way of a recording: scan, ticks, fold.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from pipeline.errors import SettingsError
from pipeline.kafka.recordings import Recorded
from pipeline.kafka.topics import Input
from pipeline.policy.book import PolicyBook
from pipeline.runners.judging import Judging, Place
from pipeline.runners.scan import Scan
from pipeline.runners.scanning import scanned
from pipeline.runners.signal_log import made
from pipeline.runners.steps import JudgeResult
from schemas.outputs import Advisory, Alert, DeadLetter, Finding
from schemas.vocabulary import (
    ComplaintReason,
    DocumentKind,
    ErasureSubject,
    OrderStatus,
    OutcomeVerdict,
    Verdict,
    VerificationStatus,
)

CASES_SUFFIX = ".cases.yaml"
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
RELATIVE = re.compile(r"-?[0-9]+[smhd]")
NO_FINDING = "none"
SELLER, BUYER, BYSTANDER = "seller", "buyer", "bystander"
FIRST_COPY = 1

Relative = Annotated[str, Field(pattern=f"^{RELATIVE.pattern}$")]
Code = Annotated[str, Field(min_length=1, max_length=64)]


class Strict(BaseModel):
    """A part of a cases file: a misspelt field is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Happening(Strict):
    """One event, or several alike with a buyer, conversation and order each."""

    at: Relative
    """From the case's `now`: `-5m`, `0m`, `2d`."""
    seller: str | None = None
    """What the seller writes."""
    buyer: str | None = None
    """What the buyer writes."""
    order: OrderStatus | None = None
    complaint: ComplaintReason | None = None
    review: Annotated[int, Field(ge=1, le=5)] | None = None
    report: str | None = None
    verification: VerificationStatus | None = None
    outcome: OutcomeVerdict | None = None
    erasure: ErasureSubject | None = None
    time_passes: bool | None = None
    """Nothing happens: what is due by then comes due."""

    by: str = SELLER
    """Whose seller it is."""
    to: str = BUYER
    """Which buyer it is."""
    times: PositiveInt = 1
    """So often, a second apart, with a buyer of its own each."""
    items: tuple[str, ...] = ()
    """Of an order, by their names in `items`."""
    seller_country: str | None = None
    expires: Relative | None = None
    documents: dict[DocumentKind, Relative] = {}
    """When each last changed."""

    want: Verdict | str | None = None
    """The verdict on the message, `none` where there must be no finding; unset: whatever."""
    rules: tuple[Code, ...] = ()
    """Rules that must weigh in it, among others."""
    risk: str | None = None

    @model_validator(mode="after")
    def is_one_thing(self) -> "Happening":
        """Refuses none or two kinds of event in one, and verdicts on what is no message."""
        kinds = [name for name in KINDS if getattr(self, name) is not None]
        if len(kinds) != 1:
            raise ValueError(f"wanted one of {', '.join(KINDS)}")
        if self.want not in {None, NO_FINDING, *Verdict}:
            raise ValueError(f"want is one of {', '.join((NO_FINDING, *Verdict))}")
        if kinds[0] not in {"seller", "buyer"} and (self.want or self.rules or self.risk):
            raise ValueError("only a message has a verdict")
        return self


KINDS = (
    *("seller", "buyer", "order", "complaint", "review", "report"),
    *("verification", "outcome", "erasure", "time_passes"),
)


class Case(Strict):
    """One case."""

    case: Annotated[str, Field(min_length=3)]
    """What it shows, in words."""
    system: str | None = None
    """Which part of the policy it is about."""
    marketplace: str = "DE"
    events: Annotated[tuple[Happening, ...], Field(min_length=1)]
    alerts: tuple[Code, ...] | None = None
    """Every trigger of every alert about any seller; unset: whatever."""
    advises: tuple[Code, ...] = ()
    """Advisories that must go out, among others."""
    spares: tuple[Code, ...] = ()
    """Advisories that must not."""


class Cases(Strict):
    """A cases file."""

    now: AwareDatetime
    """What times count from."""
    items: dict[str, dict[str, Any]] = {}
    """What is bought, by name: items as on the orders topic."""
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a case came to something else."""

    case: str
    place: str
    wanted: str
    got: str

    def __str__(self) -> str:
        return f"{self.case}\n    {self.place}\n      wanted {self.wanted}\n      got    {self.got}"


@dataclass(slots=True)
class Heard:
    """What the judge said in a case."""

    findings: dict[str, Finding] = field(default_factory=dict)
    """By message; the highest revision holds."""
    triggers: set[str] = field(default_factory=set)
    advisories: set[str] = field(default_factory=set)
    unusable: list[str] = field(default_factory=list)

    def judged(self, place: Place, result: JudgeResult) -> None:  # noqa: ARG002 - they come in their order
        """Keeps what a signal came to."""
        for _, value in result.findings:
            finding = Finding.model_validate_json(value)
            self.findings[finding.message_id] = finding
        for _, value in result.alerts:
            self.triggers |= {str(trigger.code) for trigger in Alert.model_validate_json(value).triggers}
        self.advisories |= {str(Advisory.model_validate_json(value).code) for _, value in result.advisories}

    def set_aside(self, letter: DeadLetter) -> None:
        """An event of the case that is none."""
        self.unusable.append(f"{letter.topic}: {letter.error}")


def cases_beside(policy: Path) -> Path:
    """Where the cases of a policy book lie."""
    return policy.with_name(policy.stem + CASES_SUFFIX)


def load_cases(file: Path) -> Cases:
    """The cases of a file.

    Raises:
        SettingsError: it cannot be read or has faults; each by case and field.
    """
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except OSError as error:
        raise SettingsError(
            f"{file}: cannot be read ({error.strerror}); cases lie beside the policy as NAME{CASES_SUFFIX}"
        ) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SettingsError(f"{file}:{mark.line + 1 if mark else 1}: is not YAML") from None
    try:
        cases = Cases.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        places = (".".join(str(part) for part in fault["loc"]) + ": " + fault["msg"] for fault in faults)
        raise SettingsError("\n".join(f"{file}: {place}" for place in places)) from None
    for case in cases.cases:
        unknown = sorted({name for each in case.events for name in each.items} - set(cases.items))
        if unknown:
            raise SettingsError(f"{file}: {case.case}: no such item: {', '.join(unknown)}; name it under items")
    return cases


def differences(cases: Cases, book: PolicyBook, scan: Scan) -> Iterator[Difference]:
    """Where the cases come to something else under the book, in the order of the file."""
    for case in cases.cases:
        yield from differences_of(case, heard(case, cases, book, scan))


def heard(case: Case, cases: Cases, book: PolicyBook, scan: Scan) -> Heard:
    """What the judge says of a case."""
    ear = Heard()
    judging = Judging(book, ear)
    sent_in_order = sorted(records(case, cases), key=lambda each: each.timestamp)
    for entry in made(scanned(sent_in_order, scan), ear):
        judging.feed(entry)
    return ear


def differences_of(case: Case, ear: Heard) -> Iterator[Difference]:
    """What was wanted and did not come."""
    for text in ear.unusable:
        yield Difference(case.case, "an event cannot be used", "events as the marketplace sends them", text)
    for number, event in enumerate(case.events):
        for copy in range(1, event.times + 1):
            finding = ear.findings.get(message_id(number, copy))
            place = f"event {number + 1}, {event.at}: the {'seller' if event.seller is not None else 'buyer'}'s message"
            yield from (Difference(case.case, place, *each) for each in faults_of(event, finding))
    if case.alerts is not None and set(case.alerts) != ear.triggers:
        yield Difference(case.case, "alerts", told(case.alerts), told(ear.triggers))
    if missing := set(case.advises) - ear.advisories:
        yield Difference(case.case, "advisories", told(missing), told(ear.advisories))
    if unwanted := set(case.spares) & ear.advisories:
        yield Difference(case.case, "advisories", f"not {told(unwanted)}", told(ear.advisories))


def faults_of(event: Happening, finding: Finding | None) -> Iterator[tuple[str, str]]:
    """What was wanted of a message, and what came."""
    verdict = NO_FINDING if finding is None else str(finding.verdict)
    got = verdict if finding is None else f"{verdict} ({finding.score:+d}): {reasons(finding)}"
    weighed = set() if finding is None else {reason.code for reason in finding.reasons}
    if event.want is not None and event.want != verdict:
        yield str(event.want), got
    if missing := set(event.rules) - weighed:
        yield f"also {told(missing)}", got
    if event.risk is not None and (finding is None or event.risk != finding.risk):
        yield f"risk {event.risk}", got if finding is None else f"risk {finding.risk}"


def reasons(finding: Finding) -> str:
    """The rules that weighed, with their points."""
    return ", ".join(f"{reason.code} {reason.points:+d}" for reason in finding.reasons)


def told(words: set[str] | tuple[str, ...]) -> str:
    """Words in order, or that there are none."""
    return ", ".join(sorted(set(words))) or "none"


# Events


def records(case: Case, cases: Cases) -> Iterator[Recorded]:
    """The records that a marketplace would send."""
    offset = 0
    for number, event in enumerate(case.events):
        for copy in range(FIRST_COPY, event.times + 1):
            at = moment(cases.now, event.at) + timedelta(seconds=copy - 1)
            at_ms = round(at.timestamp() * 1000)
            topic, content = sent(case, cases, event, Position(number, copy, at))
            value = orjson.dumps({name: each for name, each in content.items() if each is not None})
            yield Recorded(topic, 0, offset, at_ms, None, value)
            offset += 1


@dataclass(frozen=True, slots=True)
class Position:
    """Which event of a case, and which copy of it."""

    number: int
    copy: int
    at: datetime


def sent(case: Case, cases: Cases, event: Happening, place: Position) -> tuple[str, dict[str, Any]]:
    """Topic and content of one event."""
    seller, at = event.by, place.at.isoformat()
    buyer = event.to if event.times == 1 else f"{event.to}-{place.copy}"
    name = f"{place.number}-{place.copy}"
    who = {"seller_id": seller, "buyer_id": buyer}
    if event.seller is not None or event.buyer is not None:
        return Input.MESSAGES, who | {
            "message_id": message_id(place.number, place.copy),
            "conversation_id": f"{seller}/{buyer}",
            "order_id": order_id(seller, buyer),
            "sender": "buyer" if event.seller is None else "seller",
            "body": event.buyer if event.seller is None else event.seller,
            "sent_at": at,
            "marketplace": case.marketplace,
        }
    if event.order is not None or event.time_passes:
        bystander = {"seller_id": BYSTANDER, "buyer_id": BYSTANDER}
        return Input.ORDERS, (bystander if event.time_passes else who) | {
            "order_id": order_id(seller, buyer) if event.order else name,
            "status": event.order or OrderStatus.PLACED,
            "at": at,
            "marketplace": case.marketplace,
            "seller_country": event.seller_country or case.marketplace,
            "items": [cases.items[item] for item in event.items],
        }
    if event.complaint is not None:
        return Input.COMPLAINTS, who | {"complaint_id": name, "reason": event.complaint, "at": at}
    if event.review is not None:
        return Input.REVIEWS, who | {"review_id": name, "rating": event.review, "at": at}
    if event.report is not None:
        return Input.REPORTS, who | {"report_id": name, "reason": event.report, "at": at}
    if event.outcome is not None:
        return Input.OUTCOMES, {"outcome_id": name, "seller_id": seller, "verdict": event.outcome, "at": at}
    if event.erasure is not None:
        erased = seller if event.erasure is ErasureSubject.SELLER else buyer
        return Input.ERASURES, {"erasure_id": name, "subject": event.erasure, "id": erased, "at": at}
    papers = [
        {"kind": kind, "changed_at": moment(cases.now, changed).isoformat()}
        for kind, changed in event.documents.items()
    ]
    return Input.VERIFICATIONS, {
        "seller_id": seller,
        "status": event.verification,
        "at": at,
        "documents": papers,
        "expires_at": moment(cases.now, event.expires).isoformat() if event.expires else None,
    }


def message_id(number: int, copy: int) -> str:
    """Of the event's message."""
    return f"message-{number}-{copy}"


def order_id(seller: str, buyer: str) -> str:
    """A buyer has one order with a seller in a case."""
    return f"order-{seller}-{buyer}"


def moment(now: datetime, relative: str) -> datetime:
    """`-5m` before now, in UTC."""
    return now.astimezone(UTC) + timedelta(**{UNITS[relative[-1]]: int(relative[:-1])})
