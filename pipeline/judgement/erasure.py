"""Forgetting a person on request. Figures that were counted already stay: they name nobody."""

from pipeline.judgement.findings import erase_finding
from pipeline.judgement.rings import forget_contacts
from pipeline.judgement.rows import Dealing, conversation_key, dealing_key, person_key, seller_key, sellers_prefix
from pipeline.judgement.state import State
from pipeline.policy.book import PolicyBook
from schemas.signals import ErasureRequested


def on_erasure(book: PolicyBook, state: State, signal: ErasureRequested) -> None:
    """Forgets all that is known of a seller, or of a buyer."""
    if signal.buyer is None:
        erase_seller(book, state, signal)
        return
    for seller_id in state.person(signal.buyer).sellers:
        erase_dealing(book, state, seller_id, signal.buyer)
    state.put(person_key(signal.buyer), None)


def erase_seller(book: PolicyBook, state: State, signal: ErasureRequested) -> None:
    """Forgets a seller with its dealings, conversations and orders; rings and its buyers' lists lose it."""
    seller_id = signal.seller_id
    forget_contacts(state, state.seller(seller_id), signal.at_ms)
    prefix = sellers_prefix(b"b", seller_id)
    for key in state.keys(prefix):
        buyer = key.removeprefix(prefix).decode()
        erase_dealing(book, state, seller_id, buyer)
        person = state.person(buyer)
        person.sellers = [each for each in person.sellers if each != seller_id]
        state.put(person_key(buyer), person if person.sellers else None)
    for kind in (b"c", b"o"):
        for key in state.keys(sellers_prefix(kind, seller_id)):
            state.put(key, None)
    state.put(seller_key(seller_id), None)


def erase_dealing(book: PolicyBook, state: State, seller_id: str, buyer: str) -> None:
    """Forgets a dealing, its conversations and the buyer's report; the last findings lose the buyer."""
    dealing = state.row(dealing_key(seller_id, buyer))
    if isinstance(dealing, Dealing):
        for awaiting in dealing.lately:
            erase_finding(book, state, awaiting)
        for conversation_id in dealing.conversations:
            state.put(conversation_key(seller_id, conversation_id), None)
        state.put(dealing_key(seller_id, buyer), None)
    seller = state.seller(seller_id)
    if buyer in seller.reporters:
        seller.reporters = {each: at_ms for each, at_ms in seller.reporters.items() if each != buyer}
        state.put(seller_key(seller_id), seller)
