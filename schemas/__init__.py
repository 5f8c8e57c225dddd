"""What crosses a topic. Other teams import these names."""

from schemas.events import (
    Complaint,
    Document,
    Erasure,
    Event,
    Evidence,
    Item,
    Message,
    Order,
    Outcome,
    PolicyPublished,
    Report,
    Review,
    Verification,
)
from schemas.outputs import Advisory, Alert, DeadLetter, Finding, Shadowed, Trigger, WeighedReason
from schemas.signals import Signal, SignalAdapter

__all__ = [
    "Advisory",
    "Alert",
    "Complaint",
    "DeadLetter",
    "Document",
    "Erasure",
    "Event",
    "Evidence",
    "Finding",
    "Item",
    "Message",
    "Order",
    "Outcome",
    "PolicyPublished",
    "Report",
    "Review",
    "Shadowed",
    "Signal",
    "SignalAdapter",
    "Trigger",
    "Verification",
    "WeighedReason",
]
