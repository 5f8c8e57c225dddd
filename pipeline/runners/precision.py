"""How often analysts agreed with each rule: its precision, with an interval, from counts."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from pipeline import metrics
from pipeline.judgement.rates import wilson_interval
from pipeline.runners.steps import Counts
from schemas.vocabulary import OutcomeVerdict, Verdict

WEIGHED = "ringfence_verdict_rules_total"
DECIDED = "ringfence_rule_outcomes_total"


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """One rule's record."""

    rule: str
    permitted: int
    questionable: int
    violation: int
    confirmed: int
    dismissed: int
    precision: float | None
    """Confirmed over decided, 0 to 1; `None` where nothing was decided."""
    low: float
    """Lower end of its 95 % interval (Wilson)."""
    high: float

    def row(self) -> dict[str, Any]:
        """For a table or a program."""
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def rule_record(rule: str, counts: Counts) -> RuleRecord:
    """What the counts say of a rule."""
    confirmed = counts[DECIDED, rule, OutcomeVerdict.CONFIRMED]
    dismissed = counts[DECIDED, rule, OutcomeVerdict.DISMISSED]
    decided = confirmed + dismissed
    low, high = wilson_interval(confirmed, decided)
    weighed = {verdict: counts[WEIGHED, rule, verdict] for verdict in Verdict}
    return RuleRecord(
        rule,
        weighed[Verdict.PERMITTED],
        weighed[Verdict.QUESTIONABLE],
        weighed[Verdict.VIOLATION],
        confirmed,
        dismissed,
        confirmed / decided if decided else None,
        low,
        high,
    )


class Precision:
    """The precision of each rule since the worker started, as gauges."""

    def __init__(self) -> None:
        self._decided: Counts = Counter()

    def note(self, counts: Counts) -> None:
        """Adds decisions, and sets the gauges of the rules that they are about."""
        news = {name: amount for name, amount in counts.items() if name[0] == DECIDED}
        self._decided.update(news)
        for rule in {name[1] for name in news}:
            record = rule_record(rule, self._decided)
            for bound, value in (("low", record.low), ("mid", record.precision), ("high", record.high)):
                metrics.RULE_PRECISION.labels(rule, bound).set(value or 0.0)
