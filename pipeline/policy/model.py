"""What a policy may say: every weight, limit, window and text, with the range in which it makes sense."""

import re
from collections.abc import Collection
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from schemas.ids import CountryCode
from schemas.vocabulary import Action, Audience, Channel, OrderStatus, Reason, Risk, Severity, Verdict

Days = Annotated[int, Field(ge=1, le=3_650)]
Points = Annotated[int, Field(ge=-100, le=100)]


class ItemClass(StrEnum):
    """What an item is, where that decides which reason can be true."""

    SMALL = "small"
    BULKY = "bulky"
    TECHNICAL = "technical"
    CUSTOMISED = "customised"
    SERVICE = "service"
    DIGITAL = "digital"
    VEHICLE = "vehicle"


class Part(BaseModel):
    """A part of the policy: frozen, complete, without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Verdicts(Part):
    """From which sum of points a message is questionable, and a violation."""

    questionable: Points
    violation: Points
    relief_after_refusal: Points
    """Once the buyer has refused, what speaks for the seller weighs no more than this."""

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
    floor: Verdict = Verdict.PERMITTED
    """The mildest verdict where this rule applies, whatever speaks in the seller's favour."""
    ceiling: Verdict = Verdict.VIOLATION
    """The gravest verdict where this rule applies, whatever speaks against the seller."""
    risk: Risk | None = None
    """The class of harm that it stands for; `None` where it tells of none."""
    is_grave: bool = False
    """One such act alone is a reason to verify the seller again."""
    most_times: Annotated[int, Field(ge=1, le=10)] = 1
    """It weighs once for each time that it happened, up to so often."""
    outweighed_by: tuple[str, ...] = ()
    """Rules beside which it does not weigh at all, unless the buyer has refused."""


class Fit(Part):
    """When an order bears a reason out, and when it contradicts it. Traits are a fulfilment or a class of `items`."""

    needed_for: tuple[str, ...]
    """Traits of which one makes the reason a real need."""
    needed_while: tuple[OrderStatus, ...]
    """Stages in which the need is real."""
    contradicted_by: tuple[str, ...] = ()
    """Traits under which the reason cannot be true, unless one of `needed_for` holds as well."""
    contradicted_while: tuple[OrderStatus, ...] = ()
    """Stages in which it cannot be true, whatever was bought."""
    doubtful_while: tuple[OrderStatus, ...] = ()
    """Stages in which an order that contradicts the reason only fails to bear it out."""


class Items(Part):
    """How an item is told when the order does not say: by weight, else by the words of its title and category."""

    bulky_grams: Annotated[int, Field(ge=1)]
    light_grams: Annotated[int, Field(ge=0)]
    """Up to here, an item without stated fulfilment is a small one."""
    words: dict[ItemClass, tuple[str, ...]]
    """`small` goes before all others: a phone case is no phone, a table lamp no table."""


class Surge(Part):
    """When a count is a surge: a predictive tail below the false-alarm rate, and enough cases."""

    window_days: Days
    baseline_days: Days
    false_alarm_rate: Annotated[float, Field(gt=0.0, le=0.1)]
    """Share of the windows of sellers who have not changed that raise an alarm."""
    looks: Annotated[int, Field(ge=1, le=100)]
    """A window is looked at with every case, so each look gets this part of the rate (Bonferroni's correction)."""
    least_count: Annotated[int, Field(ge=1)]

    @property
    def limit(self) -> float:
        """The tail below which one look raises an alarm."""
        return self.false_alarm_rate / self.looks


