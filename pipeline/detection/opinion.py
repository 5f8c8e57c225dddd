"""A learned second opinion: what a linear model makes of a message's letters and of the concepts that it names.

It speaks where no rule does, and what it alone says is at most a doubt. It takes back what a rule says of a short
message without anything to reach somebody by, where all else speaks against it. Pure: the weights are given to it.
"""

from collections.abc import Collection, Sequence
from math import sqrt
from operator import add
from typing import Final, NamedTuple

from pipeline.detection.letters import LETTER_BUCKETS, ZERO, runs_of
from pipeline.detection.model import FoundAct, Match
from pipeline.detection.prefilter import Hunch
from pipeline.detection.scene import Scene
from schemas.vocabulary import Act, Channel, Manner, Reason, Sender

MOST_LETTERS: Final = 2_000
"""Of a message; the rest is not looked at, so that the time it takes is bounded."""
CONCEPT_VALUE: Final = 0.2
"""Of a concept or a pair that is there, beside the runs of letters, whose values square to one together at most."""
PAIR_REACH_WORDS: Final = 3
"""Between two concepts of a sentence, for them to be a pair: at most so many."""
MOST_PAIRS: Final = 1_000
"""Looked at in a message, of a few hundred at most that people write."""
_SECOND_BITS: Final = 16
"""Of the number of a pair, for that of its second concept."""
DENIED: Final = -2.6
"""Score of `contact` below which a rule is not believed: a probability of 14 %, the least that counts being 69 %."""
TRUST: Final = 0.75
USUALLY: Final = 2.6
"""How much less for each logit by which a rule is right more often than usual, which is in 93 of 100."""
LONGEST_DENIED_WORDS: Final = 40
"""Who writes more may want to drown what counts."""
CLEARLY: Final = 0.7
"""Between the scores of a reason and of none: twice as likely."""
FIELD_BYTES: Final = 3
FIELD: Final = 0xFFFFFF
"""Of a sum of weights: twice as many as MOST_LETTERS come to, and then some."""
UNTOLD: Final = ("phrase", "digit.", "repeat.", "common", "filler", "trap")
"""Concepts that say nothing here: whole phrases are the rules' own answer, and the rest is no meaning."""
_MOST_KEPT: Final = 10_000
"""Words of which the sums are kept."""
PUSHES: Final = frozenset({Act.SHARE, Act.HINT})
CONTACTS: Final = PUSHES | {Act.REQUEST}
COLOURS: Final = (Manner.CONSENT_SOUGHT, Manner.ALTERNATIVE_OFFERED, Manner.URGENCY)
"""Manners that only colour an act."""
_GUESSED: Final = [reason for reason in Reason if reason not in {Reason.PHISHING, Reason.NONE}]
"""Phishing is too grave to be guessed."""
_GUESSES: Final = [(reason, f"reason.{reason}") for reason in sorted(_GUESSED)]


class Head(NamedTuple):
    """The weights of one question."""

    name: str
    bias: float
    scale: float
    """Of one step of the weights."""
    least: float
    """Score from which the answer is yes."""
    weights: bytes
    """One for each bucket of letters, then two for each concept and each pair: from anybody, and from a seller."""


class Weights(NamedTuple):
    """All that was learned."""

    concepts: tuple[str, ...]
    pairs: tuple[int, ...]
    """Of concepts one behind the other, as `pairs_of` numbers them."""
    heads: tuple[Head, ...]
    rules: dict[str, float]
    """In logits, how often each rule that fires alone is right."""
    hunch: Hunch
    """When the prefilter lets the full detector look although no rule has all that it needs."""


class Doubts(NamedTuple):
    """What the model adds to the rules' answer, each named `opinion.…`, and what it takes back."""

    acts: list[FoundAct]
    denied: list[FoundAct]
    reasons: list[Reason]
    manners: set[Manner]
    matches: list[Match]


