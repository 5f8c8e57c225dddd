"""What Ringfence writes for others: findings, alerts, advisories, dead letters."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from schemas.events import Event
from schemas.ids import CountryCode, Pseudonym
from schemas.vocabulary import Act, Action, Audience, Channel, Risk, Severity, Verdict


class WeighedReason(Event):
    """One reason of a verdict and what it weighs; points above zero speak against the seller."""

    code: str
    points: int


class Finding(Event):
    """The verdict on one message."""

    finding_id: str
    """`f_` and 24 hexadecimal digits, from the message's topic, partition and offset."""
    revision: Annotated[int, Field(ge=0)] = 0
    """Grows when an order that came later changed the judgement; the highest revision holds."""
    message_id: str
    conversation_id: str
    seller_id: str
    buyer: Pseudonym
    order_id: str | None = None
    marketplace: CountryCode | None = None
    language: str | None = None
    at: AwareDatetime
    """When the message was sent."""
    act: Act
    channel: Channel | None = None
    verdict: Verdict
    severity: Severity
    risk: Risk
    score: int
    """Sum of the reasons' points."""
    reasons: tuple[WeighedReason, ...]
    """Heaviest first."""
    rules: tuple[str, ...]
    explanation: str
    """The sentence that an analyst can paste into a letter."""
    policy_version: str
    excerpt: str


class Trigger(Event):
    """Why a seller should be verified again, with the figures it rests on."""

    code: str
    figures: dict[str, int | float | str]


class StatementOfReasons(Event):
    """What a seller must be told of a step, should a person decide so.

    Source: Regulation (EU) 2022/2065 (Digital Services Act), Article 17(3).
    """

    step: Action
    effect: str
    """What the step means for the seller."""
    facts: tuple[str, ...]
    clauses: tuple[str, ...]
    """Of the marketplace's policy, in the order of the facts."""
    is_from_reports: bool
    """Whether buyers' reports or complaints are among the grounds, not the marketplace's own watch alone."""
    automated: str
    """How automated means were used."""
    redress: str
    redress_until: AwareDatetime
    """Last instant for contesting a decision taken now."""


class Alert(Event):
    """Verify this seller again: one episode per seller, told in revisions."""

    alert_id: str
    """`a_` and 24 hexadecimal digits, from seller and episode."""
    revision: Annotated[int, Field(ge=0)]
    episode: Annotated[int, Field(ge=1)]
    seller_id: str
    marketplace: CountryCode | None = None
    at: AwareDatetime
    """Event time of the signal that opened or revised it."""
    opened_at: AwareDatetime
    severity: Severity
    priority: Annotated[int, Field(ge=0, le=1000)]
    """Expected harm: sorts a day's queue, highest first."""
    triggers: tuple[Trigger, ...]
    finding_ids: tuple[str, ...]
    """The findings it rests on, newest last, bounded by policy."""
    recommended_action: Action
    reasons: tuple[str, ...]
    """Sentences, with the clause of the policy each rests on."""
    statement: StatementOfReasons
    """The same for the seller, part by part."""
    due_at: AwareDatetime
    """When a review is due."""
    is_closed: bool = False
    is_withdrawn: bool = False
    """Closed by the service: orders that came late show that what it rested on was permitted."""
    policy_version: str


class Advisory(Event):
    """What a buyer should know, or what a seller should do."""

    advisory_id: str
    """`v_` and 24 hexadecimal digits, from conversation, audience and code."""
    audience: Audience
    code: str
    seller_id: str
    conversation_id: str
    message_id: str | None = None
    """The message it is about; `None` for one that time brought."""
    language: str
    title: str
    text: str
    at: AwareDatetime
    policy_version: str


class Shadowed(Event):
    """What a candidate policy judged beside the one in force; one of the two is given.

    Of sellers for whom the candidate was released, what the policy in force would have said.
    """

    finding: Finding | None = None
    alert: Alert | None = None


class DeadLetter(Event):
    """A record set aside. On the topic it is the original record with these fields as headers."""

    dead_letter_id: str
    """`d_` and 24 hexadecimal digits, from topic, partition and offset."""
    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    reason: str
    error: str
    """What was wrong and where, without the record's values."""
