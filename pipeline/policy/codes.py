"""The words that judgement and policy share: what the code can find, and the policy weighs, limits or words."""

RULE_CODES = frozenset(
    {
        "request_contact",
        "push_contact",
        "hint_contact",
        "other_channel",
        "hidden",
        "no_reason",
        "vague_reason",
        "no_order",
        "standard_item",
        "early_request",
        "order_over",
        "needed",
        "unconfirmed",
        "unneeded",
        "contradicted",
        "prohibited_purpose",
        "review_reward",
        "consent_sought",
        "use_limited",
        "alternative_offered",
        "alternative_tried",
        "urgency",
        "pressing_again",
        "escalating",
        "threat",
        "buyer_wished",
        "after_refusal",
        "repeated_after_refusal",
        "repeated",
        "reported",
        "after_bad_review",
        "phishing",
        "off_platform_payment",
        "harassment",
        "cross_border",
        "unverified",
        "new_seller",
        "bad_record",
        "mass_wording",
        "second_opinion",
    }
)
"""Reasons of a verdict."""
TRIGGER_CODES = frozenset(
    {
        "complaint_surge",
        "solicitation_surge",
        "grave_act",
        "persistence",
        "strikes",
        "dormant_awake",
        "reports",
        "change_then_request",
        "contact_ring",
        "phone_dependence",
        "verification_lapsed",
        "periodic",
        "review_overdue",
    }
)
"""Reasons of an alert."""
ADVISORY_CODES = frozenset(
    {
        "buyer_unusual_request",
        "buyer_phishing",
        "buyer_harassment",
        "buyer_payment",
        "seller_guidance",
        "seller_refused",
        "seller_purpose",
        "seller_payment",
        "seller_use_messages",
        "seller_state_reason",
        "seller_ask_consent",
        "seller_store_safely",
        "seller_delete_number",
    }
)
"""What buyer and seller can be told."""