class Answers:
    """What the model says of one message."""

    def __init__(
        self, heads: dict[str, tuple[int, Head]], sentences: list[tuple[int, int]], concepts: tuple[int, int]
    ) -> None:
        self._heads = heads
        self._sentences = sentences
        self._concepts = concepts
        self._runs = sum(count for _, count in sentences)
        self._letters = sum(total for total, _ in sentences)

    def score(self, name: str, sentence: int | None = None) -> float:
        """How much speaks for an answer, in logits above the least that counts; by the letters of one sentence alone."""
        place, head = self._heads[name]
        total, runs = (self._letters, self._runs) if sentence is None else self._sentences[sentence]
        concepts = steps(self._concepts[0], place, self._concepts[1])
        by_letters = steps(total, place, runs) / sqrt(runs) if runs else 0.0
        return head.bias + head.scale * (by_letters + CONCEPT_VALUE * concepts) - head.least

    def says(self, name: str) -> bool:
        """Whether the answer to a question is yes."""
        return self.score(name) >= 0

    def reason(self) -> Reason:
        """The likeliest reason, where it is clearly likelier than that none is given: a guess speaks for the seller."""
        best, most = Reason.NONE, self.score("reason.none") + CLEARLY
        for reason, name in _GUESSES:
            score = self.score(name)
            if score >= most:
                best, most = reason, score
        return best

    def telling_sentence(self, name: str, among: Collection[int]) -> int:
        """Number of the sentence among some whose letters say most for an answer."""
        place = self._heads[name][0]
        return max(
            among, key=lambda number: (steps(self._sentences[number][0], place, self._sentences[number][1]), -number)
        )


class Opinion:
    """What the model says of messages."""

    def __init__(self, weights: Weights) -> None:
        self.hunch = weights.hunch
        self._heads = {head.name: (place, head) for place, head in enumerate(weights.heads)}
        self._concepts = {name: at for at, name in enumerate(weights.concepts)}
        self._pairs = {pair: at for at, pair in enumerate(weights.pairs, len(weights.concepts))}
        columns = columns_of(weights.heads)
        self._columns = columns[:LETTER_BUCKETS]
        self._of_anybody = columns[LETTER_BUCKETS::2]
        self._of_sellers = list(map(add, self._of_anybody, columns[LETTER_BUCKETS + 1 :: 2]))
        self._denied_below = {
            rule: DENIED - TRUST * max(logits - USUALLY, 0.0) for rule, logits in weights.rules.items()
        }
        self._word_sums: dict[str, int] = {}
        self._gap_sums: dict[str, int] = {}

    def doubts(
        self,
        scene: Scene,
        mentions: int,
        acts: Sequence[FoundAct],
        reasons: Collection[Reason],
        manners: Collection[Manner],
    ) -> Doubts:
        """What the rules may have missed in a message."""
        answers = self.answers(scene, mentions)
        doubts = Doubts([], [], [], set(), [])
        done = {found.act for found in acts}
        claims = [found for found in acts if found.act in CONTACTS]
        if is_deniable(scene, mentions, reasons, manners) and all(
            self._denies(scene, answers, each) for each in claims
        ):
            doubts.denied.extend(claims)
            doubts.matches.extend(Match("opinion.denied", found.start, found.end) for found in claims)
            done -= CONTACTS
        for act in acts_missed(scene, answers, done):
            start, end = where(scene, answers, str(act))
            doubts.acts.append(FoundAct(act, channel_named(scene), start, end, f"opinion.{act}"))
            done.add(act)
        if done.isdisjoint(CONTACTS):
            return doubts
        told: list[str] = []
        if not reasons and (reason := answers.reason()) is not Reason.NONE:
            doubts.reasons.append(reason)
            told.append(f"reason.{reason}")
        for manner in COLOURS:
            if manner not in manners and answers.says(str(manner)):
                doubts.manners.add(manner)
                told.append(f"manner.{manner}")
        for name in told:
            start, end = where(scene, answers, name.removeprefix("manner."))
            doubts.matches.append(Match(f"opinion.{name}", start, end))
        return doubts

    def _denies(self, scene: Scene, answers: Answers, found: FoundAct) -> bool:
        """Whether all else speaks against an act: friendly words around its sentence are not enough."""
        limit = self._denied_below.get(family_of(found.rule), DENIED)
        return answers.score("contact") < limit and all(
            answers.score("contact", number) < limit for number in sentences_of(scene, found)
        )

    def answers(self, scene: Scene, mentions: int) -> Answers:
        """The answers to all questions about a message."""
        reading = scene.reading
        words, starts = reading.words, reading.sentence_starts
        left = MOST_LETTERS
        sentences: list[tuple[int, int]] = []
        for number, first in enumerate(starts):
            last = starts[number + 1] if number + 1 < len(starts) else len(words)
            letters = letters_between(words, first, last)
            if len(letters) <= left:
                sentences.append((self._sum_of_words(words, first, last), max(2 * len(letters) - 2, 0)))
            else:
                buckets = runs_of(letters[:left])
                sentences.append((total_of(self._columns, buckets), len(buckets)))
            left -= min(len(letters), left)
        features = [self._concepts[name] for name in named(scene, mentions) if name in self._concepts]
        features += [self._pairs[pair] for pair in pairs_of(scene, self._concepts) if pair in self._pairs]
        is_seller = scene.sender is Sender.SELLER
        columns = self._of_sellers if is_seller else self._of_anybody
        count = 2 * len(features) if is_seller else len(features)
        return Answers(self._heads, sentences, (total_of(columns, features), count))

    def _sum_of_words(self, words: list[str], first: int, last: int) -> int:
        """What the runs of letters of a sentence come to: those within its words, and those from word to word."""
        total = 0
        before = ""
        for at in range(first, last):
            word = words[at]
            here = self._word_sums.get(word)
            if here is None:
                if len(self._word_sums) >= _MOST_KEPT:  # a message may hold any words: the answer stays the same
                    self._word_sums.clear()
                here = self._word_sums[word] = total_of(self._columns, runs_of(f" {word} ")) - self._columns[ord(" ")]
            total += here
            if before:
                gap = f"{before} {word[0]}"
                between = self._gap_sums.get(gap)
                if between is None:
                    if len(self._gap_sums) >= _MOST_KEPT:
                        self._gap_sums.clear()
                    between = self._gap_sums[gap] = self._columns[runs_of(gap)[-1]]
                total += between
            before = word[-1]
        return total + self._columns[ord(" ")] if last > first else 0


