"""Whether the reason that a message gives is borne out by the order it concerns."""

from pipeline.judgement.rows import ItemFacts, OrderRow
from pipeline.judgement.times import MINUTE_MS
from pipeline.policy.model import Fit, ItemClass, Policy
from schemas.signals import MessageSeen
from schemas.vocabulary import Fulfilment, OrderStatus, Reason, main_reason

ENDED = frozenset({OrderStatus.DELIVERED, OrderStatus.CANCELLED, OrderStatus.RETURNED})
SETTLES_DISPUTE = frozenset({Reason.DISPUTE, Reason.DELIVERY, Reason.CARRIER, Reason.TECHNICAL})
"""What a seller may want to talk about with a buyer who has complained: the parcel that never came, the set-up."""
FROM_WORDS_ALONE = frozenset({ItemClass.TECHNICAL, ItemClass.CUSTOMISED, ItemClass.VEHICLE})
"""Classes that a title tells whatever the order says of weight and way."""
INTERNATIONAL = "international"
"""Trait of an order that leaves the seller's country: customs and foreign carriers ask for a number."""


def purpose_codes(policy: Policy, signal: MessageSeen, order: OrderRow | None, *, is_disputed: bool) -> set[str]:
    """The rules that the reason given, or its absence, brings in: held against what was bought and when."""
    reason = main_reason(signal.reasons)
    if reason in policy.prohibited_purposes and f"opinion.reason.{reason}" in signal.rules:
        reason = Reason.NONE  # a doubt alone accuses nobody
    if reason in policy.prohibited_purposes:
        return {"prohibited_purpose"}
    if reason is Reason.PHISHING:
        return set()
    if reason in {Reason.NONE, Reason.VAGUE}:
        word = "vague_reason" if reason is Reason.VAGUE else "no_reason"
        # Where the buyer has complained, the seller has something to talk about, whatever was bought.
        return {word} | (crossing_codes(signal, order) if is_disputed else unreasoned_codes(policy, signal, order))
    # Of several permitted reasons the one that the order bears out best counts: honest sellers often name two.
    fits = [fit_code(policy, each, signal, order, is_disputed=is_disputed) for each in signal.reasons]
    return {min(fits, key=lambda code: policy.rules[code].points)} | crossing_codes(signal, order)


def fit_code(policy: Policy, reason: Reason, signal: MessageSeen, order: OrderRow | None, *, is_disputed: bool) -> str:
    """One reason against the order: `needed`, `unneeded`, `contradicted`, or `unconfirmed` where there is no order."""
    if is_disputed and reason in SETTLES_DISPUTE:
        return "needed"
    fit = policy.fits.get(reason)
    if fit is None:
        return "unneeded"
    if order is None:
        return "unconfirmed"
    return fit_to_order(policy, fit, order, signal.at_ms)


def fit_to_order(policy: Policy, fit: Fit, order: OrderRow, at_ms: int) -> str:
    """Whether what was bought bears the reason out at the stage that it had reached; in doubt, at the better one."""
    traits = order_traits(policy, order)
    stages = order.stages_at(at_ms, policy.windows.clock_skew_minutes * MINUTE_MS)
    codes = [fit_at_stage(fit, traits, stage, has_items=bool(order.items)) for stage in stages]
    return min(codes, key=lambda code: policy.rules[code].points)


def fit_at_stage(fit: Fit, traits: set[str], stage: OrderStatus, *, has_items: bool) -> str:
    """Whether what was bought bears the reason out at one stage."""
    if stage in fit.contradicted_while:
        return "contradicted"
    if traits.intersection(fit.needed_for):
        return "needed" if stage in fit.needed_while else "unneeded"
    if not traits.intersection(fit.contradicted_by):
        return "unneeded" if has_items else "unconfirmed"
    return "unneeded" if stage in fit.doubtful_while else "contradicted"


def unreasoned_codes(policy: Policy, signal: MessageSeen, order: OrderRow | None) -> set[str]:
    """What the order says of a message that gives no reason worth the name."""
    if order is None:
        return {"no_order"}
    codes = crossing_codes(signal, order)
    skew_ms = policy.windows.clock_skew_minutes * MINUTE_MS
    if ENDED.issuperset(order.stages_at(signal.at_ms, skew_ms)):
        codes.add("order_over")
    if order.items and not order_traits(policy, order).intersection(policy.special_items):
        codes.add("standard_item")
        placed_ms = order.stages.get(OrderStatus.PLACED)
        early_ms = policy.windows.early_request_minutes * MINUTE_MS
        if placed_ms is not None and -skew_ms <= signal.at_ms - placed_ms < early_ms:
            codes.add("early_request")
    return codes


def crossing_codes(signal: MessageSeen, order: OrderRow | None) -> set[str]:
    """Marks a number that would leave the buyer's country."""
    if order is None or order.seller_country is None:
        return set()
    here = signal.marketplace or order.marketplace
    return {"cross_border"} if here is not None and here != order.seller_country else set()


def order_traits(policy: Policy, order: OrderRow) -> set[str]:
    """What was bought, in the words of the policy's `fits`; `small` only where every item is."""
    each = [item_traits(policy, item) for item in order.items]
    traits = set().union(*each)
    if order.seller_country and order.marketplace and order.seller_country != order.marketplace:
        traits.add(INTERNATIONAL)
    if not all(ItemClass.SMALL in found for found in each):
        traits.discard(ItemClass.SMALL)
    return traits


def item_traits(policy: Policy, item: ItemFacts) -> set[str]:
    """What one item is: as stated, else by weight, else by its words."""
    classes = policy.item_classes(f"{item.title} {item.category or ''}")
    stated = {"customised": item.is_customised, "fragile": item.is_fragile, "technical": item.is_technical}
    traits: set[str] = {name for name, is_set in stated.items() if is_set}
    traits |= classes & FROM_WORDS_ALONE
    if item.fulfilment is not None:
        traits.add(item.fulfilment)
    else:
        traits |= classes & {ItemClass.SERVICE, ItemClass.DIGITAL}
    grams = item.weight_grams
    is_bulky = ItemClass.BULKY in classes if grams is None else grams >= policy.items.bulky_grams
    if is_bulky:
        traits.add(ItemClass.BULKY)
    elif is_small(policy, item, is_small_by_words=ItemClass.SMALL in classes):
        traits.add(ItemClass.SMALL)
    return traits


def is_small(policy: Policy, item: ItemFacts, *, is_small_by_words: bool) -> bool:
    """Whether it goes through a letter box or over a counter: a light one, or a parcel that tells no weight."""
    if item.fulfilment not in {None, Fulfilment.PARCEL}:
        return False
    if item.weight_grams is not None:
        return item.weight_grams <= policy.items.light_grams or is_small_by_words
    return item.fulfilment is Fulfilment.PARCEL or is_small_by_words
