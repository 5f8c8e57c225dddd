"""What is remembered of one seller, as an analyst reads it: `ringfence sellers show`. Read only, from the changelog."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline.judgement.alerts import alert_id
from pipeline.judgement.rates import decayed
from pipeline.judgement.rows import COUNTS, Seller, seller_key, sellers_prefix
from pipeline.judgement.times import DAY_MS
from pipeline.kafka.batched import RawRecord
from pipeline.policy.model import Policy

BESIDE = {"conversations": b"c", "buyers": b"b", "orders": b"o"}


@dataclass(slots=True)
class Account:
    """The seller's row, and how many rows stand beside it."""

    seller: Seller | None = None
    beside: Counter[str] = field(default_factory=Counter)


def account(records: Iterable[RawRecord], seller_id: str) -> Account:
    """The last state of a seller in the changelog of its partition. Reads all of it: a minute for some ten million."""
    own, prefixes = seller_key(seller_id), {name: sellers_prefix(kind, seller_id) for name, kind in BESIDE.items()}
    last: bytes | None = None
    living: dict[str, set[bytes]] = {name: set() for name in prefixes}
    for record in records:
        key = record.key or b""
        if key == own:
            last = record.value
            continue
        for name, prefix in prefixes.items():
            if key.startswith(prefix):
                (living[name].discard if record.value is None else living[name].add)(key)
    seller = None if last is None else msgspec.json.decode(last, type=Seller)
    return Account(seller, Counter({name: len(keys) for name, keys in living.items()}))


def described(found: Account, policy: Policy) -> dict[str, Any]:
    """The account in an analyst's words, ready for JSON; counts over the longest window that the policy looks back."""
    seller = found.seller
    if seller is None:
        raise ValueError("an account without a seller has nothing to describe")
    now_ms = time.time_ns() // 1_000_000
    since_day = now_ms // DAY_MS - policy.longest_window_days
    days = [counts for day, counts in seller.days.items() if day >= since_day]
    # A day lists its counts as far as the last that was ever above zero.
    totals = {name: sum(day[place] for day in days if place < len(day)) for place, name in enumerate(COUNTS)}
    strikes = decayed(seller.strikes, now_ms - seller.strikes_at_ms, policy.ladder.half_life_days * DAY_MS)
    check = seller.verification
    return {
        "seller_id": seller.seller_id,
        "marketplace": seller.marketplace,
        "last_event": when(seller.last_at_ms),
        "verification": str(check.status),
        "verified_at": when(check.verified_at_ms),
        "expires_at": when(check.expires_at_ms),
        "strikes_now": round(strikes, 2),
        "window_days": policy.longest_window_days,
        **totals,
        "reporters": len(seller.reporters),
        "contacts_pushed": len(seller.contacts),
        "wordings": [each.conversations for each in seller.wordings],
        "categories": seller.categories,
        "findings": [{"finding_id": each.finding_id, "rules": each.rules.split()} for each in seller.judged],
        "alerts_ever": seller.episodes,
        "open_alert": open_alert(seller),
        "quiet_until": when(seller.quiet_until_ms),
        "rows": dict(found.beside),
    }


def open_alert(seller: Seller) -> dict[str, Any] | None:
    """The alert that waits for a decision; `None` when none does."""
    episode = seller.episode
    if episode is None:
        return None
    return {
        "alert_id": alert_id(seller.seller_id, episode.number),
        "severity": str(episode.severity),
        "recommended_action": str(episode.action),
        "opened_at": when(episode.opened_at_ms),
        "due_at": when(episode.due_at_ms),
        "triggers": sorted(episode.triggers),
        "reasons": [episode.reasons[code] for code in sorted(episode.reasons)],
    }


def when(at_ms: int | None) -> str | None:
    """An instant as RFC 3339; `None` for one that never was."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds") if at_ms else None