def family_of(rule: str) -> str:
    """The rule, or all rules that are phrases of an act: each of those is met too seldom to be known."""
    _, phrase, rest = rule.partition(".phrase.")
    return f"phrase.{rest.partition('.')[0]}" if phrase else rule


def columns_of(heads: Sequence[Head]) -> list[int]:
    """For each feature the weights of all heads in one number, a field each: one addition adds up all of them."""
    width = FIELD_BYTES * len(heads)
    fields = bytearray(width * len(heads[0].weights))
    for place, head in enumerate(heads):
        fields[FIELD_BYTES * place :: width] = head.weights
    return [int.from_bytes(fields[at : at + width], "little") for at in range(0, len(fields), width)]


def total_of(columns: list[int], features: list[int]) -> int:
    """The sum of the columns of some features."""
    return sum(map(columns.__getitem__, features))


def steps(total: int, place: int, count: int) -> int:
    """The sum of one head's weights in a sum of columns."""
    return (total >> (8 * FIELD_BYTES * place) & FIELD) - ZERO * count


def is_deniable(scene: Scene, mentions: int, reasons: Collection[Reason], manners: Collection[Manner]) -> bool:
    """Whether a rule may have been wrong about it: nothing in it is grave, hidden, or something to reach somebody by."""
    reading = scene.reading
    return (
        not mentions
        and "handle" not in scene.concepts
        and not reading.tricks
        and len(reading.words) <= LONGEST_DENIED_WORDS
        and Reason.PHISHING not in reasons
        and Manner.THREAT not in manners
    )


def sentences_of(scene: Scene, found: FoundAct) -> list[int]:
    """Numbers of the sentences that an act stands in."""
    reading = scene.reading
    starts = reading.sentence_starts
    edges = [reading.starts[first] if first < len(reading.words) else len(scene.text) for first in starts]
    return [
        number
        for number, edge in enumerate(edges)
        if edge < found.end and (number + 1 == len(edges) or found.start < edges[number + 1])
    ]


