"""What buyer and seller are told: at most one of a kind per conversation, in the message's language."""

from pipeline.judgement.alerts import instant
from pipeline.judgement.rows import Conversation
from pipeline.judgement.state import State, content_id
from pipeline.judgement.verdicts import Judged
from pipeline.policy.model import Policy
from schemas.outputs import Advisory
from schemas.signals import MessageSeen
from schemas.vocabulary import Risk, Verdict

DELETE_NUMBER = "seller_delete_number"
# The first that fits is what the seller most needs to hear.
SELLER_ADVICE = (
    ("after_refusal", "seller_refused"),
    ("prohibited_purpose", "seller_purpose"),
    ("review_reward", "seller_purpose"),
    ("off_platform_payment", "seller_payment"),
    ("other_channel", "seller_use_messages"),
    ("push_contact", "seller_use_messages"),
    ("hint_contact", "seller_use_messages"),
    ("no_reason", "seller_state_reason"),
    ("vague_reason", "seller_state_reason"),
    ("contradicted", "seller_state_reason"),
)


def advise(policy: Policy, state: State, signal: MessageSeen, conversation: Conversation, verdict: Judged) -> None:
    """Adds the advisories that a message calls for and that this conversation has not had."""
    for code in wanted(verdict):
        if code not in conversation.advised and code in policy.advisories:
            conversation.advised = sorted([*conversation.advised, code])
            whom = (signal.seller_id, signal.conversation_id, signal.language or "en")
            state.advisories.append(advisory(policy, code, whom, signal.at_ms, signal.message_id))


def wanted(verdict: Judged) -> tuple[str, ...]:
    """Which advisories a verdict calls for: one for the buyer, one for the seller. A phisher is not warned."""
    match verdict.verdict, verdict.risk:
        case _, Risk.PHISHING:
            return ("buyer_phishing",)
        case Verdict.PERMITTED, _:
            return ("seller_store_safely",) if verdict.has("request_contact") else ()
        case _, Risk.HARASSMENT:
            return ("buyer_harassment", seller_advice(verdict))
        case _ if verdict.has("off_platform_payment"):
            return ("buyer_payment", seller_advice(verdict))
        case _:
            return ("buyer_unusual_request", seller_advice(verdict))


def seller_advice(verdict: Judged) -> str:
    """The guidance that fits what the seller did."""
    advice = next((code for rule, code in SELLER_ADVICE if verdict.has(rule)), None)
    return advice or ("seller_guidance" if verdict.has("consent_sought") else "seller_ask_consent")


def advisory(policy: Policy, code: str, whom: tuple[str, str, str], at_ms: int, message_id: str | None) -> Advisory:
    """One advisory; `whom` is seller, conversation and language. English where the policy lacks the language."""
    entry = policy.advisories[code]
    seller_id, conversation_id, language = whom
    language = language.split("-")[0]
    language = language if language in entry.texts else "en"
    title, text = entry.texts[language]
    return Advisory(
        advisory_id=content_id("v", seller_id, conversation_id, entry.audience, code),
        audience=entry.audience,
        code=code,
        seller_id=seller_id,
        conversation_id=conversation_id,
        message_id=message_id,
        language=language,
        title=title,
        text=text,
        at=instant(at_ms),
        policy_version=policy.version,
    )
