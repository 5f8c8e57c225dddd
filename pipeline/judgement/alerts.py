"""One episode per seller: opened, raised, overdue, closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pipeline.judgement.rates import decayed
from pipeline.judgement.rows import Episode, Seller
from pipeline.judgement.state import State, content_id
from pipeline.judgement.times import DAY_MS
from pipeline.policy.model import Policy, ladder_steps
from schemas.outputs import Alert, StatementOfReasons, Trigger
from schemas.vocabulary import Action, Severity

SEVERITIES = tuple(Severity)
ACTIONS = tuple(Action)
FROM_REPORTS = frozenset({"reports", "complaint_surge"})
Figures = dict[str, int | float | str]
SEVERITY_WEIGHT = {Severity.LOW: 100, Severity.MEDIUM: 300, Severity.HIGH: 550, Severity.CRITICAL: 800}


@dataclass(frozen=True, slots=True)
class Cause:
    """A trigger that fired: its code, the figures it rests on, and the sentence for the analyst."""

    code: str
    figures: Mapping[str, int | float | str]
    text: str


def raise_alert(policy: Policy, state: State, seller: Seller, at_ms: int, cause: Cause) -> None:
    """Opens an episode for a trigger, or revises the open one when the trigger is new or the step rises."""
    code, figures = cause.code, dict(cause.figures)
    reason = f"{cause.text} (Clause {policy.triggers.clauses[code]}.)"
    severity = policy.triggers.severity[code]
    action = recommended(policy, seller, at_ms)
    episode = seller.episode
    if episode is None:
        if at_ms < seller.quiet_until_ms and not is_graver(severity, seller.quiet_severity):
            return
        seller.episodes += 1
        seller.episode = Episode(
            number=seller.episodes,
            revision=0,
            opened_at_ms=at_ms,
            due_at_ms=review_due_ms(policy, state, severity, at_ms),
            severity=severity,
            action=action,
            triggers={code: figures},
            reasons={code: reason},
        )
        publish(policy, state, seller, at_ms)
        return
    escalates = (
        code not in episode.triggers
        or SEVERITIES.index(severity) > SEVERITIES.index(episode.severity)
        or ACTIONS.index(action) > ACTIONS.index(episode.action)
    )
    if not escalates:
        return
    begin_revision(state, seller, episode, at_ms)
    episode.triggers = dict(sorted((episode.triggers | {code: figures}).items()))
    episode.reasons = dict(sorted((episode.reasons | {code: reason}).items()))
    episode.severity = max(episode.severity, severity, key=SEVERITIES.index)
    episode.action = max(episode.action, action, key=ACTIONS.index)
    due_ms = review_due_ms(policy, state, episode.severity, at_ms)
    episode.due_at_ms = min(episode.due_at_ms, due_ms)
    publish(policy, state, seller, at_ms)


def begin_revision(state: State, seller: Seller, episode: Episode, at_ms: int) -> None:
    """Counts a revision, unless this signal has made one already: several triggers at once are told once."""
    last = state.alerts[-1] if len(state.alerts) > state.alerts_before else None
    if last is not None and last.alert_id == alert_id(seller.seller_id, episode.number) and last.at == instant(at_ms):
        state.alerts.pop()
    else:
        episode.revision += 1


def review_due_ms(policy: Policy, state: State, severity: Severity, at_ms: int) -> int:
    """When a review is due: the policy's days after the event, or after its arrival when it came late."""
    return max(at_ms, state.arrived_at_ms) + policy.hygiene.review_days[severity] * DAY_MS


def is_graver(severity: Severity, than: Severity) -> bool:
    """Whether a trigger breaks the silence after a closed alert: something critical always does."""
    return severity is Severity.CRITICAL or SEVERITIES.index(severity) > SEVERITIES.index(than)


