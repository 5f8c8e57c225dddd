"""What an analyst's decision makes of a seller: alerts close, strikes move, rules earn their precision."""

from pipeline.judgement.alerts import add_strikes, alert_id, close_episode
from pipeline.judgement.rows import Closed, JudgedBefore, Person, Seller, person_key, seller_key
from pipeline.judgement.sellers import recall, with_due
from pipeline.judgement.state import State
from pipeline.judgement.times import DAY_MS
from pipeline.policy.model import Policy
from schemas.signals import OutcomeRecorded
from schemas.vocabulary import OutcomeAction, OutcomeVerdict, VerificationStatus


def on_outcome(policy: Policy, state: State, signal: OutcomeRecorded) -> None:
    """Closes the episode it is about, or overturns the one closed before, and moves the ladder."""
    seller = state.seller(signal.seller_id)
    if not recall(policy, seller, signal.outcome_id):
        return
    if signal.action is OutcomeAction.REVERIFIED:
        note_verified(seller, signal.at_ms)
    if is_appeal(seller, signal):
        overturn(policy, seller, signal)
    else:
        decide(policy, state, seller, signal)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def decide(policy: Policy, state: State, seller: Seller, signal: OutcomeRecorded) -> None:
    """A first decision: on the findings it names, or on all that the alert rests on."""
    concerned = [each for each in seller.judged if not signal.finding_ids or each.finding_id in signal.finding_ids]
    for each in concerned:
        state.confirmed.update((rule, str(signal.verdict)) for rule in each.rules.split())
    change = strike_change(policy, signal, concerned)
    add_strikes(policy, seller, signal.at_ms, change)
    is_confirmed = signal.verdict is OutcomeVerdict.CONFIRMED
    if not is_confirmed:
        seller.judged = [each for each in seller.judged if each not in concerned]
    episode = seller.episode
    is_about_episode = episode is not None and (
        signal.alert_id == alert_id(seller.seller_id, episode.number)
        or (signal.alert_id is None and not signal.finding_ids)
    )
    if episode is not None and is_about_episode:
        note_reporters(policy, state, seller, signal)
        state.review_times_ms.append(max(signal.at_ms - episode.opened_at_ms, 0))
        seller.closed = Closed(episode.number, signal.at_ms, is_confirmed, round(change, 4))
        quiet_days = policy.hygiene.cool_down_days if is_confirmed else policy.hygiene.snooze_days
        close_episode(policy, state, seller, signal.at_ms, quiet_days)


def note_reporters(policy: Policy, state: State, seller: Seller, signal: OutcomeRecorded) -> None:
    """Adds the decision to the record of every buyer who reported since the last one: it weighs in later reports."""
    since_ms = signal.at_ms - policy.triggers.reporter_days * DAY_MS
    if seller.closed is not None:
        since_ms = max(since_ms, seller.closed.at_ms)
    for buyer, reported_ms in seller.reporters.items():
        person = state.row(person_key(buyer))
        if since_ms < reported_ms <= signal.at_ms and isinstance(person, Person):
            person.confirmed += signal.verdict is OutcomeVerdict.CONFIRMED
            person.dismissed += signal.verdict is OutcomeVerdict.DISMISSED
            state.put(person_key(buyer), person)


def strike_change(policy: Policy, signal: OutcomeRecorded, concerned: list[JudgedBefore]) -> float:
    """A confirmation adds; a dismissal takes back what the findings had added."""
    if signal.verdict is OutcomeVerdict.CONFIRMED:
        return policy.ladder.confirmed_strikes
    return 0.0 - sum((each.strikes for each in concerned), 0.0)  # a float always: 0 and 0.0 are different bytes


def is_appeal(seller: Seller, signal: OutcomeRecorded) -> bool:
    """Whether the decision turns around the last one on the same alert."""
    closed = seller.closed
    return (
        closed is not None
        and signal.alert_id == alert_id(seller.seller_id, closed.number)
        and closed.is_confirmed is not (signal.verdict is OutcomeVerdict.CONFIRMED)
    )


def overturn(policy: Policy, seller: Seller, signal: OutcomeRecorded) -> None:
    """Undoes the decision before: its strikes, and for a dismissal those of the findings as well."""
    closed = seller.closed
    if closed is None:
        return
    is_confirmed = signal.verdict is OutcomeVerdict.CONFIRMED
    concerned = [] if is_confirmed else seller.judged
    change = strike_change(policy, signal, concerned) if not is_confirmed else policy.ladder.confirmed_strikes
    add_strikes(policy, seller, signal.at_ms, change - closed.strikes)
    if is_confirmed:
        seller.quiet_until_ms = signal.at_ms  # reopened: the next trigger alerts again
    else:
        seller.judged = []
    seller.closed = Closed(closed.number, signal.at_ms, is_confirmed, round(change, 4))


def note_verified(seller: Seller, at_ms: int) -> None:
    """The seller has been verified again: the clock of the periodic review starts anew."""
    verification = seller.verification
    verification.status = VerificationStatus.VERIFIED
    verification.at_ms = max(verification.at_ms, at_ms)
    verification.verified_at_ms = at_ms
    verification.is_lapse_told = False
    verification.changed_at_ms = None
    if verification.expires_at_ms is not None and verification.expires_at_ms <= at_ms:
        verification.expires_at_ms = None
