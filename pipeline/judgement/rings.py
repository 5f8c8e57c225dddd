"""One contact pushed by several sellers: each of them is to be verified again.

A seller's row and a contact's lie on different partitions. So the judge writes a signal of its own, keyed by the
contact; where that is folded, the sellers are counted, and each of a ring gets a signal keyed by itself. All of it lies
in the signal log, in the transaction of what caused it: a replay of the log sees what the service saw.
"""

from pipeline.judgement.alerts import Cause, Figures, raise_alert
from pipeline.judgement.rows import Contact, Dealing, Seller, contact_key, seller_key
from pipeline.judgement.sellers import with_due
from pipeline.judgement.state import State
from pipeline.judgement.times import DAY_MS
from pipeline.policy.model import Policy
from schemas.ids import EpochMs, Pseudonym, SellerId
from schemas.signals import ContactPushed, MessageSeen, Origin, RingFound
from schemas.vocabulary import Act

KEPT_CONTACTS = 8
KEPT_SELLERS = 50
ORIGINS = 64
"""Signals that one signal can cause at most: their origins stay apart, and grow with the log."""
CONTACT_ORIGIN = "ringfence.contacts"
RING_ORIGIN = "ringfence.rings"


def tell_contacts(policy: Policy, state: State, signal: MessageSeen, seller: Seller, dealing: Dealing) -> None:
    """Tells the contacts' rows what the seller pushed, each no more often than the policy's days need."""
    if not any(seen.act is Act.SHARE for seen in signal.acts):
        return
    again_ms = policy.triggers.ring_days * DAY_MS // 2
    # Both names while a key is being replaced: a ring that began under the former one goes on.
    for contact in dict.fromkeys(name for seen in signal.contacts for name in (seen.contact, seen.former) if name):
        told_ms = seller.contacts.get(contact)
        if contact in dealing.contacts or (told_ms is not None and 0 <= signal.at_ms - told_ms < again_ms):
            continue
        kept = sorted((seller.contacts | {contact: signal.at_ms}).items(), key=lambda pair: (-pair[1], pair[0]))
        seller.contacts = dict(sorted(kept[:KEPT_CONTACTS]))
        tell(state, contact, seller.seller_id, signal.at_ms, is_forgotten=False)


def forget_contacts(state: State, seller: Seller, at_ms: int) -> None:
    """Lets the contacts' rows forget an erased seller."""
    for contact in sorted(seller.contacts):
        tell(state, contact, seller.seller_id, at_ms, is_forgotten=True)


def tell(state: State, contact: str, seller_id: str, at_ms: int, *, is_forgotten: bool) -> None:
    """Adds the signal for a contact's row to the effects."""
    state.signals.append(
        ContactPushed(
            origin=next_origin(state, CONTACT_ORIGIN),
            at_ms=EpochMs(at_ms),
            arrived_at_ms=EpochMs(state.arrived_at_ms),
            seller_id=SellerId(seller_id),
            contact=Pseudonym(contact),
            is_forgotten=is_forgotten,
        )
    )


def next_origin(state: State, topic: str) -> Origin:
    """An origin that no other signal has and that is higher than those before, from the place in the log."""
    partition, offset = state.position
    made_here = 0
    for each in reversed(state.signals):
        if each.origin.offset // ORIGINS != offset:
            break
        made_here += 1
    return Origin(topic=topic, partition=partition, offset=offset * ORIGINS + made_here)


def on_contact(policy: Policy, state: State, signal: ContactPushed) -> None:
    """Counts the sellers of a contact; a ring is told to each of its sellers once."""
    contact = state.contact(signal.contact)
    if signal.is_forgotten:
        contact.sellers = {each: at_ms for each, at_ms in contact.sellers.items() if each != signal.seller_id}
        contact.told = [each for each in contact.told if each != signal.seller_id]
    else:
        remember_seller(policy, contact, signal)
        tell_ring(policy, state, contact, signal)
    contact.due_ms = max(contact.sellers.values(), default=0) + policy.triggers.ring_days * DAY_MS
    state.put(contact_key(signal.contact), contact if contact.sellers else None)


def remember_seller(policy: Policy, contact: Contact, signal: ContactPushed) -> None:
    """The newest sellers within the policy's days."""
    since_ms = signal.at_ms - policy.triggers.ring_days * DAY_MS
    at_ms = max(signal.at_ms, contact.sellers.get(signal.seller_id, 0))
    recent = {seller: at for seller, at in contact.sellers.items() if at > since_ms} | {str(signal.seller_id): at_ms}
    newest = sorted(recent.items(), key=lambda pair: (-pair[1], pair[0]))[:KEPT_SELLERS]
    contact.sellers = dict(sorted(newest))
    contact.told = [each for each in contact.told if each in contact.sellers]


def tell_ring(policy: Policy, state: State, contact: Contact, signal: ContactPushed) -> None:
    """Adds a signal for every seller of the ring that has not had one."""
    if len(contact.sellers) < policy.triggers.ring_sellers:
        return
    for seller_id in contact.sellers:
        if seller_id not in contact.told:
            state.signals.append(
                RingFound(
                    origin=next_origin(state, RING_ORIGIN),
                    at_ms=signal.at_ms,
                    arrived_at_ms=signal.arrived_at_ms,
                    seller_id=SellerId(seller_id),
                    contact=signal.contact,
                    sellers=len(contact.sellers),
                )
            )
    contact.told = sorted(contact.sellers)


def on_ring(policy: Policy, state: State, signal: RingFound) -> None:
    """The trigger, for one seller of the ring."""
    seller = state.seller(signal.seller_id)
    figures: Figures = {
        "sellers": signal.sellers,
        "window_days": policy.triggers.ring_days,
        "contact": str(signal.contact),
    }
    text = f"{signal.sellers} sellers pushed the same contact in {policy.triggers.ring_days} days."
    raise_alert(policy, state, seller, signal.at_ms, Cause("contact_ring", figures, text))
    state.put(seller_key(signal.seller_id), with_due(policy, seller))
