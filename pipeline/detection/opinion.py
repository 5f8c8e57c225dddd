"""A learned second opinion: what a linear model makes of a message's letters and of the concepts that it names.

It speaks where no rule does, and what it alone says is at most a doubt. Pure: the weights are given to it.
"""

from collections.abc import Collection, Sequence
from math import sqrt
from typing import NamedTuple

from pipeline.detection.model import FoundAct, Match
from pipeline.detection.scene import Scene
from schemas.vocabulary import Act, Channel, Manner, Reason, Sender

LETTER_BUCKETS = 32_768
"""Of the weights of runs of letters: which one a run falls into is told by a hash."""
LONGEST_RUN = 4
MOST_LETTERS = 2_000
"""Of a message: as much as rules need to find nothing before a person would stop reading."""
CONCEPT_VALUE = 0.1
"""Of a concept that is there, beside the runs of letters, whose values square to one together at most."""
ZERO = 128
"""What a weight of nothing is stored as."""
UNTOLD = ("phrase", "digit.", "repeat.", "common", "filler", "trap")
"""Concepts that say nothing here: whole phrases are the rules' own answer, and the rest is no meaning."""
_FNV_PRIME, _FNV_START, _MASK = 16_777_619, 2_166_136_261, 0xFFFFFFFF


PUSHES = frozenset({Act.SHARE, Act.HINT})
COLOURS = (Manner.CONSENT_SOUGHT, Manner.ALTERNATIVE_OFFERED, Manner.URGENCY)
"""Manners that only colour an act."""


class Head(NamedTuple):
    """The weights of one question."""

    name: str
    bias: float
    scale: float
    """Of one step of the weights."""
    least: float
    """Score from which the answer is yes."""
    weights: bytes
    """One for each bucket of letters, then two for each concept: from anybody, and from a seller."""


class Weights(NamedTuple):
    """All that was learned."""

    concepts: tuple[str, ...]
    heads: tuple[Head, ...]


class Features(NamedTuple):
    """What the model sees of a message."""

    letters: list[list[int]]
    """Buckets of the runs of letters, by sentence."""
    concepts: list[int]
    """Indices behind the letters' buckets."""


class Doubts(NamedTuple):
    """What the model adds to the rules' answer; each named `opinion.…`."""

    acts: list[FoundAct]
    reasons: list[Reason]
    manners: set[Manner]
    matches: list[Match]