class Excess(Part):
    """When a share is far above the usual: a predictive tail below the false-alarm rate, and enough cases."""

    window_days: Days
    false_alarm_rate: Annotated[float, Field(gt=0.0, le=0.1)]
    looks: Annotated[int, Field(ge=1, le=1_000)]
    """Cases in a window, each of which is looked at, and gets this part of the rate (Bonferroni's correction)."""
    least_count: Annotated[int, Field(ge=1)]

    @property
    def limit(self) -> float:
        """The tail below which one look raises an alarm."""
        return self.false_alarm_rate / self.looks


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
    phone_dependence: Excess
    """Conversations with a request, by orders, against what is usual in the category."""
    strikes: Annotated[float, Field(gt=0)]
    """Strikes, after decay, from which the sum of smaller acts is a reason by itself."""
    dormant_days: Days
    """A violation after so long a silence: the account may have changed hands."""
    persistence_count: Annotated[int, Field(ge=1)]
    """Requests after a buyer's refusal within `persistence_days`."""
    persistence_days: Days
    distinct_reporters: Annotated[int, Field(ge=1)]
    """Buyers who reported within `reporter_days`, each weighed by its own record."""
    reporter_days: Days
    reporter_prior: Annotated[float, Field(gt=0, le=100)]
    """A reporter's record begins with so many reports that held: the higher, the slower it loses weight."""
    ring_sellers: Annotated[int, Field(ge=2, le=50)]
    """Sellers who pushed the same contact within `ring_days`: each of them is to be verified again."""
    ring_days: Days
    change_then_request_days: Days
    """A request within so many days of a changed bank account, tax id or identity."""
    periodic_days: Days
    """A verified seller is verified again after so long …"""
    periodic_days_by_level: dict[str, Days] = {}
    """… at a level of verification that is named here, in the marketplace's own words, after so long instead …"""
    periodic_days_at_risk: Days
    """… and one whose strikes have reached the first step of the ladder after so long."""
    severity: dict[str, Severity]
    clauses: dict[str, str]
    """The clause of the marketplace's policy that each trigger rests on."""


class Statement(Part):
    """What a statement of reasons needs beside the facts. Source: Regulation (EU) 2022/2065 (DSA), Article 17."""

    automated: str
    steps: dict[Action, str]
    """What each recommended step means for the seller."""
    redress: str
    """Its `{days}` is `redress_days`."""
    redress_days: Days


class Ladder(Part):
    """Strikes and the steps that they recommend."""

    grave_strikes: float
    confirmed_strikes: float
    """What an analyst's confirmation adds."""

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
    """After a confirmed alert, only something graver opens another for so long."""
    snooze_days: Annotated[int, Field(ge=0)]
    """The same after a dismissed one."""
    findings_on_file: Annotated[int, Field(ge=1, le=100)]


class Retention(Part):
    """How long rows are kept after the last event about them."""

    conversation_days: Days
    dealing_days: Days
    order_days: Days
    delete_number_days: Days
    """So long after the delivery the seller is told to delete the buyer's number …"""
    delete_number_latest_days: Days
    """… and so long after it was given, whatever became of the order."""
    lately: Annotated[int, Field(ge=0, le=10)]
    """Messages between a seller and a buyer that a late order or a report can still revise."""
    wordings: Annotated[int, Field(ge=0, le=20)]
    """Wordings remembered per seller."""
    duplicates: Annotated[int, Field(ge=1, le=200)]
    """Recent event ids remembered per seller and conversation."""
    reporters: Annotated[int, Field(ge=1, le=200)]


