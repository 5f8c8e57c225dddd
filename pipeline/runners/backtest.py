"""What a changed policy would have done: one recording under two policy books, compared.

The first book is the one in force (`old`), the second the candidate (`new`). A recording is scanned once, judged twice.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

import orjson

from pipeline.judgement.rates import wilson_interval
from pipeline.kafka.recordings import Recording
from pipeline.policy.book import PolicyBook
from pipeline.runners.judging import Judging, Place
from pipeline.runners.scan import Scan
from pipeline.runners.signal_log import signal_log
from pipeline.runners.steps import JudgeResult, Progress
from schemas.outputs import Advisory, Alert, DeadLetter, Finding
from schemas.vocabulary import OutcomeVerdict, Verdict

DAY_MS = 24 * 3_600_000
MINUTES_PER_ALERT = 20
"""An analyst's time for one episode, where the caller does not say otherwise."""
EXAMPLES = 10
NO_FINDING = "none"
WEIGHT = {NO_FINDING: 0, Verdict.PERMITTED: 1, Verdict.QUESTIONABLE: 2, Verdict.VIOLATION: 3}


@dataclass(slots=True)
class Outputs:
    """What one policy said of the recording."""

    findings: dict[str, Finding] = field(default_factory=dict)
    """By id; the highest revision holds."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """Episodes by id, as they were opened."""
    advisories: Counter[str] = field(default_factory=Counter)
    """By code."""

    def judged(self, place: Place, result: JudgeResult) -> None:  # noqa: ARG002 - they come in their order
        """Keeps what a signal came to."""
        for _, value in result.findings:
            finding = Finding.model_validate_json(value)
            self.findings[finding.finding_id] = finding
        for _, value in result.alerts:
            alert = Alert.model_validate_json(value)
            self.alerts.setdefault(alert.alert_id, alert)
        for _, value in result.advisories:
            advisory = Advisory.model_validate_json(value)
            self.advisories[advisory.code] += 1

    def set_aside(self, letter: DeadLetter) -> None:
        """Dead letters do not depend on the policy."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure under both policies."""

    old: float
    new: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share with its 95 % interval; `None` where there were no cases."""

    share: float | None
    low: float
    high: float
    hits: int
    cases: int


@dataclass(frozen=True, slots=True)
class Example:
    """One message judged differently."""

    finding_id: str
    seller_id: str
    marketplace: str | None
    at: str
    excerpt: str
    old_verdict: str
    new_verdict: str
    old_score: int
    new_score: int
    reasons: tuple[str, ...]
    """Reasons that weigh differently, with their points under both."""


@dataclass(frozen=True, slots=True)
class Quality:
    """How one policy's alerts stand against the analysts' outcomes, by seller."""

    precision: Estimate
    recall: Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything a backtest shows."""

    old_name: str
    new_name: str
    records: int
    days: float
    verdicts: dict[str, dict[str, int]]
    """Old verdict -> new verdict -> messages."""
    rules: dict[str, Pair]
    """Findings in which a rule weighed."""
    marketplaces: dict[str, Pair]
    """Violations by marketplace."""
    triggers: dict[str, Pair]
    advisories: dict[str, Pair]
    alerts: Pair
    alert_changes: dict[str, int]
    """Episodes that `appear`, `vanish`, `change` (severity, step or triggers, as they open), or stay the `same`."""
    alerts_by_marketplace: dict[str, Pair]
    alerts_by_day: dict[str, Pair]
    hours_per_day: Pair
    sellers_gained: tuple[str, ...]
    """Alerted under the new policy alone."""
    sellers_lost: tuple[str, ...]
    sellers_kept: int
    old_quality: Quality | None
    """`None` where the recording has no outcomes."""
    new_quality: Quality | None
    stricter: tuple[Example, ...]
    milder: tuple[Example, ...]

    def as_json(self) -> bytes:
        """All of it for a program."""
        return orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @property
    def changes(self) -> int:
        """Messages judged differently."""
        return sum(n for old, row in self.verdicts.items() for new, n in row.items() if old != new)


def backtest(  # noqa: PLR0913 - the two that follow have defaults
    recording: Recording,
    books: tuple[PolicyBook, PolicyBook],
    scan: Scan,
    *,
    names: tuple[str, str],
    minutes_per_alert: float = MINUTES_PER_ALERT,
    progress: Progress = lambda _: None,
) -> Comparison:
    """Judges the recording under both books and compares; `names` are what a person calls them.

    Raises:
        RecordingError: the recording is damaged.
        SettingsError: a book does not cover the recording's time.
    """
    old, new = Outputs(), Outputs()
    outcomes, times = dict[str, OutcomeVerdict](), list[int]()
    with closing(Judging(books[0], old)) as in_force, closing(Judging(books[1], new)) as candidate:
        for entry in signal_log(recording, scan, old, progress):
            times = [*times[:1], entry.at_ms]
            note_outcome(entry.record.value or b"", outcomes)
            in_force.feed(entry)
            candidate.feed(entry)
    days = max((times[-1] - times[0]) / DAY_MS, 1.0) if times else 1.0
    return compared(names, (old, new), outcomes, days, recording.counts.total(), minutes_per_alert)


