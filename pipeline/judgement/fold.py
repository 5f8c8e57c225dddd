"""What one signal makes of the rows, and what the world should hear of it. Decides, performs nothing."""

from pipeline.judgement.buyers import on_complaint, on_report, on_review
from pipeline.judgement.erasure import on_erasure
from pipeline.judgement.messages import on_message
from pipeline.judgement.orders import on_order
from pipeline.judgement.outcomes import on_outcome
from pipeline.judgement.plain_orders import PlainOrder
from pipeline.judgement.rings import on_contact, on_ring
from pipeline.judgement.rotation import adopt_former
from pipeline.judgement.rows import POLICY_KEY, PolicyRow
from pipeline.judgement.state import State
from pipeline.judgement.ticks import on_tick
from pipeline.judgement.verification import on_verification
from pipeline.policy.book import PolicyBook
from schemas.signals import (
    ComplaintFiled,
    ContactPushed,
    ErasureRequested,
    MessageSeen,
    OrderChanged,
    OutcomeRecorded,
    PolicyChanged,
    ReportFiled,
    ReviewGiven,
    RingFound,
    Signal,
    Tick,
    VerificationChanged,
)


def fold(book: PolicyBook, state: State, signal: Signal | PlainOrder) -> None:
    """Folds one signal into the state under the policy in force at the event's time."""
    policy = book.in_force(signal.at_ms)
    state.arrived_at_ms = signal.arrived_at_ms
    state.alerts_before = len(state.alerts)
    if signal.former_buyer is not None and not isinstance(signal, PlainOrder):
        adopt_former(book, state, signal)
    match signal:
        case PlainOrder() | OrderChanged():  # four signals in five
            on_order(book, policy, state, signal)
        case MessageSeen():
            on_message(policy, state, signal)
        case ComplaintFiled():
            on_complaint(policy, state, signal)
        case ReviewGiven():
            on_review(policy, state, signal)
        case ReportFiled():
            on_report(book, policy, state, signal)
        case VerificationChanged():
            on_verification(policy, state, signal)
        case OutcomeRecorded():
            on_outcome(policy, state, signal)
        case ErasureRequested():
            on_erasure(book, state, signal)
        case ContactPushed():
            on_contact(policy, state, signal)
        case RingFound():
            on_ring(policy, state, signal)
        case PolicyChanged():
            state.put(POLICY_KEY, PolicyRow(book=signal.book))
        case Tick():
            on_tick(book, state, signal)
