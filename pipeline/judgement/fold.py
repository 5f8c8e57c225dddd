"""What one signal makes of the rows, and what the world should hear of it. Decides, performs nothing."""

from pipeline.judgement.advisories import advise
from pipeline.judgement.alerts import Cause, add_strikes, close_episode, instant, publish, raise_alert
from pipeline.judgement.rows import (
    COUNTS,
    Conversation,
    Dealing,
    OrderRow,
    Seller,
    conversation_key,
    dealing_key,
    order_key,
    seller_key,
)
from pipeline.judgement.state import State, content_id, remembered
from pipeline.judgement.triggers import (
    DAY_MS,
    on_complaint_counts,
    on_persistence,
    on_reporters,
    on_solicitation_counts,
    on_verification_age,
    on_verified_change,
)
from pipeline.judgement.verdicts import PUSHES, Circumstances, Judged, explanation, judged, wants_finding
from pipeline.policy.book import PolicyBook
from pipeline.policy.model import Policy
from schemas.outputs import Finding
from schemas.signals import (
    ComplaintFiled,
    ErasureRequested,
    MessageSeen,
    OrderChanged,
    OutcomeRecorded,
    ReportFiled,
    ReviewGiven,
    Signal,
    Tick,
    VerificationChanged,
)
from schemas.vocabulary import (
    Act,
    DocumentKind,
    ErasureSubject,
    Fulfilment,
    Manner,
    OrderStatus,
    OutcomeVerdict,
    Sender,
    Verdict,
    VerificationStatus,
)

Triggers = dict[str, dict[str, int | float | str]]
BAD_RATING = 2
WATCHED_DOCUMENTS = frozenset({DocumentKind.BANK, DocumentKind.TAX_ID, DocumentKind.IDENTITY})


def fold(book: PolicyBook, state: State, signal: Signal) -> None:
    """Folds one signal into the state under the policy in force at the event's time."""
    policy = book.in_force(signal.at_ms)
    state.arrived_at_ms = signal.arrived_at_ms
    match signal:
        case MessageSeen():
            on_message(policy, state, signal)
        case OrderChanged():
            on_order(policy, state, signal)
        case ComplaintFiled():
            on_complaint(policy, state, signal)
        case ReviewGiven():
            on_review(policy, state, signal)
        case ReportFiled():
            on_report(policy, state, signal)
        case VerificationChanged():
            on_verification(policy, state, signal)
        case OutcomeRecorded():
            on_outcome(policy, state, signal)
        case ErasureRequested():
            on_erasure(state, signal)
        case Tick():
            on_tick(policy, state, signal)


def on_message(policy: Policy, state: State, signal: MessageSeen) -> None:
    """A message with something of interest: what the buyer wishes, or the verdict on what the seller did."""
    conversation = state.conversation(signal.seller_id, signal.conversation_id)
    seen = remembered(conversation.seen, signal.message_id, policy.retention.duplicates)
    if seen is None:
        return
    conversation.seen = seen
    conversation.last_at_ms = max(conversation.last_at_ms, signal.at_ms)
    dealing = state.dealing(signal.seller_id, signal.buyer)
    dealing.last_at_ms = max(dealing.last_at_ms, signal.at_ms)
    if signal.sender is Sender.BUYER:
        remember_wish(signal, dealing)
    else:
        on_seller_message(policy, state, signal, conversation, dealing)
    keep(policy, state, signal, conversation, dealing)


def remember_wish(signal: MessageSeen, dealing: Dealing) -> None:
    """What the buyer said about contact: the latest word holds, and a refusal beside a grant is a refusal."""
    acts = {seen.act for seen in signal.acts}
    if acts & {Act.REFUSE, Act.WITHDRAW}:
        dealing.refused_at_ms = signal.at_ms
        return
    if acts & {Act.GRANT, Act.DISCLOSE}:
        dealing.granted_at_ms = signal.at_ms
    if Act.REQUEST in acts:
        dealing.asked_at_ms = signal.at_ms


