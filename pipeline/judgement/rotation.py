"""A new key makes new pseudonyms: what lies under a person's former one is moved when the person is met again."""

from pipeline.judgement.erasure import erase_dealing
from pipeline.judgement.findings import as_kept, message_of
from pipeline.judgement.rows import Dealing, dealing_key, person_key, seller_key
from pipeline.judgement.state import State
from pipeline.policy.book import PolicyBook
from schemas.ids import Pseudonym
from schemas.signals import ErasureRequested, Signal


def adopt_former(book: PolicyBook, state: State, signal: Signal) -> None:
    """Moves the rows of the signal's buyer from the former pseudonym to the new one, before the signal is folded."""
    former, buyer = signal.former_buyer, getattr(signal, "buyer", None)
    if former is None or buyer is None:
        return
    sellers = state.person(former).sellers
    for seller_id in sellers if isinstance(signal, ErasureRequested) else [signal.seller_id]:
        move(book, state, seller_id, (former, buyer))


def move(book: PolicyBook, state: State, seller_id: str, names: tuple[Pseudonym, Pseudonym]) -> None:
    """Moves what one seller has with a buyer; what lies under the new name already goes before."""
    former, buyer = names
    old = state.row(dealing_key(seller_id, former))
    if isinstance(old, Dealing):
        if state.row(dealing_key(seller_id, buyer)) is None:
            for awaiting in old.lately:
                awaiting.message = as_kept(message_of(awaiting).model_copy(update={"buyer": buyer}))
            state.put(dealing_key(seller_id, buyer), old)
            state.put(dealing_key(seller_id, former), None)
        else:
            erase_dealing(book, state, seller_id, former)
    seller = state.seller(seller_id)
    if former in seller.reporters:
        renamed = {buyer if each == former else each: at_ms for each, at_ms in seller.reporters.items()}
        seller.reporters = dict(sorted(renamed.items()))
        state.put(seller_key(seller_id), seller)
    move_person(state, seller_id, former, buyer)


def move_person(state: State, seller_id: str, former: Pseudonym, buyer: Pseudonym) -> None:
    """Takes the seller from one list of dealings to the other, and the record of reports with the first of them."""
    before, after = state.person(former), state.person(buyer)
    if seller_id not in before.sellers:
        return
    before.sellers = [each for each in before.sellers if each != seller_id]
    after.sellers = [*(each for each in after.sellers if each != seller_id), seller_id]
    after.confirmed += before.confirmed
    after.dismissed += before.dismissed
    before.confirmed = before.dismissed = 0
    after.due_ms = max(after.due_ms or 0, before.due_ms or 0)
    state.put(person_key(former), before if before.sellers else None)
    state.put(person_key(buyer), after)
