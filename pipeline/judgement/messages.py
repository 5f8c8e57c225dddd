"""What one message makes of the rows: the buyer's wishes, or the verdict on the seller and what follows from it."""

from pipeline.judgement.advisories import advise
from pipeline.judgement.alerts import Cause, Figures, add_strikes, current_strikes, raise_alert
from pipeline.judgement.answers import with_answered
from pipeline.judgement.dealings import keep_dealing
from pipeline.judgement.discretion import Circumstances, tone_of
from pipeline.judgement.findings import await_more, finding_id_of, publish_finding
from pipeline.judgement.fragments import with_joined
from pipeline.judgement.insistence import with_insisted
from pipeline.judgement.rings import tell_contacts
from pipeline.judgement.rows import Conversation, Dealing, Seller, conversation_key, seller_key
from pipeline.judgement.sellers import (
    count,
    file_finding,
    grave_rules,
    remember_wording,
    strikes_of,
    with_due,
)
from pipeline.judgement.state import State, remembered
from pipeline.judgement.times import DAY_MS
from pipeline.judgement.triggers import (
    on_awakening,
    on_persistence,
    on_phone_dependence,
    on_solicitation_counts,
    on_strikes,
    on_verified_change,
)
from pipeline.judgement.verdicts import Judged, explanation, is_doubt, is_push, judged, wants_finding
from pipeline.policy.model import Policy
from schemas.signals import MessageSeen
from schemas.vocabulary import Act, Manner, Sender, Verdict

MOST_TIMES = 1_000
KEPT_CONVERSATIONS = 8
KEPT_CONTACTS = 4


def on_message(policy: Policy, state: State, signal: MessageSeen) -> None:
    """A message with something of interest."""
    conversation = state.conversation(signal.seller_id, signal.conversation_id)
    seen = remembered(conversation.seen, signal.message_id, policy.retention.duplicates)
    if seen is None:
        return
    conversation.seen = seen
    conversation.last_at_ms = max(conversation.last_at_ms, signal.at_ms)
    dealing = state.dealing(signal.seller_id, signal.buyer)
    others = [each for each in dealing.conversations if each != signal.conversation_id]
    dealing.conversations = [*others, signal.conversation_id][-KEPT_CONVERSATIONS:]
    if signal.sender is Sender.BUYER:
        remember_wish(policy, with_answered(policy, signal, conversation), dealing)
    else:
        on_seller_message(policy, state, signal, conversation, dealing)
    conversation.due_ms = conversation.last_at_ms + policy.retention.conversation_days * DAY_MS
    state.put(conversation_key(signal.seller_id, signal.conversation_id), conversation)
    keep_dealing(policy, state, dealing, (signal.seller_id, signal.buyer), signal.at_ms)


def remember_wish(policy: Policy, signal: MessageSeen, dealing: Dealing) -> None:
    """What the buyer said about contact: the latest word holds, and a refusal beside a grant is a refusal."""
    acts = {seen.act for seen in signal.acts}
    if Act.DISCLOSE in acts:
        remind_at_ms = signal.at_ms + policy.retention.delete_number_latest_days * DAY_MS
        dealing.remind_at_ms = max(dealing.remind_at_ms or 0, remind_at_ms)
        dealing.reminder = [signal.seller_id, signal.conversation_id, signal.language or "en"]
        given = [str(name) for seen in signal.contacts for name in (seen.contact, seen.former) if name]
        dealing.contacts = list(dict.fromkeys([*dealing.contacts, *given]))[-KEPT_CONTACTS:]
    if acts & {Act.REFUSE, Act.WITHDRAW}:
        dealing.refused_at_ms = max(dealing.refused_at_ms or 0, signal.at_ms)
        return
    if acts & {Act.GRANT, Act.DISCLOSE}:
        dealing.granted_at_ms = max(dealing.granted_at_ms or 0, signal.at_ms)
    if Act.REQUEST in acts:
        dealing.asked_at_ms = max(dealing.asked_at_ms or 0, signal.at_ms)
    if acts & {Act.GRANT, Act.DISCLOSE, Act.REQUEST}:
        dealing.requests_after_refusal = 0