def acts_missed(scene: Scene, answers: Answers, done: Collection[Act]) -> list[Act]:
    """Acts that the model sees besides those that are done."""
    missed = []
    is_seller = scene.sender is Sender.SELLER
    if Act.REQUEST not in done and answers.says("request"):
        missed.append(Act.REQUEST)
    if is_seller and PUSHES.isdisjoint(done) and answers.says("share"):
        missed.append(Act.SHARE)
    if not missed and CONTACTS.isdisjoint(done) and answers.says("contact"):
        is_push = is_seller and answers.score("share") > answers.score("request")
        missed.append(Act.SHARE if is_push else Act.REQUEST)
    if not is_seller and Act.REFUSE not in done and answers.says("refuse"):
        missed.append(Act.REFUSE)
    return missed


def where(scene: Scene, answers: Answers, name: str) -> tuple[int, int]:
    """Start and end, in code points of the message, of the sentence that says most for an answer.

    Sentences that name nothing are no reason for anything: they stay out of excerpts, as what people write in them does.
    """
    reading = scene.reading
    starts = reading.sentence_starts
    filled = [number for number, first in enumerate(starts) if first < len(reading.words)]
    naming = [number for number in filled if any(not each.startswith(UNTOLD) for each in scene.sentences[number].hits)]
    number = answers.telling_sentence(name, naming or filled)
    first, *later = starts[number : number + 2]
    return reading.starts[first], reading.ends[(later[0] if later else len(reading.words)) - 1]


def letters_of(scene: Scene) -> list[list[int]]:
    """Buckets of the letters of each sentence, every digit as the same."""
    reading = scene.reading
    words, starts = reading.words, reading.sentence_starts
    left = MOST_LETTERS
    out: list[list[int]] = []
    for number, first in enumerate(starts):
        last = starts[number + 1] if number + 1 < len(starts) else len(words)
        text = letters_between(words, first, last)[:left]
        left -= len(text)
        out.append(runs_of(text))
    return out


def letters_between(words: list[str], first: int, last: int) -> str:
    """Words with a space around each."""
    return f" {' '.join(words[first:last])} " if last > first else ""


def pairs_of(scene: Scene, numbers: dict[str, int]) -> set[int]:
    """Pairs of concepts that stand close behind one another in a sentence, by the numbers of the two."""
    spoken = scene.spoken
    pairs: set[int] = set()
    looked_at = 0
    for sentence in scene.sentences:
        places: list[tuple[int, int, int]] = []
        for name, hits in sentence.hits.items():
            number = numbers.get(name, -1)
            if number >= 0:
                places += [(hit.first, hit.last, number) for hit in hits if hit.languages & spoken]
        places.sort()
        for at, (_, end, one) in enumerate(places):
            for behind in range(at + 1, len(places)):
                first, _, other = places[behind]
                if first > end + PAIR_REACH_WORDS or looked_at >= MOST_PAIRS:
                    break
                looked_at += 1
                if first >= end:
                    pairs.add((one << _SECOND_BITS) + other)
    return pairs


def named(scene: Scene, mentions: int) -> list[str]:
    """The concepts of a message that count, each once, in order of their names."""
    spoken = scene.spoken
    names = {
        name
        for sentence in scene.sentences
        for name, hits in sentence.hits.items()
        if not name.startswith(UNTOLD) and any(hit.languages & spoken for hit in hits)
    }
    return sorted(names.union(signs_of(scene, mentions)))


def signs_of(scene: Scene, mentions: int) -> list[str]:
    """What a message has besides words: tricks, numbers, a question."""
    signs = [f"trick.{trick.technique}" for trick in scene.reading.tricks]
    signs.append(f"numbers.{min(mentions, 2)}")
    if scene.reading.questions:
        signs.append("asks")
    return signs


def channel_named(scene: Scene) -> Channel:
    """The first channel that the message names; a call where it names none."""
    for channel in Channel:
        if f"channel.{channel}" in scene.concepts and channel is not Channel.PHONE:
            return channel
    return Channel.PHONE