def note_outcome(signal: bytes, outcomes: dict[str, OutcomeVerdict]) -> None:
    """Remembers what an analyst decided about a seller; the latest decision holds."""
    if b'"kind":"outcome"' not in signal:
        return
    content = orjson.loads(signal)
    outcomes[content["seller_id"]] = OutcomeVerdict(content["verdict"])


def compared(  # noqa: PLR0913, PLR0917 - the parts of one comparison
    names: tuple[str, str],
    outputs: tuple[Outputs, Outputs],
    outcomes: dict[str, OutcomeVerdict],
    days: float,
    records: int,
    minutes_per_alert: float,
) -> Comparison:
    """The two policies' outputs side by side."""
    old, new = outputs
    sellers = tuple({alert.seller_id for alert in each.alerts.values()} for each in outputs)
    examples = [example(old.findings.get(name), new.findings.get(name)) for name in sorted(old.findings | new.findings)]
    return Comparison(
        old_name=names[0],
        new_name=names[1],
        records=records,
        days=round(days, 2),
        verdicts=transitions(old, new),
        rules=pairs(outputs, lambda each: (r.code for f in each.findings.values() for r in f.reasons)),
        marketplaces=pairs(
            outputs,
            lambda each: (f.marketplace or "unknown" for f in each.findings.values() if f.verdict is Verdict.VIOLATION),
        ),
        triggers=pairs(outputs, lambda each: (t.code for a in each.alerts.values() for t in a.triggers)),
        advisories=pairs(outputs, lambda each: each.advisories.elements()),
        alerts=Pair(len(old.alerts), len(new.alerts)),
        alert_changes=alert_changes(old, new),
        alerts_by_marketplace=pairs(outputs, lambda each: (a.marketplace or "unknown" for a in each.alerts.values())),
        alerts_by_day=every_day(pairs(outputs, lambda each: (f"{a.opened_at:%Y-%m-%d}" for a in each.alerts.values()))),
        hours_per_day=Pair(
            *(round(len(each.alerts) * minutes_per_alert / 60 / days, 2) for each in outputs),
        ),
        sellers_gained=tuple(sorted(sellers[1] - sellers[0])),
        sellers_lost=tuple(sorted(sellers[0] - sellers[1])),
        sellers_kept=len(sellers[0] & sellers[1]),
        old_quality=quality(sellers[0], outcomes),
        new_quality=quality(sellers[1], outcomes),
        stricter=most_telling([each for each in examples if difference(each) > 0]),
        milder=most_telling([each for each in examples if difference(each) < 0]),
    )


def transitions(old: Outputs, new: Outputs) -> dict[str, dict[str, int]]:
    """How many messages went from which verdict to which."""
    table: dict[str, dict[str, int]] = {before: dict.fromkeys(WEIGHT, 0) for before in WEIGHT}
    for name in old.findings | new.findings:
        table[verdict(old.findings.get(name))][verdict(new.findings.get(name))] += 1
    return {str(before): {str(after): n for after, n in row.items()} for before, row in table.items()}


def alert_changes(old: Outputs, new: Outputs) -> dict[str, int]:
    """What becomes of the old policy's episodes under the new one."""
    both = old.alerts.keys() & new.alerts.keys()
    changed = sum(gist(old.alerts[name]) != gist(new.alerts[name]) for name in both)
    return {
        "appear": len(new.alerts.keys() - both),
        "vanish": len(old.alerts.keys() - both),
        "change": changed,
        "same": len(both) - changed,
    }


def gist(alert: Alert) -> tuple[object, ...]:
    """What of an alert an analyst goes by."""
    return alert.severity, alert.recommended_action, tuple(sorted(trigger.code for trigger in alert.triggers))


def verdict(finding: Finding | None) -> str:
    """The verdict, or that there was none."""
    return NO_FINDING if finding is None else finding.verdict


def pairs(outputs: tuple[Outputs, Outputs], words: Callable[[Outputs], Iterable[str]]) -> dict[str, Pair]:
    """How often each word occurs under both policies, by word."""
    counts = [Counter(map(str, words(each))) for each in outputs]
    return {word: Pair(counts[0][word], counts[1][word]) for word in sorted(counts[0] | counts[1])}


def every_day(figures: dict[str, Pair]) -> dict[str, Pair]:
    """The figures by day, with the days in between on which there was nothing."""
    if not figures:
        return figures
    first, last = (date.fromisoformat(day) for day in (min(figures), max(figures)))
    days = ((first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1))
    return {day: figures.get(day, Pair(0, 0)) for day in days}