def on_seller_message(
    policy: Policy, state: State, signal: MessageSeen, conversation: Conversation, dealing: Dealing
) -> None:
    """Judges the message and lets its consequences follow."""
    signal = with_insisted(with_joined(policy, signal, conversation), conversation, dealing)
    if wants_finding(signal):
        judge_message(policy, state, signal, conversation, dealing)
    # Remembered after the verdict: they weigh in the next one.
    if Manner.ALTERNATIVE_OFFERED in signal.manners:
        conversation.alternatives = min(conversation.alternatives + 1, MOST_TIMES)
    if Manner.URGENCY in signal.manners:
        conversation.urgings = min(conversation.urgings + 1, MOST_TIMES)
    if is_push(signal) and not is_doubt(signal):
        conversation.requests = min(conversation.requests + 1, MOST_TIMES)
        conversation.unanswered_since_ms = signal.at_ms
    conversation.tone = max(conversation.tone, tone_of(signal))
    if Manner.THREAT in signal.manners:
        dealing.threatened_at_ms = signal.at_ms


def judge_message(
    policy: Policy, state: State, signal: MessageSeen, conversation: Conversation, dealing: Dealing
) -> None:
    """The verdict, its finding and its advisories."""
    seller = state.seller(signal.seller_id)
    silent_since_ms = seller.last_at_ms
    seller.marketplace = signal.marketplace or seller.marketplace
    seller.last_at_ms = max(seller.last_at_ms, signal.at_ms)
    conversation.order_id = signal.order_id or conversation.order_id
    order_id = conversation.order_id or dealing.order_id
    order = state.order(signal.seller_id, order_id) if order_id is not None else None
    strikes = current_strikes(policy, seller, signal.at_ms)
    verdict = judged(policy, signal, Circumstances(seller, conversation, dealing, order, strikes))
    publish_finding(policy, state, signal, verdict)
    await_more(policy, dealing, signal, verdict, order_id if order is not None else None)
    remember_wording(policy, seller, signal)
    if verdict.verdict is not Verdict.PERMITTED:
        file_finding(policy, seller, finding_id_of(signal), verdict)
    if not is_doubt(signal):
        draw_consequences(policy, state, signal, seller, conversation, dealing, verdict)
        if verdict.verdict is Verdict.VIOLATION:
            on_awakening(policy, state, seller, silent_since_ms, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def draw_consequences(  # noqa: PLR0913, PLR0917 - all that a verdict touches
    policy: Policy,
    state: State,
    signal: MessageSeen,
    seller: Seller,
    conversation: Conversation,
    dealing: Dealing,
    verdict: Judged,
) -> None:
    """Advisories, counts and triggers: what a doubt, which is for a person to settle, does not lead to."""
    advise(policy, state, signal, conversation, verdict)
    if is_push(signal) and not conversation.requests and not verdict.has("buyer_wished"):
        count(policy, seller, signal.at_ms, "asked")
        on_phone_dependence(policy, state, seller, signal.at_ms)
    if verdict.has("after_refusal"):
        dealing.requests_after_refusal = min(dealing.requests_after_refusal + 1, MOST_TIMES)
    if verdict.verdict is not Verdict.PERMITTED:
        follow_up(policy, state, signal, seller, verdict)
        tell_contacts(policy, state, signal, seller, dealing)


def follow_up(policy: Policy, state: State, signal: MessageSeen, seller: Seller, verdict: Judged) -> None:
    """Counts, strikes and triggers of a message that was not permitted."""
    add_strikes(policy, seller, signal.at_ms, strikes_of(policy, verdict))
    count(policy, seller, signal.at_ms, "solicitations")
    grave = grave_rules(policy, verdict)
    if grave:
        figures: Figures = {"points": verdict.score, "risk": str(verdict.risk), "rules": " ".join(grave)}
        raise_alert(policy, state, seller, signal.at_ms, Cause("grave_act", figures, explanation(policy, verdict)))
    if verdict.has("after_refusal"):
        on_persistence(policy, state, seller, signal.at_ms)
    on_solicitation_counts(policy, state, seller, signal.at_ms)
    on_verified_change(policy, state, seller, signal.at_ms)
    on_strikes(policy, state, seller, signal.at_ms)