def close_episode(policy: Policy, state: State, seller: Seller, at_ms: int, quiet_days: int) -> None:
    """Closes the open episode with a last revision; the seller is left alone for a while."""
    episode = seller.episode
    if episode is None:
        return
    episode.revision += 1
    publish(policy, state, seller, at_ms, is_closed=True)
    seller.episode = None
    seller.quiet_until_ms = at_ms + quiet_days * DAY_MS
    seller.quiet_severity = episode.severity


def statement(policy: Policy, episode: Episode) -> tuple[str, ...]:
    """What a statement of reasons has to say: the facts with their clauses, how it came about, and the redress."""
    return (
        *episode.reasons.values(),
        policy.statement.automated,
        policy.statement.redress.replace("{days}", str(policy.statement.redress_days)),
    )


def statement_of_reasons(policy: Policy, episode: Episode, at_ms: int) -> StatementOfReasons:
    """The parts of a statement of reasons for the recommended step."""
    words = policy.statement
    return StatementOfReasons(
        step=episode.action,
        effect=words.steps[episode.action],
        facts=tuple(episode.reasons.values()),
        clauses=tuple(policy.triggers.clauses[code] for code in episode.reasons),
        is_from_reports=not FROM_REPORTS.isdisjoint(episode.triggers),
        automated=words.automated,
        redress=words.redress.replace("{days}", str(words.redress_days)),
        redress_until=instant(at_ms + words.redress_days * DAY_MS),
    )


def publish(  # noqa: PLR0913 - how it ended
    policy: Policy, state: State, seller: Seller, at_ms: int, *, is_closed: bool = False, is_withdrawn: bool = False
) -> None:
    """Adds the episode as it stands to the effects."""
    episode = seller.episode
    if episode is None:
        return
    state.alerts.append(
        Alert(
            alert_id=alert_id(seller.seller_id, episode.number),
            revision=episode.revision,
            episode=episode.number,
            seller_id=seller.seller_id,
            marketplace=seller.marketplace,
            at=instant(at_ms),
            opened_at=instant(episode.opened_at_ms),
            severity=episode.severity,
            priority=priority(episode, current_strikes(policy, seller, at_ms)),
            triggers=tuple(Trigger(code=code, figures=figures) for code, figures in episode.triggers.items()),
            finding_ids=tuple(each.finding_id for each in seller.judged),
            recommended_action=episode.action,
            reasons=statement(policy, episode),
            statement=statement_of_reasons(policy, episode, at_ms),
            due_at=instant(episode.due_at_ms),
            is_closed=is_closed,
            is_withdrawn=is_withdrawn,
            policy_version=policy.version,
        )
    )


def alert_id(seller_id: str, number: int) -> str:
    """Id of a seller's episode."""
    return content_id("a", seller_id, number)


def priority(episode: Episode, strikes: float) -> int:
    """Expected harm, 0 to 1000: severity first, then how much there is on file."""
    return min(SEVERITY_WEIGHT[episode.severity] + 25 * len(episode.triggers) + min(int(strikes * 15), 100), 1000)


def recommended(policy: Policy, seller: Seller, at_ms: int) -> Action:
    """The step of the ladder that the seller's strikes have reached; an alert asks at least for re-verification."""
    strikes = current_strikes(policy, seller, at_ms)
    step = next((action for least, action in ladder_steps(policy.ladder) if strikes >= least), Action.NONE)
    return max(step, Action.REVERIFICATION, key=ACTIONS.index)


def current_strikes(policy: Policy, seller: Seller, at_ms: int) -> float:
    """The strike score after decay, rounded so that equal histories give equal bytes."""
    if not seller.strikes:
        return 0.0
    return round(decayed(seller.strikes, at_ms - seller.strikes_at_ms, policy.ladder.half_life_days * DAY_MS), 4)


def add_strikes(policy: Policy, seller: Seller, at_ms: int, strikes: float) -> None:
    """Adds to the decayed score."""
    seller.strikes = round(max(current_strikes(policy, seller, at_ms) + strikes, 0.0), 4)
    seller.strikes_at_ms = max(at_ms, seller.strikes_at_ms)


def instant(at_ms: int) -> datetime:
    """Epoch milliseconds as UTC."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)