class Opinion:
    """What the model says of messages."""

    def __init__(self, weights: Weights) -> None:
        self._heads = {head.name: head for head in weights.heads}
        self._concept_at = {name: LETTER_BUCKETS + 2 * at for at, name in enumerate(weights.concepts)}

    def doubts(
        self,
        scene: Scene,
        mentions: int,
        acts: Sequence[FoundAct],
        reasons: Collection[Reason],
        manners: Collection[Manner],
    ) -> Doubts:
        """What the rules may have missed in a message."""
        features = self.features(scene, mentions)
        doubts = Doubts([], [], set(), [])
        done = {found.act for found in acts}
        for act in self._acts_missed(scene, features, done):
            start, end = self._where(scene, features, str(act))
            doubts.acts.append(FoundAct(act, channel_named(scene), start, end, f"opinion.{act}"))
            done.add(act)
        if done.isdisjoint((Act.REQUEST, *PUSHES)):
            return doubts
        told: list[str] = []
        if not reasons and (reason := self._reason(features)) is not Reason.NONE:
            doubts.reasons.append(reason)
            told.append(f"reason.{reason}")
        for manner in COLOURS:
            if manner not in manners and self.score(str(manner), features) >= 0:
                doubts.manners.add(manner)
                told.append(f"manner.{manner}")
        for name in told:
            start, end = self._where(scene, features, name.removeprefix("manner."))
            doubts.matches.append(Match(f"opinion.{name}", start, end))
        return doubts

    def _acts_missed(self, scene: Scene, features: Features, done: Collection[Act]) -> list[Act]:
        missed = []
        if Act.REQUEST not in done and self.score("request", features) >= 0:
            missed.append(Act.REQUEST)
        if scene.sender is Sender.SELLER:
            if PUSHES.isdisjoint(done) and self.score("share", features) >= 0:
                missed.append(Act.SHARE)
        elif Act.REFUSE not in done and self.score("refuse", features) >= 0:
            missed.append(Act.REFUSE)
        return missed

    def _reason(self, features: Features) -> Reason:
        reasons = [reason for reason in Reason if reason is not Reason.PHISHING]  # too grave to be guessed
        return max(reasons, key=lambda reason: (self.score(f"reason.{reason}", features), reason))

    def _where(self, scene: Scene, features: Features, name: str) -> tuple[int, int]:
        """Start and end, in code points of the message, of the sentence that says most for an answer."""
        reading, number = scene.reading, self.telling_sentence(name, features)
        first, *later = reading.sentence_starts[number : number + 2]
        return reading.starts[first], reading.ends[(later[0] if later else len(reading.words)) - 1]

    def features(self, scene: Scene, mentions: int) -> Features:
        """What there is to judge by."""
        return Features(letters_of(scene), concepts_of(scene, mentions, self._concept_at))

    def score(self, name: str, features: Features) -> float:
        """How much speaks for an answer, in logits above the least that counts."""
        head = self._heads[name]
        weights = head.weights
        total, count = 0, 0
        for sentence in features.letters:
            count += len(sentence)
            for bucket in sentence:
                total += weights[bucket] - ZERO
        told = 0
        for index in features.concepts:
            told += weights[index] - ZERO
        by_letters = total / sqrt(count) if count else 0.0
        return head.bias + head.scale * (by_letters + CONCEPT_VALUE * told) - head.least

    def telling_sentence(self, name: str, features: Features) -> int:
        """Number of the sentence whose letters say most for an answer."""
        weights = self._heads[name].weights
        best, most = 0, -1_000_000
        for number, sentence in enumerate(features.letters):
            total = 0
            for bucket in sentence:
                total += weights[bucket] - ZERO
            if sentence and total > most:
                best, most = number, total
        return best


def letters_of(scene: Scene) -> list[list[int]]:
    """Buckets of all runs of up to four letters of each sentence, every digit as the same."""
    reading = scene.reading
    words, starts = reading.words, reading.sentence_starts
    left = MOST_LETTERS
    out: list[list[int]] = []
    for number, first in enumerate(starts):
        last = starts[number + 1] if number + 1 < len(starts) else len(words)
        text = f" {' '.join(words[first:last])} "[:left] if last > first else ""
        left -= len(text)
        out.append(runs_of(text))
    return out


def runs_of(text: str) -> list[int]:
    """Buckets of the runs of one to four letters in a text, by the FNV-1a hash of their code points."""
    codes = [48 if letter.isdigit() else ord(letter) for letter in text]
    size = len(codes)
    out: list[int] = []
    for first in range(size):
        value = _FNV_START
        for at in range(first, min(first + LONGEST_RUN, size)):
            value = ((value ^ codes[at]) * _FNV_PRIME) & _MASK
            out.append((value ^ (value >> 15)) % LETTER_BUCKETS)
    return out


def concepts_of(scene: Scene, mentions: int, concept_at: dict[str, int]) -> list[int]:
    """Indices of what the message names in a language that it is in, and of who wrote it."""
    is_seller = scene.sender is Sender.SELLER
    out: list[int] = []
    for name in named(scene, mentions):
        at = concept_at.get(name)
        if at is not None:
            out.append(at)
            if is_seller:
                out.append(at + 1)
    return out


def named(scene: Scene, mentions: int) -> list[str]:
    """The concepts of a message that count, each once, in order of their names."""
    spoken = scene.spoken
    names = {
        name
        for sentence in scene.sentences
        for name, hits in sentence.hits.items()
        if not name.startswith(UNTOLD) and any(hit.languages & spoken for hit in hits)
    }
    names.update(f"trick.{trick.technique}" for trick in scene.reading.tricks)
    names.add(f"numbers.{min(mentions, 2)}")
    if scene.reading.questions:
        names.add("asks")
    return sorted(names)


def channel_named(scene: Scene) -> Channel:
    """The first channel that the message names; a call where it names none."""
    for channel in Channel:
        if f"channel.{channel}" in scene.concepts and channel is not Channel.PHONE:
            return channel
    return Channel.PHONE
