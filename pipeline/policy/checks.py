"""Faults that no single field of a policy shows: gaps in time, rules nothing brings in, verdicts nothing reaches."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise

from pipeline.policy.codes import ADVISORY_CODES, RULE_CODES, TRIGGER_CODES
from pipeline.policy.model import BookFile, ItemClass, Policy
from pipeline.yaml_tree import Place
from schemas.vocabulary import Action, Fulfilment, Reason, Risk, Severity, Verdict

FaultAt = tuple[Place, str]
TRAITS = frozenset({*Fulfilment, *ItemClass, "customised", "fragile", "technical", "international"})
FIT_CODES = ("needed", "unconfirmed", "unneeded", "contradicted")
ONE_OF_EACH = (
    ("no_reason", "vague_reason", "prohibited_purpose", *FIT_CODES),
    ("buyer_wished", "after_refusal"),
    ("no_order", "standard_item"),
    ("order_over", "early_request"),
    ("alternative_offered", "alternative_tried"),
)
"""Rules of which a message can meet one at most."""
MOST_PERSISTENT = 20
COUNTRY_LETTERS = 2


def meaning_faults(book: BookFile) -> list[FaultAt]:
    """Every such fault of a book, by place."""
    faults = [*time_faults(book)]
    for index, policy in enumerate(book.policies):
        faults += [(("policies", index, *place), text) for place, text in policy_faults(policy)]
    return faults


def time_faults(book: BookFile) -> Iterator[FaultAt]:
    """Versions that overlap, leave a gap, or end before they begin."""
    for index, policy in enumerate(book.policies):
        if policy.effective_to is not None and policy.effective_to <= policy.effective_from:
            yield ("policies", index, "effective_to"), f"{policy.version} ends before it begins"
    ordered = sorted(enumerate(book.policies), key=lambda pair: pair[1].effective_from)
    for (_, old), (index, new) in pairwise(ordered):
        place = ("policies", index, "effective_from")
        if old.effective_to is None or old.effective_to > new.effective_from:
            yield (
                place,
                f"version {new.version} begins before {old.version} ends: let that one's effective_to be this instant",
            )
        elif old.effective_to < new.effective_from:
            yield place, f"nothing is in force between {old.version} and {new.version}: close the gap"


def policy_faults(policy: Policy) -> Iterator[FaultAt]:
    """Faults within one version."""
    yield from unknown_or_missing(policy)
    yield from fit_faults(policy)
    yield from idle_rules(policy)
    yield from override_faults(policy)
    yield from limit_faults(policy)
    if set(policy.rules) == RULE_CODES:
        yield from reach_faults(policy)


def unknown_or_missing(policy: Policy) -> Iterator[FaultAt]:
    """Words that the code does not know, and words that it wants."""
    for code in sorted(RULE_CODES - set(policy.rules)):
        yield ("rules",), f"the rule {code} is missing: wanted {{points, clause, text}}"
    for code in sorted(set(policy.rules) - RULE_CODES):
        yield ("rules", code), "no such rule: check the spelling, or remove it"
    for code, rule in policy.rules.items():
        for other in rule.outweighed_by:
            if other not in RULE_CODES or other == code:
                yield ("rules", code, "outweighed_by"), f"{other} is no other rule: check the spelling"
    for part in ("severity", "clauses"):
        given = set(getattr(policy.triggers, part))
        for code in sorted(TRIGGER_CODES - given):
            yield ("triggers", part), f"the {'clause' if part == 'clauses' else part} of {code} is missing"
        for code in sorted(given - TRIGGER_CODES):
            yield ("triggers", part, code), "no such trigger: check the spelling, or remove it"
    for code in sorted(set(policy.advisories) - ADVISORY_CODES):
        yield ("advisories", code), f"no such advisory: wanted one of {', '.join(sorted(ADVISORY_CODES))}"
    for risk in sorted(set(Risk) - set(policy.risks)):
        yield ("risks",), f"{risk} is missing: every class of harm has a severity"
    for severity in sorted(set(Severity) - set(policy.hygiene.review_days)):
        yield ("hygiene", "review_days"), f"{severity} is missing: every alert has a day on which a review is due"
    for action in (Action.WARNING, Action.REVERIFICATION, Action.SUSPENSION, Action.REMOVAL):
        if action not in policy.statement.steps:
            yield ("statement", "steps"), f"{action} is missing: wanted what it means for the seller"
    if "default" not in policy.base_rates:
        yield ("base_rates",), "an entry `default` is missing: it holds for marketplaces without one of their own"
    if "default" not in policy.request_priors:
        yield ("request_priors",), "an entry `default` is missing: it holds for categories without one of their own"
    for name, prior in policy.request_priors.items():
        if prior.mean >= 1:
            yield ("request_priors", name, "mean"), "is a share of orders, wanted between 0 and 1"
    for name in policy.base_rates:
        if name != "default" and not (len(name) == COUNTRY_LETTERS and name.isupper()):
            yield ("base_rates", name), "wanted a country's two capital letters, or `default`"


def fit_faults(policy: Policy) -> Iterator[FaultAt]:
    """Purposes that can never be borne out, or are judged another way."""
    for reason, fit in policy.fits.items():
        place = ("fits", reason)
        if reason in policy.prohibited_purposes:
            yield place, "is a prohibited purpose as well, which goes first: remove one of the two"
        if reason in {Reason.NONE, Reason.VAGUE, Reason.PHISHING}:
            yield place, "is never held against an order: remove it"
        for name in ("needed_for", "contradicted_by"):
            for trait in unknown_traits(getattr(fit, name)):
                yield (*place, name), f"{trait} is no trait: wanted one of {', '.join(sorted(TRAITS))}"
        if fit.needed_for and not set(fit.needed_while) - set(fit.contradicted_while):
            yield (*place, "needed_while"), "there is no stage in which the need could be real"
        for stage in sorted(set(fit.needed_while) & set(fit.contradicted_while)):
            yield (*place, "contradicted_while"), f"{stage} is a stage of real need as well: remove one of the two"
        for trait in sorted(set(fit.needed_for) & set(fit.contradicted_by)):
            yield (*place, "contradicted_by"), f"{trait} makes it a real need as well, which goes first"
    for trait in unknown_traits(policy.special_items):
        yield ("special_items",), f"{trait} is no trait: wanted one of {', '.join(sorted(TRAITS))}"


def unknown_traits(traits: Iterable[str]) -> list[str]:
    """The traits that no order has."""
    return sorted(set(traits) - TRAITS)


def idle_rules(policy: Policy) -> Iterator[FaultAt]:
    """Rules that no message can bring in, for another field keeps them out."""
    fits = policy.fits.values()
    kept_out = {
        "other_channel": (not policy.other_channels, "other_channels is empty"),
        "prohibited_purpose": (not policy.prohibited_purposes, "prohibited_purposes is empty"),
        "early_request": (not policy.windows.early_request_minutes, "windows.early_request_minutes is 0"),
        "mass_wording": (not policy.retention.wordings, "retention.wordings is 0"),
        "reported": (not policy.retention.lately, "retention.lately is 0"),
        "needed": (not any(fit.needed_for for fit in fits), "no fit has a trait in needed_for"),
        "contradicted": (
            not any(fit.contradicted_by or fit.contradicted_while for fit in fits),
            "no fit names what contradicts it",
        ),
    }
    for code, (is_idle, because) in kept_out.items():
        if is_idle and code in policy.rules and policy.rules[code].points:
            yield ("rules", code), f"nothing can bring it in: {because}; give it 0 points, or fill that in"


def override_faults(policy: Policy) -> Iterator[FaultAt]:
    """Overrides of nothing, of everything, said twice, or without effect."""
    seen: set[tuple[str | None, str | None, str]] = set()
    for index, override in enumerate(policy.overrides):
        place = ("overrides", index)
        if override.marketplace is None and override.category is None:
            yield place, "wants a marketplace, a category, or both; change the rule itself otherwise"
        for code, points in override.rules.items():
            scope = (override.marketplace, override.category, code)
            if code not in RULE_CODES:
                yield (*place, "rules", code), "no such rule"
            elif code in policy.rules and points == policy.rules[code].points and is_alone(policy, code):
                yield (*place, "rules", code), "these are the rule's own points: remove it"
            if scope in seen:
                yield (*place, "rules", code), "the same is said above: remove one of the two"
            seen.add(scope)


def is_alone(policy: Policy, code: str) -> bool:
    """Whether a single override changes the rule: among several, one may set it back."""
    return sum(code in override.rules for override in policy.overrides) == 1


def limit_faults(policy: Policy) -> Iterator[FaultAt]:
    """Limits that contradict one another."""
    ladder, triggers, windows, kept = policy.ladder, policy.triggers, policy.windows, policy.retention
    steps = ("warning", "reverification", "suspension", "removal")
    for lower, higher in pairwise(steps):
        if getattr(ladder, lower) >= getattr(ladder, higher):
            yield ("ladder", higher), f"wanted more strikes than {lower}"
    for name in ("complaint_surge", "solicitation_surge"):
        surge = getattr(triggers, name)
        if surge.baseline_days <= surge.window_days:
            yield (
                ("triggers", name, "baseline_days"),
                "wanted more days than window_days: the past lies before the window",
            )
    if triggers.persistence_count > MOST_PERSISTENT:
        yield ("triggers", "persistence_count"), f"wanted at most {MOST_PERSISTENT}: more are not remembered"
    if triggers.distinct_reporters > kept.reporters:
        yield ("triggers", "distinct_reporters"), "wanted at most retention.reporters: more are not remembered"
    for name in ("harassment_days", "grant_days"):
        if getattr(windows, name) > kept.dealing_days:
            yield ("windows", name), "wanted at most retention.dealing_days: by then it is forgotten"
    for name in ("delete_number_days", "delete_number_latest_days"):
        if getattr(kept, name) > kept.dealing_days:
            yield ("retention", name), "wanted at most retention.dealing_days: by then the number is forgotten"


def reach_faults(policy: Policy) -> Iterator[FaultAt]:
    """Verdicts that no sum of points comes to."""
    weights = {code: rule.points * (rule.most_times if rule.points > 0 else 1) for code, rule in policy.rules.items()}
    heaviest, lightest = extreme(weights, 1), extreme(weights, -1)
    if heaviest < policy.verdicts.violation:
        text = f"the heaviest message comes to {heaviest} points: nothing would be a violation but for a floor"
        yield ("verdicts", "violation"), text
    if heaviest < policy.verdicts.questionable:
        text = f"the heaviest message comes to {heaviest} points: nothing would be questionable but for a floor"
        yield ("verdicts", "questionable"), text
    lightest += policy.rules["request_contact"].points
    if lightest >= policy.verdicts.questionable:
        text = f"the best request comes to {lightest} points: nothing that asks for contact would ever be permitted"
        yield ("verdicts", "questionable"), text
    for code, rule in policy.rules.items():
        if rule.ceiling is not Verdict.VIOLATION and rule.points > 0:
            yield ("rules", code, "points"), "speaks against the seller, and its ceiling for it: remove one of the two"
        if rule.floor is not Verdict.PERMITTED and rule.points <= 0:
            yield ("rules", code, "points"), "speaks for the seller, and its floor against it: remove one of the two"


def extreme(weights: Mapping[str, int], sign: int) -> int:
    """The heaviest (1) or lightest (-1) sum, of rules that can stand together."""
    grouped = {code for group in ONE_OF_EACH for code in group}
    parts = [max(0, *(sign * weights[code] for code in group)) for group in ONE_OF_EACH]
    parts += [max(0, sign * weight) for code, weight in weights.items() if code not in grouped]
    return sign * sum(parts)