def on_seller_message(
    policy: Policy, state: State, signal: MessageSeen, conversation: Conversation, dealing: Dealing
) -> None:
    """Judges the message and lets its consequences follow."""
    if not wants_finding(signal):
        if Manner.ALTERNATIVE_OFFERED in signal.manners:
            conversation.alternatives += 1
        return
    seller = state.seller(signal.seller_id)
    seller.marketplace = signal.marketplace or seller.marketplace
    seller.last_at_ms = max(seller.last_at_ms, signal.at_ms)
    order = order_of(state, signal, conversation, dealing)
    around = Circumstances(seller, conversation, dealing, order)
    verdict = judged(policy, signal, around)
    state.findings.append(finding(policy, signal, verdict))
    if any(seen.act in PUSHES for seen in signal.acts):
        conversation.requests = min(conversation.requests + 1, 1_000)
    advise(policy, state, signal, conversation, verdict)
    if verdict.verdict is not Verdict.PERMITTED:
        follow_up(policy, state, signal, around, verdict)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def follow_up(policy: Policy, state: State, signal: MessageSeen, around: Circumstances, verdict: Judged) -> None:
    """Counts, strikes and triggers of a message that was not permitted."""
    seller, dealing = around.seller, around.dealing
    seller.finding_ids = [*seller.finding_ids, finding_id(signal)][-policy.hygiene.findings_on_file :]
    is_violation = verdict.verdict is Verdict.VIOLATION
    strikes = policy.ladder.violation_strikes if is_violation else policy.ladder.questionable_strikes
    add_strikes(policy, seller, signal.at_ms, strikes)
    count(policy, seller, signal.at_ms, "solicitations")
    if is_violation and verdict.score >= policy.triggers.grave_points:
        figures: dict[str, int | float | str] = {"points": verdict.score, "risk": str(verdict.risk)}
        raise_alert(policy, state, seller, signal.at_ms, Cause("grave_act", figures, explanation(policy, verdict)))
    if verdict.has("after_refusal"):
        dealing.requests_after_refusal = min(dealing.requests_after_refusal + 1, 1_000)
        on_persistence(policy, state, seller, signal.at_ms)
    on_solicitation_counts(policy, state, seller, signal.at_ms)
    on_verified_change(policy, state, seller, signal.at_ms)


def finding_id(signal: MessageSeen) -> str:
    """The same wherever the message is judged: from the place where it lies."""
    return content_id("f", signal.origin.topic, signal.origin.partition, signal.origin.offset)


def finding(policy: Policy, signal: MessageSeen, verdict: Judged) -> Finding:
    """The verdict as it leaves."""
    return Finding(
        finding_id=finding_id(signal),
        message_id=signal.message_id,
        conversation_id=signal.conversation_id,
        seller_id=signal.seller_id,
        buyer=signal.buyer,
        order_id=signal.order_id,
        marketplace=signal.marketplace,
        language=signal.language,
        at=instant(signal.at_ms),
        act=verdict.act,
        channel=verdict.channel,
        verdict=verdict.verdict,
        severity=verdict.severity,
        risk=verdict.risk,
        score=verdict.score,
        reasons=verdict.reasons,
        rules=signal.rules,
        explanation=explanation(policy, verdict),
        policy_version=policy.version,
        excerpt=signal.excerpt,
    )


def order_of(state: State, signal: MessageSeen, conversation: Conversation, dealing: Dealing) -> OrderRow | None:
    """The order that a message names, else the conversation's, else the buyer's latest with this seller."""
    order_id = signal.order_id or conversation.order_id or dealing.order_id
    if order_id is None:
        return None
    conversation.order_id = conversation.order_id or signal.order_id
    return state.order(signal.seller_id, order_id)


