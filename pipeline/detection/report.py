"""A detection as `ringfence detect` prints it."""

from typing import Any

from pipeline.detection.model import Detection
from schemas.vocabulary import Manner


def as_detect_line(message_id: str | None, detection: Detection) -> dict[str, Any]:
    """The flat form of design.md, section 10. Numbers are shown: the caller gave the text."""
    return {
        "message_id": message_id,
        "solicits": detection.solicits,
        "shares_contact": detection.shares_contact,
        "discloses": detection.discloses,
        "refuses": detection.refuses,
        "channel": detection.channel,
        "numbers": [mention.e164 or mention.digits for mention in detection.mentions],
        "obfuscated": detection.obfuscated,
        "purpose": detection.purpose,
        "consent_sought": Manner.CONSENT_SOUGHT in detection.manners,
        "alternative_offered": Manner.ALTERNATIVE_OFFERED in detection.manners,
        "pressure": detection.pressure,
        "harassment": Manner.HARASSMENT in detection.manners,
        "language": detection.language,
        "matches": [{"rule": match.rule, "start": match.start, "end": match.end} for match in detection.matches],
    }
