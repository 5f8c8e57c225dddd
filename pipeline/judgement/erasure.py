"""Forgetting a person on request."""

from pipeline.judgement.rows import seller_key
from pipeline.judgement.state import State
from schemas.signals import ErasureRequested
from schemas.vocabulary import ErasureSubject


def on_erasure(state: State, signal: ErasureRequested) -> None:
    """Forgets a seller's row; its conversations and dealings follow when their time is up."""
    if signal.subject is ErasureSubject.SELLER:
        state.put(seller_key(signal.seller_id), None)
