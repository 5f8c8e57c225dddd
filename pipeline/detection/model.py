"""What reading one message yields: acts, numbers, reasons, manner, and the rule behind each of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

from schemas.vocabulary import Act, Channel, Manner, Reason, main_reason

_PUSHES: Final = (Act.SHARE, Act.HINT)
_ASKS_OR_PUSHES: Final = (Act.REQUEST, *_PUSHES)
_PRESSURE: Final = (Manner.URGENCY, Manner.THREAT)


class FoundAct(NamedTuple):
    """One act; `start` and `end` count code points of the message as written, end exclusive."""

    act: Act
    channel: Channel | None
    """`None` where the act names no channel."""
    start: int
    end: int
    rule: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A span that reads as a phone number. E-mail addresses and handles are acts with a channel, not mentions."""

    digits: str
    """As dialled, without separators and plus sign."""
    e164: str | None
    """`None` where no given region makes the number unique."""
    start: int
    end: int
    techniques: tuple[str, ...]
    """How it was hidden, sorted; empty when written plainly."""


class Match(NamedTuple):
    """A rule that fired, and where."""

    rule: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Detection:
    """All that one message says about contact. Everything is sorted, so equal texts give equal detections."""

    acts: tuple[FoundAct, ...] = ()
    mentions: tuple[Mention, ...] = ()
    reasons: tuple[Reason, ...] = ()
    manners: tuple[Manner, ...] = ()
    techniques: tuple[str, ...] = ()
    language: str | None = None
    """The pack that explains most of the message; `None` where none does."""
    matches: tuple[Match, ...] = ()

    @property
    def solicits(self) -> bool:
        """Asks for a number or another channel, whoever wrote it."""
        return self.has(Act.REQUEST)

    @property
    def shares_contact(self) -> bool:
        """The seller pushes its own contact, or says where to find it."""
        return any(found.act in _PUSHES for found in self.acts)

    @property
    def discloses(self) -> bool:
        """The buyer gives a contact."""
        return self.has(Act.DISCLOSE)

    @property
    def refuses(self) -> bool:
        """The buyer declines."""
        return self.has(Act.REFUSE)

    @property
    def channel(self) -> Channel | None:
        """Channel of the main act: the first asked or pushed one besides a call, else a call, else any act's."""
        named = [found.channel for found in self.acts if found.channel and found.act in _ASKS_OR_PUSHES]
        others = [found.channel for found in self.acts if found.channel]
        return next((c for c in named if c is not Channel.PHONE), next(iter(named or others), None))

    @property
    def obfuscated(self) -> bool:
        """The contact or the wording of the ask was hidden by a trick."""
        return bool(self.techniques)

    @property
    def purpose(self) -> Reason | None:
        """The reason that weighs; `None` where nothing is asked or pushed, `Reason.NONE` where no reason is given."""
        if not any(found.act in _ASKS_OR_PUSHES for found in self.acts):
            return Reason.PHISHING if Reason.PHISHING in self.reasons else None
        return main_reason(self.reasons)

    @property
    def pressure(self) -> bool:
        """Urgency or a threat goes with it."""
        return any(manner in self.manners for manner in _PRESSURE)

    def has(self, act: Act) -> bool:
        """Whether the message does this."""
        return any(found.act is act for found in self.acts)


NOTHING: Final = Detection()
"""What a message without anything of interest yields."""


def in_order(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Matches without repetitions, by place, then by rule."""
    return tuple(sorted(set(matches), key=lambda match: (match.start, match.end, match.rule)))
