"""Forgetting a person on request. Figures that were counted already stay: they name nobody."""

from pipeline.judgement.findings import erase_finding
from pipeline.judgement.rings import forget_contacts
from pipeline.judgement.rows import Dealing, conversation_key, dealing_key, person_key, seller_key
from pipeline.judgement.state import State
from pipeline.policy.book import PolicyBook
from schemas.signals import ErasureRequested


def on_erasure(book: PolicyBook, state: State, signal: ErasureRequested) -> None:
    """Forgets a seller's row (its dealings follow when their time is up), or all that is known of a buyer."""
    if signal.buyer is None:
        forget_contacts(state, state.seller(signal.seller_id), signal.at_ms)
        state.put(seller_key(signal.seller_id), None)
        return
    for seller_id in state.person(signal.buyer).sellers:
        erase_dealing(book, state, seller_id, signal.buyer)
    state.put(person_key(signal.buyer), None)


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