class Windows(Part):
    """Times that weigh in a verdict."""

    clock_skew_minutes: Annotated[int, Field(ge=0)]
    """Two producers have two clocks: a stage so shortly before or after a message may have been reached or not.

    In doubt the message is judged at the stage that speaks for the seller.
    """
    order_grace_hours: Annotated[int, Field(ge=0)]
    """An order that arrives so late after the message about it still changes the verdict, as a revision."""
    early_request_minutes: Annotated[int, Field(ge=0)]
    """A request so soon after the order, without a need, weighs more."""
    harassment_days: Days
    """Contact so soon after a bad review or a complaint weighs as harassment."""
    split_minutes: Annotated[int, Field(ge=1, le=1_440)]
    """Messages of a few digits within so long may be one number in pieces …"""
    split_digits: Annotated[int, Field(ge=7, le=15)]
    """… from so many digits together on."""
    mass_wording_days: Days
    mass_wording_conversations: Annotated[int, Field(ge=2)]
    """The same wording in so many conversations within the days is a template."""
    new_seller_days: Days
    """So long after its registration a seller counts as new."""
    grant_days: Days
    """So long a buyer's own wish to be contacted counts."""
    answer_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """A buyer's "no" so soon after a request for contact refuses it, if the buyer has said nothing else about it."""


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
    fits: dict[Reason, Fit]
    """The permitted purposes, each with the orders that bear it out."""
    prohibited_purposes: tuple[Reason, ...]
    special_items: tuple[str, ...]
    """Traits of which one makes an order more than a standard parcel."""
    other_channels: tuple[Channel, ...]
    """Channels that no delivery needs."""
    public_contacts: frozenset[str] = frozenset()
    """Helplines of the marketplace and of carriers, as E.164 numbers and small e-mail addresses: they make no ring."""
    items: Items
    risks: dict[Risk, Severity]
    windows: Windows
    base_rates: dict[str, BaseRates]
    """By marketplace; `default` for all others."""
    request_priors: dict[str, Prior]
    """By category: in what share of orders sellers ask for contact; `default` for all others. Strength in orders."""
    triggers: Triggers
    ladder: Ladder
    statement: Statement
    hygiene: Hygiene
    retention: Retention
    advisories: dict[str, AdvisoryText]

    @cached_property
    def longest_window_days(self) -> int:
        """How many days of counts a seller's row keeps."""
        triggers = self.triggers
        surges = (triggers.complaint_surge.baseline_days, triggers.solicitation_surge.baseline_days)
        return max(*surges, triggers.phone_dependence.window_days)

    @cached_property
    def item_patterns(self) -> tuple[tuple[ItemClass, re.Pattern[str]], ...]:
        """What finds each class of items in a title, `small` first."""
        words = {ItemClass.SMALL: (), **self.items.words}
        return tuple((kind, words_pattern(words[kind])) for kind in ItemClass if words.get(kind))

    def item_classes(self, text: str) -> frozenset[ItemClass]:
        """What a title and category say that an item is."""
        folded = text.casefold()
        found = [kind for kind, pattern in self.item_patterns if pattern.search(folded)]
        return frozenset(found[:1] if ItemClass.SMALL in found else found)

    @cached_property
    def overrides_by_weight(self) -> tuple[Override, ...]:
        """Overrides, the more particular later: marketplace, then category, then both."""
        return tuple(sorted(self.overrides, key=lambda each: (each.category is not None, each.marketplace is not None)))

    def points_in(self, marketplace: str | None, categories: Collection[str | None]) -> dict[str, int]:
        """Points that differ there: category goes before marketplace, both together before either."""
        points: dict[str, int] = {}
        for override in self.overrides_by_weight:
            fits_market = override.marketplace in {None, marketplace}
            if fits_market and (override.category is None or override.category in categories):
                points |= override.rules
        return points

    def request_prior_of(self, category: str) -> Prior:
        """In what share of orders contact is usually asked for in a category."""
        return self.request_priors.get(category, self.request_priors["default"])

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


def policy_as_held(policy: Policy, marketplace: str | None, category: str | None) -> dict[str, Any]:
    """The policy as it holds for a marketplace and a category: their points and base rates take their places."""
    content = policy.model_dump(mode="json")
    if marketplace is None and category is None:
        return content
    for code, points in policy.points_in(marketplace, (category,)).items():
        content["rules"][code]["points"] = points
    del content["overrides"]
    content["base_rates"] = policy.base_rates_of(marketplace).model_dump(mode="json")
    return content


def words_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Finds whole words, a `*` being any ending; words of scripts without spaces are found anywhere."""
    spaced = [
        re.escape(word.casefold()).replace(r"\*", r"\w*") for word in words if word[0].isascii() or is_spaced(word)
    ]
    unspaced = [re.escape(word.casefold()) for word in words if not (word[0].isascii() or is_spaced(word))]
    parts = ([rf"\b(?:{'|'.join(spaced)})\b"] if spaced else []) + unspaced
    return re.compile("|".join(parts))


def is_spaced(word: str) -> bool:
    """Whether its script puts spaces between words: all but Han, kana, Hangul (which glues endings on) and Thai."""
    return not any("\u0e00" <= each <= "\u0e7f" or "\u3040" <= each <= "\ud7ff" for each in word)


def ladder_steps(ladder: Ladder) -> tuple[tuple[float, Action], ...]:
    """Strikes from which a step is recommended, highest first."""
    return (
        (ladder.removal, Action.REMOVAL),
        (ladder.suspension, Action.SUSPENSION),
        (ladder.reverification, Action.REVERIFICATION),
        (ladder.warning, Action.WARNING),
    )