def on_order(policy: Policy, state: State, signal: OrderChanged) -> None:
    """An order reached a stage: the row of the order, the buyer's latest order, and the seller's count."""
    old = state.order(signal.seller_id, signal.order_id)
    row = order_row(policy, signal, old)
    row.due_ms = row.changed_at_ms + policy.retention.order_days * DAY_MS
    state.put(order_key(signal.seller_id, signal.order_id), row)
    if signal.status is not OrderStatus.PLACED or (old is not None and old.is_placed):
        return
    dealing = state.dealing(signal.seller_id, signal.buyer)
    dealing.order_id = signal.order_id
    dealing.last_at_ms = max(dealing.last_at_ms, signal.at_ms)
    dealing.due_ms = dealing.last_at_ms + policy.retention.dealing_days * DAY_MS
    state.put(dealing_key(signal.seller_id, signal.buyer), dealing)
    seller = state.seller(signal.seller_id)
    seller.marketplace = signal.marketplace or seller.marketplace
    count(policy, seller, signal.at_ms, "orders")
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def order_row(policy: Policy, signal: OrderChanged, old: OrderRow | None) -> OrderRow:
    """The order after the event; an event older than what is known changes nothing but what was missing."""
    items = signal.items
    is_newer = old is None or signal.at_ms >= old.changed_at_ms
    is_placed = signal.status is OrderStatus.PLACED
    fresh = OrderRow(
        status=signal.status,
        placed_at_ms=signal.at_ms,
        changed_at_ms=signal.at_ms,
        is_placed=is_placed,
        fulfilments=sorted({item.fulfilment or Fulfilment.PARCEL for item in items}),
        categories=sorted({item.category for item in items if item.category})[:8],
        is_bulky=any(is_bulky(policy, item.title, item.weight_grams) for item in items),
        is_customised=any(item.customised for item in items),
        is_fragile=any(item.fragile for item in items),
        is_technical=any(item.technical for item in items),
    )
    if old is None:
        return fresh
    kept = fresh if items else old
    kept.status = signal.status if is_newer else old.status
    kept.placed_at_ms = signal.at_ms if is_placed else old.placed_at_ms
    kept.is_placed = is_placed or old.is_placed
    kept.changed_at_ms = max(signal.at_ms, old.changed_at_ms)
    return kept


def is_bulky(policy: Policy, title: str, weight_grams: int | None) -> bool:
    """Whether an item wants a delivery by appointment, from its weight or the words of its title."""
    if weight_grams is not None:
        return weight_grams >= policy.bulky_grams
    return policy.is_bulky_title(title)


