"""What others would find: `phonenumbers` with eight regions, and keyword patterns as people write them by hand."""

import re
from typing import Any

import phonenumbers

REGIONS = ("US", "GB", "DE", "FR", "ES", "IN", "JP", "BR")
KEYWORDS = re.compile(
    r"\b(?:phone|mobile|cell|telephone|whatsapp|telegram)\b.{0,20}\b(?:number|no|num)\b", re.IGNORECASE
)
ENGLISH = re.compile(
    r"\b(?:(?:your|ur|the) (?:phone|mobile|cell|contact|whatsapp)? ?(?:number|digits|no)\b"
    r"|(?:call|text|ring|whatsapp|phone|dm|add) (?:me|us)\b|(?:can|could|may) i (?:call|ring|text|have your)"
    r"|(?:whatsapp|telegram|wechat|viber|signal|instagram|snapchat|skype)\b)",
    re.IGNORECASE,
)
NOTHING: dict[str, Any] = {
    "solicits": False, "shares_contact": False, "discloses": False, "refuses": False, "channel": None, "numbers": [],
    "obfuscated": False, "purpose": None, "consent_sought": False, "alternative_offered": False, "pressure": False,
    "harassment": False,
}  # fmt: skip


def phone_matcher(row: dict[str, Any]) -> dict[str, Any]:
    """Every number valid in the marketplace's or one of eight other regions; a seller's number counts as pushed."""
    found: dict[int, str] = {}
    for region in dict.fromkeys((row["marketplace"], *REGIONS)):
        for match in phonenumbers.PhoneNumberMatcher(row["text"], region):
            number = phonenumbers.format_number(match.number, phonenumbers.PhoneNumberFormat.E164)
            found.setdefault(match.start, number)
    return NOTHING | {
        "numbers": sorted(set(found.values())),
        "shares_contact": bool(found) and row["sender"] == "seller",
        "discloses": bool(found) and row["sender"] == "buyer",
    }


def keyword_regex(row: dict[str, Any]) -> dict[str, Any]:
    """A phone-number keyword pattern."""
    return NOTHING | {"solicits": KEYWORDS.search(row["text"]) is not None}


def english_regex(row: dict[str, Any]) -> dict[str, Any]:
    """A good hand-written English pattern."""
    return NOTHING | {"solicits": ENGLISH.search(row["text"]) is not None}


PEERS = {"phonenumbers": phone_matcher, "keyword regex": keyword_regex, "English regex": english_regex}
