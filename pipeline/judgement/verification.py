"""Where the platform's own check of a seller stands, and what time does to it."""

from pipeline.judgement.rows import seller_key
from pipeline.judgement.sellers import with_due
from pipeline.judgement.state import State
from pipeline.judgement.triggers import on_bad_status
from pipeline.policy.model import Policy
from schemas.signals import VerificationChanged
from schemas.vocabulary import DocumentKind, VerificationStatus

WATCHED_DOCUMENTS = frozenset({DocumentKind.BANK, DocumentKind.TAX_ID, DocumentKind.IDENTITY})


def on_verification(policy: Policy, state: State, signal: VerificationChanged) -> None:
    """Takes the new status over; a change of bank account, tax id or identity is remembered."""
    seller = state.seller(signal.seller_id)
    verification = seller.verification
    if signal.at_ms < verification.at_ms:
        return
    before = verification.status
    for document in signal.documents:
        known_ms = verification.documents.get(document.kind)
        if document.kind in WATCHED_DOCUMENTS and known_ms is not None and document.changed_at_ms > known_ms:
            verification.changed_at_ms = max(verification.changed_at_ms or 0, document.changed_at_ms)
        verification.documents[str(document.kind)] = document.changed_at_ms
    verification.documents = dict(sorted(verification.documents.items()))
    verification.at_ms = signal.at_ms
    verification.status = signal.status
    verification.level = signal.level
    verification.expires_at_ms = signal.expires_at_ms
    verification.registered_at_ms = signal.registered_at_ms or verification.registered_at_ms
    if signal.status is VerificationStatus.VERIFIED:
        verification.verified_at_ms = signal.at_ms
        verification.is_lapse_told = False
    elif signal.status is not before:
        on_bad_status(policy, state, seller, signal.at_ms)
    state.put(seller_key(signal.seller_id), with_due(policy, seller))
