"""What buyers tell the marketplace of a seller: complaints, reviews, reports."""

from pipeline.judgement.dealings import keep_dealing
from pipeline.judgement.findings import message_of, revise
from pipeline.judgement.rows import dealing_key, seller_key
from pipeline.judgement.sellers import count, recall, with_due
from pipeline.judgement.state import State
from pipeline.judgement.triggers import on_complaint_counts, on_reporters
from pipeline.policy.book import PolicyBook
from pipeline.policy.model import Policy
from schemas.signals import ComplaintFiled, ReportFiled, ReviewGiven
from schemas.vocabulary import ComplaintReason

BAD_RATING = 2


def on_complaint(policy: Policy, state: State, signal: ComplaintFiled) -> None:
    """A complaint counts, and is remembered between these two."""
    seller = state.seller(signal.seller_id)
    if not recall(policy, seller, signal.complaint_id):
        return
    dealing = state.dealing(signal.seller_id, signal.buyer)
    if signal.reason is ComplaintReason.CONTACT_ABUSE:
        dealing.soured_at_ms = max(dealing.soured_at_ms or 0, signal.at_ms)
    else:
        dealing.complained_at_ms = max(dealing.complained_at_ms or 0, signal.at_ms)
    keep_dealing(policy, state, dealing, (signal.seller_id, signal.buyer), signal.at_ms)
    count(policy, seller, signal.at_ms, "complaints")
    on_complaint_counts(policy, state, seller, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def on_review(policy: Policy, state: State, signal: ReviewGiven) -> None:
    """A bad review is remembered: contact after it weighs as harassment."""
    if signal.rating > BAD_RATING:
        return
    dealing = state.dealing(signal.seller_id, signal.buyer)
    dealing.soured_at_ms = max(dealing.soured_at_ms or 0, signal.at_ms)
    keep_dealing(policy, state, dealing, (signal.seller_id, signal.buyer), signal.at_ms)


def on_report(book: PolicyBook, policy: Policy, state: State, signal: ReportFiled) -> None:
    """A report counts once a buyer, and joins the findings that it is about."""
    seller = state.seller(signal.seller_id)
    if not recall(policy, seller, signal.report_id):
        return
    join_findings(book, state, signal)
    dealing = state.dealing(signal.seller_id, signal.buyer)  # so that an erasure finds a buyer who only reported
    keep_dealing(policy, state, dealing, (signal.seller_id, signal.buyer), signal.at_ms)
    reporters = seller.reporters | {signal.buyer: max(signal.at_ms, seller.reporters.get(signal.buyer, 0))}
    newest = sorted(reporters.items(), key=lambda pair: (-pair[1], pair[0]))[: policy.retention.reporters]
    seller.reporters = dict(sorted(newest))
    count(policy, seller, signal.at_ms, "reports")
    on_reporters(policy, state, seller, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def join_findings(book: PolicyBook, state: State, signal: ReportFiled) -> None:
    """Revises the findings on the messages that the buyer reported."""
    dealing = state.dealing(signal.seller_id, signal.buyer)
    reported = [
        each for each in dealing.lately if not each.is_reported and message_of(each).message_id in signal.message_ids
    ]
    if not reported:
        return
    seller = state.seller(signal.seller_id)
    for awaiting in reported:
        awaiting.is_reported = True
        awaiting.history = dict(sorted((awaiting.history | {"reported": 1}).items()))
        order = state.order(signal.seller_id, awaiting.order_id) if awaiting.order_id is not None else None
        revise(book, state, seller, awaiting, order)
    state.put(dealing_key(signal.seller_id, signal.buyer), dealing)