def quality(alerted: set[str], outcomes: dict[str, OutcomeVerdict]) -> Quality | None:
    """Precision over the alerted sellers that have an outcome, recall over the confirmed ones."""
    if not outcomes:
        return None
    confirmed = {seller for seller, verdict in outcomes.items() if verdict is OutcomeVerdict.CONFIRMED}
    decided = alerted & set(outcomes)
    return Quality(
        precision=estimate(len(decided & confirmed), len(decided)),
        recall=estimate(len(alerted & confirmed), len(confirmed)),
    )


def estimate(hits: int, cases: int) -> Estimate:
    """A share with its 95 % interval."""
    low, high = wilson_interval(hits, cases)
    return Estimate(round(hits / cases, 4) if cases else None, round(low, 4), round(high, 4), hits, cases)


def example(old: Finding | None, new: Finding | None) -> Example:
    """One message under both policies."""
    shown = new or old
    assert shown is not None  # noqa: S101 - the id came from one of the two
    points: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for side, finding in enumerate((old, new)):
        for reason in finding.reasons if finding else ():
            points[reason.code][side] = reason.points
    return Example(
        finding_id=shown.finding_id,
        seller_id=shown.seller_id,
        marketplace=shown.marketplace,
        at=shown.at.isoformat(),
        excerpt=shown.excerpt,
        old_verdict=str(verdict(old)),
        new_verdict=str(verdict(new)),
        old_score=old.score if old else 0,
        new_score=new.score if new else 0,
        reasons=tuple(f"{code} {a:+d} → {b:+d}" for code, (a, b) in sorted(points.items()) if a != b),
    )


def difference(each: Example) -> int:
    """Above zero where the new policy is stricter; a changed verdict counts more than any number of points."""
    return 1_000 * (WEIGHT[each.new_verdict] - WEIGHT[each.old_verdict]) + each.new_score - each.old_score


def most_telling(examples: list[Example]) -> tuple[Example, ...]:
    """Those that changed most, by size of the change; no seller more than twice and no wording more than once."""
    chosen: list[Example] = []
    seen: Counter[str] = Counter()
    for each in sorted(examples, key=lambda each: (-abs(difference(each)), each.finding_id)):
        is_new = seen[each.seller_id] < MOST_OF_ONE_SELLER and not seen[each.excerpt]
        if is_new and each.old_verdict != each.new_verdict:
            seen.update((each.seller_id, each.excerpt))
            chosen.append(each)
    return tuple(chosen[:EXAMPLES])


MOST_OF_ONE_SELLER = 2


def summary_rows(comparison: Comparison) -> list[tuple[str, Any, Any]]:
    """The figures at the top of table and page: what, under the old policy, under the new one."""
    verdicts = comparison.verdicts
    rows: list[tuple[str, Any, Any]] = [
        (
            f"{name} findings",
            sum(verdicts[name].values()),
            sum(row[name] for row in verdicts.values()),
        )
        for name in (Verdict.VIOLATION, Verdict.QUESTIONABLE, Verdict.PERMITTED)
    ]
    rows.append(("alerts", comparison.alerts.old, comparison.alerts.new))
    alerts = comparison.alert_changes
    rows.append(("alerts that the other policy has not", alerts["vanish"], alerts["appear"]))
    rows.append(("alerts of both that differ", alerts["change"], alerts["change"]))
    rows.append(("sellers alerted under this one alone", len(comparison.sellers_lost), len(comparison.sellers_gained)))
    rows.append(("analyst hours a day", comparison.hours_per_day.old, comparison.hours_per_day.new))
    if comparison.old_quality and comparison.new_quality:
        old, new = comparison.old_quality, comparison.new_quality
        rows.append(("precision of alerts", told(old.precision), told(new.precision)))
        rows.append(("recall of alerts", told(old.recall), told(new.recall)))
    return rows


def change_rows(comparison: Comparison) -> list[tuple[str, str, Any, Any]]:
    """Every figure by rule, marketplace, trigger or advisory that differs: what is counted, of what, old, new."""
    counted = {
        "findings by rule": comparison.rules,
        "violations by marketplace": comparison.marketplaces,
        "alerts by marketplace": comparison.alerts_by_marketplace,
        "alerts by trigger": comparison.triggers,
        "advisories": comparison.advisories,
    }
    return [
        (what, name, pair.old, pair.new)
        for what, figures in counted.items()
        for name, pair in figures.items()
        if pair.old != pair.new
    ]


def told(estimate: Estimate) -> str:
    """A share in words: `0.75 (0.41 to 0.93, 6 of 8)`."""
    if estimate.share is None:
        return "no cases"
    return f"{estimate.share:.2f} ({estimate.low:.2f} to {estimate.high:.2f}, {estimate.hits} of {estimate.cases})"