def on_complaint(policy: Policy, state: State, signal: ComplaintFiled) -> None:
    """A complaint counts, and is remembered between these two."""
    seller = state.seller(signal.seller_id)
    if not recall(policy, seller, signal.complaint_id):
        return
    dealing = state.dealing(signal.seller_id, signal.buyer)
    dealing.complained_at_ms = max(dealing.complained_at_ms or 0, signal.at_ms)
    keep_dealing(policy, state, signal, dealing)
    count(policy, seller, signal.at_ms, "complaints")
    on_complaint_counts(policy, state, seller, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def on_review(policy: Policy, state: State, signal: ReviewGiven) -> None:
    """A bad review is remembered: contact after it weighs as harassment."""
    if signal.rating > BAD_RATING:
        return
    dealing = state.dealing(signal.seller_id, signal.buyer)
    dealing.bad_review_at_ms = max(dealing.bad_review_at_ms or 0, signal.at_ms)
    keep_dealing(policy, state, signal, dealing)


def on_report(policy: Policy, state: State, signal: ReportFiled) -> None:
    """A report counts once a buyer."""
    seller = state.seller(signal.seller_id)
    if not recall(policy, seller, signal.report_id):
        return
    reporters = seller.reporters | {signal.buyer: max(signal.at_ms, seller.reporters.get(signal.buyer, 0))}
    newest = sorted(reporters.items(), key=lambda pair: (-pair[1], pair[0]))[: policy.retention.reporters]
    seller.reporters = dict(sorted(newest))
    count(policy, seller, signal.at_ms, "reports")
    on_reporters(policy, state, seller, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def on_verification(policy: Policy, state: State, signal: VerificationChanged) -> None:
    """Where the platform's check stands now; a change of bank account, tax id or identity is remembered."""
    seller = state.seller(signal.seller_id)
    verification = seller.verification
    if signal.at_ms < verification.at_ms:
        return
    for document in signal.documents:
        known_ms = verification.documents.get(document.kind)
        if document.kind in WATCHED_DOCUMENTS and known_ms is not None and document.changed_at_ms > known_ms:
            verification.changed_at_ms = max(verification.changed_at_ms or 0, document.changed_at_ms)
        verification.documents[str(document.kind)] = document.changed_at_ms
    verification.documents = dict(sorted(verification.documents.items()))
    verification.at_ms = signal.at_ms
    verification.status = signal.status
    verification.expires_at_ms = signal.expires_at_ms
    if signal.status is VerificationStatus.VERIFIED:
        verification.verified_at_ms = signal.at_ms
        verification.is_lapse_told = False
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def on_outcome(policy: Policy, state: State, signal: OutcomeRecorded) -> None:
    """An analyst's decision closes the open episode; a dismissal takes strikes back, one a finding or all."""
    seller = state.seller(signal.seller_id)
    if not recall(policy, seller, signal.outcome_id):
        return
    if signal.verdict is OutcomeVerdict.DISMISSED:
        dismissed = [each for each in signal.finding_ids if each in seller.finding_ids]
        all_of_it = not signal.finding_ids
        taken = seller.strikes if all_of_it else policy.ladder.violation_strikes * len(dismissed)
        add_strikes(policy, seller, signal.at_ms, -taken)
        seller.finding_ids = [] if all_of_it else [each for each in seller.finding_ids if each not in dismissed]
    episode = seller.episode
    is_about_episode = signal.alert_id is None or (
        episode is not None and signal.alert_id == content_id("a", seller.seller_id, episode.number)
    )
    if is_about_episode:
        close_episode(policy, state, seller, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))


def on_erasure(state: State, signal: ErasureRequested) -> None:
    """Forgets a seller's row. A buyer's dealings hold only the pseudonym, and expire by the policy's retention."""
    if signal.subject is ErasureSubject.SELLER:
        state.put(seller_key(signal.seller_id), None)


def on_tick(policy: Policy, state: State, signal: Tick) -> None:
    """Time passed: rows expire, verifications lapse, reviews become due or overdue."""
    for key in state.due(signal.at_ms):
        row = state.row(key)
        if isinstance(row, Seller):
            on_due_seller(policy, state, row, signal.at_ms)
            state.put(key, with_due(policy, row))
        else:
            state.put(key, None)


def on_due_seller(policy: Policy, state: State, seller: Seller, now_ms: int) -> None:
    """A lapse, a periodic review or an overdue one."""
    on_verification_age(policy, state, seller, now_ms)
    episode = seller.episode
    if episode is not None and episode.due_at_ms <= now_ms and not episode.is_overdue:
        episode.is_overdue = True
        episode.revision += 1
        overdue: Triggers = {"review_overdue": {"due_at": instant(episode.due_at_ms).isoformat()}}
        episode.triggers = dict(sorted((episode.triggers | overdue).items()))
        publish(policy, state, seller, now_ms)


def with_due(policy: Policy, seller: Seller) -> Seller:
    """The seller's row with the next time at which time alone must change it."""
    verification = seller.verification
    times = []
    if verification.status is VerificationStatus.VERIFIED and not verification.is_lapse_told:
        if verification.expires_at_ms is not None:
            times.append(verification.expires_at_ms)
        if verification.verified_at_ms is not None:
            times.append(verification.verified_at_ms + policy.triggers.periodic_days * DAY_MS)
    if seller.episode is not None and not seller.episode.is_overdue:
        times.append(seller.episode.due_at_ms)
    seller.due_ms = min(times, default=None)
    return seller


def count(policy: Policy, seller: Seller, at_ms: int, what: str) -> None:
    """Adds one to the seller's day; the days farthest from the event's are dropped when there are too many."""
    day = at_ms // DAY_MS
    counts = list(seller.days.get(day, [0] * len(COUNTS)))
    counts[COUNTS.index(what)] += 1
    days = seller.days | {day: counts}
    limit = policy.longest_window_days + 1
    if len(days) > limit:
        del days[max(days, key=lambda each: (abs(each - day), each))]
    seller.days = dict(sorted(days.items()))


def recall(policy: Policy, seller: Seller, event_id: str) -> bool:
    """Whether the event is new to the seller; remembers it."""
    seen = remembered(seller.seen, event_id, policy.retention.duplicates)
    if seen is None:
        return False
    seller.seen = seen
    return True


def keep(policy: Policy, state: State, signal: MessageSeen, conversation: Conversation, dealing: Dealing) -> None:
    """Remembers both rows until the policy's time has passed without another event."""
    conversation.due_ms = conversation.last_at_ms + policy.retention.conversation_days * DAY_MS
    state.put(conversation_key(signal.seller_id, signal.conversation_id), conversation)
    keep_dealing(policy, state, signal, dealing)


def keep_dealing(
    policy: Policy, state: State, signal: MessageSeen | ComplaintFiled | ReviewGiven, dealing: Dealing
) -> None:
    """Remembers what seller and buyer have behind them."""
    dealing.last_at_ms = max(dealing.last_at_ms, signal.at_ms)
    dealing.due_ms = dealing.last_at_ms + policy.retention.dealing_days * DAY_MS
    state.put(dealing_key(signal.seller_id, signal.buyer), dealing)
