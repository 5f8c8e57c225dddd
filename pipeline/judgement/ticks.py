"""What time alone does: rows expire, verifications lapse, reviews become due or overdue, numbers are to be deleted.

What is due happens at its own time, not at the tick's: a late tick changes nothing but when the world hears of it.
"""

from pipeline.judgement.advisories import DELETE_NUMBER, advisory
from pipeline.judgement.alerts import Figures, begin_revision, instant, publish
from pipeline.judgement.dealings import with_due as dealing_with_due
from pipeline.judgement.rows import Dealing, Person, Row, Seller, dealing_key
from pipeline.judgement.sellers import with_due
from pipeline.judgement.state import State
from pipeline.judgement.triggers import on_verification_age
from pipeline.policy.book import PolicyBook
from pipeline.policy.model import Policy
from schemas.signals import Tick


def on_tick(book: PolicyBook, state: State, signal: Tick) -> None:
    """Lets every row that is due have its time, until none is."""
    keys = state.due(signal.at_ms)
    for key in keys:
        row = state.row(key)
        if isinstance(row, Person):
            continue
        while row is not None and row.due_ms is not None and row.due_ms <= signal.at_ms:
            row = on_due(book.in_force(row.due_ms), state, row, row.due_ms)
        state.put(key, row)
    for key in keys:  # last: a list of dealings goes by those that are left
        person = state.row(key)
        if isinstance(person, Person):
            state.put(key, still_dealing(state, person, key.removeprefix(b"p:").decode()))


def on_due(policy: Policy, state: State, row: Row, due_ms: int) -> Row | None:
    """The row after its time has come; `None` where that was its end. Its next time lies later, always."""
    match row:
        case Seller():
            on_due_seller(policy, state, row, due_ms)
            return with_due(policy, row)
        case Dealing(remind_at_ms=int(remind_at_ms)) if remind_at_ms <= due_ms:
            return on_due_reminder(policy, state, row, due_ms)
        case _:
            return None


def still_dealing(state: State, person: Person, buyer: str) -> Person | None:
    """The list of a buyer's dealings without those that are forgotten; `None` when all are."""
    rows = {seller_id: state.row(dealing_key(seller_id, buyer)) for seller_id in person.sellers}
    ends_ms = [row.due_ms for row in rows.values() if row is not None and row.due_ms is not None]
    if not ends_ms:
        return None
    person.sellers = [seller_id for seller_id, row in rows.items() if row is not None]
    person.due_ms = max(ends_ms)
    return person


def on_due_seller(policy: Policy, state: State, seller: Seller, now_ms: int) -> None:
    """A lapse, a periodic review or an overdue one."""
    on_verification_age(policy, state, seller, now_ms)
    episode = seller.episode
    if episode is not None and episode.due_at_ms <= now_ms and not episode.is_overdue:
        episode.is_overdue = True
        begin_revision(state, seller, episode, now_ms)
        overdue: dict[str, Figures] = {"review_overdue": {"due_at": instant(episode.due_at_ms).isoformat()}}
        text = f"The review was due by then. (Clause {policy.triggers.clauses['review_overdue']}.)"
        episode.reasons = dict(sorted((episode.reasons | {"review_overdue": text}).items()))
        episode.triggers = dict(sorted((episode.triggers | overdue).items()))
        publish(policy, state, seller, now_ms)


def on_due_reminder(policy: Policy, state: State, dealing: Dealing, now_ms: int) -> Dealing:
    """Tells the seller to delete the number, for its purpose has ended."""
    if DELETE_NUMBER in policy.advisories:
        seller_id, conversation_id, language = dealing.reminder
        whom = (seller_id, conversation_id, language)
        state.advisories.append(advisory(policy, DELETE_NUMBER, whom, now_ms, None))
    dealing.reminder = []
    dealing.remind_at_ms = None
    return dealing_with_due(policy, dealing, dealing.last_at_ms)
