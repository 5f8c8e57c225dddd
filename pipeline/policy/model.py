"""What a policy may say: every weight, limit, window and text, with the range in which it makes sense."""

from functools import cached_property
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.ids import CountryCode
from schemas.vocabulary import Action, Audience, Reason, Risk, Severity

Days = Annotated[int, Field(ge=1, le=3_650)]
Points = Annotated[int, Field(ge=-100, le=100)]


class Part(BaseModel):
    """A part of the policy: frozen, complete, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Verdicts(Part):
    """From which sum of points a message is questionable, and a violation."""

    questionable: Points
    violation: Points

    @model_validator(mode="after")
    def rising(self) -> "Verdicts":
        """A violation weighs more than a doubt."""
        if self.questionable >= self.violation:
            raise ValueError("questionable wants fewer points than violation")
        return self


class Rule(Part):
    """One reason that may weigh in a verdict."""

    points: Points
    clause: str
    """The clause of the marketplace's communication policy that it rests on."""
    text: str
    """The sentence for an analyst's letter."""


class Surge(Part):
    """When a count is a surge: a predictive tail below the false-alarm rate, and enough cases."""

    window_days: Days
    baseline_days: Days
    false_alarm_rate: Annotated[float, Field(gt=0.0, le=0.1)]
    least_count: Annotated[int, Field(ge=1)]


class Prior(Part):
    """What is usual, and for how many observations of a seller's own it counts."""

    mean: Annotated[float, Field(gt=0.0)]
    strength: Annotated[float, Field(gt=0.0)]


class BaseRates(Part):
    """What is usual on a marketplace: small sellers are judged closer to it."""

    complaint_prior: Prior
    """Complaints an order, below 1; its strength is in orders."""
    solicitation_prior: Prior
    """Requests that were not permitted, a day and seller; its strength is in days."""

    @model_validator(mode="after")
    def complaints_are_a_share(self) -> "BaseRates":
        """A share of orders is below one."""
        if self.complaint_prior.mean >= 1.0:
            raise ValueError("complaint_prior.mean is a share of orders, wanted between 0 and 1")
        return self


class Triggers(Part):
    """What opens or raises an alert."""

    complaint_surge: Surge
    solicitation_surge: Surge
    grave_points: Points
    """Points from which a single message is a grave act."""
    persistence_count: Annotated[int, Field(ge=1)]
    """Requests after a buyer's refusal within `persistence_days`."""
    persistence_days: Days
    distinct_reporters: Annotated[int, Field(ge=1)]
    reporter_days: Days
    change_then_request_days: Days
    """A request within so many days of a changed bank account, tax id or identity."""
    periodic_days: Days
    """A verified seller is verified again after so long."""
    severity: dict[str, Severity]


class Ladder(Part):
    """Strikes and the steps that they recommend."""

    violation_strikes: float
    questionable_strikes: float
    half_life_days: Days
    warning: float
    reverification: float
    suspension: float
    removal: float


class Hygiene(Part):
    """How alerts stay few."""

    review_days: dict[Severity, Annotated[int, Field(ge=0)]]
    cool_down_days: Annotated[int, Field(ge=0)]
    findings_on_file: Annotated[int, Field(ge=1, le=100)]


class Retention(Part):
    """How long rows are kept after the last event about them."""

    conversation_days: Days
    dealing_days: Days
    order_days: Days
    duplicates: Annotated[int, Field(ge=1, le=200)]
    """Recent event ids remembered per seller and conversation."""
    reporters: Annotated[int, Field(ge=1, le=200)]


class Windows(Part):
    """Times that weigh in a verdict."""

    early_request_minutes: Annotated[int, Field(ge=0)]
    """A request so soon after the order, without a need, weighs more."""
    harassment_days: Days
    """Contact so soon after a bad review or a complaint weighs as harassment."""
    grant_days: Days
    """So long a buyer's own wish to be contacted counts."""


class AdvisoryText(Part):
    """Title and text of an advisory by language; English is the one that is always there."""

    audience: Audience
    texts: dict[str, tuple[str, str]]

    @model_validator(mode="after")
    def has_english(self) -> "AdvisoryText":
        """The fallback must exist."""
        if "en" not in self.texts:
            raise ValueError("texts wants an English entry (en): it is used where a language is missing")
        return self


class Override(Part):
    """What differs for a marketplace, a category, or both; the more particular one wins."""

    marketplace: CountryCode | None = None
    category: str | None = None
    rules: dict[str, Points]


class Policy(Part):
    """One version of the rules."""

    version: Annotated[str, Field(min_length=1, max_length=64)]
    effective_from: AwareDatetime
    effective_to: AwareDatetime | None = None
    verdicts: Verdicts
    rules: dict[str, Rule]
    overrides: tuple[Override, ...] = ()
    needs: dict[Reason, tuple[str, ...]]
    """Which traits of an order make a reason a real need: a fulfilment, `bulky`, `customised`, `technical`, `open`."""
    contradicted_by: dict[Reason, tuple[str, ...]]
    """Traits under which a reason cannot be true."""
    bulky_grams: Annotated[int, Field(ge=1)]
    bulky_words: tuple[str, ...]
    risks: dict[Risk, Severity]
    windows: Windows
    base_rates: dict[str, BaseRates]
    """By marketplace; `default` for all others."""
    triggers: Triggers
    ladder: Ladder
    hygiene: Hygiene
    retention: Retention
    advisories: dict[str, AdvisoryText]

    @cached_property
    def longest_window_days(self) -> int:
        """How many days of counts a seller's row keeps."""
        return max(self.triggers.complaint_surge.baseline_days, self.triggers.solicitation_surge.baseline_days)

    def is_bulky_title(self, title: str) -> bool:
        """Whether a title has a word of something big; words without spaces of their own are found anywhere."""
        padded = f" {' '.join(title.casefold().replace(',', ' ').split())} "
        return any((f" {word} " if word.isascii() else word) in padded for word in self.bulky_words)

    def base_rates_of(self, marketplace: str | None) -> BaseRates:
        """What is usual there."""
        return self.base_rates.get(marketplace or "default", self.base_rates["default"])


class BookFile(Part):
    """A policy book as it lies in a file."""

    max_lead_seconds: Annotated[int, Field(ge=0)]
    """How far an event's time may lie ahead of its record's Kafka timestamp before it is a dead letter."""
    tick_seconds: Annotated[int, Field(ge=1)]
    """Interval of the ticks that a replay makes from event time."""
    policies: Annotated[tuple[Policy, ...], Field(min_length=1)]


def ladder_steps(ladder: Ladder) -> tuple[tuple[float, Action], ...]:
    """Strikes from which a step is recommended, highest first."""
    return (
        (ladder.removal, Action.REMOVAL),
        (ladder.suspension, Action.SUSPENSION),
        (ladder.reverification, Action.REVERIFICATION),
        (ladder.warning, Action.WARNING),
    )
