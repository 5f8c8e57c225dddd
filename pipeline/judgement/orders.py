"""What an order event makes of the rows, and of the messages that came before it."""

from pipeline.judgement.dealings import keep_dealing
from pipeline.judgement.findings import message_of, revise
from pipeline.judgement.plain_orders import AnyOrder, PlainItem
from pipeline.judgement.rows import Awaiting, Dealing, ItemFacts, OrderRow, dealing_key, order_key, seller_key
from pipeline.judgement.sellers import count, remember_category, with_due
from pipeline.judgement.state import State
from pipeline.judgement.times import DAY_MS, HOUR_MS, MINUTE_MS
from pipeline.judgement.triggers import on_solicitation_counts, on_strikes
from pipeline.judgement.withdrawal import grounds, withdraw
from pipeline.policy.book import PolicyBook
from pipeline.policy.model import Policy
from schemas.signals import ItemSeen
from schemas.vocabulary import OrderStatus

KEPT_ITEMS = 8
KEPT_TITLE_CHARACTERS = 80


def on_order(book: PolicyBook, policy: Policy, state: State, signal: AnyOrder) -> None:
    """An order reached a stage: its row, the buyer's latest order, the seller's count, findings it came late for."""
    known = state.order(signal.seller_id, signal.order_id)
    order = known or OrderRow()
    is_news = update_order(order, signal)
    order.due_ms = order.changed_at_ms + policy.retention.order_days * DAY_MS
    state.put(order_key(signal.seller_id, signal.order_id), order)
    if not is_news:
        return
    dealing = state.dealing(signal.seller_id, signal.buyer)
    if dealing.lately:
        revise_lately(book, state, signal, dealing, order)
    if signal.status is OrderStatus.PLACED:
        dealing.order_id = signal.order_id
        keep_dealing(policy, state, dealing, (signal.seller_id, signal.buyer), signal.at_ms)
        seller = state.seller(signal.seller_id)
        seller.marketplace = signal.marketplace or seller.marketplace
        seller.last_at_ms = max(seller.last_at_ms, signal.at_ms)
        for item in order.items:
            if item.category:
                remember_category(seller, item.category)
                break
        count(policy, seller, signal.at_ms, "orders")
        state.put(seller_key(signal.seller_id), with_due(policy, seller))
    elif dealing.reminder and signal.status in {OrderStatus.DELIVERED, OrderStatus.CANCELLED}:
        dealing.remind_at_ms = signal.at_ms + policy.retention.delete_number_days * DAY_MS
        keep_dealing(policy, state, dealing, (signal.seller_id, signal.buyer), signal.at_ms)


def update_order(order: OrderRow, signal: AnyOrder) -> bool:
    """Adds the event to the order's row; `False` where the stage was known: a repetition."""
    is_news = signal.status not in order.stages
    if not order.stages:
        order.stages = {signal.status: signal.at_ms}  # an order's first event, as most are
    elif is_news:
        order.stages = dict(sorted((order.stages | {signal.status: signal.at_ms}).items()))
    if signal.items and not order.items:
        order.items = [facts(item) for item in signal.items[:KEPT_ITEMS]]
    order.marketplace = signal.marketplace or order.marketplace
    order.seller_country = signal.seller_country or order.seller_country
    order.changed_at_ms = max(signal.at_ms, order.changed_at_ms)
    return is_news


def facts(item: ItemSeen | PlainItem) -> ItemFacts:
    """What of a line matters; the policy in force at the message's time says what it makes the item."""
    return ItemFacts(
        item.title[:KEPT_TITLE_CHARACTERS],
        item.category[:KEPT_TITLE_CHARACTERS] if item.category else None,
        item.fulfilment,
        item.weight_grams,
        item.customised,
        item.fragile,
        item.technical,
    )


def revise_lately(book: PolicyBook, state: State, signal: AnyOrder, dealing: Dealing, order: OrderRow) -> None:
    """Judges again the messages that this order's event came too late for."""
    waiting = [each for each in dealing.lately if concerns(book, signal, each)]
    if not waiting:
        return
    seller = state.seller(signal.seller_id)
    policy = book.in_force(signal.at_ms)
    before = grounds(policy, seller, signal.at_ms)  # what time has taken is no news of the order's
    for awaiting in waiting:
        awaiting.order_id = signal.order_id
        if revise(book, state, seller, awaiting, order) is not None:
            on_solicitation_counts(policy, state, seller, signal.at_ms)
            on_strikes(policy, state, seller, signal.at_ms)
    withdraw(policy, state, seller, signal.at_ms, before - grounds(policy, seller, signal.at_ms))
    state.put(seller_key(signal.seller_id), with_due(policy, seller))
    state.put(dealing_key(signal.seller_id, signal.buyer), dealing)


def concerns(book: PolicyBook, signal: AnyOrder, awaiting: Awaiting) -> bool:
    """Whether a message was about this order, was written after the event, and judged without it, not long ago."""
    if awaiting.order_id not in {None, signal.order_id}:
        return False
    message = message_of(awaiting)
    windows = book.in_force(message.at_ms).windows
    return (
        message.order_id in {None, signal.order_id}
        and signal.at_ms <= message.at_ms + windows.clock_skew_minutes * MINUTE_MS
        and signal.arrived_at_ms - message.arrived_at_ms <= windows.order_grace_hours * HOUR_MS
    )
